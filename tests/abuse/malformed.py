#!/usr/bin/env python3
"""malformed.py - ten thousand spoilt conversations, and what the broker makes of them.

Valid conversations of every version are mutated (bits flipped, cut, packets doubled, swapped, bytes put in, lengths
changed, noise) with a fixed seed ($SEED changes it, $STREAMS their number) and sent fifty at a time. After each batch
every connection is closed and a client that behaves is served; another one stays connected and hears itself while each
batch is read. Then some known offences: what the client is told and
what the log says of each.
"""
import os
import random
import re
import socket
import struct
import sys
import time

import house
import wire
from wire import connect, packet, props, publish, subscribe, text

SEED = int(os.environ.get("SEED", "20011"))
STREAMS = int(os.environ.get("STREAMS", "10000"))
BATCH = 50


# --- conversations --------------------------------------------------------------------------------------------------


def conversation(rng, number):
    """The packets of a client that does a bit of everything."""
    version = rng.choice((3, 4, 5))
    will = ("will/%d" % number, "gone", rng.randrange(3), rng.random() < 0.3) if rng.random() < 0.4 else None
    expiry = b"\x11" + struct.pack(">I", rng.choice((0, 1, 60))) if version == 5 and rng.random() < 0.5 else b""
    packets = [
        connect(
            version,
            "bad-%d" % rng.randrange(40),
            rng.random() < 0.7,
            rng.randrange(60),
            will,
            expiry,
            "user" if rng.random() < 0.2 else None,
        )
    ]
    for ident in range(1, rng.randrange(3, 12)):
        packets.append(one_packet(rng, version, ident))
    return packets


def one_packet(rng, version, ident):
    topic = rng.choice(("a", "a/b", "a/b/c", "x/" * 20, "$SYS/x", "\u00e4/\u4e16"))
    carry = rng.choice((b"", b"\x01\x01", b"\x26" + text("k") + text("v"), b"\x23\x00\x01", b"\x02\x00\x00\x00\x09"))
    kind = rng.randrange(8)
    if kind == 0:
        return subscribe(version, ident, rng.choice(("a/#", "+/b", "#", "$share/g/a/+", topic)), qos=rng.randrange(3))
    if kind == 1:
        return wire.unsubscribe(version, ident, "a/#", topic)
    if kind == 2:
        return wire.ack(rng.choice((wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP)), ident)
    if kind == 3:
        return wire.pingreq()
    return publish(
        version,
        topic,
        bytes(rng.randrange(256) for _ in range(rng.randrange(60))),
        rng.randrange(3),
        ident,
        rng.random() < 0.2,
        properties=carry,
    )


def flip(rng, data):
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def cut(rng, data):
    return data[: rng.randrange(1, len(data) + 1)]


def put_in(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9))) + data[at:]


def take_out(rng, data):
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.randrange(1, 9) :]


def wrong_length(rng, data):
    """Some two bytes become a length they are not."""
    at = rng.randrange(max(1, len(data) - 1))
    return (
        data[:at]
        + rng.choice((b"\x00\x00", b"\xff\xff", b"\x80\x80", b"\x7f\x7f", b"\xff\xff\xff\x7f"))
        + data[at + 2 :]
    )


def spoil(rng, packets):
    packets = list(packets)
    for _ in range(rng.randrange(3)):
        i, k = rng.randrange(len(packets)), rng.randrange(len(packets))
        if rng.random() < 0.5:
            packets[i], packets[k] = packets[k], packets[i]
        else:
            packets.insert(i, packets[k])
    if rng.random() < 0.5:
        i = rng.randrange(len(packets))
        packets[i] = packets[i][:1] + wire.varint(rng.choice((0, 1, 127, 128, 5000, 268435455))) + packets[i][2:]
    data = b"".join(packets)
    for _ in range(rng.randrange(4)):
        data = rng.choice((flip, flip, cut, put_in, take_out, wrong_length))(rng, data) or b"\x10"
    return data


def noise(rng):
    start = rng.choice((b"", b"\x10", connect(rng.choice((3, 4, 5)), "noise")))
    return start + bytes(rng.randrange(256) for _ in range(rng.randrange(1, 300)))


# --- sending --------------------------------------------------------------------------------------------------------


