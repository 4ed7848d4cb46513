"""The capture worker's object: one open device, its ring, and the line behind it.

Runs in a worker process of its own for each source. `capture` gives parts until a more urgent call
comes, which is `finish`: then the device is closed first, and what is left is given out or wiped.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from edged.capture import portaudio
from edged.capture.clock import now_ns, slept_ns
from edged.capture.line import Line
from edged.capture.orders import CaptureOrder, Ending, Heard
from edged.capture.tap import Tap
from edged.workers.context import WorkerContext

WAIT_S = 0.25
"""How long the end of a capture may go unnoticed while the device gives nothing."""

SIGN_OF_LIFE_NS = 1_000_000_000
STALL_NS = 5_000_000_000
"""A device that gives nothing for so long is opened anew. A sound server's device that nobody
plays to may rest for two seconds. Measured: PulseAudio's null sink, 2026-11."""

_SAMPLE_BYTES = 2


def load(argument: bytes, context: WorkerContext) -> "Listener":
    """The worker's entry; `argument` is not used."""
    del argument
    return Listener(context)


class Listener:
    """One source. Main thread; the device's callbacks come in a thread of PortAudio's."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._tap: Tap | None = None
        self._line: Line | None = None

    def capture(self, order: CaptureOrder) -> Iterator[Heard]:
        """What is heard, until the device gives nothing any more or a more urgent call comes.

        Raises:
            DeviceMissing, DeviceBusy, PermissionDenied, DeviceRefused: before the first part.
        """
        with self._opened(order) as (stream, tap, line):
            yield Heard()
            yield from self._parts(stream, tap, line)

    def finish(self, ending: Ending) -> Iterator[Heard]:
        """What is left, the open chunk sealed; or nothing, all of it overwritten."""
        tap, line = self._tap, self._line
        self._tap = self._line = None
        if tap is None or line is None:
            return
        if ending.discard:
            tap.wipe()
            line.wipe()
            return
        for block in tap.take():
            line.feed(block)
        tap.wipe()
        yield from line.finish()

    @contextmanager
    def _opened(self, order: CaptureOrder) -> Iterator[tuple[portaudio.InputStream, Tap, Line]]:
        stream, rate = portaudio.open_input(
            order.devices, order.sample_rate, order.channels, self._hear
        )
        frame_bytes = _SAMPLE_BYTES * order.channels
        tap = self._tap = Tap(order.ring_ms * rate // 1000 * frame_bytes, frame_bytes)
        line = self._line = Line(order, rate, order.channels)
        try:
            portaudio.started(stream)
            yield stream, tap, line
        finally:
            stream.abort()
            stream.close()

    def _hear(self, pcm: memoryview) -> None:
        """A block came; PortAudio's thread, which must not wait."""
        if self._tap is not None:
            self._tap.push(pcm, now_ns(), slept_ns())

    def _parts(self, stream: portaudio.InputStream, tap: Tap, line: Line) -> Iterator[Heard]:
        told_ns = heard_ns = now_ns()
        while not self._context.call_waiting():
            tap.wait(WAIT_S)
            blocks = tap.take()
            for block in blocks:
                line.feed(block)
            heard_ns = now_ns() if blocks else heard_ns
            while part := line.take():
                yield part
                told_ns = now_ns()
            if not blocks and (not stream.active or now_ns() - heard_ns > STALL_NS):
                return
            if now_ns() - told_ns > SIGN_OF_LIFE_NS:
                yield Heard()
                told_ns = now_ns()
