#!/usr/bin/env python3
"""drop.py - from root to nobody, and what the service manager is told.

Started as root with `user: nobody` the broker has no identity, group or capability of root left, in any thread, and
serves all the same. READY=1 comes when clients are served, STOPPING=1 when they no longer are.
"""
import grp
import os
import pwd
import re
import signal
import socket
import sys

import house
import wire

USER = "nobody"


def threads(pid):
    """The status of every thread as a dictionary."""
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, task)) as f:
            yield dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def open_to(user_dir, *dirs):
    """Makes DIRS places where the user may work."""
    p = pwd.getpwnam(USER)
    for path in (user_dir, *dirs):
        os.chown(path, p.pw_uid, p.pw_gid)


def identities(tap, broker, uid, gid):
    status = list(threads(broker.pid))
    tap.ok(len(status) >= 4, "main, workers and jobs run", "%d threads" % len(status))
    for field, want in (("Uid", uid), ("Gid", gid)):
        got = {t[field] for t in status}
        tap.equal(
            got, {"\t".join([str(want)] * 4)}, "%s: real, effective, saved and file system's, of every thread" % field
        )
    groups = {int(g) for t in status for g in t["Groups"].split()}
    allowed = {gid} | {g.gr_gid for g in grp.getgrall() if USER in g.gr_mem}
    tap.ok(groups <= allowed, "no supplementary group of root is left", "%r, may have %r" % (groups, allowed))
    for field in ("CapEff", "CapPrm"):
        tap.equal({int(t[field], 16) for t in status}, {0}, "%s: no capability is left" % field)
    tap.equal({t["NoNewPrivs"] for t in status}, {"1"}, "no new privileges, for good")


def dropped(tap, group):
    p = pwd.getpwnam(USER)
    gid = grp.getgrnam(group).gr_gid if group else p.pw_gid
    broker = house.Broker("user: %s\n%s" % (USER, "group: %s\n" % group if group else ""), start=False)
    open_to(broker.dir)
    broker.start()
    tap.ok(broker.said(r" DROPPED .*user %s" % USER), "user %s, group %s: the log says so" % (USER, group))
    identities(tap, broker, p.pw_uid, gid)
    tap.ok(not re.search("RUNS_AS_ROOT", broker.text()), "no warning about root")
    tap.equal(wire.good_client(broker.port), None, "a client is served")
    tap.ok("net.accepted" in broker.stats(), "counters are written by the user")
    tap.equal(os.stat(broker.statfile).st_uid, p.pw_uid, "into a file of the user's")
    broker.ends_well(tap)


def files(tap):
    """What is read and written while it runs is read and written by the user."""
    broker = house.Broker("user: %s\npid-file: PID\n" % USER, start=False)
    pid = os.path.join(broker.dir, "pid")
    with open(broker.conf) as f:
        text = f.read().replace("PID", pid)
    with open(broker.conf, "w") as f:
        f.write(text)
    open_to(broker.dir)
    broker.start()
    with open(pid) as f:
        tap.equal(f.read(), "%d\n" % broker.pid, "pid-file names the process")
    since = broker.mark()
    os.kill(broker.pid, signal.SIGHUP)
    tap.ok(broker.said(" RELOADED ", since), "the user can reload what it can read", lambda: broker.text(since))
    os.chmod(broker.conf, 0o600)
    os.chown(broker.conf, 0, 0)
    since = broker.mark()
    os.kill(broker.pid, signal.SIGHUP)
    tap.ok(broker.said(" RELOAD_REFUSED .*ermission denied", since), "and nothing else", lambda: broker.text(since))
    tap.equal(wire.good_client(broker.port), None, "which does not matter to clients")
    broker.ends_well(tap)
    tap.ok(not os.path.exists(pid), "pid-file is gone")
    broker = house.Broker("user: %s\npid-file: /proc/nowhere/pid\n" % USER, start=False)
    open_to(broker.dir)
    broker.start()
    tap.ok(broker.said(" PID_FILE_FAILED .*/proc/nowhere/pid"), "a pid-file that cannot be written is named")
    tap.equal(broker.stop(), 0, "and does not hinder")


