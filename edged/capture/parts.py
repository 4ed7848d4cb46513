"""What the decode worker is asked and what it answers; importable without any codec."""

from collections.abc import Iterator
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from edged.errors import BadMedia
from edged.media import AudioChunk, AudioFormat

WINDOW_SAMPLES = 512
"""Samples per loudness value: 32 ms at 16 kHz, one Silero window."""

PART_SAMPLES = 937 * WINDOW_SAMPLES
"""The most samples in one part: whole windows, just under 30 s (a whole-file VAD pass in 30-s
calls costs what one call costs. Measured: facts of issue 2, 2026-11, 2 vCPU)."""

MAX_OPEN = 64
"""Media that one worker holds open at once."""

MIN_SAMPLE_RATE = 1_000
MAX_SAMPLE_RATE = 768_000
MAX_CHANNELS = 64

MEDIA_SUFFIXES = frozenset(
    (
        ".wav", ".wave", ".w64", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".weba",
        ".m4a", ".m4b", ".aac", ".mp4", ".m4v", ".mov", ".mkv", ".mka", ".webm",
        ".aif", ".aiff", ".aifc", ".caf", ".au", ".amr", ".3gp",
    )
)  # fmt: skip
"""Names that a watched folder takes for media, in lower case. What a file really is, the decoder
finds out from its content."""


class DecodeOptions(Struct, frozen=True, kw_only=True):
    """Which media to decode.

    fd: index of the media's descriptor among those that come with the call.
    audio: how to read raw PCM; None for a media file, which says so itself.
    start: first sample wanted, counted at 16 kHz; a multiple of 512. Those before are decoded
        (so that the result is the same to the bit) and left out.
    wanted: give this format instead of 16 kHz mono: f32le, `start` counted at its rate, no rms.
    """

    fd: Annotated[int, Meta(ge=0)] = 0
    audio: AudioFormat | None = None
    start: Annotated[int, Meta(ge=0, multiple_of=WINDOW_SAMPLES)] = 0
    wanted: AudioFormat | None = None


class MediaFacts(Struct, frozen=True, kw_only=True):
    """What a media file says about its audio.

    audio_ms: the stated or estimated length; 0: unknown. Only decoding tells the true one.
    sample_rate: Hz. channels: of the original.
    container, codec: FFmpeg's short names, for example `matroska` and `opus`; `pcm` when raw.
    """

    audio_ms: int
    sample_rate: int
    channels: int
    container: str
    codec: str


class DecodedPart(Struct, frozen=True, kw_only=True):
    """A run of decoded audio: mono s16le at 16 kHz, at most 30 s, whole windows but for the last.

    Or f32le of the wanted rate and channels, at most 10 s.

    pcm: the samples; empty only in a final part, when `start` lay at or past the end.
    rms: float32 little-endian, one value per 512 samples (the last one of what is left), of full
        scale 1.0.
    start: index of the first sample, counted from the recording's start.
    final: no part follows.
    truncated: on the final part: the file ends before its stated end, or parts of it are damaged.
    """

    pcm: bytes
    rms: bytes
    start: int
    final: bool = False
    truncated: bool = False

    @property
    def audio(self) -> AudioChunk:
        """The samples as models take them."""
        return AudioChunk(data=self.pcm, start=self.start)


class OpenMedia(Struct, frozen=True, kw_only=True):
    """Media that the worker holds open: its number there, and what it says about itself."""

    stream: Annotated[int, Meta(ge=0)]
    facts: MediaFacts


class MediaStream(Struct, frozen=True, kw_only=True):
    """Which open media."""

    stream: Annotated[int, Meta(ge=0)]


class PcmPiece(Struct, frozen=True, kw_only=True):
    """Raw PCM as a client sends it, in a format that goes with it."""

    data: bytes | memoryview


class ConvertOptions(Struct, frozen=True, kw_only=True):
    """How a piece of live PCM is to be read.

    stream: whose resampler to use and keep; another format begins a new one. final: give all that
        is left, and forget it.
    """

    stream: str
    audio: AudioFormat
    final: bool = False


class MediaDecoder(Protocol):
    """Fulfilled by edged.capture.decoder in the decode worker.

    `open`, `next` and `close` let several recordings be decoded in turns, part by part: a long
    file whose reader is slow never keeps the worker from a short one.
    """

    def probe(self, options: DecodeOptions) -> MediaFacts:
        """What the media says about its audio, without decoding it.

        Raises:
            BadMedia: no audio in it, or not in a form that can be decoded.
        """
        ...

    def decode(self, options: DecodeOptions) -> Iterator[DecodedPart]:
        """The audio in parts, in order; the last one is final.

        Raises:
            BadMedia: nothing in it can be decoded; a truncated file gives its readable part.
        """
        ...

    def open(self, options: DecodeOptions) -> OpenMedia:
        """Begin to decode; the worker keeps a copy of the descriptor until the end.

        Raises:
            BadMedia: as with `probe`.
            Busy: MAX_OPEN media are open.
        """
        ...

    def next(self, stream: MediaStream) -> DecodedPart:
        """The next part; after the final one, or an error, the media is closed.

        While it works its way to a distant start, it returns empty parts that are not final.

        Raises:
            BadMedia: as with `decode`.
            NotFound: the media is not open.
        """
        ...

    def close(self, stream: MediaStream) -> MediaStream:
        """Stop decoding; does nothing when it is closed already."""
        ...

    def convert(self, piece: PcmPiece, options: ConvertOptions) -> AudioChunk:
        """A piece of live PCM as mono s16le at 16 kHz; `start` counts from the stream's first.

        Raises:
            BadRequest: it ends within a sample. BadMedia: samples that are not finite, or a rate
                out of bounds.
        """
        ...


def check_bounds(sample_rate: int, channels: int) -> None:
    """Refuse what no microphone and no editor makes.

    Raises:
        BadMedia: naming the fact that is out of bounds.
    """
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise BadMedia(
            f"a sample rate of {sample_rate} Hz is out of bounds",
            fix=f"give audio of {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz",
            sample_rate=sample_rate,
        )
    if not 1 <= channels <= MAX_CHANNELS:
        raise BadMedia(
            f"{channels} channels are out of bounds",
            fix=f"give audio of 1 to {MAX_CHANNELS} channels",
            channels=channels,
        )
