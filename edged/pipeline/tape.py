"""The stretch of decoded audio that may still be needed; its length is bounded by the windows."""

from collections import deque

from edged.media import AudioChunk, ms_to_samples, samples_to_ms


class Tape:
    """Decoded speech PCM (mono s16le, 16 kHz) from some point of the recording on."""

    def __init__(self) -> None:
        self._parts: deque[AudioChunk] = deque()
        self._end = 0

    @property
    def end_ms(self) -> int:
        """How much of the recording has passed, in milliseconds."""
        return samples_to_ms(self._end)

    def append(self, part: AudioChunk) -> None:
        """Add the next part; parts follow each other without a gap."""
        self._parts.append(part)
        self._end = part.start + part.samples

    def cut(self, start_ms: int, end_ms: int) -> AudioChunk:
        """A copy of the audio between two points; what is already forgotten or not there is left out."""
        first, last = ms_to_samples(start_ms), ms_to_samples(end_ms)
        pieces = [
            memoryview(part.data)[2 * max(0, first - part.start) : 2 * max(0, last - part.start)]
            for part in self._parts
            if part.start < last and part.start + part.samples > first
        ]
        return AudioChunk(data=b"".join(pieces), start=first)

    def forget_before(self, milliseconds: int) -> None:
        """Give back parts that end before a point."""
        point = ms_to_samples(milliseconds)
        while self._parts and self._parts[0].start + self._parts[0].samples <= point:
            self._parts.popleft()
