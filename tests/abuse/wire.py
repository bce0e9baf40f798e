"""wire.py - MQTT packets as bytes, and a client that is not clever.

Packets are built by hand so that they can be built wrongly. The client sends what it is given and splits what comes
into packets; nothing is answered by itself.
"""
import socket
import struct
import time

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = 8, 9, 10, 11, 12, 13, 14, 15


def varint(n):
    out = bytearray()
    while True:
        n, byte = n >> 7, n & 0x7F
        out.append(byte | (0x80 if n else 0))
        if not n:
            return bytes(out)


def text(s):
    b = s if isinstance(s, bytes) else s.encode()
    return struct.pack(">H", len(b)) + b


def packet(kind, flags, body):
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


def props(version, raw=b""):
    return varint(len(raw)) + raw if version == 5 else b""


def connect(version, ident, clean=True, keep_alive=0, will=None, properties=b"", user=None):
    """WILL: (topic, payload, qos, retain)."""
    flags = (2 if clean else 0) | (0x80 if user is not None else 0)
    body = text("MQIsdp" if version == 3 else "MQTT") + bytes([version])
    tail = text(ident)
    if will:
        flags |= 4 | will[2] << 3 | (0x20 if will[3] else 0)
        tail += props(version) + text(will[0]) + text(will[1])
    if user is not None:
        tail += text(user)
    return packet(
        CONNECT, 0, body + bytes([flags]) + struct.pack(">H", keep_alive) + props(version, properties) + tail
    )


def publish(version, topic, payload=b"", qos=0, ident=1, retain=False, dup=False, properties=b""):
    head = text(topic) + (struct.pack(">H", ident) if qos else b"") + props(version, properties)
    return packet(PUBLISH, (8 if dup else 0) | qos << 1 | (1 if retain else 0), head + payload)


def ack(kind, ident):
    return packet(kind, 2 if kind == PUBREL else 0, struct.pack(">H", ident))


def subscribe(version, ident, *filters, qos=0, properties=b""):
    body = b"".join(text(f) + bytes([qos]) for f in filters)
    return packet(SUBSCRIBE, 2, struct.pack(">H", ident) + props(version, properties) + body)


def unsubscribe(version, ident, *filters):
    return packet(UNSUBSCRIBE, 2, struct.pack(">H", ident) + props(version) + b"".join(text(f) for f in filters))


def disconnect():
    return packet(DISCONNECT, 0, b"")


def pingreq():
    return packet(PINGREQ, 0, b"")


class Closed(Exception):
    """The broker ended the connection."""


class Late(Exception):
    """Nothing came in time."""


def split(data):
    """The first packet of DATA as (kind, flags, body, rest), or None when it is not whole."""
    size = shift = 0
    at = 1
    while True:
        if at >= len(data):
            return None
        byte = data[at]
        size |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if not byte & 0x80:
            break
    if len(data) < at + size:
        return None
    return data[0] >> 4, data[0] & 15, bytes(data[at : at + size]), data[at + size :]


class Peer:
    """One connection. Everything that waits gives up after SECONDS."""

    def __init__(self, port, seconds=30, receive_buffer=None):
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(seconds)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect(("127.0.0.1", port))
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        self.seconds = seconds
        self.data = b""

    def send(self, *packets):
        try:
            self.sock.sendall(b"".join(packets))
        except socket.timeout:
            raise Late("could not send") from None
        except OSError as e:
            raise Closed(str(e)) from None
        return self

    def receive(self):
        """The next packet: kind, flags, body."""
        end = time.monotonic() + self.seconds
        while True:
            whole = split(self.data)
            if whole:
                self.data = whole[3]
                return whole[:3]
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                more = self.sock.recv(65536)
            except socket.timeout:
                raise Late("no packet within %g seconds" % self.seconds) from None
            except OSError as e:
                raise Closed(str(e)) from None
            if not more:
                raise Closed("end of input")
            self.data += more

    def expect(self, kind):
        got = self.receive()
        if got[0] != kind:
            raise AssertionError("packet type %d came, %d was expected: %r" % (got[0], kind, got[2][:40]))
        return got[2]

    def rest(self, seconds=None):
        """All bytes until the broker closes; Late when it does not."""
        out = self.data
        self.data = b""
        end = time.monotonic() + (seconds or self.seconds)
        while True:
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                more = self.sock.recv(65536)
            except socket.timeout:
                raise Late("the connection stays open") from None
            except OSError:
                return out
            if not more:
                return out
            out += more

    def close(self):
        self.sock.close()


def topic_and_payload(version, flags, body):
    """What a PUBLISH carries."""
    n = struct.unpack(">H", body[:2])[0]
    at = 2 + n + (2 if flags & 6 else 0)
    if version == 5:
        size, shift = 0, 0
        while True:
            byte = body[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        at += size
    return body[2 : 2 + n].decode("utf-8", "replace"), body[at:]


def good_client(port, ident="good", version=4, topic="good/topic", payload=b"still there"):
    """A client that behaves connects, subscribes and hears itself. Returns what is wrong, or None."""
    try:
        p = Peer(port)
        p.send(connect(version, ident))
        if p.expect(CONNACK)[1] != 0:
            return "refused"
        p.send(subscribe(version, 1, topic))
        p.expect(SUBACK)
        p.send(publish(version, topic, payload, qos=1, ident=2))
        seen = sorted((p.receive(), p.receive()), key=lambda x: x[0])
        if seen[0][0] != PUBLISH or topic_and_payload(version, seen[0][1], seen[0][2]) != (topic, payload):
            return "another message came: %r" % (seen,)
        if seen[1][0] != PUBACK:
            return "no PUBACK: %r" % (seen,)
        p.send(disconnect())
        p.rest()
        p.close()
        return None
    except (Closed, Late, AssertionError, OSError) as e:
        return "%s: %s" % (type(e).__name__, e)
