#!/usr/bin/env python3
"""check-floors-selftest - breaks every rule of check-floors once, in a small tree of its own, and looks whether it is seen, and alone.

Prints TAP.
"""
import os
import subprocess
import sys
import tempfile

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check-floors")
C = "/* a file. */\n"

# A tree that breaks nothing.
SOUND = {
    "core/core.mk": "base_headers = core/include/linnet/str.h\nloop_headers = \\\n\tcore/include/linnet/worker.h\n"
                    "registry_headers = core/include/linnet/module.h\nbroker_headers = core/include/linnet/msg.h\n"
                    "net_headers = core/include/linnet/conn.h\n"
                    "x_SOURCES = core/base/str.c core/loop/loop.c core/loop/loop.h core/registry/conf.c \\\n"
                    "\tcore/broker/msg.c core/net/conn.c core/main/main.c\n",
    "core/include/linnet/str.h": C,
    "core/include/linnet/worker.h": C + "#include <linnet/str.h>\n",
    "core/include/linnet/module.h": C + "#include <linnet/worker.h>\n",
    "core/include/linnet/msg.h": C + "#include <linnet/module.h>\n",
    "core/include/linnet/conn.h": C + "#include <linnet/worker.h>\n",
    "core/base/str.c": C + "#include <string.h>\n#include <linnet/str.h>\n",
    "core/loop/loop.h": C + "#include <ev.h>\n",
    "core/loop/loop.c": C + '#include <urcu-qsbr.h>\n#include "loop.h"\n',
    "core/registry/conf.c": C + '#include <libfyaml.h>\n#include "loop/loop.h"\n',
    "core/broker/msg.c": C + "#include <linnet/msg.h>\n",
    "core/net/conn.c": C + "#include <linnet/conn.h>\n",
    "core/main/main.c": C + "#include <linnet/msg.h>\n#include <linnet/conn.h>\nint main(void)\n{\n\treturn 0;\n}\n",
    "modules/echo/module.mk": "echo_pure = modules/echo/frame.c modules/echo/frame.h\nx = modules/echo/echo.c\n",
    "modules/echo/echo.c": C + '#include <linnet/module.h>\n#include <linnet/msg.h>\n#include "frame.h"\n',
    "modules/echo/frame.c": C + '#include <linnet/str.h>\n#include "frame.h"\n',
    "modules/echo/frame.h": C,
    "tests/unit/unit.mk": "check_PROGRAMS += tests/unit/base/str\n",
    "tests/unit/base/str.c": C,
}

# (what is done, the rule that must see it, {file: what is added to it, or Only(its whole text), or None: it is gone})
class Only(str):
    """A file's whole text, whatever it held."""


BREACHES = [
    ("a public header no floor names", "headers have a floor",
     {"core/include/linnet/new.h": C, "core/core.mk": "x = core/include/linnet/new.h\n"}),
    ("a public header that is not there", "headers have a floor",
     {"core/include/linnet/conn.h": None, "core/net/conn.c": Only(C), "core/main/main.c": Only(C)}),
    ("a core file no fragment names", "files are built", {"core/base/new.c": C}),
    ("a module's file no fragment names", "files are built", {"modules/echo/new.h": C}),
    ("a test no fragment names", "files are built", {"tests/unit/base/new.c": C}),
    ("a test script no fragment names", "files are built", {"tests/interop/new.py": "#!/usr/bin/env python3\n"}),
    ("a configuration nobody installs", "files are built", {"conf.d/new.conf": "x: 1\n"}),
    ("a header that looks up", "core includes down", {"core/include/linnet/str.h": "#include <linnet/worker.h>\n"}),
    ("base looks up", "core includes down", {"core/base/str.c": "#include <linnet/worker.h>\n"}),
    ("base looks up by a private header", "core includes down", {"core/base/str.c": '#include "loop/loop.h"\n'}),
    ("base looks up by a way around", "core includes down", {"core/base/str.c": '#include "../loop/loop.h"\n'}),
    ("loop looks up", "core includes down", {"core/loop/loop.c": "#include <linnet/module.h>\n"}),
    ("registry looks up", "core includes down", {"core/registry/conf.c": "#include <linnet/msg.h>\n"}),
    ("broker knows its neighbour", "core includes down", {"core/broker/msg.c": "#include <linnet/conn.h>\n"}),
    ("net knows its neighbour", "core includes down", {"core/net/conn.c": "  #  include <linnet/msg.h>\n"}),
    ("the core knows a module", "core includes down", {"core/main/main.c": '#include "../../modules/echo/frame.h"\n'}),
    ("a module knows the core's inside", "modules know the contract only",
     {"modules/echo/echo.c": '#include "../../core/loop/loop.h"\n'}),
    ("a module includes a header that is not public", "modules know the contract only",
     {"modules/echo/echo.c": "#include <linnet/secret.h>\n"}),
    ("module.h beside the glue", "one file is the glue",
     {"modules/echo/extra.h": C + "#include <linnet/module.h>\n", "modules/echo/module.mk": "z = modules/echo/extra.h\n"}),
    ("a pure file above base", "pure files are pure", {"modules/echo/frame.c": "#include <linnet/msg.h>\n"}),
    ("libev outside its room", "libraries have a home", {"core/net/conn.c": "#include <ev.h>\n"}),
    ("liburcu outside its room", "libraries have a home", {"modules/echo/echo.c": "#include <urcu/urcu-qsbr.h>\n"}),
    ("libfyaml outside its room", "libraries have a home", {"core/main/main.c": "#include <libfyaml.h>\n"}),
    ("the core names a protocol", "core knows no protocol", {"core/net/conn.c": "/* as Mqtt wants */\n"}),
    ("a core of 14,500 lines", "core is small",
     {"core/core.mk": "y = " + " ".join(f"core/base/part{n}.c" for n in range(25)) + "\n",
      **{f"core/base/part{n}.c": C + "/* */\n" * 599 for n in range(25)}}),
    ("a file of 801 lines", "files are short", {"core/base/str.c": "/* */\n" * 798}),
    ("a function of 101 lines", "functions are short", {"modules/echo/echo.c": "int f(void)\n{\n" + "\tg();\n" * 99 + "}\n"}),
    ("a file without its first comment", "files say what they are for", {"modules/echo/frame.h": Only("#define X\n")}),
]


