#!/usr/bin/env python3
"""conformance-check - make check's part of scripts/conformance: the tree's own tables, then every fault once in a small tree.

Prints TAP.
"""
import os
import subprocess
import sys
import tempfile

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "conformance")
TOP = os.environ.get("top_srcdir", os.path.dirname(os.path.dirname(SCRIPT)))
LIST, PLAY = "tests/conformance/x.txt", "tests/talks/i-X-1.parley"
SOUND = {
    LIST: "! plays i-\n! missing 1\nX-1 | server | answers |\nX-2 | both | is kept |\nX-3 | none: inside | stores |\n"
          "X-4 | server | refuses | tests/other\n",
    PLAY: "expect connack\n",
    "tests/other": "X-4\n",
}
FAULTS = [
    ("a play without a statement", {"tests/talks/i-X-9.parley": "expect x\n"}),
    ("an empty play", {PLAY: ""}),
    ("a named test that is not there", {"tests/other": None}),
    ("a named test that does not mention the id", {"tests/other": "X-5\n"}),
    ("a named test with a longer id", {"tests/other": "X-41\n"}),
    ("a missing test more than allowed", {LIST: SOUND[LIST] + "X-5 | server | more |\n"}),
    ("an allowance that is too large", {LIST: SOUND[LIST].replace("missing 1", "missing 2")}),
    ("an id that stands twice", {LIST: SOUND[LIST] + "X-3 | client | again |\n"}),
    ("an unknown kind", {LIST: SOUND[LIST].replace("none: inside", "nobody")}),
    ("not visible without a reason", {LIST: SOUND[LIST].replace("none: inside", "none")}),
    ("a line of three cells", {LIST: SOUND[LIST] + "X-5 | client | more\n"}),
    ("no statements", {LIST: None}),
]


def run(top, *flags):
    return subprocess.run([sys.executable, SCRIPT, *flags, top], capture_output=True, text=True, check=False)


def status(changes, stale=False):
    with tempfile.TemporaryDirectory() as top:
        os.makedirs(os.path.join(top, "doc"))
        for path, text in {**SOUND, **changes}.items():
            if text is None:
                continue
            os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
            with open(os.path.join(top, path), "w", encoding="utf-8") as f:
                f.write(text)
        run(top)
        if stale:
            with open(os.path.join(top, "doc/conformance.md"), "a", encoding="utf-8") as f:
                f.write("more\n")
        return run(top, "--check").returncode


def main():
    own = run(TOP, "--check")
    cases = [("the tables of this tree", own.returncode == 0), ("a sound tree", status({}) == 0), ("a stale document", status({}, True) == 1)]
    cases += [(what, status(changes) == 1) for what, changes in FAULTS]
    print(f"1..{len(cases)}")
    for number, (what, good) in enumerate(cases, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {what}")
    if own.returncode:
        print(own.stdout + own.stderr, file=sys.stderr)
    return 0 if all(good for _, good in cases) else 1


if __name__ == "__main__":
    sys.exit(main())
