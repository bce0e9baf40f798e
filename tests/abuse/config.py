#!/usr/bin/env python3
"""config.py - configurations that are wrong, and modules that are not what they say.

Every mistake ends with 2, serves nobody, and is named on standard error with file, line and column. A `@` in a text
below stands where the complaint must point to; it is taken out before the broker reads the file.
"""
import glob
import os
import re
import shutil
import socket
import struct
import subprocess
import sys

import house

LISTENER = 'listeners: { plain: { address: "127.0.0.1:0", stack: [mqtt] } }\n'

# name, text behind `module-path:` and `modules: [mqtt]`, what the complaint says
WRONG = [
    ("unknown option", LISTENER + "@frob: 1\n", 'unknown option "frob"'),
    ("misspelt option", LISTENER + "@wrokers: 2\n", 'did you mean "workers"'),
    ("unknown option in a section", LISTENER + "log:\n  level: info\n  @colour: red\n", '"colour"'),
    ("unknown option of a module", LISTENER + "mqtt: { load: true, @packetmax: 1M }\n", 'did you mean "packet-max"'),
    ("unknown option of a listener", LISTENER.replace("stack", '@adress: "x", stack'), '"adress"'),
    (
        "option a listener may not have",
        LISTENER.replace("[mqtt]", "[mqtt], @mqtt: { load: true }").replace("@mqtt: { ", "mqtt: { @"),
        "load",
    ),
    ("unknown section", LISTENER + "@sesions: { queue-count: 1 }\n", "sesions"),
    ("number that is none", LISTENER + "workers: @many\n", "workers: expected auto or a number"),
    ("number out of range", LISTENER + "workers: @100000\n", "workers"),
    ("size without a unit it knows", LISTENER + "mqtt:\n  packet-max: @2X\n", 'expected a size .* got "2X"'),
    ("size out of range", LISTENER + "mqtt:\n  packet-max: @1G\n", "packet-max"),
    ("time out of range", LISTENER + "mqtt:\n  connect-timeout: @1ms\n", "connect-timeout"),
    ("negative number", LISTENER + "sessions: { queue-count: @-1 }\n", "queue-count"),
    ("truth that is none", LISTENER + "mqtt: { retain: @perhaps }\n", "retain"),
    ("choice that is none", LISTENER + "log: { level: @loud }\n", "error, warning, notice, info, debug"),
    ("value where a section is due", LISTENER + "log: @5\n", "expected a section"),
    ("section where a value is due", LISTENER + "@workers: { a: 1 }\n", "workers"),
    ("option twice", LISTENER + "workers: 1\n@workers: 2\n", "stands already at .*linnet.conf:4:1"),
    ("unknown quirk", LISTENER + "mqtt:\n  @quirks: [sloth]\n", 'unknown quirk "sloth"'),
    ("unknown strictness", LISTENER + "mqtt:\n  retain: yes\n  strict: @sloth\n", 'unknown quirk "sloth" in strict'),
    ("keep alive of half a second", LISTENER + "mqtt: { keep-alive-max: @1500ms }\n", "whole seconds"),
    (
        "keep alive longer than may be",
        LISTENER.replace("[mqtt]", "[mqtt], mqtt: { keep-alive-max: 5s, keep-alive-default: @6s }"),
        "longer than keep-alive-max",
    ),
    ("protocol nobody serves", LISTENER.replace("stack: [mqtt]", "@stack: [mqqt]"), '"mqqt" is no protocol'),
    ("layer nobody provides", LISTENER.replace("stack: [mqtt]", "@stack: [tsl, mqtt]"), '"tsl" is no layer'),
    ("listener without a stack", 'listeners: { @plain: { address: "127.0.0.1:0" } }\n', "the stack is missing"),
    ("listener without an address", "listeners: { @plain: { stack: [mqtt] } }\n", "address: it is missing"),
    ("port out of range", LISTENER.replace('"127.0.0.1:0"', '@"127.0.0.1:65536"'), "port is a number"),
    ("address that is none", LISTENER.replace('"127.0.0.1:0"', '@"localhost.invalid:1"'), "address"),
    ("open to the world", LISTENER.replace('"127.0.0.1:0"', '@"0.0.0.0:0"'), "allow-anonymous: true"),
    ("out-max below out-high", LISTENER.replace("[mqtt]", "[mqtt], out-high: 1M, out-max: 64K"), "out-max"),
    (
        "one address twice",
        'listeners:\n  a: { address: "127.0.0.1:1", stack: [mqtt] }\n'
        '  @b: { address: "127.0.0.1:1", stack: [mqtt] }\n',
        'same address as "a"',
    ),
    ("user nobody is", LISTENER + "user: @nonesuch-user\n", "no such user"),
    ("group nobody is in", LISTENER + "user: nobody\ngroup: @nonesuch-group\n", "no such group"),
    ("broken YAML", LISTENER + "  @bad: [indent\n", "indentation"),
    ("tab", LISTENER + "log:\n@\tlevel: info\n", "tab"),
    ("two documents", LISTENER + "---\n@workers: 1\n", ""),
]


