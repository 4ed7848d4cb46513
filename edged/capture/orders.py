"""What a capture worker is asked and what it answers; importable without any driver or codec."""

from typing import Annotated

from msgspec import Meta, Struct

from edged.capture.source import Gap
from edged.messages.sessions import Codec


class CaptureOrder(Struct, frozen=True, kw_only=True):
    """Which device to open, and how; times on the session's clock.

    devices: PortAudio's names for it; the first that is there. The sound server's own source is
        chosen by the worker's environment.
    origin_ns, codec, sample_rate, channels, chunk_ms, first_chunk: as in
    edged.capture.source.CaptureOptions.
    ring_ms: of sound that waits for the worker at most.
    """

    devices: tuple[str, ...]
    origin_ns: int | None = None
    codec: Codec = "opus"
    sample_rate: Annotated[int, Meta(ge=8_000, le=48_000)] = 16_000
    channels: Annotated[int, Meta(ge=1, le=2)] = 1
    chunk_ms: int = 30_000
    first_chunk: int = 0
    ring_ms: int = 5_000


class Ending(Struct, frozen=True, kw_only=True):
    """How a capture ends. discard: all that is not given out yet is overwritten."""

    discard: bool = False


class ChunkFacts(Struct, frozen=True, kw_only=True):
    """A sealed chunk without its bytes; see edged.capture.source.SealedChunk."""

    number: int
    start_ms: int
    duration_ms: int
    silent: bool


class Heard(Struct, frozen=True, kw_only=True):
    """What a worker has heard since its last answer; every field may be empty.

    pcm, start, rms: whole windows of 512 samples at 16 kHz, with their loudness.
    chunks, files: what was sealed, and its bytes, in the same order.
    start_ms, end_ms: of all that was heard, on the session's clock; 0 while nothing was.
    origin_ns: as in edged.capture.source.CapturedPart.
    """

    pcm: bytes = b""
    start: int = 0
    rms: bytes = b""
    level: float = 0.0
    chunks: tuple[ChunkFacts, ...] = ()
    files: tuple[bytes, ...] = ()
    gaps: tuple[Gap, ...] = ()
    start_ms: int = 0
    end_ms: int = 0
    origin_ns: int | None = None


class PortAudioDevice(Struct, frozen=True, kw_only=True):
    """One input as PortAudio lists it; `sample_rate` in Hz. system: CoreAudio, ALSA, WASAPI, ..."""

    name: str
    system: str
    channels: int
    sample_rate: int
    is_default: bool


class PortAudioList(Struct, frozen=True, kw_only=True):
    """Every input that PortAudio saw when its worker started."""

    devices: tuple[PortAudioDevice, ...]
