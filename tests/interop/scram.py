#!/usr/bin/env python3
"""scram.py - enhanced authentication with SCRAM-SHA-256 against linnetd, by a client of its own.

No common MQTT client speaks AUTH, so the client's side is written here, with Python's hashlib: it shares no code with the broker and follows
RFC 5802 from the other end. Users come from linnet-scram, as an operator would make them.
"""
import base64
import hashlib
import hmac
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "abuse"))
import house  # noqa: E402
import wire  # noqa: E402

METHOD = "SCRAM-SHA-256"
TOOL = os.path.join(os.path.dirname(house.LINNETD) or ".", "linnet-scram")


def make_user(path, name, password, mode="a"):
    line = subprocess.run([TOOL, name], input=password + "\n", capture_output=True, text=True, check=True).stdout
    with open(path, mode) as f:
        f.write(line)
    os.chmod(path, 0o600)


def properties(method=METHOD, data=None):
    out = b"\x15" + wire.text(method) if method is not None else b""
    return out + (b"\x16" + wire.text(data) if data is not None else b"")


def auth(reason, data=None, method=METHOD):
    return wire.packet(wire.AUTH, 0, bytes([reason]) + wire.props(5, properties(method, data)))


def read_props(body):
    """Authentication method and data of a property section at the start of BODY."""
    size, found, at = body[0], {}, 1
    lengths = {0x21: 2, 0x22: 2, 0x27: 4, 0x13: 2, 0x11: 4, 0x24: 1, 0x25: 1, 0x28: 1, 0x29: 1, 0x2A: 1}
    while at < 1 + size:
        key, at = body[at], at + 1
        n = lengths.get(key)
        if n is None:
            n = body[at] << 8 | body[at + 1]
            at += 2
        found[key], at = body[at : at + n], at + n
    return found.get(0x15), found.get(0x16)


