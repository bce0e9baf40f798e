"""house.py - a broker to maltreat, and TAP to say what came of it.

Shared by the scripts in tests/abuse and tests/interop; standard library only. $LINNETD and $LINNET_MODULES name the
broker and the folder of its modules. A broker listens on ports the system gives, writes its log into a folder of its
own, and dies with the script, whatever becomes of that: by its end, by a signal, or because the script's time is over.
"""
import atexit
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LINNETD = os.environ.get("LINNETD", "")
MODULES = os.environ.get("LINNET_MODULES", "")


class Tap:
    """Counts what is right and wrong."""

    def __init__(self, seconds=240):
        self.count = 0
        self.failed = 0
        signal.signal(signal.SIGALRM, self._late)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(99))
        signal.alarm(seconds)
        self.seconds = seconds

    def _late(self, *_):
        print("Bail out! not done after %d seconds" % self.seconds, flush=True)
        sys.exit(99)

    def ok(self, good, name, detail=None):
        """One check. DETAIL is shown when it failed; a function is called for it then."""
        self.count += 1
        print("%s %d - %s" % ("ok" if good else "not ok", self.count, name), flush=True)
        if not good:
            self.failed += 1
            self.note(detail() if callable(detail) else detail)
        return bool(good)

    def equal(self, got, want, name):
        return self.ok(got == want, name, "got %r, wanted %r" % (got, want))

    def skip(self, name, why):
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, why), flush=True)

    def note(self, text):
        for line in str(text or "").splitlines():
            print("#", line, flush=True)

    def end(self):
        print("1..%d" % self.count, flush=True)
        sys.exit(1 if self.failed else 0)


def skip_all(why):
    print("1..0 # SKIP " + why, flush=True)
    sys.exit(0)


def need_broker():
    if not (LINNETD and os.access(LINNETD, os.X_OK)):
        skip_all("no broker: set LINNETD and LINNET_MODULES")


def has_module(name):
    return os.path.exists(os.path.join(MODULES, name + ".so"))


def until(condition, seconds=20.0, step=0.02):
    """Waits until CONDITION() is true, and returns what it gave."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result or time.monotonic() > end:
            return result
        time.sleep(step)


def is_sanitized():
    """Was the broker built with a sanitizer that keeps memory? Its size says little then."""
    with open(LINNETD, "rb") as f:
        data = f.read()
    return b"__asan_init" in data or b"__tsan_init" in data


def folder():
    """A new folder that is gone with the script."""
    path = tempfile.mkdtemp(prefix="linnet-test-")
    atexit.register(shutil.rmtree, path, True)
    return path


def environment(**more):
    env = dict(os.environ, **more)
    for name, value in (("ASAN_OPTIONS", "exitcode=66"), ("UBSAN_OPTIONS", "print_stacktrace=1")):
        env[name] = value + ":" + env[name] if name in env else value
    return env


class Broker:
    """linnetd. TOP is YAML for the top level, LISTENER goes into the listener `plain`; WORKERS, LEVEL as in the
    configuration; FILES is the limit of descriptors, ENV more environment, MODULES where modules are. STACK: the
    listener's. LOG_FILE: the broker opens its log itself, and what it says to standard error goes elsewhere."""

    def __init__(
        self,
        top="",
        listener="",
        workers=2,
        level="debug",
        files=None,
        env=None,
        modules=MODULES,
        start=True,
        log_file=False,
        stack="[mqtt]",
    ):
        self.dir = folder()
        self.conf = os.path.join(self.dir, "linnet.conf")
        self.log = os.path.join(self.dir, "log")
        self.errors = os.path.join(self.dir, "errors") if log_file else self.log
        self.statfile = os.path.join(self.dir, "stats")
        self.process = None
        self.files = files
        self.env = env or {}
        log = "level: %s%s" % (level, ", file: " + self.log if log_file else "")
        with open(self.conf, "w") as f:
            f.write(
                "workers: %d\nmodules: [mqtt]\nmodule-path: %s\nstats-file: %s\nlog: { %s }\n"
                'listeners: { plain: { address: "127.0.0.1:0", stack: %s%s } }\n%s\n'
                % (workers, modules, self.statfile, log, stack, ", " + listener if listener else "", top)
            )
        if start:
            self.start()

    def _limit(self):
        if self.files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files))

    def start(self):
        with open(self.errors, "ab") as log:
            self.process = subprocess.Popen(
                [LINNETD, "-c", self.conf],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(**self.env),
                preexec_fn=self._limit,
            )
        self.pid = self.process.pid
        atexit.register(self.kill)
        if (
            not until(lambda: " READY " in self.text() or self.process.poll() is not None, 60)
            or self.process.poll() is not None
        ):
            print("Bail out! the broker did not start:\n# " + self.text().replace("\n", "\n# "), flush=True)
            sys.exit(99)
        self.port = self.ports()["plain"]

    def ports(self):
        return {
            m[1]: int(m[2]) for m in re.finditer(r" LISTENING .* listener (\S+) listens on \S*:(\d+)", self.text())
        }

    def text(self, since=0):
        """The log, from byte SINCE on."""
        if not os.path.exists(self.log):
            return ""
        with open(self.log, "rb") as f:
            f.seek(since)
            return f.read().decode("utf-8", "replace")

    def mark(self):
        """Where the log ends now."""
        return os.path.getsize(self.log)

    def said(self, pattern, since=0, seconds=20):
        """The first line of the log that matches, once it is there."""

        def find():
            return next((line for line in self.text(since).splitlines() if re.search(pattern, line)), None)

        return until(find, seconds)

    def alive(self):
        return self.process.poll() is None

    def rss(self):
        """Resident memory in KiB."""
        with open("/proc/%d/status" % self.pid) as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])

    def cpu(self):
        """Seconds of processor time used so far."""
        with open("/proc/%d/stat" % self.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stats(self):
        """The counters, by name."""
        if os.path.exists(self.statfile):
            os.unlink(self.statfile)
        os.kill(self.pid, signal.SIGUSR2)
        if not until(lambda: os.path.exists(self.statfile), 20, 0.002):
            return {}
        with open(self.statfile) as f:
            return {name: int(value) for name, value in (line.split() for line in f)}

    def stat_becomes(self, name, value, seconds=20):
        """Waits for a counter; returns its last value."""
        last = [None]

        def look():
            last[0] = self.stats().get(name)
            return last[0] == value

        until(look, seconds, 0.05)
        return last[0]

    def stop(self, signum=signal.SIGTERM, seconds=60):
        """Ends it; its exit status, None when it had to be killed."""
        if self.alive():
            self.process.send_signal(signum)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def reports(self):
        """What sanitizers and asserts said."""
        bad = r"Sanitizer|runtime error:|ln_require|ln_insist|SUMMARY:|LeakSan"
        return "\n".join(line for line in self.text().splitlines() if re.search(bad, line))

    def ends_well(self, tap):
        """The last checks of a script: still there, ends with 0, no report."""
        tap.ok(self.alive(), "the broker still lives", lambda: self.text()[-4000:])
        status = self.stop()
        tap.ok(status == 0, "SIGTERM ends it with 0", lambda: "status %r\n%s" % (status, self.text()[-6000:]))
        tap.ok(not self.reports(), "no sanitizer report, no failed assertion", self.reports)


def run(*args, timeout=60):
    """linnetd with ARGS until it ends: status, output, errors."""
    p = subprocess.run(
        [LINNETD, *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, env=environment()
    )
    return p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")
