#!/usr/bin/env python3
"""proxy.py - PROXY headers as no proxy sends them: in single bytes, together with what follows, broken, endless, absent.

The broker must come out of all of it alive, have believed nobody but a right header of a trusted sender, and serve the
next one.
"""
import random
import socket
import struct
import sys

import house
import wire

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
BLOCK = socket.inet_aton("203.0.113.9") + socket.inet_aton("192.0.2.2") + struct.pack(">HH", 4711, 1883)
V1 = b"PROXY TCP4 203.0.113.9 192.0.2.2 4711 1883\r\n"


def v2(body=BLOCK, command=0x21, family=0x11):
    return SIGNATURE + bytes([command, family]) + struct.pack(">H", len(body)) + body


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def tlv(kind, value):
    return struct.pack(">BH", kind, len(value)) + value


def with_checksum(tlvs=b"", error=0):
    body = BLOCK + tlvs + tlv(3, b"\0\0\0\0")
    head = v2(body)
    return head[:-4] + struct.pack(">I", crc32c(head) ^ error)


HEADERS = {
    "version 1": V1,
    "version 2": v2(),
    "version 2 with TLVs": v2(
        BLOCK + tlv(2, b"broker.example") + tlv(5, b"id-17") + tlv(0x20, b"\1\0\0\0\0" + tlv(0x22, b"cn"))
    ),
    "version 2 with a checksum": with_checksum(tlv(4, b"")),
    "version 2 of 4096 bytes": v2(BLOCK + tlv(4, bytes(4096 - 16 - 12 - 3))),
}


def talk(broker, pieces):
    """Sends PIECES, each by itself; what CONNACK says, or what became of the connection instead."""
    peer = wire.Peer(broker.port)
    try:
        for piece in pieces:
            peer.send(piece)
        return peer.expect(wire.CONNACK)[1]
    except (wire.Closed, wire.Late) as e:
        return type(e).__name__
    finally:
        peer.close()


def right_ones(tap, broker):
    for number, (name, header) in enumerate(HEADERS.items()):
        for how in ("at once", "byte by byte", "in halves"):
            ident = "right-%d-%s" % (number, how.replace(" ", "-"))
            data = header + wire.connect(4, ident)
            if how == "at once":
                pieces = [data]
            elif how == "in halves":
                pieces = [data[: len(header) // 2], data[len(header) // 2 :]]
            else:
                pieces = [data[i : i + 1] for i in range(len(data))]
            tap.equal(talk(broker, pieces), 0, "%s, %s" % (name, how))
            line = broker.said(r"%s 203\.0\.113\.9:4711\] connected" % ident)
            tap.ok(line, "and the client has its address", broker.text)
    tap.ok(broker.said(r"PROXY_FOR .* unique id id-17$"), "a unique identifier is in the log")


WRONG = {
    "a wrong checksum": with_checksum(error=1),
    "a checksum of three bytes": v2(BLOCK + tlv(3, b"\0\0\0")),
    "a TLV that is cut off": v2(BLOCK + b"\4\0\x09x"),
    "addresses that are cut off": v2(BLOCK[:-1]),
    "an unknown command": v2(command=0x22),
    "version 3": v2(command=0x31),
    "an unknown family": v2(family=0x41),
    "a datagram": v2(family=0x12),
    "a header of 4097 bytes": v2(BLOCK + tlv(4, bytes(4097 - 16 - 12 - 3))),
    "a header that announces 64 KiB": SIGNATURE + b"\x21\x11\xff\xff" + BLOCK,
    "a line of 108 bytes": b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
    "a line without an end": b"PROXY TCP4 " + b"1" * 200000,
    "a line that ends with a line feed": V1.replace(b"\r", b""),
    "a line with a leading zero": V1.replace(b"4711", b"04711"),
    "a name for an address": V1.replace(b"203.0.113.9", b"localhost"),
    "no header": b"",
    "two headers": V1 + V1,
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


def wrong_ones(tap, broker):
    mark = broker.mark()
    for name, data in WRONG.items():
        got = talk(broker, [data + wire.connect(4, "wrong")])
        tap.equal(got, "Closed", name)
    tap.ok(" MQTT_CONNECTED " not in broker.text(mark), "nobody of them was let in", broker.text)
    stats = broker.stats()
    tap.equal((stats["proxy.missing"], stats["proxy.bad_headers"]), (3, len(WRONG) - 4), "they are counted")
    lines = [x for x in broker.text(mark).splitlines() if " PROXY_BAD_HEADER " in x]
    tap.ok(1 <= len(lines) <= 2, "and said once by each worker", "\n".join(lines))


def half_ones(tap, broker):
    """Headers that never become whole cost nothing for long: mqtt's connect-timeout runs."""
    socks = []
    for data in (b"P", V1[:-1], SIGNATURE, v2()[:-1], v2(BLOCK + tlv(4, bytes(4000)))[:-1]):
        for _ in range(10):
            s = socket.create_connection(("127.0.0.1", broker.port), 30)
            s.sendall(data)
            socks.append(s)
    tap.ok(all(s.recv(1) == b"" for s in socks), "fifty halves of headers are closed by connect-timeout")
    for s in socks:
        s.close()


def random_ones(tap, broker, seed=20):
    rng = random.Random(seed)
    bad = 0
    for _ in range(600):
        data = bytearray(rng.choice(list(HEADERS.values()))[:200] + wire.connect(4, "random"))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(min(len(data), 60))] = rng.randrange(256)
        s = socket.create_connection(("127.0.0.1", broker.port), 30)
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            while s.recv(4096):
                pass
        except socket.timeout:
            bad += 1
        except OSError:
            pass
        s.close()
    tap.equal(bad, 0, "600 headers with wrong bytes: each connection ends")


def main():
    house.need_broker()
    if not house.has_module("proxy"):
        house.skip_all("the module proxy was not built")
    tap = house.Tap()
    broker = house.Broker(
        top="proxy: { load: true }",
        listener="allow-anonymous: true, mqtt: { connect-timeout: 3s }",
        stack="[proxy, mqtt]",
    )
    right_ones(tap, broker)
    wrong_ones(tap, broker)
    half_ones(tap, broker)
    random_ones(tap, broker)
    tap.equal(talk(broker, [V1 + wire.connect(5, "after")]), 0, "the next one is served")
    tap.equal(broker.stat_becomes("net.connections", 0), 0, "no connection stays")
    broker.ends_well(tap)
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