def log_file(tap):
    """The log belongs to the user: rotation and reloads must be able to open it again."""
    broker = house.Broker("user: %s\n" % USER, start=False, log_file=True)
    os.chmod(broker.dir, 0o700)
    status, _, errors = house.run("-c", broker.conf)
    tap.ok(status == 1 and "Permission denied" in errors, "a log the user cannot open is named at the start", errors)
    open_to(broker.dir)
    broker.start()
    for name, signum, line in (
        ("reload", signal.SIGHUP, " RELOADED "),
        ("reopening", signal.SIGUSR1, " LOG_REOPENED "),
    ):
        since = broker.mark()
        os.kill(broker.pid, signum)
        tap.ok(broker.said(line, since), "%s finds the log as it left it" % name, lambda: broker.text(since))
    os.rename(broker.log, broker.log + ".1")
    os.kill(broker.pid, signal.SIGUSR1)
    tap.ok(
        house.until(lambda: os.path.exists(broker.log)) and broker.said(" LOG_REOPENED "),
        "a log that was moved away is begun anew",
    )
    tap.equal(os.stat(broker.log).st_uid, pwd.getpwnam(USER).pw_uid, "it is the user's")
    broker.ends_well(tap)


def not_root(tap):
    """Somebody else cannot become the user."""
    broker = house.Broker("user: daemon\n", start=False)
    open_to(broker.dir)
    p = pwd.getpwnam(USER)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(p.pw_gid, p.pw_gid, p.pw_gid)
        os.setresuid(p.pw_uid, p.pw_uid, p.pw_uid)
        out = os.open(broker.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(out, 2)
        os.execve(house.LINNETD, [house.LINNETD, "-c", broker.conf], house.environment())
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    tap.equal(status, 1, "who is not root cannot become another user: exit status")
    tap.ok(re.search(r"linnet\.conf:\d+:\d+: .*only root", broker.text()), "and the reason", broker.text())


def reachable_by(user):
    """Can USER get at the broker and the folder for tests?"""
    child = os.fork()
    if child == 0:
        try:
            p = pwd.getpwnam(user)
            os.setgroups([])
            os.setresgid(p.pw_gid, p.pw_gid, p.pw_gid)
            os.setresuid(p.pw_uid, p.pw_uid, p.pw_uid)
            os._exit(0 if os.access(house.LINNETD, os.X_OK) and os.access(house.MODULES, os.X_OK) else 1)
        except OSError:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def notifications(tap, abstract):
    name = "@linnet-test-%d" % os.getpid() if abstract else os.path.join(house.folder(), "notify")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind("\0" + name[1:] if abstract else name)
    sock.settimeout(30)

    def next_one():
        try:
            return sock.recv(4096).decode()
        except socket.timeout:
            return None

    broker = house.Broker(env={"NOTIFY_SOCKET": name})
    kind = "an abstract name" if abstract else "a path"
    tap.equal(next_one(), "READY=1", "NOTIFY_SOCKET is %s: READY=1 comes" % kind)
    tap.equal(wire.good_client(broker.port), None, "and clients are served")
    os.kill(broker.pid, signal.SIGHUP)
    got = next_one() or ""
    tap.ok(got.startswith("RELOADING=1"), "a reload is told", got)
    tap.equal(next_one(), "READY=1", "and its end")
    os.kill(broker.pid, signal.SIGTERM)
    tap.equal(next_one(), "STOPPING=1", "SIGTERM: STOPPING=1 comes")
    tap.equal(broker.stop(), 0, "it ends with 0")
    sock.close()


def main():
    house.need_broker()
    tap = house.Tap()
    notifications(tap, False)
    notifications(tap, True)
    if os.geteuid() != 0:
        tap.skip("privileges are dropped", "not root")
    elif not hasattr(os, "waitstatus_to_exitcode"):
        tap.skip("privileges are dropped", "Python is older than 3.9")
    else:
        dropped(tap, None)
        dropped(tap, "daemon")
        files(tap)
        log_file(tap)
        if reachable_by(USER):
            not_root(tap)
        else:
            tap.skip("who is not root cannot become another user", USER + " cannot reach the broker")
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
