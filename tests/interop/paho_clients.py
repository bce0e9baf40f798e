#!/usr/bin/env python3
"""paho_clients.py - clients made with paho-mqtt 1.6 against linnetd, in MQTT 3.1, 3.1.1 and 5.0.

$LINNETD and $LINNET_MODULES name the broker and the folder of its modules. Every client runs paho's own loop in a
thread; what it hears is collected, and the checks wait for it, never longer than half a minute. Prints TAP.
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "abuse"))
import house
import wire

try:
    import paho.mqtt.client as mqtt
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCodes
    from paho.mqtt.subscribeoptions import SubscribeOptions
except ImportError:
    SYSTEM = "/usr/bin/python3"
    if os.path.exists(SYSTEM) and not os.environ.get("PAHO_SOUGHT"):
        os.execve(SYSTEM, [SYSTEM] + sys.argv, dict(os.environ, PAHO_SOUGHT="1"))
    house.skip_all("python3-paho-mqtt missing")

NAMES = {mqtt.MQTTv31: "3.1", mqtt.MQTTv311: "3.1.1", mqtt.MQTTv5: "5.0"}
V5 = mqtt.MQTTv5


def properties(kind, **values):
    p = Properties(kind)
    for name, value in values.items():
        setattr(p, name, value)
    return p


class Client:
    """A paho client that remembers what happened to it. CLEAN: clean session, or clean start."""

    def __init__(self, port, ident, version, clean=True, prepare=None, keep_alive=60, connect=None):
        more = {} if version == V5 else {"clean_session": clean}
        self.paho = mqtt.Client(ident, protocol=version, reconnect_on_failure=False, **more)
        self.version = version
        self.messages, self.published, self.subscribed, self.unsubscribed = [], [], {}, {}
        self.connack = self.gone = None
        self.lock = threading.Lock()
        self.paho.on_connect = lambda c, u, *rest: setattr(self, "connack", rest)
        self.paho.on_disconnect = lambda c, u, *rest: setattr(self, "gone", rest)
        self.paho.on_message = lambda c, u, m: self.messages.append(m)
        self.paho.on_publish = lambda c, u, mid: self.published.append(mid)
        self.paho.on_subscribe = lambda c, u, mid, codes, *rest: self.subscribed.__setitem__(mid, codes)
        self.paho.on_unsubscribe = lambda c, u, mid, *rest: self.unsubscribed.__setitem__(mid, rest)
        if prepare:
            prepare(self.paho)
        start = {"clean_start": clean, "properties": connect} if version == V5 else {}
        self.paho.connect("127.0.0.1", port, keep_alive, **start)
        self.paho.loop_start()
        if not house.until(lambda: self.connack is not None or self.gone is not None):
            raise wire.Late("%s gets no CONNACK" % ident)

    def present(self):
        return self.connack[0]["session present"]

    def subscribe(self, *args, **kwargs):
        """Returns the codes of SUBACK as numbers."""
        mid = self.paho.subscribe(*args, **kwargs)[1]
        if not house.until(lambda: mid in self.subscribed):
            raise wire.Late("no SUBACK")
        return [c.value if hasattr(c, "value") else c for c in self.subscribed[mid]]

    def unsubscribe(self, *args):
        mid = self.paho.unsubscribe(*args)[1]
        if not house.until(lambda: mid in self.unsubscribed):
            raise wire.Late("no UNSUBACK")
        return self.unsubscribed[mid]

    def publish(self, topic, payload, qos=0, retain=False, **values):
        """Publishes, and waits until QoS 1 and 2 are done."""
        carry = properties(PacketTypes.PUBLISH, **values) if values else None
        self.paho.publish(topic, payload, qos, retain, carry).wait_for_publish(30)

    def hears(self, count, seconds=30):
        """The payloads, when there are COUNT of them."""
        house.until(lambda: len(self.messages) >= count, seconds)
        return [m.payload.decode() for m in self.messages]

    def leave(self, **more):
        self.paho.disconnect(**more)
        house.until(lambda: self.gone is not None)
        self.paho.loop_stop()

    def die(self):
        """The connection breaks, without a word."""
        self.paho.socket().shutdown(2)
        house.until(lambda: self.gone is not None)
        self.paho.loop_stop()


# --- every version -------------------------------------------------------------------------------------------------


def crowd(tap, port, version):
    """Ten clients talk to each other."""
    name, size = NAMES[version], 10
    clients = [Client(port, "crowd-%d" % i, version) for i in range(size)]
    for c in clients:
        c.subscribe("crowd/#", 2)
    for n in range(10):
        for i, c in enumerate(clients):
            c.paho.publish("crowd/%d" % i, "%d %d" % (i, n), n % 3)
    for c in clients:
        c.hears(size * 10)
    good = {q: 0 for q in range(3)}
    for c in clients:
        for q in range(3):
            for i in range(size):
                got = [m.payload for m in c.messages if m.topic == "crowd/%d" % i and m.qos == q]
                good[q] += got == [b"%d %d" % (i, n) for n in range(10) if n % 3 == q]
    tap.equal(
        good, {q: size * size for q in range(3)}, "%s: ten clients hear each other, in order for each QoS" % name
    )
    house.until(lambda: all(len(c.published) == 10 for c in clients))
    tap.equal([len(c.published) for c in clients], [10] * size, "%s: every message is acknowledged, once" % name)
    for c in clients:
        c.leave()


def large(tap, port, version):
    name = NAMES[version]
    c = Client(port, "large", version)
    c.subscribe("large", 2)
    payload = os.urandom(1000000)
    for qos in range(3):
        c.publish("large", payload, qos)
    house.until(lambda: len(c.messages) == 3)
    got = sorted(m.qos for m in c.messages if m.payload == payload)
    tap.equal(got, [0, 1, 2], "%s: a million bytes, to oneself, in every QoS" % name)
    c.leave()


def sessions(tap, port, version):
    name = NAMES[version]
    keep = properties(PacketTypes.CONNECT, SessionExpiryInterval=600) if version == V5 else None
    clean = Client(port, "keeps", version)
    clean.leave()
    first = Client(port, "keeps", version, clean=False, connect=keep)
    tap.equal(first.present(), 0, "%s: a new session is not present" % name)
    tap.equal(first.subscribe([("keeps/1", 1), ("keeps/2", 2), ("keeps/0", 0)]), [1, 2, 0], "%s: granted" % name)
    first.die()
    other = Client(port, "other", version)
    for n in range(30):
        other.publish("keeps/%d" % (n % 3), str(n), n % 3)
    other.leave()
    again = Client(port, "keeps", version, clean=False, connect=keep)
    tap.equal(
        again.present(), 0 if version == mqtt.MQTTv31 else 1, "%s: session present, where the version says" % name
    )
    got = again.hears(20)
    for q in (1, 2):
        want = [str(n) for n in range(30) if n % 3 == q]
        tap.equal([g for g in got if int(g) % 3 == q], want, "%s: what waited comes in order, QoS %d" % (name, q))
    tap.equal(sorted(set(m.qos for m in again.messages)), [1, 2], "%s: QoS 0 did not wait" % name)
    again.unsubscribe(["keeps/1", "keeps/2"])
    again.leave()
    other = Client(port, "other", version)
    other.publish("keeps/1", "nobody", 1)
    other.leave()
    third = Client(port, "keeps", version, clean=False, connect=keep)
    third.publish("keeps/1", "nobody", 1)
    third.subscribe("keeps/end", 1)
    third.publish("keeps/end", "end", 1)
    tap.equal(third.hears(1), ["end"], "%s: unsubscribed is unsubscribed" % name)
    third.leave()
    Client(port, "keeps", version, clean=True).leave()


def wills(tap, port, version):
    name = NAMES[version]
    watch = Client(port, "watch", version)
    watch.subscribe("will/#", 2)
    dies = Client(port, "dies", version, prepare=lambda c: c.will_set("will/dies", "died", 1, True))
    dies.die()
    tap.equal(watch.hears(1), ["died"], "%s: a broken connection leaves its will" % name)
    leaves = Client(port, "leaves", version, prepare=lambda c: c.will_set("will/leaves", "left", 1))
    leaves.leave()
    watch.publish("will/end", "end", 2)
    tap.equal(watch.hears(2), ["died", "end"], "%s: who takes leave leaves none" % name)
    late = Client(port, "late", version)
    late.subscribe("will/dies", 1)
    late.hears(1)
    tap.equal([(m.payload, m.retain) for m in late.messages], [(b"died", True)], "%s: a will may be retained" % name)
    late.publish("will/dies", "", 1, True)
    late.leave()
    watch.leave()


def alive(tap, port, version):
    """A keep alive of one second, twice."""
    name = NAMES[version]
    watch = Client(port, "watch", version)
    watch.subscribe("keep/#", 1)
    quiet = Client(port, "quiet", version, keep_alive=1)
    level = {mqtt.MQTTv31: 3, mqtt.MQTTv311: 4, V5: 5}[version]
    mute = wire.Peer(port)
    mute.send(wire.connect(level, "mute", keep_alive=1, will=("keep/mute", "mute", 1, False)))
    tap.equal(watch.hears(1), ["mute"], "%s: who falls silent is given up, and its will published" % name)
    closing = mute.rest()
    mute.close()
    if version == V5:
        tap.ok(
            closing.endswith(b"\xe0\x02\x8d\x00") or b"\xe0\x01\x8d" in closing, "5.0: it is told why", repr(closing)
        )
    quiet.subscribe("keep/quiet", 0)
    quiet.publish("keep/quiet", "still here")
    tap.equal(quiet.hears(1), ["still here"], "%s: who pings stays" % name)
    quiet.leave()
    watch.leave()


def mixed(tap, port):
    clients = [Client(port, "mixed-%d" % v, v) for v in NAMES]
    for c in clients:
        c.subscribe("mixed", 2)
    for c in clients:
        c.publish("mixed", NAMES[c.version], 2)
    for c in clients:
        tap.equal(sorted(c.hears(3)), ["3.1", "3.1.1", "5.0"], "%s hears all versions" % NAMES[c.version])
    for c in clients:
        c.leave()


# --- 5.0 alone -----------------------------------------------------------------------------------------------------


def carried(tap, port):
    a, b = Client(port, "a", V5), Client(port, "b", V5)
    b.subscribe("carry", 2, properties=properties(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=12345))
    pairs = [("k", "v"), ("a", ""), ("k", "w"), ("\u00fc", "\u4e16\u754c")]
    a.publish(
        "carry",
        "x",
        2,
        PayloadFormatIndicator=1,
        MessageExpiryInterval=100,
        ContentType="text/x",
        ResponseTopic="answer/here",
        CorrelationData=b"\x00\xff\x01",
        UserProperty=pairs,
    )
    b.hears(1)
    p = b.messages[0].properties if b.messages else None
    got = (p.PayloadFormatIndicator, p.ContentType, p.ResponseTopic, p.CorrelationData, p.UserProperty) if p else None
    tap.equal(got, (1, "text/x", "answer/here", b"\x00\xff\x01", pairs), "5.0: properties are carried, in order")
    tap.ok(p and 95 <= p.MessageExpiryInterval <= 100, "5.0: message expiry counts down")
    tap.equal(p and p.SubscriptionIdentifier, [12345], "5.0: the subscription's identifier comes along")
    b.subscribe("carry/#", 1, properties=properties(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=7))
    a.publish("carry", "y", 1)
    b.hears(2)
    ids = sorted(i for m in b.messages[1:] for i in m.properties.SubscriptionIdentifier)
    tap.equal(ids, [7, 12345], "5.0: both identifiers of overlapping subscriptions come along")
    a.leave()
    b.leave()


def greeting(tap, port):
    c = Client(port, "", V5)
    p = c.connack[2]
    tap.ok(getattr(p, "AssignedClientIdentifier", ""), "5.0: an empty client identifier is assigned one", str(p))
    tap.ok(getattr(p, "TopicAliasMaximum", 0) > 0, "5.0: CONNACK offers topic aliases", str(p))
    tap.ok(getattr(p, "MaximumPacketSize", 0) > 1000, "5.0: CONNACK tells the largest packet", str(p))
    c.leave()


def options(tap, port):
    c, other = Client(port, "options", V5), Client(port, "other", V5)
    other.publish("opt/kept", "kept", 1, True)
    other.leave()
    c.subscribe("opt/#", options=SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND))
    c.publish("opt/x", "1", 1)
    tap.equal(c.hears(1), ["1"], "5.0: retain handling 2: nothing retained comes")
    c.subscribe("opt/#", options=SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB))
    c.publish("opt/x", "2", 1)
    tap.equal(c.hears(2), ["1", "2"], "5.0: retain handling 1: nothing comes again")
    c.subscribe("opt/#", options=SubscribeOptions(qos=1, noLocal=True))
    tap.equal(c.hears(3), ["1", "2", "kept"], "5.0: retain handling 0: it comes")
    c.publish("opt/x", "own", 1)
    c.subscribe("opt2/#", options=SubscribeOptions(qos=1, retainAsPublished=True))
    c.publish("opt2/y", "flag", 1, True)
    c.hears(4)
    got = [(m.payload, m.retain) for m in c.messages[3:]]
    tap.equal(got, [(b"flag", True)], "5.0: no local, and retain as published")
    for topic in ("opt/kept", "opt2/y"):
        c.publish(topic, "", 1, True)
    c.leave()


def aliases(tap, port):
    c = Client(port, "aliases", V5)
    c.subscribe("alias/#", 1)
    c.publish("alias/one", "1", 1, TopicAlias=1)
    c.publish("alias/two", "2", 1, TopicAlias=2)
    c.publish("", "3", 1, TopicAlias=1)
    c.publish("alias/other", "4", 1, TopicAlias=1)
    c.publish("", "5", 1, TopicAlias=1)
    c.publish("", "6", 1, TopicAlias=2)
    c.hears(6)
    want = ["alias/one", "alias/two", "alias/one", "alias/other", "alias/other", "alias/two"]
    tap.equal([m.topic for m in c.messages], want, "5.0: topic aliases are set, used and changed")
    c.leave()


def stranger(port, ident):
    """A client of 5.0 by hand: paho does not show a DISCONNECT that is as short as can be."""
    peer = wire.Peer(port)
    peer.send(wire.connect(5, ident))
    peer.expect(wire.CONNACK)
    return peer


def goodbye(peer):
    """The reason code of the DISCONNECT that comes last."""
    got = wire.split(peer.rest())
    peer.close()
    return got and got[0] == wire.DISCONNECT and got[2][:1] and got[2][0]


def reasons(tap, port):
    a = stranger(port, "twin")
    b = Client(port, "twin", V5)
    tap.equal(goodbye(a), 0x8E, "5.0: who is taken over is told")
    got = b.unsubscribe(["never/subscribed"])
    tap.equal(
        [c.value for c in got[1]] if isinstance(got[1], list) else got[1].value,
        0x11,
        "5.0: UNSUBACK says there was none",
    )
    b.subscribe("$share/g/shared", 1)
    b.publish("shared", "one of us", 1)
    tap.equal(b.hears(1), ["one of us"], "5.0: a shared subscription of one")
    b.leave()


def endings(tap, port):
    """Session expiry and wills at a DISCONNECT that says more."""
    watch = Client(port, "watch", V5)
    watch.subscribe("end/#", 1)
    long_ = properties(PacketTypes.CONNECT, SessionExpiryInterval=600)
    c = Client(port, "ends", V5, connect=long_, prepare=lambda p: p.will_set("end/will", "will", 1))
    c.leave(reasoncode=ReasonCodes(PacketTypes.DISCONNECT, "Disconnect with will message"))
    tap.equal(watch.hears(1), ["will"], "5.0: disconnect with will message")
    c = Client(port, "ends", V5, clean=False, connect=long_)
    tap.equal(c.present(), 1, "5.0: the session waited")
    c.leave(properties=properties(PacketTypes.DISCONNECT, SessionExpiryInterval=0))
    c = Client(port, "ends", V5, clean=False, connect=long_)
    tap.equal(c.present(), 0, "5.0: session expiry 0 in DISCONNECT ends it")
    c.leave(properties=properties(PacketTypes.DISCONNECT, SessionExpiryInterval=0))
    delay = properties(PacketTypes.WILLMESSAGE, WillDelayInterval=600, UserProperty=[("who", "me")])
    will = lambda p: p.will_set("end/late", "late", 1, properties=delay)
    c = Client(port, "delays", V5, connect=long_, prepare=will)
    c.die()
    c = Client(port, "delays", V5, clean=False, connect=long_)
    watch.publish("end/x", "no will", 1)
    tap.equal(watch.hears(2), ["will", "no will"], "5.0: who comes back within the delay takes the will back")
    c.leave()
    c = Client(port, "delays", V5, prepare=will)
    c.die()
    tap.equal(watch.hears(3), ["will", "no will", "late"], "5.0: the end of the session does not wait for the delay")
    got = getattr(watch.messages[-1].properties, "UserProperty", None)
    tap.equal(got, [("who", "me")], "5.0: a will has its properties")
    watch.leave()


def stops(tap, broker):
    """The broker ends while clients are there."""
    clients = [Client(broker.port, "stays-%d" % v, v) for v in NAMES]
    five = stranger(broker.port, "stays")
    broker.ends_well(tap)
    house.until(lambda: all(c.gone is not None for c in clients))
    tap.equal(goodbye(five), 0x8B, "5.0: a client is told that the broker stops")
    tap.ok(all(c.gone is not None for c in clients), "all are disconnected")
    for c in clients:
        c.paho.loop_stop()


def main():
    house.need_broker()
    tap = house.Tap()
    broker = house.Broker(level="info")
    port = broker.port
    for version in NAMES:
        for part in (crowd, large, sessions, wills, alive):
            attempt(tap, part, tap, port, version)
    for part in (mixed, carried, greeting, options, aliases, reasons, endings):
        attempt(tap, part, tap, port)
    stops(tap, broker)
    tap.end()


def attempt(tap, part, *args):
    try:
        part(*args)
    except (wire.Late, wire.Closed, AttributeError, IndexError, ValueError, OSError) as e:
        tap.ok(False, "%s goes through" % part.__name__, "%s: %s" % (type(e).__name__, e))


if __name__ == "__main__":
    main()
