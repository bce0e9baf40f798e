#!/usr/bin/env python3
"""flood.py - too slow, too much, too long, too many: what one client may cost the others.

Each part gets a broker with the limits it is about, and ends with the usual questions: does it live, does it end with
0. Memory is asked for as growth, with bounds far above what is right and far below what the abuse would cost if it
worked. Under sanitizers, which keep freed memory, only address space is asked for.
"""
import re
import socket
import struct
import sys
import time

import house
import wire
from wire import connect, packet, publish, subscribe, text


def login(port, ident, version=4, **more):
    peer = wire.Peer(port, **{k: more.pop(k) for k in ("receive_buffer", "seconds") if k in more})
    peer.send(connect(version, ident, **more))
    code = peer.expect(wire.CONNACK)[1]
    if code:
        raise AssertionError("refused with %d" % code)
    return peer


def data_size(broker):
    """Writable address space in KiB: what was asked for, touched or not."""
    with open("/proc/%d/status" % broker.pid) as f:
        return int(re.search(r"VmData:\s+(\d+)", f.read())[1])


def small_growth(tap, name, before, after, bound):
    if house.is_sanitized():
        tap.skip(name, "the sanitizer keeps what is freed")
    else:
        tap.ok(after - before < bound, name, "from %d to %d KiB, at most %d more" % (before, after, bound))


# --- slow and silent ------------------------------------------------------------------------------------------------


def byte_by_byte(tap, broker):
    peer = wire.Peer(broker.port)
    talk = (
        connect(5, "bytewise", will=("w", "x", 1, False), properties=b"\x11\0\0\0\5")
        + subscribe(5, 1, "slow/#", qos=2)
        + publish(5, "slow/topic", b"abc", 2, 7)
        + wire.ack(wire.PUBREL, 7)
    )
    for i in range(len(talk)):
        peer.send(talk[i : i + 1])
        if i % 8 == 0:
            time.sleep(0.001)
    kinds = sorted(peer.receive()[0] for _ in range(5))
    tap.equal(
        kinds,
        [wire.CONNACK, wire.PUBLISH, wire.PUBREC, wire.PUBCOMP, wire.SUBACK],
        "a conversation in segments of one byte is understood",
    )
    peer.send(wire.disconnect())
    peer.close()


def half_packets(tap, broker):
    """Many connections stay in the middle of a packet; the others do not notice."""
    peers = []
    for i in range(200):
        if i % 2:
            peers.append(wire.Peer(broker.port).send(connect(4, "half-%d" % i)[:-3]))
        else:
            peers.append(login(broker.port, "half-%d" % i).send(publish(4, "half/topic", b"y" * 3000)[:1500]))
    tap.equal(wire.good_client(broker.port), None, "200 packets stand half sent: a good client is served")
    for i, peer in enumerate(peers):
        if i % 2:
            peer.send(connect(4, "half-%d" % i)[-3:])
        else:
            peer.send(publish(4, "half/topic", b"y" * 3000)[1500:], wire.pingreq())
    wrong = [i for i, peer in enumerate(peers) if peer.receive()[0] != (wire.CONNACK if i % 2 else wire.PINGRESP)]
    tap.equal(wrong, [], "all of them go on when the other half comes")
    for peer in peers:
        peer.close()


def silent(tap, broker):
    """connect-timeout is 1 s here."""
    since = broker.mark()
    mute, slow = wire.Peer(broker.port), wire.Peer(broker.port)
    closed = False
    for byte in connect(4, "dribbling" * 200):
        try:
            slow.send(bytes([byte]))
        except wire.Closed:
            closed = True
            break
        time.sleep(0.02)
    tap.ok(closed, "who sends CONNECT a byte at a time is closed too")
    try:
        tap.equal(mute.rest(), b"", "who says nothing is closed")
    except wire.Late as e:
        tap.ok(False, "who says nothing is closed", str(e))
    for peer in (mute, slow):
        tap.ok(
            broker.said(r"%s\].*connect-timeout" % re.escape(peer.address), since),
            "the log names connect-timeout and the address",
            lambda: broker.text(since),
        )
        peer.close()


