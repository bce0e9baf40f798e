#!/usr/bin/env python3
"""kill.py - twenty client identifiers, many connections that fight for them, two workers.

For some seconds threads connect under a random identifier and leave in every way there is: politely, by closing, by a
reset, in the middle of CONNECT, with a will, with messages unacknowledged; meanwhile the broker is told to reload, to
open its log again, to write its counters. Afterwards every gauge must be what the survivors make it.
"""
import os
import random
import signal
import socket
import struct
import sys
import threading
import time

import house
import wire

SECONDS = float(os.environ.get("SECONDS", "3"))
THREADS = 12
IDS = ["storm-%d" % i for i in range(20)]


def reset(peer):
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def leave(rng, peer):
    way = rng.randrange(4)
    if way == 0:
        peer.send(wire.disconnect())
    if way == 1:
        reset(peer)
        return
    if way == 2:
        peer.sock.shutdown(socket.SHUT_RDWR)
    peer.close()


def one_life(rng, port):
    """A connection from birth to death; True when it was let in."""
    version = rng.choice((3, 4, 5))
    ident = rng.choice(IDS)
    expiry = b"\x11\xff\xff\xff\xff" if version == 5 else b""
    will = ("storm/will", ident, rng.randrange(3), False) if rng.random() < 0.5 else None
    hello = wire.connect(version, ident, rng.random() < 0.3, 0, will, expiry)
    peer = wire.Peer(port)
    entered = False
    try:
        if rng.random() < 0.1:
            peer.send(hello[: rng.randrange(1, len(hello))])
        else:
            peer.send(hello)
        if rng.random() < 0.7 and len(hello) > 20:
            peer.send(
                wire.subscribe(version, 1, "storm/#", qos=rng.randrange(3)),
                wire.publish(version, "storm/x", ident.encode(), rng.randrange(3), 7),
            )
        if rng.random() < 0.6:
            peer.seconds = 0.2
            peer.expect(wire.CONNACK)
            entered = True
        leave(rng, peer)
    except (wire.Closed, wire.Late, AssertionError, OSError):
        reset(peer)
    return entered


def fight(broker):
    counts = [0] * THREADS
    wrong = []
    end = time.monotonic() + SECONDS

    def work(number):
        rng = random.Random(number)
        while time.monotonic() < end:
            try:
                counts[number] += one_life(rng, broker.port)
            except OSError as e:
                wrong.append(repr(e))
                return

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(THREADS)]
    for t in threads:
        t.start()
    while time.monotonic() < end and broker.alive():
        time.sleep(0.05)
        os.kill(broker.pid, random.choice((signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)))
    for t in threads:
        t.join(60)
    return sum(counts), wrong


def enter(port, ident, clean):
    """A client that stays."""
    peer = wire.Peer(port)
    peer.send(wire.connect(4, ident, clean))
    if peer.expect(wire.CONNACK)[1]:
        raise AssertionError("%s is refused" % ident)
    return peer


def gauges(tap, broker, sessions, attached, when):
    for name, want in (("sessions", sessions), ("sessions_attached", attached)):
        tap.equal(broker.stat_becomes("broker." + name, want), want, "%s: broker.%s is %d" % (when, name, want))
    tap.equal(
        broker.stat_becomes("mqtt.connected", attached), attached, "%s: mqtt.connected is %d" % (when, attached)
    )
    tap.equal(broker.stat_becomes("net.connections", attached), attached, "%s: net.connections" % when)


def survivors(tap, broker):
    peers = [enter(broker.port, ident, False) for ident in IDS]
    gauges(tap, broker, len(IDS), len(IDS), "twenty connect again")
    for peer in peers:
        peer.close()
    gauges(tap, broker, len(IDS), 0, "they go, their sessions stay")
    for peer in [enter(broker.port, ident, True) for ident in IDS]:
        peer.send(wire.disconnect())
        peer.rest()
        peer.close()
    gauges(tap, broker, 0, 0, "they start afresh and go")
    stats = broker.stats()
    tap.equal(stats["broker.subscriptions"], 0, "no subscription is left")
    tap.equal(stats["broker.queued"], 0, "no message waits for anybody")


def main():
    house.need_broker()
    tap = house.Tap()
    broker = house.Broker(level="info")
    entered, wrong = fight(broker)
    tap.note("%d connections were let in and heard it" % entered)
    tap.ok(entered > 20 and not wrong, "identifiers are fought for", lambda: "%d, %r" % (entered, wrong))
    if tap.ok(broker.alive(), "the broker survives the storm", lambda: broker.text()[-4000:]):
        tap.ok(broker.stats()["broker.takeovers"] > 0, "there were takeovers")
        tap.ok(" RELOADED " in broker.text() and " RELOAD_REFUSED " not in broker.text(), "and reloads")
        try:
            survivors(tap, broker)
        except (wire.Closed, wire.Late, AssertionError) as e:
            tap.ok(False, "survivors are served", "%s: %s" % (type(e).__name__, e))
        tap.equal(wire.good_client(broker.port), None, "a good client is served")
    broker.ends_well(tap)
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