def write(top, files):
    for path, text in files.items():
        at = os.path.join(top, path)
        os.makedirs(os.path.dirname(at), exist_ok=True)
        with open(at, "w", encoding="utf-8") as f:
            f.write(text)


def broken_by(changes, env=None):
    """The rules check-floors sees broken in the sound tree after CHANGES, and its exit status."""
    files = dict(SOUND)
    for path, change in changes.items():
        if change is None:
            del files[path]
        else:
            files[path] = change if isinstance(change, Only) else files.get(path, "") + change
    clean = {k: v for k, v in os.environ.items() if k not in ("LINNETD", "LINNET_MODULES")}
    with tempfile.TemporaryDirectory() as top:
        write(top, files)
        run = subprocess.run([sys.executable, CHECK, top], capture_output=True, text=True, env={**clean, **(env or {})}, check=False)
    return [line.split(" - ", 1)[1] for line in run.stdout.splitlines() if line.startswith("not ok")], run.returncode


def compiled(top, name, text, *flags):
    """A program or shared object made of TEXT."""
    write(top, {name + ".c": text})
    at = os.path.join(top, name)
    subprocess.run([*os.environ.get("CC", "cc").split(), *flags, "-o", at, at + ".c"], check=True)
    return at


def main():
    cases = [("a sound tree", [], *broken_by({}))]
    for what, rule, changes in BREACHES:
        cases.append((what, [rule], *broken_by(changes)))
    with tempfile.TemporaryDirectory() as top:
        one, two = os.path.join(top, "one"), os.path.join(top, "two")
        os.mkdir(one)
        os.mkdir(two)
        good, bad = "int ln_module;\n", "int ln_module, helper;\n"
        compiled(one, "m.so", good, "-shared", "-fPIC")
        compiled(two, "m.so", bad, "-shared", "-fPIC")
        inside = "int ln_x_do(void); int ln_x_do(void) { return 0; } int ln__x; int main(void) { return ln_x_do(); }\n"
        open_ = compiled(top, "open", inside, "-rdynamic")
        closed = compiled(top, "closed", inside)
        cases.append(("a module with one symbol", [], *broken_by({}, {"LINNET_MODULES": one})))
        cases.append(("a module with two", ["modules export one symbol"], *broken_by({}, {"LINNET_MODULES": two})))
        cases.append(("linnetd shows ln__", ["linnetd keeps its inside"], *broken_by({}, {"LINNETD": open_})))
        cases.append(("linnetd shows nothing", ["linnetd keeps its inside"], *broken_by({}, {"LINNETD": closed})))
    print(f"1..{len(cases)}")
    failed = False
    for number, (what, want, got, status) in enumerate(cases, 1):
        ok = got == want and status == (1 if want else 0)
        failed |= not ok
        print(f"{'ok' if ok else 'not ok'} {number} - {what}")
        if not ok:
            print(f"#   wanted {want}, got {got}, exit status {status}")
    sys.exit(1 if failed else 0)


main()
