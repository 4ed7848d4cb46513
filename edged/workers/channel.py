"""The frames between the daemon and a worker: a socketpair, exact buffers, no shared queue.

A frame is a block of 128 bytes (four bytes little-endian length of the head, then the head in
MessagePack; a longer one goes on behind the block) and the raw parts whose sizes the head names.
One read gets a small frame. Descriptors ride on a frame's first bytes (SCM_RIGHTS), towards
the worker only.

Measured: 2026-11, 2 vCPU: 40 us for an empty hop, 345 us for 1.92 MB both ways; a zmq PAIR costs
130 and 793 us and never says that the peer died.
"""

import array
import asyncio
import os
import select
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
from msgspec import Raw, Struct

Buffer = bytes | bytearray | memoryview
Kind = Literal["start", "call", "cancel", "item", "result", "end", "error", "yielded", "dropped"]
"""start, call, cancel go to the worker; the others come back.

item: one of a stream. result, end, error, yielded: the call is over. dropped: it never started.
"""

FINAL: frozenset[Kind] = frozenset({"result", "end", "error", "yielded"})

LARGEST_HEAD = 2**20
LARGEST_FRAME = 2**28
"""Bytes. A worker runs foreign native code: what it claims is checked before it is allocated."""

FRAMES_PER_WAKE = 64
"""One talkative worker must not hold the loop."""

_DESCRIPTORS = 16
_SEND_BUFFER = 2**19
_LENGTH = 4
_BLOCK = 128
_HEAD_IN_BLOCK = _BLOCK - _LENGTH


class Head(Struct, frozen=True, array_like=True):
    """What a frame is about.

    generation: of the worker; a frame of another generation is never taken for an answer.
    call: chosen by the daemon, counts up. next: on final kinds, the call that runs next, 0: none.
    target: the hosted object; empty: the host itself. arguments: one encoded struct each; for
        `item` and `result` the one value, for `error` the problem.
    priority: 0 is the most urgent.
    """

    generation: int
    call: int
    kind: Kind
    target: str = ""
    method: str = ""
    priority: int = 0
    arguments: tuple[Raw, ...] = ()
    sizes: tuple[int, ...] = ()
    next: int = 0


class Frame(Struct, frozen=True):
    """One received frame; its parts are writable views of their own buffers."""

    head: Head
    parts: tuple[memoryview, ...]
    descriptors: tuple[int, ...] = ()


class BrokenFrame(Exception):
    """The peer sent what is no frame; nothing after it can be read."""


_encode_head = msgspec.msgpack.Encoder().encode
_decode_head = msgspec.msgpack.Decoder(Head).decode


def sizes_of(parts: Sequence[Buffer]) -> tuple[int, ...]:
    """Bytes of each part, as the head names them."""
    return tuple(memoryview(part).nbytes for part in parts)


def frame_buffers(head: Head, parts: Sequence[Buffer]) -> list[memoryview]:
    """The buffers of one frame, to be written in order."""
    encoded = _encode_head(head)
    block = (len(encoded).to_bytes(_LENGTH, "little") + encoded).ljust(_BLOCK, b"\0")
    return [memoryview(block), *(memoryview(part).cast("B") for part in parts if len(part))]


class Assembler:
    """Puts frames together without doing I/O: fill `wanted`, then say how much was filled."""

    def __init__(self) -> None:
        self._restart()

    def _restart(self) -> None:
        # A fresh block for each frame: what is decoded from it are views of it.
        self._block = self.wanted = memoryview(bytearray(_BLOCK))
        self._long_head: memoryview | None = None
        self._head: Head | None = None
        self._parts: list[memoryview] = []
        self._open: deque[memoryview] = deque()
        self.at_start = True

    def filled(self, count: int) -> Frame | None:
        """The frame that these bytes complete, if they do.

        Raises:
            BrokenFrame: the bytes are no frame.
        """
        self.at_start = False
        self.wanted = self.wanted[count:]
        if self.wanted:
            return None
        if self._head is None:
            self._read_head()
        if self._open:
            self.wanted = self._open.popleft()
            return None
        return self._complete()

    def _read_head(self) -> None:
        """Decode the head, or make room for one that is longer than the block."""
        if self._long_head is not None:
            self._decode_head(self._long_head)
            return
        size = int.from_bytes(self._block[:_LENGTH], "little")
        if not 0 < size <= LARGEST_HEAD:
            raise BrokenFrame("a head of impossible length")
        if size <= _HEAD_IN_BLOCK:
            self._decode_head(self._block[_LENGTH : _LENGTH + size])
            return
        self._long_head = memoryview(bytearray(size))
        self._long_head[:_HEAD_IN_BLOCK] = self._block[_LENGTH:]
        self._open.append(self._long_head[_HEAD_IN_BLOCK:])

    def _decode_head(self, encoded: memoryview) -> None:
        try:
            self._head = _decode_head(encoded)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BrokenFrame("an unreadable head") from error
        self._expect(self._head.sizes)

    def _expect(self, sizes: tuple[int, ...]) -> None:
        if min(sizes, default=0) < 0 or sum(sizes) > LARGEST_FRAME:
            raise BrokenFrame("parts of impossible length")
        self._parts = [memoryview(bytearray(size)) for size in sizes]
        self._open.extend(part for part in self._parts if part)

    def _complete(self) -> Frame | None:
        if self._head is None:
            return None
        frame = Frame(head=self._head, parts=tuple(self._parts))
        self._restart()
        return frame


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends, with room for a tensor of a picture on the way.

    The kernel grants less where its limit (net.core.wmem_max) is lower. Measured: 2026-11, 2 vCPU,
    600 kB there and back: 0.27 to 0.30 ms instead of 0.42 to 0.56 with the default of 208 KiB.
    """
    ends = socket.socketpair()
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    return ends


class WorkerSide:
    """The worker's end: blocking, one thread."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(None)
        self._sock = sock
        self._assembler = Assembler()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def waiting(self) -> bool:
        """Whether a frame, or the end, can be read now."""
        return bool(self._poll.poll(0))

    def receive(self) -> Frame | None:
        """The next frame; None when the daemon has closed the channel.

        Raises:
            BrokenFrame: the bytes are no frame.
        """
        descriptors: tuple[int, ...] = ()
        while True:
            if self._assembler.at_start:
                count, descriptors = self._receive_start()
            else:
                count = self._sock.recv_into(self._assembler.wanted)
            if not count:
                return None
            if frame := self._assembler.filled(count):
                return msgspec.structs.replace(frame, descriptors=descriptors)

    def _receive_start(self) -> tuple[int, tuple[int, ...]]:
        """The first bytes of a frame with the descriptors that ride on them."""
        received = array.array("i")
        space = socket.CMSG_SPACE(_DESCRIPTORS * received.itemsize)
        count, ancillary, _, _ = self._sock.recvmsg_into(
            [self._assembler.wanted], space, getattr(socket, "MSG_CMSG_CLOEXEC", 0)
        )
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                received.frombytes(data[: len(data) - len(data) % received.itemsize])
        return count, tuple(received)

    def send(self, head: Head, parts: Sequence[Buffer] = ()) -> None:
        """Write one frame; waits as long as the daemon does not read."""
        buffers = frame_buffers(head, parts)
        while buffers:
            buffers = remaining(buffers, self._sock.sendmsg(buffers))