def part_slow(tap):
    broker = house.Broker(top="mqtt: { connect-timeout: 1s }\n")
    silent(tap, broker)
    broker.ends_well(tap)
    broker = house.Broker()
    byte_by_byte(tap, broker)
    half_packets(tap, broker)
    broker.ends_well(tap)


# --- announced and not sent -----------------------------------------------------------------------------------------


def announced(tap, broker):
    """packet-max is 256 MiB here."""
    before = data_size(broker)
    peers = [login(broker.port, "promise-%d" % i) for i in range(20)]
    for peer in peers:
        peer.send(b"\x30\xff\xff\xff\x7f" + text("t") + b"only so much")
    tap.equal(wire.good_client(broker.port), None, "256 MiB are announced 20 times: a good client is served")
    after = data_size(broker)
    tap.ok(
        after - before < 100 * 1024,
        "nothing is allocated for what was only announced",
        "from %d to %d KiB" % (before, after),
    )
    for peer in peers:
        peer.close()
    tap.equal(broker.stat_becomes("net.connections", 0), 0, "their connections end")


def stranger(tap, broker):
    """Nobody who has not logged in makes the broker hold much."""
    since, before = broker.mark(), broker.rss()
    peer = wire.Peer(broker.port)
    try:
        peer.send(b"\x10\xff\xff\xff\x7f", b"\0" * 1000000)
        peer.rest()
        ended = True
    except wire.Closed:
        ended = True
    except wire.Late:
        ended = False
    tap.ok(
        ended
        and broker.said(
            r"%s\].*MQTT_BAD_PACKET|MQTT_BAD_PACKET .*%s\] .*CONNECT.*larger.*0x95"
            % (re.escape(peer.address), re.escape(peer.address)),
            since,
        ),
        "CONNECT of 256 MiB: closed, and the log says it is too large",
        lambda: broker.text(since),
    )
    peer.close()
    peers = [
        wire.Peer(broker.port).send(packet(wire.CONNECT, 0, b"\0\4MQTT\4\2\0\0" + b"\x0f" * 4080)[:4000])
        for _ in range(400)
    ]
    tap.equal(wire.good_client(broker.port), None, "400 strangers hold 4000 bytes each: a good client is served")
    small_growth(tap, "and they cost little more than that", before, broker.rss(), 16 * 1024)
    for peer in peers:
        peer.close()
    tap.equal(broker.stat_becomes("net.connections", 0), 0, "their connections end")


def read_ahead(tap, broker):
    """A stranger who sends more than CONNECT before it was answered gets it all served, in order."""
    peer = wire.Peer(broker.port)
    peer.send(
        connect(4, "eager"),
        subscribe(4, 1, "eager"),
        *[publish(4, "eager", b"%d" % i + b"x" * 1000) for i in range(300)]
    )
    peer.expect(wire.CONNACK)
    peer.expect(wire.SUBACK)
    got = []
    for _ in range(300):
        got.append(int(re.match(rb"\d+", wire.topic_and_payload(4, 0, peer.expect(wire.PUBLISH))[1])[0]))
    tap.equal(got, list(range(300)), "300 KB sent behind CONNECT arrive in order")
    peer.close()


def part_announced(tap):
    broker = house.Broker(top="mqtt: { packet-max: 268435460 }\n")
    announced(tap, broker)
    stranger(tap, broker)
    read_ahead(tap, broker)
    broker.ends_well(tap)


# --- slow readers ---------------------------------------------------------------------------------------------------