def without_marker(text):
    """TEXT without its `@`, and where that stood: (line, column), or None."""
    at = text.find("@")
    if at < 0:
        return text, None
    return text[:at] + text[at + 1 :], (text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    return path


def refused(tap, name, path, pattern, place=None):
    """Serving and -t both end with 2 and say PATTERN about PATH, at PLACE; anywhere when PLACE is None, nowhere when
    it is empty."""
    for how in (["-t"], []):
        try:
            status, _, errors = house.run("-c", path, *how, timeout=30)
        except subprocess.TimeoutExpired:
            tap.ok(False, name, "it serves")
            return
        where = re.escape(path) + (":%d:%d: " % place if place else r":\d+:\d+: ")
        good = status == 2 and re.search("^linnetd: " + ("" if place == () else where) + ".*" + pattern, errors, re.M)
        if not good:
            tap.ok(False, name, "%s: status %d, wanted %s %s in:\n%s" % (how, status, where, pattern, errors))
            return
    tap.ok(True, name)


def mistakes(tap, folder):
    head = "module-path: %s\nmodules: [mqtt]\n" % house.MODULES
    for name, text, pattern in WRONG:
        text, place = without_marker(head + text)
        refused(tap, name, write(os.path.join(folder, "linnet.conf"), text), pattern, place)
    path = write(os.path.join(folder, "linnet.conf"), head)
    refused(tap, "no listener", path, re.escape(path) + ": there is no listener", ())


def included(tap, folder):
    """A mistake in an included file is named there."""
    os.mkdir(os.path.join(folder, "conf.d"))
    main = "module-path: %s\ninclude: conf.d/*.conf\n%s" % (house.MODULES, LISTENER)
    path = write(os.path.join(folder, "linnet.conf"), main)
    write(os.path.join(folder, "conf.d", "mqtt.conf"), "mqtt:\n  load: true\n  packet-max: lots\n")
    status, _, errors = house.run("-c", path, "-t")
    good = status == 2 and "conf.d/mqtt.conf:3:15:" in errors
    tap.ok(good, "a mistake in an included file is named there", errors)
    write(os.path.join(folder, "conf.d", "mqtt.conf"), "mqtt:\n  load: true\n  packet-max: 1M\n")
    status, _, errors = house.run("-c", path, "-t")
    tap.ok(status == 0, "without it all is fine", errors)
    shutil.rmtree(os.path.join(folder, "conf.d"))


def command_line(tap, folder):
    missing = os.path.join(folder, "missing.conf")
    for args, pattern in (
        (["-c", missing], "missing.conf: cannot read"),
        (["-c", missing, "-t"], "missing.conf: cannot read"),
        (["--frob"], "usage:"),
        (["--dump"], "cannot be abbreviated"),
        (["--conf", missing], "cannot be abbreviated"),
        (["--describe-m=conf"], "cannot be abbreviated"),
        (["-t", "--dump-config"], "only one of"),
        (["--describe", "-t"], "only one of"),
        (["--describe-man=everything"], "expected conf or log"),
        (["stray"], "usage:"),
        (["-c"], "usage:"),
        (["-c", missing, "--describe", "nonesuch"], 'no module "nonesuch"'),
    ):
        status, _, errors = house.run(*args)
        tap.ok(status == 2 and re.search(pattern, errors), "linnetd %s" % " ".join(args[-2:]), errors)


def taken(tap, folder):
    """What the system refuses is no mistake of the configuration's: it ends with 1."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(1)
        text = "module-path: %s\nmodules: [mqtt]\n%s" % (house.MODULES, LISTENER)
        text = text.replace("127.0.0.1:0", "127.0.0.1:%d" % s.getsockname()[1])
        path = write(os.path.join(folder, "linnet.conf"), text)
        status, _, errors = house.run("-c", path)
        tap.ok(status == 1 and "cannot listen" in errors, "a port in use ends with 1", "%d: %s" % (status, errors))
        status, _, errors = house.run("-c", path, "-t")
        tap.equal(status, 0, "and is nothing -t looks at")


# --- modules -------------------------------------------------------------------------------------------------------


def descriptor_at(data):
    """Where in the ELF file DATA its symbol ln_module lies, None without one."""
    shoff, shentsize, shnum = struct.unpack_from("<Q10xHH", data, 40)[0], *struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shentsize) for i in range(shnum)]
    for kind, offset, size, link in ((s[1], s[4], s[5], s[6]) for s in sections):
        names = sections[link][4] if kind == 11 and link < shnum else 0
        for at in range(offset, offset + size if names else offset, 24):
            name, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", data, at)
            if data[names + name :].startswith(b"ln_module\0") and 0 < section < shnum:
                return value - sections[section][3] + sections[section][4]
    return None


def modules(tap, folder):
    """Copies of the module mqtt with something changed."""
    source = os.path.join(house.MODULES, "mqtt.so")
    if not os.path.exists(source):
        tap.skip("modules that are not what they say", "mqtt is linked in")
        return
    with open(source, "rb") as f:
        data = f.read()
    at = descriptor_at(data) if data[:6] == b"\x7fELF\2\1" else None
    if at is None:
        tap.skip("modules that are not what they say", "no 64-bit little-endian ELF")
        return
    major, minor, size = struct.unpack_from("<HHI", data, at)
    conf = write(os.path.join(folder, "linnet.conf"), "module-path: %s\nmodules: [mqtt]\n%s" % (folder, LISTENER))
    target = os.path.join(folder, "mqtt.so")
    abi = r"mqtt\.so: built for ABI %d\.%d, this linnetd has %d\.%d"
    for name, head, pattern in (
        ("major ABI of tomorrow", (major + 1, minor, size), abi % (major + 1, minor, major, minor)),
        ("minor ABI of tomorrow", (major, minor + 1, size), abi % (major, minor + 1, major, minor)),
        ("major ABI of yesterday", (major - 1, minor, size), abi % (major - 1, minor, major, minor)),
        ("descriptor too small", (major, minor, 16), "descriptor of 16 bytes"),
        ("descriptor too large", (major, minor, 65536), "descriptor of 65536 bytes"),
    ):
        with open(target, "wb") as f:
            f.write(data[:at] + struct.pack("<HHI", *head) + data[at + 8 :])
        refused(tap, "module: " + name, conf, pattern, (2, 11))
    write(target, "#!/bin/sh\n")
    refused(tap, "module: no shared object", conf, r"mqtt\.so", (2, 11))
    with open(target, "wb") as f:
        f.write(data[:100])
    refused(tap, "module: the beginning of one", conf, r"mqtt\.so", (2, 11))
    os.rename(target, os.path.join(folder, "mqtx.so"))
    refused(tap, "module: missing", conf, 'no module "mqtt"', (2, 11))
    shutil.copy(source, os.path.join(folder, "other.so"))
    conf = write(conf, "module-path: %s\nmodules: [other]\n%s" % (folder, LISTENER))
    refused(tap, "module: calls itself something else", conf, 'calls itself "mqtt"', (2, 11))
    foreign_library(tap, folder)


def foreign_library(tap, folder):
    with open("/proc/self/maps") as f:
        libraries = re.findall(r"(/\S*/lib(?:m|c)\.so\S*|/\S*/libc-\S*\.so)", f.read())
    if not libraries:
        tap.skip("module: a library that is no module", "found none")
        return
    shutil.copy(libraries[0], os.path.join(folder, "lib.so"))
    conf = write(os.path.join(folder, "linnet.conf"), "module-path: %s\nmodules: [lib]\n%s" % (folder, LISTENER))
    refused(tap, "module: a library that is no module", conf, r"lib\.so", (2, 11))


# --- what is right ---------------------------------------------------------------------------------------------------


def dump(tap, folder):
    text = (
        "module-path: %s\nmodules: [mqtt]\nworkers: 3\nread-buffer: 64K\nlog: { level: warning, format: json }\n"
        "sessions: { queue-count: 7, queue-full: drop-oldest, expiry-max: 1h }\nretain: { bytes: 5M }\n"
        "mqtt: { packet-max: 1M, quirks: [packet-id-0, ack-flags], strict: [dup-anywhere] }\n"
        "listeners:\n"
        '  "odd name: #1": { address: "127.0.0.1:0", stack: [mqtt], mqtt: { packet-max: 64K, retain: false } }\n'
        '  two: { address: "127.0.0.1:0", stack: [mqtt], out-max: 1M }\n' % house.MODULES
    )
    status, first, errors = house.run("-c", write(os.path.join(folder, "linnet.conf"), text), "--dump-config")
    tap.ok(status == 0 and "packet-max: 64K" in first and "odd name" in first, "--dump-config", first + errors)
    path = write(os.path.join(folder, "dump.conf"), first)
    status, out, errors = house.run("-c", path, "-t")
    tap.ok(status == 0 and "is fine" in out, "what it dumped is a configuration", errors + first)
    _, second, _ = house.run("-c", path, "--dump-config")
    tap.equal(second, first, "which dumps the same")


def describe(tap, folder):
    path = write(
        os.path.join(folder, "linnet.conf"), "module-path: %s\nmodules: [mqtt]\n%s" % (house.MODULES, LISTENER)
    )
    status, text, errors = house.run("-c", path, "--describe", "mqtt")
    tap.ok(status == 0 and not errors, "--describe mqtt", errors)
    _, dumped, _ = house.run("-c", path, "--dump-config")
    section = re.search(r"^mqtt:\n((?:  .*\n)+)", dumped, re.M)
    names = re.findall(r"^  ([a-z0-9-]+):", section[1], re.M) if section else []
    absent = [n for n in names if n != "load" and not re.search(r"^\s+%s\b" % re.escape(n), text, re.M)]
    tap.ok(len(names) > 10 and not absent, "describes every option in force", "%r not in\n%s" % (absent, text))
    for word in ("MQTT_BAD_PACKET", "bad_packets", "protocol mqtt"):
        tap.ok(word in text, "describes %s" % word, text)
    status, text, errors = house.run("-c", path, "--describe")
    tap.ok(status == 0 and "drain-timeout" in text and "packet-max" in text, "--describe: core and modules", errors)
    tap.ok(re.search(r"^listeners\.NAME: .*(\n .*)+\n    out-high: ", text, re.M), "and listeners", text)
    status, text, errors = house.run("-c", path, "--describe-man=conf")
    good = status == 0 and all(".Ss %s\n" % s in text for s in ("sessions", "listeners.NAME", "mqtt"))
    tap.ok(good and ".It Cm packet\\-max : Ar value\n" in text, "--describe-man=conf", text + errors)
    status, text, errors = house.run("-c", path, "--describe-man=log")
    good = status == 0 and all(".It Sy %s Pq " % m in text for m in ("READY", "LISTENING", "MQTT_BAD_PACKET"))
    tap.ok(good, "--describe-man=log", text + errors)


def paths(tap, folder):
    """Files are named relative to the file that names them, wherever linnetd is started and the dump is read."""
    os.mkdir(os.path.join(folder, "conf.d"))
    text = "module-path: %s\nmodules: [mqtt]\ninclude: conf.d/*.conf\nstats-file: run/stats\n" % house.MODULES
    path = write(os.path.join(folder, "linnet.conf"), text + LISTENER)
    write(os.path.join(folder, "conf.d", "log.conf"), "log: { file: ../run/log }\npid-file: /run/linnetd.pid\n")
    status, out, errors = house.run("-c", os.path.relpath(path), "--dump-config")
    for name, value in (("stats-file", "/run/stats"), ("file", "/conf.d/../run/log")):
        got = re.search(r"^ *%s: \"?(/[^\n\"]*)" % name, out, re.M)
        good = got and os.path.realpath(got[1]) == os.path.realpath(folder + value)
        tap.ok(status == 0 and good, "%s is relative to its file" % name, out + errors)
    tap.ok("pid-file: /run/linnetd.pid\n" in out, "an absolute path is left as it is", out)


def shipped(tap, folder):
    """conf.d as it is installed, with its modules taken from the build."""
    top = os.path.join(os.environ.get("top_srcdir", os.path.join(os.path.dirname(__file__), "..", "..")), "conf.d")
    etc = os.path.join(folder, "etc")
    if not os.path.exists(os.path.join(top, "mqtt.conf")):
        tap.skip("the shipped configuration is fine", "no conf.d/mqtt.conf in $top_srcdir")
        return
    os.makedirs(os.path.join(etc, "conf.d"))
    for path in glob.glob(os.path.join(top, "*.conf")):
        name = os.path.basename(path)[:-5]
        if name != "linnet" and (
            os.path.exists(os.path.join(house.MODULES, name + ".so")) or house.run("--describe", name)[0] == 0
        ):
            shutil.copy(path, os.path.join(etc, "conf.d"))
    with open(os.path.join(top, "linnet.conf")) as f:
        text = f.read()
    path = write(os.path.join(etc, "linnet.conf"), text + "\nmodule-path: %s\n" % house.MODULES)
    status, out, errors = house.run("-c", path, "-t")
    tap.ok(status == 0, "the shipped configuration is fine", out + errors)
    status, dumped, errors = house.run("-c", path, "--dump-config")
    tap.ok(status == 0 and "127.0.0.1:1883" in dumped, "it listens on loopback", dumped + errors)


def main():
    house.need_broker()
    tap = house.Tap()
    for check in (mistakes, included, command_line, taken, modules, dump, describe, paths, shipped):
        check(tap, house.folder())
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