class Steady:
    """A client that stays connected and hears itself; remembers its longest wait and what went wrong."""

    def __init__(self, port):
        self.worst = 0
        self.trips = 0
        self.wrong = None
        self.peer = wire.Peer(port)
        self.peer.send(connect(4, "steady"))
        self.peer.expect(wire.CONNACK)
        self.peer.send(subscribe(4, 1, "steady/topic"))
        self.peer.expect(wire.SUBACK)

    def trip(self):
        if self.wrong:
            return
        began, payload = time.monotonic(), b"%d" % self.trips
        try:
            self.peer.send(publish(4, "steady/topic", payload, qos=1, ident=1))
            got = sorted((self.peer.receive(), self.peer.receive()), key=lambda x: x[0])
            if [g[0] for g in got] != [wire.PUBLISH, wire.PUBACK] or not got[0][2].endswith(payload):
                self.wrong = "trip %d: %r" % (self.trips, got)
        except (wire.Closed, wire.Late, OSError) as e:
            self.wrong = "trip %d: %r" % (self.trips, e)
        self.trips += 1
        self.worst = max(self.worst, time.monotonic() - began)

    def end(self, tap):
        tap.note("%d round trips of a good client meanwhile, the longest %.1f ms" % (self.trips, self.worst * 1000))
        tap.ok(self.trips and not self.wrong, "a good client is served all the time", lambda: self.wrong)
        self.peer.close()


def send_batch(broker, streams, steady):
    """Sends all streams at once, each in two pieces; says how many connections stayed open."""
    peers = []
    for data in streams:
        peers.append(wire.Peer(broker.port))
    for half in (0, 1):
        for peer, data in zip(peers, streams):
            middle = len(data) // 2
            try:
                peer.send(data[middle:] if half else data[:middle])
            except wire.Closed:
                pass
        steady.trip()
    open_ = 0
    for peer in peers:
        try:
            peer.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    for peer in peers:
        try:
            peer.rest()
        except wire.Late:
            open_ += 1
        peer.close()
    return open_