def part_slow_reader(tap):
    """48 MB flow past subscribers that read nothing; another one, who does, sets the pace and gets it all."""
    limit = "sessions: { queue-count: 200, queue-bytes: 1M }\n"
    broker = house.Broker(top=limit, listener="out-high: 64K, out-max: 1M")
    slow = [login(broker.port, "slow-%d" % i, receive_buffer=4096) for i in range(4)]
    for i, peer in enumerate(slow):
        peer.send(subscribe(4, 1, "flood/#", qos=i % 2))
        peer.expect(wire.SUBACK)
    reader, source = login(broker.port, "reader"), login(broker.port, "source")
    reader.send(subscribe(4, 1, "flood/#", qos=1))
    reader.expect(wire.SUBACK)
    before = broker.rss()
    got = 0
    for burst in range(200):
        source.send(*[publish(4, "flood/%d" % i, b"z" * 4000, i % 2, i + 1) for i in range(60)])
        for _ in range(60):
            body = reader.receive()
            if body[0] == wire.PUBLISH:
                got += 1
                if body[1] & 6:
                    n = struct.unpack(">H", body[2][:2])[0]
                    reader.send(wire.ack(wire.PUBACK, struct.unpack(">H", body[2][2 + n : 4 + n])[0]))
        for _ in range(30):
            source.expect(wire.PUBACK)
    tap.equal(got, 12000, "who reads gets all of the flood")
    small_growth(
        tap,
        "who does not read holds no more than out-max and the queue allow",
        before,
        broker.rss(),
        4 * 2048 + 12 * 1024,
    )
    stats = broker.stats()
    tap.ok(
        stats["broker.dropped_qos0"] > 0 and stats["broker.dropped_full"] > 0,
        "what was dropped is counted",
        lambda: "\n".join("%s %d" % x for x in stats.items()),
    )
    tap.equal(stats["net.connections"], 6, "nobody lost the connection over it")
    for i, peer in enumerate(slow):
        tap.ok(catches_up(peer), "slow reader %d reads what waits and is served again" % i)
    for peer in slow + [reader, source]:
        peer.close()
    broker.ends_well(tap)


def catches_up(peer):
    """Reads until the answer to a PINGREQ comes, acknowledging."""
    peer.send(wire.pingreq())
    for _ in range(20000):
        kind, flags, body = peer.receive()
        if kind == wire.PINGRESP:
            return True
        if kind == wire.PUBLISH and flags & 6:
            n = struct.unpack(">H", body[:2])[0]
            peer.send(wire.ack(wire.PUBACK, struct.unpack(">H", body[2 + n : 4 + n])[0]))
    return False


def big(source, size):
    source.send(publish(4, "big", b" " * size, 1, 1))
    source.expect(wire.PUBACK)


def fill(broker, source, size):
    """Publishes until a socket takes no more: the sizes sent. Little waits in the broker then."""
    sizes = []
    while len(sizes) < 2000 and not broker.stats()["net.blocked"]:
        sizes.append(size)
        big(source, size)
    return sizes


def deaf(tap, broker):
    """Questions without end from somebody who hears no answer."""
    peer, since = login(broker.port, "deaf", receive_buffer=4096), broker.mark()
    closed = False
    for _ in range(500):
        try:
            peer.send(wire.pingreq() * 16384)
        except wire.Closed:
            closed = True
            break
    tap.ok(closed, "who reads no answers is closed when they stand at out-max")
    tap.ok(
        broker.said(r"MQTT_ENDED .*deaf 127.*does not read", since), "and the log says so", lambda: broker.text(since)
    )
    peer.close()


