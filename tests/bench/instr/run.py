#!/usr/bin/env python3
"""run.py - counts the broker's instructions per message, and compares them with the budgets recorded in the tree.

    run.py            a test: fails when a workload needs over 5 % more than its budget, and says which functions grew
    run.py --record   writes what was counted as the new budgets (look at the difference before you commit it)
    run.py --show     what was counted, function by function

The workloads are those of instr.c beside this file; callgrind counts. Budgets hold for the compiler they were recorded with and an optimised
build without sanitizers; elsewhere, and without valgrind, the test is skipped and says so.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUDGETS = os.path.join(HERE, "budgets.json")
TOLERANCE = 0.05
SHOWN = 12


def program():
    build = os.environ.get("top_builddir") or os.path.join(HERE, "../../../build/obj")
    path = os.path.join(build, "tests/bench/instr/instr")
    return path if os.access(path, os.X_OK) else None


def compiler():
    """What budgets depend on: the compiler's name and major version, and the processor's kind."""
    cc = os.environ.get("CC", "cc").split()
    text = subprocess.run(cc + ["--version"], capture_output=True, text=True).stdout
    name = "clang" if "clang" in text.split("\n")[0] else "gcc"
    version = re.search(r"\d+", re.sub(r"\(.*?\)", "", text))
    return f"{name}-{version.group() if version else '?'}-{os.uname().machine}"


def profile(path):
    """(name, total, {function: own instructions}) of one profile."""
    name, total, own, names, function, skip = None, 0, {}, {}, None, False
    with open(path) as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.startswith("desc: Trigger: Client Request:"):
                name = line.split(":", 3)[3].strip()
            elif line.startswith(("totals:", "summary:")):
                total = max(total, int(line.split()[1]))
            elif line.startswith("fn="):
                mark, _, text = line[3:].partition(" ")
                if text:
                    names[mark] = text
                function = names[mark]
            elif line.startswith("cfn="):
                mark, _, text = line[4:].partition(" ")
                if text:
                    names[mark] = text
            elif line.startswith("calls="):
                skip = True
            elif line and (line[0].isdigit() or line[0] in "+-*"):
                cost = line.split()
                if not skip and function and len(cost) > 1:
                    own[function] = own.get(function, 0) + int(cost[1])
                skip = False
    return name, total, own


def measure():
    """{workload: {"total": instructions per unit, "functions": {name: per unit}}}"""
    result = {}
    with tempfile.TemporaryDirectory(prefix="linnet-instr-") as where:
        out = os.path.join(where, "profile")
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={out}", program()],
            capture_output=True, text=True, timeout=600)
        if done.returncode:
            sys.exit(f"instr under callgrind failed:\n{done.stdout}{done.stderr}")
        units = {name: int(n) for name, n in (line.split() for line in done.stdout.splitlines())}
        for file in os.listdir(where):
            name, total, own = profile(os.path.join(where, file))
            if name in units:
                result[name] = {
                    "total": round(total / units[name], 1),
                    "functions": {f: round(n / units[name], 2) for f, n in own.items() if n / units[name] >= 0.5}}
    missing = set(units) - set(result)
    if missing or not units:
        sys.exit(f"no profile of {', '.join(sorted(missing)) or 'anything'}")
    return dict(sorted(result.items()))


def short(function):
    return re.sub(r"'\d+$", "", function)


def grown(now, before):
    """The functions that need more, those that need most of it first."""
    rows = sorted(((n - before.get(f, 0), f, n) for f, n in now.items()), reverse=True)
    return [f"{short(f)} {before.get(f, 0):.1f} -> {n:.1f}" for more, f, n in rows[:5] if more >= 0.5]


def compare(now, budgets):
    print(f"1..{len(budgets)}")
    for i, (name, budget) in enumerate(budgets.items(), 1):
        if name not in now:
            print(f"not ok {i} - {name}: was not measured")
            continue
        total, allowed = now[name]["total"], budget["total"]
        text = f"{name}: {total:.0f} instructions, budget {allowed:.0f}"
        if total <= allowed * (1 + TOLERANCE):
            print(f"ok {i} - {text}")
            continue
        print(f"not ok {i} - {text}, {100 * (total / allowed - 1):.0f} % more")
        for line in grown(now[name]["functions"], budget["functions"]):
            print(f"# grew: {line}")


def show(now):
    for name, row in now.items():
        print(f"{name}: {row['total']:.0f}")
        for f, n in sorted(row["functions"].items(), key=lambda item: -item[1])[:SHOWN]:
            print(f"    {n:8.1f}  {short(f)}")


def why_not(budgets):
    if not shutil.which("valgrind"):
        return "valgrind is not installed"
    if not program():
        return "the workloads were not built (no valgrind/callgrind.h, or no module mqtt)"
    with open(program(), "rb") as file:
        code = file.read()
    if b"__asan_init" in code or b"__tsan_init" in code:
        return "a build with sanitizers"
    if budgets is not None and budgets.get("compiler") != compiler():
        return f"budgets were recorded with {budgets.get('compiler')}, this is {compiler()}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    budgets = None
    if not (args.record or args.show):
        with open(BUDGETS) as file:
            budgets = json.load(file)
    reason = why_not(budgets)
    if reason:
        print(f"1..0 # SKIP {reason}")
        return
    now = measure()
    if args.show:
        show(now)
    elif args.record:
        with open(BUDGETS, "w") as file:
            json.dump({"compiler": compiler(), "workloads": now}, file, indent=1)
            file.write("\n")
    else:
        compare(now, budgets["workloads"])


if __name__ == "__main__":
    main()
