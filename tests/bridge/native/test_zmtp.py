"""ZeroMQ's wire by hand, against libzmq's own sockets and against nonsense."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from edged.bridge.native import zmtp
from edged.errors import VersionSkew

GREETING = zmtp.GREETING
READY = zmtp.command(b"\x05READY" + zmtp.property_of(b"Socket-Type", b"ROUTER"))


@pytest.fixture
def router(home: Path) -> Iterator[zmq.Socket[bytes]]:
    """Libzmq's side, which asks for signs of life every 50 ms."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    bound = context.socket(zmq.ROUTER)
    bound.setsockopt(zmq.HEARTBEAT_IVL, 50)
    bound.setsockopt(zmq.HEARTBEAT_TIMEOUT, 400)
    bound.setsockopt(zmq.RCVTIMEO, 5_000)
    bound.bind(f"ipc://{home}/socket")
    yield bound
    bound.close(linger=0)
    context.term()


class _Peer:
    """A wire on a real socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(5)
        self.socket.connect(str(path))
        self.wire = zmtp.Wire()
        self.socket.sendall(zmtp.GREETING + zmtp.READY)
        self.pongs = 0

    def read(self, most: int = 65536) -> list[tuple[bytes, bool, bool]]:
        data = memoryview(self.socket.recv(most))
        assert data
        found = [(bytes(one.data), *one[1:]) for one in self.wire.feed(data)]
        self.pongs += len(self.wire.answers)
        self.socket.sendall(b"".join(self.wire.answers))
        self.wire.answers.clear()
        return found


def _feed(wire: zmtp.Wire, data: bytes, step: int = 1 << 20) -> list[tuple[bytes, bool, bool]]:
    found: list[tuple[bytes, bool, bool]] = []
    for at in range(0, len(data), step):
        found += [
            (bytes(one.data), *one[1:]) for one in wire.feed(memoryview(data)[at : at + step])
        ]
    return found


def _messages(chunks: list[tuple[bytes, bool, bool]]) -> list[list[bytes]]:
    messages: list[list[bytes]] = [[b""]]
    for data, ends_frame, ends_message in chunks:
        messages[-1][-1] += data
        if ends_message:
            messages.append([b""])
        elif ends_frame:
            messages[-1].append(b"")
    assert messages.pop() == [b""]
    return messages


def test_libzmq_takes_our_messages_and_we_take_its(router: zmq.Socket[bytes], home: Path) -> None:
    sent = [b"", b"a" * 255, b"b" * 256, b"c" * 300_000]
    peer = _Peer(home / "socket")
    while not peer.wire.ready:
        peer.read()
    for buffer in zmtp.message(sent):
        peer.socket.sendall(buffer)

    identity, *received = router.recv_multipart()
    router.send_multipart([identity, *sent])
    chunks: list[tuple[bytes, bool, bool]] = []
    while not (chunks and chunks[-1][2]):
        chunks += peer.read()
    peer.socket.close()

    assert received == sent
    assert _messages(chunks) == [sent]


def test_a_ping_is_answered_so_libzmq_stays(router: zmq.Socket[bytes], home: Path) -> None:
    peer = _Peer(home / "socket")
    while peer.pongs < 12:  # longer than its timeout
        peer.read()
    peer.socket.sendall(b"".join(zmtp.message([b"still here"])))

    _, received = router.recv_multipart()
    peer.socket.close()

    assert received == b"still here"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 63, 64, 65, 1000])
def test_frames_are_whole_however_their_bytes_are_cut(step: int) -> None:
    messages = [[b"one"], [b"", b""], [b"x" * 300, b"", b"y" * 70_000], [b"last"]]
    data = b"".join(buffer for message in messages for buffer in zmtp.message(message))
    wire = zmtp.Wire()

    chunks = _feed(wire, GREETING + READY + data, step)

    assert wire.ready
    assert _messages(chunks) == messages


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n" * 5,
        b"\xff" + bytes(63),
        GREETING.replace(b"\x7f\x03\x01", b"\x7f\x02\x01"),
        GREETING.replace(b"NULL\0", b"CURVE"),
        GREETING + zmtp.command(b"\x05ERROR\x00"),
        GREETING + b"\x00\x05early",
        GREETING + bytes([zmtp.COMMAND | zmtp.LONG]) + b"\xff" * 8 + bytes(2000),
    ],
)
def test_another_protocol_is_a_version_skew(data: bytes) -> None:
    with pytest.raises(VersionSkew):
        _feed(zmtp.Wire(), data)


def test_a_ping_is_answered_with_its_context() -> None:
    wire = zmtp.Wire()

    _feed(wire, GREETING + READY + zmtp.command(b"\x04PING\x00\x96context"))

    assert wire.answers == [zmtp.command(b"\x04PONGcontext")]
