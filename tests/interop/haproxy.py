#!/usr/bin/env python3
"""haproxy.py - HAProxy in front of linnetd, with send-proxy and send-proxy-v2, over TCP and over a Unix socket.

Mosquitto's clients connect to HAProxy from an address of their own (127.0.0.77), which must be theirs in linnetd's log.
HAProxy's listening sockets are made here and handed over, so no port has to be guessed. Its checks of the broker's health
must look like nothing at all.
"""
import os
import shutil
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "abuse"))
import house  # noqa: E402

CLIENT = "127.0.0.77"
# name: (listener of the broker, what stands behind the server's address)
WAYS = {
    "v1": ("plain", "send-proxy"),
    "v2": ("plain", "send-proxy-v2"),
    "v2-checksum": ("plain", "send-proxy-v2 proxy-v2-options crc32c,authority"),
    "v1-unix": ("local", "send-proxy"),
    "v2-unix": ("local", "send-proxy-v2"),
}


def find(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Haproxy:
    """Runs HAPROXY in front of the addresses in SERVERS: name -> "address options"."""

    def __init__(self, program, servers):
        self.dir = house.folder()
        self.ports, socks, sections = {}, [], []
        for name, server in servers.items():
            sock = socket.socket()
            sock.bind(("127.0.0.1", 0))
            sock.listen(64)
            socks.append(sock)
            self.ports[name] = sock.getsockname()[1]
            sections.append(
                "frontend in-%s\n    bind fd@%d\n    default_backend out-%s\nbackend out-%s\n    server s %s check inter 200\n"
                % (name, sock.fileno(), name, name, server)
            )
        conf = os.path.join(self.dir, "haproxy.cfg")
        with open(conf, "w") as f:
            f.write("global\n    maxconn 200\ndefaults\n    mode tcp\n")
            f.write("".join("    timeout %s 30s\n" % what for what in ("connect", "client", "server")))
            f.write("".join(sections))
        self.log = open(os.path.join(self.dir, "log"), "w+")
        self.process = subprocess.Popen(
            [program, "-db", "-f", conf],
            pass_fds=[s.fileno() for s in socks],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        for sock in socks:
            sock.close()

    def text(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        self.process.kill()
        self.process.wait()


def mosquitto(program, port, *options):
    return subprocess.run(
        [program, "-h", "127.0.0.1", "-p", str(port), "-A", CLIENT, *options],
        capture_output=True,
        text=True,
        timeout=60,
    )


def converse(tap, broker, name, port):
    """A retained message is published and read back by two clients behind the proxy."""
    topic, word = "through/" + name, "hello by " + name
    done = mosquitto("mosquitto_pub", port, "-i", "pub-" + name, "-V", "5", "-q", "1", "-r", "-t", topic, "-m", word)
    tap.equal((done.returncode, done.stderr), (0, ""), "%s: mosquitto_pub publishes" % name)
    done = mosquitto("mosquitto_sub", port, "-i", "sub-" + name, "-q", "1", "-t", topic, "-C", "1", "-W", "30")
    tap.equal((done.returncode, done.stdout), (0, word + "\n"), "%s: mosquitto_sub reads it" % name)
    for who in ("pub-", "sub-"):
        line = broker.said(r" MQTT_CONNECTED \[\S+ \S+ %s%s %s:\d+\]" % (who, name, CLIENT.replace(".", r"\.")))
        tap.ok(line, "%s: and is known by its own address" % name, broker.text)


def main():
    house.need_broker()
    program = find("haproxy")
    if not program:
        house.skip_all("there is no haproxy (Debian: package haproxy)")
    if not find("mosquitto_pub") or not find("mosquitto_sub"):
        house.skip_all("there are no mosquitto clients (Debian: package mosquitto-clients)")
    if not house.has_module("proxy"):
        house.skip_all("the module proxy was not built")
    tap = house.Tap()
    path = os.path.join(house.folder(), "s")
    broker = house.Broker(
        top="proxy: { load: true }",
        stack="[proxy, mqtt], allow-anonymous: true } , local: { address: \"unix:%s\", stack: [proxy, mqtt]" % path,
        listener="allow-anonymous: true",
    )
    places = {"plain": "127.0.0.1:%d" % broker.port, "local": "unix@" + path}
    proxy = Haproxy(program, {name: "%s %s" % (places[where], how) for name, (where, how) in WAYS.items()})
    if not tap.ok(broker.said(" PROXY_ITSELF ", seconds=30), "HAProxy checks the broker's health", lambda: proxy.text() + broker.text()):
        proxy.stop()
        tap.end()
    for name, port in proxy.ports.items():
        converse(tap, broker, name, port)
    stats = broker.stats()
    tap.ok(stats["proxy.version_1"] > 3 and stats["proxy.version_2"] > 5, "headers of both versions came", repr(stats))
    for name in ("proxy.missing", "proxy.bad_headers", "proxy.untrusted"):
        tap.equal(stats[name], 0, "%s is 0" % name)
    complaints = [x for x in broker.text().splitlines() if " MQTT_ENDED " in x or " MQTT_BAD_PACKET " in x]
    tap.ok(not complaints, "checks of its health are nothing to complain about", "\n".join(complaints))
    proxy.stop()
    broker.ends_well(tap)
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
