#!/usr/bin/env python3
"""limits.py - more connections than a listener wants: who is told so, and who gets in all the same.

What CONNACK says above connections-max and connection-rate, in each version; that those who are only told so are few;
that a crowd of silent connections does not keep a client out that behaves.
"""
import socket
import sys

import house
import wire
from wire import CONNACK, Closed, Late, Peer, connect


def answer(port, version):
    """The CONNACK code of a client, or what happened instead."""
    peer = Peer(port)
    try:
        peer.send(connect(version, "asks-%d" % version))
        return peer.expect(CONNACK)[1]
    except (Closed, Late) as e:
        return type(e).__name__
    finally:
        peer.close()


def stays(port, ident):
    peer = Peer(port)
    peer.send(connect(5, ident))
    return peer if peer.expect(CONNACK)[1] == 0 else None


def crowd(port, count):
    """That many connections that say nothing."""
    socks = []
    for _ in range(count):
        s = socket.socket()
        s.settimeout(30)
        s.connect(("127.0.0.1", port))
        socks.append(s)
    return socks


def leave(socks):
    for s in socks:
        s.close()


# --- what they are told ---------------------------------------------------------------------------------------------


def told_at_max(tap):
    b = house.Broker(listener="connections-max: 2", workers=1)
    inside = [stays(b.port, "in-%d" % i) for i in range(2)]
    tap.ok(all(inside), "two clients are let in")
    for version, code in ((3, 3), (4, 3), (5, 0x97)):
        tap.equal(answer(b.port, version), code, "version %d: the third is told" % version)
    tap.ok(b.said(" LISTENER_FULL "), "the log says so", b.text)
    tap.equal(b.text().count(" LISTENER_FULL "), 1, "once")
    stats = b.stats()
    tap.equal((stats["net.connections"], stats["net.over_max"]), (2, 3), "they never counted as connections")
    inside.pop().close()
    tap.equal(b.stat_becomes("net.connections", 1), 1, "one leaves")
    tap.equal(answer(b.port, 5), 0, "and another is let in")
    b.ends_well(tap)


def told_at_rate(tap):
    b = house.Broker(listener="connection-rate: 1, connection-burst: 3")
    for version, code in ((3, 3), (4, 3), (5, 0x9F)):
        # Each second one is let in; nobody needs a second for each of a hundred.
        codes = [answer(b.port, version) for _ in range(100)]
        tap.ok(set(codes) <= {0, code} and codes.count(code) > 50, "version %d: above the rate" % version, repr(codes))
    tap.ok(b.said(" LISTENER_RATE "), "the log says so", b.text)
    tap.ok(b.stats()["net.over_rate"] > 150, "the counter too")
    b.ends_well(tap)


# --- a crowd --------------------------------------------------------------------------------------------------------


def few_are_told(tap):
    b = house.Broker(listener="connections-max: 1", workers=1)
    inside = stays(b.port, "in")
    socks = crowd(b.port, 300)
    tap.equal(b.stat_becomes("net.over_max", 300), 300, "300 silent connections are above the limit")
    open_now = sum(1 for s in socks if not ended(s))
    tap.ok(open_now <= 64, "no more than 64 of them stand", "%d" % open_now)
    tap.ok(house.until(lambda: all(ended(s) for s in socks), 30), "and those are closed soon")
    leave(socks)
    inside.send(wire.pingreq())
    inside.expect(wire.PINGRESP)
    b.ends_well(tap)


def ended(s):
    """Has the broker closed this connection?"""
    s.setblocking(False)
    try:
        return s.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def silent_ones_make_room(tap):
    """Silent connections fill the listener and come back whenever they are closed; clients get in all the same."""
    b = house.Broker(listener="connections-max: 20, mqtt: { connect-timeout: 1h }", workers=2)
    socks = crowd(b.port, 40)
    tap.equal(b.stat_becomes("net.connections", 20), 20, "twenty silent connections fill the listener")
    inside = []

    def one_more():
        try:
            peer = stays(b.port, "good-%d" % len(inside))
        except (Closed, Late):
            return False
        if peer:
            inside.append(peer)
        return bool(peer)

    for i in range(10):
        socks += crowd(b.port, 2)
        tap.ok(house.until(one_more, 30, 0.05), "client %d gets in" % (i + 1), b.text)
    for peer in inside:
        peer.send(wire.pingreq())
        peer.expect(wire.PINGRESP)
    tap.ok(True, "and nobody of them was thrown out")
    tap.ok(b.stats()["net.evicted"] >= 10, "silent ones made room")
    leave(socks)
    b.ends_well(tap)


def main():
    house.need_broker()
    tap = house.Tap()
    told_at_max(tap)
    told_at_rate(tap)
    few_are_told(tap)
    silent_ones_make_room(tap)
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