class Client:
    """RFC 5802's client."""

    def __init__(self, name, password, gs2="n,,"):
        self.gs2, self.password = gs2, password.encode()
        self.nonce = base64.b64encode(os.urandom(18)).decode()
        self.bare = "n=%s,r=%s" % (name.replace("=", "=3D").replace(",", "=2C"), self.nonce)

    def first(self):
        return self.gs2 + self.bare

    def final(self, challenge):
        part = dict(item.split("=", 1) for item in challenge.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(part["s"]), int(part["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        without = "c=%s,r=%s" % (base64.b64encode(self.gs2.encode()).decode(), part["r"])
        message = ",".join((self.bare, challenge, without)).encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        server = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        self.server = "v=" + base64.b64encode(server).decode()
        assert part["r"].startswith(self.nonce) and len(part["r"]) > len(self.nonce)
        return without + ",p=" + base64.b64encode(proof).decode()


def rounds(peer, client, packet):
    """Sends PACKET, answers the challenge; returns the kind, the reason and the data of what comes then."""
    peer.send(packet)
    kind, _, body = peer.receive()
    if kind != wire.AUTH:
        return kind, body[1] if kind == wire.CONNACK else body[0], None
    method, data = read_props(body[1:])
    assert body[0] == 0x18 and method == METHOD.encode()
    peer.send(auth(0x18, client.final(data.decode())))
    kind, _, body = peer.receive()
    if kind == wire.CONNACK:
        return kind, body[1], read_props(body[2:])[1]
    return kind, body[0], read_props(body[1:])[1] if kind == wire.AUTH else None


def login(broker, name, password, ident="scram", gs2="n,,"):
    peer, client = wire.Peer(broker.port), Client(name, password, gs2)
    got = rounds(peer, client, wire.connect(5, ident, properties=properties(data=client.first())))
    return peer, client, got


def challenge_of(broker, name):
    peer, client = wire.Peer(broker.port), Client(name, "x")
    peer.send(wire.connect(5, "ask", properties=properties(data=client.first())))
    data = read_props(peer.expect(wire.AUTH)[1:])[1].decode()
    peer.close()
    return data.split(",", 1)[1]


def check_logins(tap, broker):
    peer, client, (kind, reason, data) = login(broker, "alice", "wonder land")
    tap.equal((kind, reason), (wire.CONNACK, 0), "the right password is let in")
    tap.equal((data or b"").decode(), client.server, "and the broker proves that it knows the user")
    again = Client("alice", "wonder land")
    kind, reason, data = rounds(peer, again, auth(0x19, again.first()))
    tap.equal((kind, reason), (wire.AUTH, 0), "the client may prove itself again")
    tap.equal((data or b"").decode(), again.server, "and so does the broker")
    peer.send(wire.pingreq())
    tap.equal(peer.receive()[0], wire.PINGRESP, "and the connection goes on")
    other = Client("b,o=b", "builder")
    kind, reason, _ = rounds(peer, other, auth(0x19, other.first()))
    tap.equal((kind, reason), (wire.DISCONNECT, 0x87), "but not as another user")
    tap.equal(login(broker, "b,o=b", "builder")[2][:2], (wire.CONNACK, 0), "a name with a comma and an equals sign")
    tap.equal(login(broker, "alice", "wonder land", gs2="y,,")[2][:2], (wire.CONNACK, 0), "a client that could bind channels")
    tap.equal(login(broker, "alice", "wrong")[2][:2], (wire.CONNACK, 0x87), "a wrong password is refused")
    tap.equal(login(broker, "nobody", "wrong")[2][:2], (wire.CONNACK, 0x87), "an unknown user is refused")
    tap.equal(challenge_of(broker, "nobody"), challenge_of(broker, "nobody"), "an unknown user's salt is always the same")
    tap.ok(challenge_of(broker, "nobody") != challenge_of(broker, "noone"), "and another user's is another")


def check_oddities(tap, broker):
    for text, name in (("p=tls-unique,,n=alice,r=abc", "channel binding"), ("garbage", "garbage"), ("n,,n=,r=x", "no name")):
        peer = wire.Peer(broker.port)
        peer.send(wire.connect(5, "odd", properties=properties(data=text)))
        tap.equal(peer.expect(wire.CONNACK)[1], 0x87, "%s is refused" % name)
    peer = wire.Peer(broker.port)
    peer.send(wire.connect(5, "odd", properties=properties()))
    tap.equal(peer.expect(wire.AUTH)[0], 0x18, "who begins without a word is asked for the first one")
    client = Client("alice", "wonder land")
    tap.equal(rounds(peer, client, auth(0x18, client.first()))[:2], (wire.CONNACK, 0), "and may go on from there")
    peer = wire.Peer(broker.port)
    peer.send(wire.connect(5, "odd"))
    tap.equal(peer.expect(wire.CONNACK)[1], 0x87, "who names no method is not let in")
    peer = wire.Peer(broker.port)
    peer.send(wire.connect(4, "odd"))
    tap.equal(peer.expect(wire.CONNACK)[1], 5, "nor is a client of 3.1.1")


def check_reload(tap, broker, users):
    make_user(users, "alice", "new", "w")
    since = broker.mark()
    os.kill(broker.pid, signal.SIGHUP)
    broker.said("RELOAD", since)
    tap.equal(login(broker, "alice", "new")[2][:2], (wire.CONNACK, 0), "a reload brings a new password")
    tap.equal(login(broker, "alice", "wonder land")[2][:2], (wire.CONNACK, 0x87), "and the old one is gone")
    with open(users, "a") as f:
        f.write("carol:secret\n")
    since = broker.mark()
    os.kill(broker.pid, signal.SIGHUP)
    line = broker.said("users:2: ", since)
    tap.ok(line, "a bad line is named by file and line", broker.text)
    tap.equal(login(broker, "alice", "new")[2][:2], (wire.CONNACK, 0), "and the users stay as they were")


def main():
    house.need_broker()
    if not os.access(TOOL, os.X_OK):
        house.skip_all("the module scram was not built")
    tap = house.Tap()
    users = os.path.join(house.folder(), "users")
    make_user(users, "alice", "wonder land")
    make_user(users, "b,o=b", "builder")
    broker = house.Broker(top="scram: { load: true, users: %s }" % users, listener="allow-anonymous: no")
    check_logins(tap, broker)
    check_oddities(tap, broker)
    check_reload(tap, broker, users)
    broker.ends_well(tap)
    tap.end()


if __name__ == "__main__":
    main()
