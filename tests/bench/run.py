#!/usr/bin/env python3
"""run.py - compares brokers under the fixed set of workloads.

Every broker is started afresh for every run of every workload, pinned to one CPU; linnet-bench is pinned to another.
The brokers take turns inside each run (workload by workload, run by run), so that a machine that gets busier or warmer
hits all of them alike. What is compared is the broker's own cost, CPU microseconds per delivered message or resident
bytes per thing, because that depends far less on the machine than messages per second. The figures shown are medians.

Not done: several generators at once (one keeps every broker here busy), brokers on other machines (no CPU time there).
"""

import argparse
import json
import os
import platform
import resource
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

CPU = ("cpu_us_per_message", "µs CPU per delivered message")
EACH = ("cpu_us_per_connection", "µs CPU each")
BYTES = ("bytes_per_connection", "resident bytes each")
STORED = ("bytes_per_message", "resident bytes each")
BUSY = 5  # percent of the time a broker may wait for its CPU before a result is called doubtful
FAULTS = ("lost", "duplicates", "out_of_order")

# name, title, what is measured, arguments of linnet-bench; {…} depends on --quick and on the limit of open files
ROWS = [
    ("one-to-one", "QoS 0, 1 publisher → 1 subscriber", CPU, "--in-flight 10000"),
    ("pairs", "QoS 0, 50 pairs", CPU, "--publishers 50 --in-flight 1000"),
    ("fan-out", "QoS 0, fan-out 1 → 100", CPU, "--pattern fan-out --subscribers 100 --in-flight 1000"),
    ("fan-in", "QoS 0, fan-in 100 → 1", CPU, "--pattern fan-in --publishers 100 --in-flight 1000"),
    ("qos1", "QoS 1, 10 × 10, window 20", CPU, "--publishers 10 --qos 1 --window 20"),
    ("qos2", "QoS 2, 10 × 10, window 20", CPU, "--publishers 10 --qos 2 --window 20"),
    ("filters-exact", "100,000 exact filters, random topics", CPU,
     "--pattern random --topics 100000 --publishers 10 --subscribers 10 --in-flight 1000"),
    ("filters-wildcard", "100,000 filters with a wildcard", CPU,
     "--pattern random --topics 100000 --publishers 10 --subscribers 10 --in-flight 1000 --wildcard"),
    ("paced", "20,000 publishes/s from 5,000 connections", CPU,
     "--pattern fan-in --publishers {paced} --rate 20000 --in-flight 0"),
    ("storm", "connect + disconnect", EACH, "--storm {storm}"),
    ("idle", "idle connection", BYTES, "--idle {idle} --duration 1s"),
    ("idle-subscribed", "idle connection with one subscription", BYTES, "--idle {idle} --idle-subscribe --duration 1s"),
    ("retained", "retained message (short topic, 64 B)", STORED, "--retained {retained} --topic-prefix r --keep"),
]


class Failed(Exception):
    """A broker or the generator did not do its part; the text says what happened."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def as_child(cpu):
    """Returns what a child does before it becomes its program: pin itself, raise its limit of open files."""
    def prepare():
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return prepare


class Broker:
    """A broker that can be started and stopped: a name and a way to make its command line."""

    def __init__(self, name):
        self.name = name
        self.process = None
        self.port = 0
        self.log = None

    def command(self, folder):
        raise NotImplementedError

    def ready(self):
        """Returns whether the broker accepts connections."""
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def start(self, folder, cpu):
        self.port = free_port()
        self.log = os.path.join(folder, self.name + ".log")
        command = self.command(folder)
        with open(self.log, "wb") as log:
            try:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                preexec_fn=as_child(cpu), start_new_session=True)
            except OSError as error:
                raise Failed("%s: %s" % (command[0], error.strerror))
        end = time.monotonic() + 20
        while not self.ready():
            if self.process.poll() is not None:
                raise Failed("%s ended with status %d: %s" % (self.name, self.process.returncode, self.last_words()))
            if time.monotonic() > end:
                raise Failed("%s was not ready within 20 s: %s" % (self.name, self.last_words()))
            time.sleep(0.05)
        time.sleep(0.2)

    def last_words(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            lines = log.read().strip().splitlines()
        return lines[-1] if lines else "(it said nothing)"

    def stop(self):
        """Returns what is wrong with how the broker ended, or None."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        crashed = process.poll()
        if crashed is not None:
            return "%s died with status %d: %s" % (self.name, crashed, self.last_words())
        for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            try:
                os.killpg(process.pid, number)
                process.wait(patience)
                return None
            except subprocess.TimeoutExpired:
                continue
        return "%s could not be stopped" % self.name


