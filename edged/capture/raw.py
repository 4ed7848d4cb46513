"""Raw PCM as a source of samples; worker side only."""

import os
from collections.abc import Iterator

import numpy as np

from edged.capture.mono import Frames, Samples, downmix
from edged.capture.parts import MediaFacts, check_bounds
from edged.errors import BadMedia
from edged.media import AudioFormat

_BLOCK_BYTES = 2**18


class RawAudio:
    """Raw PCM in an open descriptor.

    Raises:
        BadMedia: empty, or a rate out of bounds.
    """

    def __init__(self, fd: int, audio: AudioFormat) -> None:
        check_bounds(audio.sample_rate, audio.channels)
        self._fd = fd
        self._audio = audio
        self._size_bytes = os.fstat(fd).st_size
        frames = self._size_bytes // audio.frame_bytes
        if not frames:
            raise BadMedia("there is no audio: not one whole sample")
        self.damaged = self._size_bytes % audio.frame_bytes != 0
        self.facts = MediaFacts(
            audio_ms=frames * 1000 // audio.sample_rate,
            sample_rate=audio.sample_rate,
            channels=audio.channels,
            container="pcm",
            codec=audio.sample_format,
        )

    def blocks(self) -> Iterator[tuple[Samples, int]]:
        """Mono samples and their rate; as `frames`.

        Raises:
            BadMedia: samples are not finite numbers.
        """
        for frames, rate in self.frames():
            yield downmix(frames), rate

    def frames(self) -> Iterator[tuple[Frames, int]]:
        """Samples of all channels and their rate; a last, incomplete frame is left out."""
        frame_bytes = self._audio.frame_bytes
        step = max(1, _BLOCK_BYTES // frame_bytes) * frame_bytes
        kind = "<i2" if self._audio.sample_format == "s16le" else "<f4"
        at = 0
        while data := os.pread(self._fd, step, at):
            at += len(data)
            whole = len(data) // frame_bytes * frame_bytes
            frames = np.frombuffer(data[:whole], kind).reshape(-1, self._audio.channels)
            yield frames, self._audio.sample_rate

    def is_short(self, audio_ms: int) -> bool:
        """Raw PCM states no length."""
        del audio_ms
        return False
