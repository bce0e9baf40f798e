#!/usr/bin/env python3
"""emfile.py - more connections than the broker has descriptors for.

Accepting pauses and says so once, nobody who is in notices, no processor is burnt, and when descriptors come free those
who waited are served.
"""
import re
import sys
import time

import house
import wire

FILES = 64
CROWD = 120


def chat(tap, name, a, b, number):
    """A and B hear each other."""
    for talker, hearer in ((a, b), (b, a)):
        number += 1
        talker.send(wire.publish(4, "chat", b"%d" % number))
        for peer in (hearer, talker):
            got = wire.topic_and_payload(4, 0, peer.expect(wire.PUBLISH))
            if got != ("chat", b"%d" % number):
                tap.ok(False, name, repr(got))
                return
    tap.ok(True, name)


def crowd(broker):
    """Many connect; each has sent CONNECT, answered or not."""
    peers = []
    for i in range(CROWD):
        peer = wire.Peer(broker.port)
        peer.send(wire.connect(4, "crowd-%d" % i))
        peers.append(peer)
    return peers


def answered(peers):
    """Those that got CONNACK by now."""
    done = []
    for peer in peers:
        peer.seconds = 0.01
        try:
            peer.expect(wire.CONNACK)
            done.append(peer)
        except (wire.Late, wire.Closed):
            pass
        peer.seconds = 30
    return done


def paused(tap, broker, workers):
    peers = crowd(broker)
    tap.ok(broker.said(r"ACCEPT_PAUSED .*at most %d desc" % FILES), "%d connections come: accepting pauses" % CROWD)
    time.sleep(0.3)
    used = broker.cpu()
    time.sleep(2)
    used = broker.cpu() - used
    tap.ok(used < 0.6, "no processor is burnt meanwhile", "%g s in 2 s" % used)
    said = len(re.findall(" ACCEPT_PAUSED ", broker.text()))
    tap.ok(1 <= said <= workers, "each worker says it once", "%d lines" % said)
    return peers


def resumed(tap, broker, peers):
    """Those who were let in go one by one; all others get their turn."""
    waiting, turns = list(peers), 0
    while waiting and turns < 50:
        turns += 1
        done = answered(waiting)
        waiting = [p for p in waiting if p not in done]
        for peer in done:
            peer.send(wire.disconnect())
            peer.close()
    tap.equal(len(waiting), 0, "as others go, all who waited are served")
    tap.ok(broker.said(" ACCEPT_RESUMED "), "and the log says so")
    for peer in waiting:
        peer.close()


def part(tap, workers):
    broker = house.Broker(workers=workers, files=FILES, level="info")
    a, b = wire.Peer(broker.port), wire.Peer(broker.port)
    for i, peer in enumerate((a, b)):
        peer.send(wire.connect(4, "old-%d" % i), wire.subscribe(4, 1, "chat"))
        peer.expect(wire.CONNACK)
        peer.expect(wire.SUBACK)
    chat(tap, "%d workers: two clients talk" % workers, a, b, 0)
    peers = paused(tap, broker, workers)
    chat(tap, "they still do", a, b, 10)
    resumed(tap, broker, peers)
    chat(tap, "and afterwards too", a, b, 20)
    tap.equal(wire.good_client(broker.port), None, "a new client is served")
    a.close()
    b.close()
    tap.equal(broker.stat_becomes("net.connections", 0), 0, "no connection is left")
    broker.ends_well(tap)


def main():
    house.need_broker()
    tap = house.Tap()
    for workers in (1, 2):
        try:
            part(tap, workers)
        except (wire.Closed, wire.Late, AssertionError) as e:
            tap.ok(False, "%d workers: all goes through" % workers, "%s: %s" % (type(e).__name__, e))
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
