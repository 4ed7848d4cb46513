"""The ring between a device's callback and the worker's thread: bounded, never waited for.

The callback's thread pushes, the worker's main thread takes. When the ring is full the newest
sound is dropped and counted: the callback must return in time, whatever happens.
"""

import threading
from collections import deque

from msgspec import Struct

Buffer = bytes | bytearray | memoryview

JITTER_NS = 50_000_000
"""Two clocks that are read one after the other differ a little; a sleep is longer."""


class Block(Struct, frozen=True):
    """What one callback brought.

    pcm: interleaved s16le. arrived_ns: CLOCK_BOOTTIME when it came. slept_ns: how long the machine
    had slept until then. lost: frames that were dropped before it.
    """

    pcm: bytes
    arrived_ns: int
    slept_ns: int = 0
    lost: int = 0


class _Slot(Struct, frozen=True):
    """Where a block lies in the ring."""

    first: int
    size: int
    arrived_ns: int
    slept_ns: int
    lost: int


class Tap:
    """A ring of so many bytes.

    Args:
        size_bytes: of sound that may wait; a whole number of frames.
        frame_bytes: one sample of all channels.
    """

    def __init__(self, size_bytes: int, frame_bytes: int) -> None:
        self._ring = bytearray(size_bytes)
        self._frame_bytes = frame_bytes
        self._slots: deque[_Slot] = deque()
        self._used = 0
        self._next = 0
        self._lost = 0
        self._lock = threading.Lock()
        self._came = threading.Event()

    def push(self, pcm: Buffer, arrived_ns: int, slept_ns: int) -> None:
        """Copy a block in, or drop and count it. The callback's thread."""
        size = len(pcm)
        with self._lock:
            if size > len(self._ring) - self._used:
                self._lost += size // self._frame_bytes
                return
            self._write(pcm, size)
            self._slots.append(_Slot(self._next, size, arrived_ns, slept_ns, self._lost))
            self._next = (self._next + size) % len(self._ring)
            self._used += size
            self._lost = 0
        self._came.set()

    def _write(self, pcm: Buffer, size: int) -> None:
        before_end = min(size, len(self._ring) - self._next)
        view = memoryview(pcm)
        self._ring[self._next : self._next + before_end] = view[:before_end]
        self._ring[: size - before_end] = view[before_end:]

    def wait(self, seconds: float) -> None:
        """Until a block comes, but not for longer. Main thread."""
        self._came.wait(seconds)
        self._came.clear()

    def take(self) -> list[Block]:
        """All blocks that wait; those without a loss or a sleep between them as one. Main thread."""
        blocks: list[Block] = []
        with self._lock:
            for slot in self._slots:
                block = self._read(slot)
                last = blocks[-1] if blocks else None
                if last is None or block.lost or block.slept_ns - last.slept_ns > JITTER_NS:
                    blocks.append(block)
                else:
                    blocks[-1] = Block(
                        last.pcm + block.pcm, block.arrived_ns, last.slept_ns, last.lost
                    )
            self._slots.clear()
            self._used = 0
        return blocks

    def _read(self, slot: _Slot) -> Block:
        end = slot.first + slot.size
        pcm = bytes(self._ring[slot.first : end])
        if end > len(self._ring):
            pcm += bytes(self._ring[: end - len(self._ring)])
        return Block(pcm, slot.arrived_ns, slot.slept_ns, slot.lost)

    def wipe(self) -> None:
        """Forget what waits, and overwrite every byte of the ring with zeros."""
        with self._lock:
            self._slots.clear()
            self._used = self._lost = 0
            self._ring[:] = bytes(len(self._ring))
