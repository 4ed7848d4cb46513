"""Audio and pictures as bytes with their facts; arrays exist only inside workers."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from edged.errors import BadRequest

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


PixelFormat = Literal["rgb", "rgba", "bgr", "bgra", "grey"]

BYTES_PER_PIXEL: dict[PixelFormat, int] = {"rgb": 3, "rgba": 4, "bgr": 3, "bgra": 4, "grey": 1}


class ImageFormat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How raw pixel bytes are to be read: 8 bit a channel, rows from the top.

    width, height: pixels, 1 to 16,384.
    pixel_format: order of the channels; alpha is straight, and what lies behind it is white.
    stride: bytes from the start of a row to that of the next; 0: there are no gaps. The last row
        may end where its pixels do.
    """

    width: Annotated[int, Meta(ge=1, le=16_384)]
    height: Annotated[int, Meta(ge=1, le=16_384)]
    pixel_format: PixelFormat = "rgb"
    stride: Annotated[int, Meta(ge=0, le=2**20)] = 0

    @property
    def row_bytes(self) -> int:
        """Bytes of the pixels of one row."""
        return self.width * BYTES_PER_PIXEL[self.pixel_format]

    @property
    def size_bytes(self) -> int:
        """Bytes of the whole picture, without a gap behind the last row."""
        return max(self.stride, self.row_bytes) * (self.height - 1) + self.row_bytes


def wrong_size(image: ImageFormat, size: int) -> BadRequest:
    """The error for raw pixels of another number of bytes than their format says."""
    if 0 < image.stride < image.row_bytes:
        return BadRequest(
            f"a stride of {image.stride} bytes is shorter than a row of {image.row_bytes}",
            fix="give the bytes from one row to the next, or leave it out",
        )
    return BadRequest(
        f"{image.width} x {image.height} pixels of {image.pixel_format} "
        f"are {image.size_bytes} bytes, {size} came",
        fix="say the pixel_format, and the stride where there are gaps between rows",
    )


class Picture(Struct, frozen=True, kw_only=True):
    """One picture: raw pixels as `raw` says, or without it a whole JPEG, PNG, WebP, BMP or GIF file."""

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