def every_stream(tap, broker):
    rng = random.Random(SEED)
    stuck, unserved, early = 0, [], None
    steady = Steady(broker.port)
    for first in range(0, STREAMS, BATCH):
        streams = [
            noise(rng) if rng.random() < 0.1 else spoil(rng, conversation(rng, n))
            for n in range(first, first + BATCH)
        ]
        stuck += send_batch(broker, streams, steady)
        wrong = wire.good_client(broker.port, version=rng.choice((3, 4, 5)))
        if wrong:
            unserved.append("after stream %d: %s" % (first + BATCH, wrong))
        if not broker.alive():
            break
        if first + BATCH >= min(1000, STREAMS // 4) and early is None:
            early = broker.rss()
    tap.equal(stuck, 0, "%d spoilt conversations: every connection ends" % STREAMS)
    tap.ok(not unserved, "after each batch a good client is served", lambda: "\n".join(unserved))
    steady.end(tap)
    return early


def memory(tap, broker, early):
    if house.is_sanitized():
        tap.skip("memory does not grow", "the sanitizer keeps what is freed")
        return
    late = broker.rss()
    tap.ok(late - early < 8192, "memory does not grow", "%d KiB after the first, %d KiB at the end" % (early, late))


def explained(tap, broker):
    """Whoever was closed by the broker has a line in the log that says why."""
    lines = {}
    for line in broker.text().splitlines():
        m = re.match(r"\S+ \w+ (\w+) \[w\d+ c(\d+) (?:.* )?(127\.0\.0\.1:\d+)\] (.*)", line)
        if m:
            lines.setdefault(m[2], []).append((m[1], m[4]))
    ended = why = 0
    silent = []
    for conn, said in lines.items():
        reason = next((t for i, t in said if i == "CONN_CLOSED"), "")
        if not re.search(r"malformed|protocol|refused|limit", reason):
            continue
        ended += 1
        if any(
            i in ("MQTT_BAD_PACKET", "MQTT_REFUSED", "MQTT_ENDED", "MQTT_TAKEN_OVER") and len(t) > 10 for i, t in said
        ):
            why += 1
        else:
            silent.append("c%s: %r" % (conn, said))
    tap.note("closed by the broker: %d" % ended)
    tap.ok(
        ended > STREAMS // 4 and not silent,
        "the log says why of each of those the broker closed",
        lambda: "closed by the broker: %d, explained: %d\n%s" % (ended, why, "\n".join(silent[:20])),
    )


# --- known offences -------------------------------------------------------------------------------------------------


def raw_publish(version, flags, body):
    return packet(wire.PUBLISH, flags, body)


# name, version, what follows a good CONNECT (or stands instead of it), reason code, what the log names
AFTER = [
    ("QoS 3", raw_publish(5, 6, text("a") + b"\0\1\0"), 0x81, "PUBLISH"),
    ("wildcard in a topic name", publish(5, "a/+/b"), None, "PUBLISH"),
    ("NUL in a topic name", publish(5, "a\0b"), 0x81, "PUBLISH"),
    ("topic name is no UTF-8", publish(5, b"a\xff\xfeb"), 0x81, "PUBLISH"),
    ("surrogate in a topic name", publish(5, b"a\xed\xa0\x80"), 0x81, "PUBLISH"),
    ("packet identifier 0", publish(5, "a", b"", 1, 0), None, "PUBLISH"),
    ("topic longer than its packet", raw_publish(5, 0, b"\x00\xffabc"), 0x81, "PUBLISH"),
    ("topic alias 0", publish(5, "a", properties=b"\x23\x00\x00"), 0x94, "PUBLISH"),
    ("topic alias nobody set", publish(5, "", properties=b"\x23\x00\x05"), 0x82, "PUBLISH"),
    ("property twice", publish(5, "a", properties=b"\x01\x00\x01\x00"), 0x82, "PUBLISH"),
    ("unknown property", publish(5, "a", properties=b"\x7e\x00"), None, "PUBLISH"),
    ("property of another packet", publish(5, "a", properties=b"\x11\0\0\0\1"), None, "PUBLISH"),
    ("subscription identifier from a client", publish(5, "a", properties=b"\x0b\x01"), 0x82, "PUBLISH"),
    ("second CONNECT", connect(5, "known"), 0x82, "CONNECT"),
    ("CONNACK from a client", packet(wire.CONNACK, 0, b"\0\0\0"), 0x82, "CONNACK"),
    ("reserved type 0", packet(0, 0, b""), None, "reserved"),
    ("SUBSCRIBE without filters", subscribe(5, 1), 0x82, "SUBSCRIBE"),
    ("SUBSCRIBE with flags 0", packet(wire.SUBSCRIBE, 0, subscribe(5, 1, "a")[2:]), 0x81, "SUBSCRIBE"),
    ("SUBSCRIBE with QoS 3", subscribe(5, 1, "a", qos=3), None, "SUBSCRIBE"),
    ("# not at the end", subscribe(5, 1, "a/#/b"), None, "SUBSCRIBE"),
    ("UNSUBSCRIBE without filters", wire.unsubscribe(5, 1), 0x82, "UNSUBSCRIBE"),
    ("PINGREQ with a body", packet(wire.PINGREQ, 0, b"x"), None, "PINGREQ"),
    ("PUBREL with flags 0", packet(wire.PUBREL, 0, b"\0\1"), 0x81, "PUBREL"),
    ("length of five bytes", b"\x30\xff\xff\xff\xff\x01", 0x81, ""),
    ("larger than packet-max", b"\x30\xff\xff\xff\x7f", 0x95, "PUBLISH"),
    ("AUTH out of the blue", packet(wire.AUTH, 0, b"\x18\x00"), 0x82, "AUTH"),
    ("unknown reason in DISCONNECT", packet(wire.DISCONNECT, 0, b"\x03\x00"), None, "DISCONNECT"),
]

INSTEAD = [
    ("PUBLISH first", publish(4, "a"), r"MQTT_BAD_PACKET .*PUBLISH.*first packet"),
    ("not MQTT at all", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", r"MQTT_BAD_PACKET .*first packet"),
    ("TLS where none is", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", r"MQTT_BAD_PACKET "),
    (
        "another protocol's name",
        packet(wire.CONNECT, 0, text("MQXX") + b"\4\2\0\0" + text("x")),
        r"MQTT_(BAD_PACKET|REFUSED) .*name",
    ),
    ("version 6", packet(wire.CONNECT, 0, text("MQTT") + b"\6\2\0\0" + text("x")), r"MQTT_REFUSED .*version"),
    (
        "reserved connect flag",
        packet(wire.CONNECT, 0, text("MQTT") + b"\4\3\0\0" + text("x")),
        r"MQTT_BAD_PACKET .*CONNECT",
    ),
    (
        "will QoS 3",
        packet(wire.CONNECT, 0, text("MQTT") + b"\4\x1e\0\0" + text("x") + text("w") + text("")),
        r"MQTT_BAD_PACKET .*CONNECT",
    ),
    ("no client identifier, to be kept", connect(4, "", False), r"MQTT_REFUSED .*client identifier"),
    ("no client identifier in 3.1", connect(3, ""), r"MQTT_REFUSED .*client identifier"),
    (
        "bytes behind the last field",
        packet(wire.CONNECT, 0, connect(4, "x")[2:] + b"zz"),
        r"MQTT_BAD_PACKET .*CONNECT",
    ),
    ("CONNECT cut short", packet(wire.CONNECT, 0, connect(4, "abcdef")[2:-3]), r"MQTT_BAD_PACKET .*CONNECT"),
]


def told(data):
    """The reason code of the DISCONNECT in DATA, or None."""
    while data:
        got = wire.split(data)
        if not got:
            return None
        if got[0] == wire.DISCONNECT:
            return got[2][0] if got[2] else 0
        data = got[3]
    return None


def line_of(broker, since, peer, pattern):
    """The line about PEER that matches."""
    return broker.said(r"(?=.*\b%s\]).*%s" % (re.escape(peer.address), pattern), since)


def known_after(tap, broker):
    for number, (name, data, reason, what) in enumerate(AFTER):
        ident, since = "offender-%d" % number, broker.mark()
        peer = wire.Peer(broker.port)
        peer.send(connect(5, ident))
        peer.expect(wire.CONNACK)
        try:
            peer.send(data)
            code = told(peer.rest())
        except (wire.Late, wire.Closed) as e:
            code = repr(e)
        line = line_of(broker, since, peer, r"MQTT_BAD_PACKET ")
        good = (
            isinstance(code, int)
            and code >= 0x80
            and (reason is None or code == reason)
            and line
            and ident in line
            and what in line
        )
        good = good and "0x%02x" % code in line
        tap.ok(good, "%s: reason code and log" % name, "told %r, wanted %r; log: %s" % (code, reason, line))
        peer.close()


def known_instead(tap, broker):
    for name, data, pattern in INSTEAD:
        since = broker.mark()
        peer = wire.Peer(broker.port)
        try:
            peer.send(data)
            peer.rest()
            closed = "closed"
        except (wire.Late, wire.Closed) as e:
            closed = repr(e)
        line = line_of(broker, since, peer, pattern)
        tap.ok(
            closed == "closed" and line,
            "%s: closed, and the log says why" % name,
            "%s; log:\n%s" % (closed, broker.text(since)),
        )
        peer.close()


# --- the log --------------------------------------------------------------------------------------------------------


def strangers(tap):
    """Four hundred strangers do not write four hundred lines; none is forgotten."""
    broker = house.Broker(workers=1, level="notice")
    for _ in range(400):
        peer = wire.Peer(broker.port)
        try:
            peer.send(publish(4, "a"))
            peer.rest()
        except (wire.Late, wire.Closed):
            pass
        peer.close()
    stats = broker.stats()
    broker.ends_well(tap)
    lines = len(re.findall(" MQTT_BAD_PACKET ", broker.text()))
    left_out = stats.get("mqtt.lines_left_out", 0)
    summed = sum(int(n) for n in re.findall(r" MQTT_LEFT_OUT .*?(\d+) more lines", broker.text()))
    what = "%d lines, %d left out, %d summed up" % (lines, left_out, summed)
    tap.note(what)
    tap.equal(stats.get("mqtt.bad_packets"), 400, "all offences are counted")
    tap.ok(lines >= 50 and left_out > 0 and lines + left_out == 400, "the log of strangers is limited", lambda: what)
    tap.equal(summed, left_out, "what was left out is summed up")


def main():
    house.need_broker()
    tap = house.Tap()
    broker = house.Broker(top="sessions: { sessions-max: 500 }\n")
    tap.note("seed %d" % SEED)
    early = every_stream(tap, broker)
    if broker.alive():
        tap.equal(broker.stat_becomes("net.connections", 0), 0, "no connection is left")
        memory(tap, broker, early or 0)
        explained(tap, broker)
        known_after(tap, broker)
        known_instead(tap, broker)
        tap.equal(wire.good_client(broker.port), None, "a good client is served at the end")
    broker.ends_well(tap)
    strangers(tap)
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