def remaining(buffers: list[memoryview], sent: int) -> list[memoryview]:
    """What is left of buffers when so many bytes of them were written."""
    for index, buffer in enumerate(buffers):
        if sent < len(buffer):
            return [buffer[sent:], *buffers[index + 1 :]]
        sent -= len(buffer)
    return []


class _Outgoing(Struct):
    """A frame that could not be written at once; its descriptors are copies of ours."""

    buffers: list[memoryview]
    descriptors: list[int]


class DaemonSide:
    """The daemon's end: never blocks; reports frames and the end by callback. Loop thread only.

    Args:
        sock: a connected stream socket; closed by `close`.
        on_frame: called for every frame.
        on_end: called once, at the peer's end or at bytes that are no frame (with the reason).
    """

    def __init__(
        self,
        sock: socket.socket,
        on_frame: Callable[[Frame], None],
        on_end: Callable[[str], None],
    ) -> None:
        sock.settimeout(0)
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._on_frame = on_frame
        self._on_end = on_end
        self._assembler = Assembler()
        self._outgoing: deque[_Outgoing] = deque()
        self._closed = False
        self._reading = False
        self.resume()

    def pause(self) -> None:
        """Stop reading: the worker waits when its socket is full."""
        if self._reading:
            self._loop.remove_reader(self._sock)
            self._reading = False

    def resume(self) -> None:
        """Read again."""
        if not self._reading and not self._closed:
            self._loop.add_reader(self._sock, self._read)
            self._reading = True

    @property
    def reading(self) -> bool:
        """Whether frames are being read."""
        return self._reading

    def _read(self) -> None:
        for _ in range(FRAMES_PER_WAKE):
            if not self._reading or not self._read_frame():
                return

    def _read_frame(self) -> bool:
        """Read on until a frame is complete; False when no other one is expected to be there."""
        while True:
            try:
                count = self._sock.recv_into(self._assembler.wanted)
            except BlockingIOError:
                return False
            except OSError:
                count = 0
            if not count:
                self._end("")
                return False
            try:
                frame = self._assembler.filled(count)
            except BrokenFrame as error:
                self._end(str(error))
                return False
            if frame:
                self._on_frame(frame)
                # More follows an item only; asking in vain costs a system call.
                return frame.head.kind == "item"

    def _end(self, reason: str) -> None:
        self.close()
        self._on_end(reason)

    def send(
        self, head: Head, parts: Sequence[Buffer] = (), descriptors: Sequence[int] = ()
    ) -> None:
        """Write one frame, now or as the socket takes it; parts must not change until then."""
        if self._closed:
            return
        frame = _Outgoing(frame_buffers(head, parts), list(descriptors))
        if self._outgoing or not self._write(frame):
            if frame.descriptors:
                frame.descriptors = [os.dup(number) for number in descriptors]
            if not self._outgoing:
                self._loop.add_writer(self._sock, self._write_on)
            self._outgoing.append(frame)

    def _write(self, frame: _Outgoing) -> bool:
        """Whether the whole frame could be written."""
        while frame.buffers:
            rights = array.array("i", frame.descriptors)
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if rights else []
            try:
                sent = self._sock.sendmsg(frame.buffers, ancillary)
            except BlockingIOError:
                return False
            except OSError:
                return True  # the reader reports the end
            frame.descriptors = []
            frame.buffers = remaining(frame.buffers, sent)
        return True

    def _write_on(self) -> None:
        while self._outgoing:
            frame = self._outgoing[0]
            copies = list(frame.descriptors)
            done = self._write(frame)
            if copies and (done or not frame.descriptors):
                _close_all(copies)
            if not done:
                return
            self._outgoing.popleft()
        self._loop.remove_writer(self._sock)

    def close(self) -> None:
        """Close the socket; the worker reads the end. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self.pause()
        self._loop.remove_writer(self._sock)
        for frame in self._outgoing:
            _close_all(frame.descriptors)
        self._outgoing.clear()
        self._sock.close()


def _close_all(descriptors: Sequence[int]) -> None:
    for number in descriptors:
        os.close(number)
