"""Audio and pictures as bytes with their facts; arrays exist only inside workers."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

SampleFormat = Literal["s16le", "f32le"]

SPEECH_RATE = 16_000
"""Hz. Every speech model of the catalogue takes this rate."""

RMS_WINDOW_MS = 32
"""Milliseconds per loudness value: one Silero window (512 samples at 16 kHz)."""

BYTES_PER_SAMPLE: dict[SampleFormat, int] = {"s16le": 2, "f32le": 4}


class AudioFormat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How PCM bytes are to be read.

    sample_rate: Hz, 1 to 768,000 (the decoder refuses below 1,000 Hz with `bad_media`).
    channels: interleaved, 1 to 64.
    sample_format: little-endian signed 16 bit, or 32-bit float in [-1, 1].
    """

    sample_rate: Annotated[int, Meta(ge=1, le=768_000)]
    channels: Annotated[int, Meta(ge=1, le=64)] = 1
    sample_format: SampleFormat = "s16le"

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * BYTES_PER_SAMPLE[self.sample_format]


class ImageFormat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How raw pixel bytes are to be read: RGB, 8 bit, rows from the top, no gaps between rows.

    width, height: pixels, 1 to 16,384.
    """

    width: Annotated[int, Meta(ge=1, le=16_384)]
    height: Annotated[int, Meta(ge=1, le=16_384)]

    @property
    def size_bytes(self) -> int:
        """Bytes of the whole picture."""
        return self.width * self.height * 3


class Picture(Struct, frozen=True, kw_only=True):
    """One picture: raw RGB as `raw` says, or without it a whole JPEG, PNG, WebP, BMP or GIF file."""

    data: bytes | memoryview
    raw: ImageFormat | None = None


SPEECH = AudioFormat(sample_rate=SPEECH_RATE)
"""What models take: 16 kHz, mono, signed 16 bit."""


class AudioChunk(Struct, frozen=True, kw_only=True):
    """A run of speech PCM: mono s16le at 16 kHz.

    data: raw samples; a whole number of them.
    start: index of the first sample, counted from the recording's start.
    """

    data: bytes | memoryview
    start: int = 0

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.data) // 2

    @property
    def start_ms(self) -> int:
        """Milliseconds from the recording's start to the first sample."""
        return samples_to_ms(self.start)

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds, rounded down."""
        return samples_to_ms(self.samples)


def samples_to_ms(samples: int) -> int:
    """Milliseconds that a number of speech samples lasts, rounded down."""
    return samples * 1000 // SPEECH_RATE


def ms_to_samples(milliseconds: int) -> int:
    """The number of speech samples in a number of milliseconds."""
    return milliseconds * SPEECH_RATE // 1000