def part_out_max(tap):
    """Messages about as large as all that may wait for a client, and larger."""
    broker = house.Broker(listener="out-high: 64K, out-max: 1M")
    slow = login(broker.port, "narrow", receive_buffer=4096)
    slow.send(subscribe(4, 1, "big", qos=1))
    slow.expect(wire.SUBACK)
    source = login(broker.port, "source")
    sizes = fill(broker, source, 16000)
    for size in (1048000, 1500000, 1048000, 10):
        sizes.append(size)
        big(source, size)
    used = broker.cpu()
    time.sleep(1.5)
    used = broker.cpu() - used
    tap.ok(used < 0.5, "what does not fit yet waits without work", "%g s of processor time in 1.5 s" % used)
    sizes.remove(1500000)
    got = []
    while got[-1:] != [10]:
        kind, flags, body = slow.receive()
        got.append(len(wire.topic_and_payload(4, flags, body)[1]))
        slow.send(wire.ack(wire.PUBACK, struct.unpack(">H", body[5:7])[0]))
    tap.equal(got, sizes, "all that can fit arrives in order, what never can is left out")
    tap.equal(broker.stats()["broker.dropped_large"], 1, "and counted")
    slow.close()
    source.close()
    deaf(tap, broker)
    broker.ends_well(tap)


def retained_of(peer, count):
    """Reads COUNT retained messages, acknowledging; the numbers they begin with."""
    numbers = []
    while len(numbers) < count:
        kind, flags, body = peer.receive()
        n = struct.unpack(">H", body[:2])[0]
        numbers.append(int(wire.topic_and_payload(4, flags, body)[1].split()[0]))
        if flags & 6:
            peer.send(wire.ack(wire.PUBACK, struct.unpack(">H", body[2 + n : 4 + n])[0]))
    return numbers


def part_retained(tap):
    """Twelve megabytes are retained; who asks for all of them and does not read costs no more than its output."""
    count = 3000
    broker = house.Broker(listener="out-high: 64K, out-max: 1M", level="notice")
    source = login(broker.port, "source")
    for first in range(0, count, 50):
        numbers = range(first, first + 50)
        source.send(*[publish(4, "all/%d" % i, b"%d " % i + b"r" * 4000, 1, 1 + i, True) for i in numbers])
        for _ in numbers:
            source.expect(wire.PUBACK)
    before = broker.rss()
    slow = [login(broker.port, "asks-%d" % i, receive_buffer=4096) for i in range(8)]
    for i, peer in enumerate(slow):
        peer.send(subscribe(4, 1, "all/#", qos=i % 2))
        peer.expect(wire.SUBACK)
    tap.equal(
        wire.good_client(broker.port), None, "eight ask for all that is retained, and read nothing: others are served"
    )
    small_growth(tap, "and they cost little", before, broker.rss(), 8 * 1024 + 4096)
    wrong = [i for i, peer in enumerate(slow) if sorted(retained_of(peer, count)) != list(range(count))]
    tap.equal(wrong, [], "when they read, each gets each message, once")
    for peer in slow + [source]:
        peer.close()
    broker.ends_well(tap)


# --- many and long --------------------------------------------------------------------------------------------------


def many_filters(tap, broker):
    filters = ["many/%d/+/x" % i for i in range(20000)]
    peer = login(broker.port, "collector", 5)
    peer.send(subscribe(5, 9, *filters))
    body = peer.expect(wire.SUBACK)
    tap.ok(len(body) == 3 + 20000 and not any(body[3:]), "20,000 filters in one packet: each is answered")
    tap.equal(broker.stats()["broker.subscriptions"], 20000, "and counted")
    peer.send(publish(5, "many/19999/here/x", b"found", 1, 5))
    got = sorted(peer.receive()[0] for _ in range(2))
    tap.equal(got, [wire.PUBLISH, wire.PUBACK], "the last of them gets its message")
    peer.send(wire.unsubscribe(5, 10, *filters))
    body = peer.expect(wire.UNSUBACK)
    tap.ok(len(body) == 3 + 20000 and not any(body[3:]), "20,000 filters go in one packet")
    tap.equal(broker.stats()["broker.subscriptions"], 0, "and are counted off")
    peer.send(subscribe(5, 11, *filters))
    peer.expect(wire.SUBACK)
    peer.close()
    tap.equal(
        broker.stat_becomes("broker.subscriptions", 0), 0, "a session that ends takes its 20,000 subscriptions along"
    )