class Linnet(Broker):
    CONF = """workers: 1
module-path: {modules}
modules: [mqtt]
listeners: {{ plain: {{ address: "127.0.0.1:{port}", stack: [mqtt] }} }}
log: {{ level: {level} }}
"""

    def __init__(self, linnetd, modules):
        super().__init__("linnet")
        self.linnetd = linnetd
        self.modules = modules

    def command(self, folder):
        conf = os.path.join(folder, "linnet.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(self.CONF.format(modules=self.modules, port=self.port, level="notice"))
        return [self.linnetd, "-c", conf]

    def ready(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return any(" READY " in line for line in log)


class Mosquitto(Broker):
    # No queue limit: with 1,000 messages under way it would otherwise drop some and look dear per delivered one.
    CONF = """listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
log_type error
set_tcp_nodelay {nodelay}
"""

    def __init__(self, name, program, nodelay):
        super().__init__(name)
        self.program = program
        self.nodelay = nodelay

    def command(self, folder):
        conf = os.path.join(folder, self.name + ".conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(self.CONF.format(port=self.port, nodelay="true" if self.nodelay else "false"))
        return [self.program, "-c", conf]


class Peer(Broker):
    def __init__(self, name, template):
        super().__init__(name)
        self.template = template

    def command(self, folder):
        return [word.replace("{port}", str(self.port)).replace("{dir}", folder) for word in shlex.split(self.template)]


def measure(broker, row, options, folder):
    """One run of one workload against one broker. Returns linnet-bench's JSON."""
    name, _, (key, _), arguments = row
    out = os.path.join(folder, "result.json")
    if os.path.exists(out):
        os.unlink(out)
    command = [options.bench, "--port", "", "--quiet", "--json", out, "--timeout", "60s"]
    command += ["--duration", "%gs" % options.duration]
    if name not in ("storm", "idle", "idle-subscribed", "retained"):
        command += ["--warmup", "%gs" % options.warmup]
    command += shlex.split(arguments.format(**options.sizes))
    try:
        broker.start(folder, options.broker_cpu)
        command[2] = str(broker.port)
        command += ["--pid", str(broker.process.pid)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=options.duration + 300, preexec_fn=as_child(options.bench_cpu))
        complaint = done.stderr.strip()
    except subprocess.TimeoutExpired:
        raise Failed("linnet-bench did not come to an end")
    finally:
        trouble = broker.stop()
    if trouble:
        raise Failed(trouble)
    if done.returncode != 0 or not os.path.exists(out):
        raise Failed(complaint or "linnet-bench ended with status %d" % done.returncode)
    with open(out, encoding="utf-8") as f:
        result = json.load(f)
    if key not in result:
        raise Failed("nothing was delivered")
    return result


def median(results, key):
    values = [r[key] for r in results if key in r]
    return statistics.median(values) if values else None


def first(results, *keys):
    """The median of the first of the keys that was measured, or None."""
    return next((value for value in (median(results, key) for key in keys) if value is not None), None)


def summarize(results, errors, key):
    summary = {"value": median(results, key), "values": [r[key] for r in results], "errors": errors, "runs": results}
    summary["per_s"] = first(results, "received_per_s", "connects_per_s", "sent_per_s")
    summary["p99_us"] = first(results, "latency_p99_us", "connect_p99_us")
    summary["waited"] = first(results, "cpu_wait_percent")
    for fault in FAULTS:
        summary[fault] = sum(r.get(fault, 0) for r in results)
    return summary


def number(value):
    if value is None:
        return "–"
    if abs(value) >= 100:
        return "{:,.0f}".format(value)
    return "%.3g" % value


def ratio_text(summary, base):
    if summary["value"] is None or not base or not base["value"]:
        return "–"
    return "%.3g" % (summary["value"] / base["value"])


def cells(table_row, brokers):
    base = table_row["brokers"].get("mosquitto")
    line = [table_row["title"]]
    for broker in brokers:
        summary = table_row["brokers"][broker.name]
        line.append("failed" if summary["value"] is None else number(summary["value"]))
        if base and broker.name != "mosquitto":
            line.append(ratio_text(summary, base))
        line += [number(summary["per_s"]), number(summary["p99_us"])]
    return line


def heads(brokers):
    base = any(b.name == "mosquitto" for b in brokers)
    line = ["workload"]
    for broker in brokers:
        line.append(broker.name)
        if base and broker.name != "mosquitto":
            line.append("ratio")
        line += ["per s", "p99 µs"]
    return line


def print_table(table, brokers):
    lines = [heads(brokers)] + [cells(row, brokers) for row in table]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    print()
    for i, line in enumerate(lines):
        right = [text.rjust(width) for text, width in zip(line[1:], widths[1:])]
        print("  ".join([line[0].ljust(widths[0])] + right))
        if i == 0:
            print("  ".join("-" * width for width in widths))
    print("\nµs of the broker's CPU per delivered message, per connect + disconnect, or resident bytes each; medians.")
    print_notes(table)


def print_notes(table):
    for row in table:
        for name, summary in row["brokers"].items():
            faults = ["%s %s" % (number(summary[fault]), fault.replace("_", " ")) for fault in FAULTS if summary[fault]]
            if faults:
                print("! %s, %s: %s" % (row["title"], name, ", ".join(faults)))
            if summary["waited"] and summary["waited"] > BUSY:
                print("! %s, %s: the machine was busy, the broker waited for its CPU %s %% of the time" %
                      (row["title"], name, number(summary["waited"])))
            for error in sorted(set(summary["errors"])):
                print("! %s, %s: %s" % (row["title"], name, error))


def find(program):
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def find_bench():
    for path in ("build/stage/bin/linnet-bench", "build/linnet-bench", "linnet-bench"):
        path = os.path.join(ROOT, path)
        if os.access(path, os.X_OK):
            return path
    return shutil.which("linnet-bench")


def choose_sizes(quick):
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 200
    sizes = {"idle": 10000, "paced": 5000, "storm": 20000, "retained": 100000}
    if quick:
        sizes = {"idle": 4000, "paced": 5000, "storm": 4000, "retained": 20000}
    return {name: min(n, files) if name in ("idle", "paced") else n for name, n in sizes.items()}


def parse_arguments():
    parser = argparse.ArgumentParser(description="Compares MQTT brokers: cost per message, rates, latency, memory.")
    parser.add_argument("--linnetd", default=os.path.join(ROOT, "build/stage/sbin/linnetd"), metavar="PATH",
                        help="Linnet's daemon")
    parser.add_argument("--module-path", default=os.path.join(ROOT, "build/stage/lib/linnet/modules"), metavar="DIR",
                        help="Linnet's modules")
    parser.add_argument("--no-linnet", action="store_true", help="leave Linnet out")
    parser.add_argument("--mosquitto", default=find("mosquitto"), metavar="PATH")
    parser.add_argument("--no-mosquitto", action="store_true", help="leave Mosquitto out")
    parser.add_argument("--nodelay", action="store_true", help="Mosquitto a second time, with set_tcp_nodelay")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND",
                        help="another broker, in the foreground; {port} and {dir} (an empty directory) are replaced")
    parser.add_argument("--bench", default=find_bench(), metavar="PATH", help="linnet-bench")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="runs of which the median is taken (3)")
    parser.add_argument("--duration", type=float, default=4, metavar="S", help="measured seconds per run (4)")
    parser.add_argument("--warmup", type=float, default=1, metavar="S", help="seconds before it (1)")
    parser.add_argument("--quick", action="store_true", help="one short run, fewer connections: to see that it works")
    parser.add_argument("--only", action="append", metavar="ROW", help="only this workload; may be repeated")
    parser.add_argument("--list", action="store_true", help="list the workloads")
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.duration, options.warmup = 1, 1, 0.3
    unknown = set(options.only or []) - {row[0] for row in ROWS}
    if unknown:
        parser.error("unknown workload %s; --list names them" % ", ".join(sorted(unknown)))
    if any("=" not in peer for peer in options.peer):
        parser.error("--peer expects NAME=COMMAND")
    return options


def choose_brokers(options):
    brokers = []
    if not options.no_mosquitto:
        if not options.mosquitto:
            sys.exit("run.py: mosquitto is not installed; install it, or say --no-mosquitto")
        brokers.append(Mosquitto("mosquitto", options.mosquitto, False))
        if options.nodelay:
            brokers.append(Mosquitto("mosquitto-nodelay", options.mosquitto, True))
    if not options.no_linnet:
        if not os.access(options.linnetd, os.X_OK):
            sys.exit("run.py: no %s: build it, or name it with --linnetd, or say --no-linnet" % options.linnetd)
        brokers.append(Linnet(os.path.abspath(options.linnetd), os.path.abspath(options.module_path)))
    brokers += [Peer(*peer.split("=", 1)) for peer in options.peer]
    if not brokers:
        sys.exit("run.py: no broker is left to measure")
    return brokers


def choose_cpus(options):
    cpus = sorted(os.sched_getaffinity(0))
    options.broker_cpu, options.bench_cpu = (cpus[0], cpus[1]) if len(cpus) > 1 else (None, None)
    if len(cpus) < 2:
        print("run.py: only one CPU: broker and generator share it, so rates mean little", file=sys.stderr)


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()


def run_all(options, brokers, rows, folder):
    results = {row[0]: {broker.name: ([], []) for broker in brokers} for row in rows}
    for run in range(options.runs):
        for row in rows:
            for broker in brokers:
                progress("run %d of %d: %s, %s" % (run + 1, options.runs, row[1], broker.name))
                good, bad = results[row[0]][broker.name]
                try:
                    good.append(measure(broker, row, options, folder))
                except Failed as failure:
                    bad.append(str(failure))
    progress("")
    return [describe(row, options, results[row[0]]) for row in rows]


def describe(row, options, results):
    name, title, (key, unit), arguments = row
    brokers = {broker: summarize(good, bad, key) for broker, (good, bad) in results.items()}
    return {"name": name, "title": title, "metric": key, "unit": unit, "arguments": arguments.format(**options.sizes),
            "brokers": brokers}


def write_json(options, brokers, table):
    report = {"date": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "machine": platform.platform(), "cpus": os.cpu_count(),
              "runs": options.runs, "duration_s": options.duration, "brokers": [broker.name for broker in brokers],
              "rows": table}
    with open(options.json, "w", encoding="utf-8") as f:
        json.dump(report, f, indent=1, ensure_ascii=False)
        f.write("\n")


def main():
    options = parse_arguments()
    if options.list:
        for row in ROWS:
            print("%-18s %s" % row[:2])
        return 0
    if not options.bench or not os.access(options.bench, os.X_OK):
        sys.exit("run.py: linnet-bench was not found; build it, or name it with --bench")
    options.sizes = choose_sizes(options.quick)
    choose_cpus(options)
    brokers = choose_brokers(options)
    rows = [row for row in ROWS if not options.only or row[0] in options.only]
    with tempfile.TemporaryDirectory(prefix="linnet-bench-") as folder:
        os.chmod(folder, 0o755)
        table = run_all(options, brokers, rows, folder)
    print_table(table, brokers)
    if options.json:
        write_json(options, brokers, table)
    return 1 if any(summary["errors"] for row in table for summary in row["brokers"].values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
