"""Puts pieces of decoded audio where they belong on a clock, with silence where there is none.

Pure bytes: nothing is computed from samples here. Loudness comes with the pieces; where a piece does
not begin at a window's border, its values go to the nearest window (at most 16 ms off).
"""

from array import array
from collections.abc import Iterator

from edged.capture.parts import PART_SAMPLES, WINDOW_SAMPLES, DecodedPart

_SAMPLE_BYTES = 2
_VALUE_BYTES = 4


class Placing:
    """A growing audio from sample 0 of a clock on, given away in parts.

    Memory is bounded by one part and one piece. A part is given one behind, so that the last one can
    say that it is.

    Args:
        start: the first sample, a multiple of 512; what lies before it is left out.
    """

    def __init__(self, start: int = 0) -> None:
        self._start = start
        self._pcm = bytearray()
        self._rms = array("f")

    @property
    def end(self) -> int:
        """The sample behind the last one so far."""
        return self._start + len(self._pcm) // _SAMPLE_BYTES

    def put(
        self, pcm: bytes, rms: bytes, *, at: int, before: int | None = None
    ) -> Iterator[DecodedPart]:
        """Add a piece whose first sample lies at `at`; yields the parts that are complete.

        What lies before the present end is left out (it is there already), and so is what lies at
        `before` or behind it. Up to `at` there is silence.
        """
        yield from self.silence(at)
        first = self.end
        samples = len(pcm) // _SAMPLE_BYTES
        last = at + samples if before is None else min(before, at + samples)
        if last <= first:
            return
        self._pcm += memoryview(pcm)[(first - at) * _SAMPLE_BYTES : (last - at) * _SAMPLE_BYTES]
        self._note_loudness(rms, at=at, first=first)
        yield from self._ready()

    def silence(self, until: int) -> Iterator[DecodedPart]:
        """Add silence up to a sample; none when that is passed already."""
        while self.end < until:
            size = min(until - self.end, PART_SAMPLES)
            self._pcm += bytes(size * _SAMPLE_BYTES)
            self._note_loudness(b"", at=self.end, first=self.end)
            yield from self._ready()

    def finish(self) -> DecodedPart:
        """The final part, empty when there is nothing at all."""
        return self._part(len(self._pcm) // _SAMPLE_BYTES, final=True)

    def _note_loudness(self, rms: bytes, *, at: int, first: int) -> None:
        """Keep one value per window, the loudest of those that fall into it."""
        windows = -(-len(self._pcm) // (WINDOW_SAMPLES * _SAMPLE_BYTES))
        self._rms.extend([0.0] * (windows - len(self._rms)))
        values = array("f")
        values.frombytes(rms[: len(rms) // _VALUE_BYTES * _VALUE_BYTES])
        skipped = max(0, first - at) // WINDOW_SAMPLES
        nearest = (at - self._start + WINDOW_SAMPLES // 2) // WINDOW_SAMPLES
        for number in range(skipped, len(values)):
            window = nearest + number
            if 0 <= window < windows and values[number] > self._rms[window]:
                self._rms[window] = values[number]

    def _ready(self) -> Iterator[DecodedPart]:
        while len(self._pcm) > PART_SAMPLES * _SAMPLE_BYTES:
            yield self._part(PART_SAMPLES, final=False)

    def _part(self, samples: int, *, final: bool) -> DecodedPart:
        windows = -(-samples // WINDOW_SAMPLES)
        part = DecodedPart(
            pcm=bytes(self._pcm[: samples * _SAMPLE_BYTES]),
            rms=self._rms[:windows].tobytes(),
            start=self._start,
            final=final,
        )
        del self._pcm[: samples * _SAMPLE_BYTES]
        del self._rms[:windows]
        self._start += samples
        return part