def long_topics(tap, broker):
    """65,535 levels boundaries, in names and filters."""
    deep = "/" * 65535
    peer = login(broker.port, "deep", 5)
    filters = [deep, "#", "/" * 65533 + "/#", "+/" * 32767 + "#", "$share/g/" + "/" * 65500 + "#", "+/" * 32767 + "+"]
    codes = []
    for i, f in enumerate(filters):
        peer.send(subscribe(5, i + 1, f))
        codes.append(peer.expect(wire.SUBACK)[-1])
    tap.equal(codes, [0] * len(filters), "filters of 65,535 bytes with tens of thousands of levels are accepted")
    peer.send(publish(5, deep, b"bottom", 1, 77, retain=True))
    body, kinds = None, []
    while wire.PUBACK not in kinds:
        kind, flags, b = peer.receive()
        kinds.append(kind)
        if kind == wire.PUBLISH:
            body = wire.topic_and_payload(5, flags, b)
    tap.ok(
        kinds.count(wire.PUBLISH) >= 1 and body == (deep, b"bottom"),
        "a message to a topic of 65,535 slashes arrives",
        str(kinds),
    )
    other = login(broker.port, "deep-2", 4)
    other.send(subscribe(4, 1, "/" * 65000 + "#"))
    other.expect(wire.SUBACK)
    tap.equal(wire.topic_and_payload(4, 0, other.expect(wire.PUBLISH)), (deep, b"bottom"), "and is retained")
    other.send(publish(4, deep, b"", 1, 5, retain=True))
    while other.receive()[0] != wire.PUBACK:
        pass
    other.send(subscribe(4, 6, "/#"), wire.pingreq())
    tap.equal([other.receive()[0] for _ in range(2)], [wire.SUBACK, wire.PINGRESP], "until it is taken away")
    for i, f in enumerate(filters):
        peer.send(wire.unsubscribe(5, i + 1, f))
    unsubscribed(peer, len(filters))
    peer.close()
    other.close()


def unsubscribed(peer, count):
    """Reads COUNT UNSUBACKs, whatever else comes."""
    while count:
        count -= peer.receive()[0] == wire.UNSUBACK


def wide_match(tap, broker):
    """All 2**12 ways to write a topic of twelve levels with a or +: each is a match."""
    peer = login(broker.port, "wide", 5)
    ways = ["/".join("a" if n >> bit & 1 else "+" for bit in range(12)) for n in range(4096)]
    peer.send(subscribe(5, 1, *ways))
    peer.expect(wire.SUBACK)
    for _ in range(20):
        peer.send(publish(5, "/".join("a" * 12), b"all", 0))
    peer.send(wire.pingreq())
    count = 0
    while peer.receive()[0] == wire.PUBLISH:
        count += 1
    tap.equal(count, 20, "4,096 overlapping filters of one client: one copy of each message")
    tap.equal(wire.good_client(broker.port), None, "a good client is served meanwhile")
    peer.close()


def part_many(tap):
    broker = house.Broker("mqtt: { topic-levels-max: 65536 }\n", listener="out-max: 32M", level="notice")
    many_filters(tap, broker)
    long_topics(tap, broker)
    wide_match(tap, broker)
    tap.equal(broker.stat_becomes("net.connections", 0), 0, "no connection is left")
    tap.equal(broker.stat_becomes("broker.subscriptions", 0), 0, "no subscription is left")
    broker.ends_well(tap)


def main():
    house.need_broker()
    tap = house.Tap()
    for part in (part_slow, part_announced, part_slow_reader, part_out_max, part_retained, part_many):
        try:
            part(tap)
        except (wire.Closed, wire.Late, AssertionError, socket.error) as e:
            tap.ok(False, "%s goes through" % part.__name__, "%s: %s" % (type(e).__name__, e))
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
