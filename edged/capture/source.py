"""What capturing gives: parts of sound on a session's clock, sealed chunks, and what is missing.

The session's clock starts at 0 when the session starts and counts CLOCK_BOOTTIME (which goes on
while the machine sleeps), pauses included; every source of a session uses the same one.
"""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from edged.media import AudioChunk
from edged.messages.sessions import Codec


class CaptureOptions(Struct, frozen=True, kw_only=True):
    """How a source is to be captured.

    device: name or id; empty: the default one. origin_ns: CLOCK_BOOTTIME at the session's 0; None:
    it is the first sound, and the parts tell when that was.
    codec, sample_rate (Hz), channels: of the kept chunks. chunk_ms: their length; they begin at
    whole multiples of it, so the first may be shorter. first_chunk: the number of the first one.
    """

    device: str = ""
    origin_ns: int | None = None
    codec: Codec = "opus"
    sample_rate: int = 16_000
    channels: int = 1
    chunk_ms: int = 30_000
    first_chunk: int = 0


class SealedChunk(Struct, frozen=True, kw_only=True):
    """A finished chunk of kept audio: a whole file of its codec (Ogg Opus, FLAC, AAC in MP4).

    number: counts up from `first_chunk`, also across gaps. start_ms: on the session's clock; a gap
    ends a chunk, and begins the next one where it is over. silent: nothing in it is louder than -60 dB of full scale.
    """

    number: int
    start_ms: int
    duration_ms: int
    codec: Codec
    data: bytes | memoryview
    silent: bool


class Gap(Struct, frozen=True, kw_only=True):
    """Time of the session's clock that was lost; end_ms None: it goes on. reason: of the ledger.

    One that goes on is told again, with its end, when it is over: by the first part after it, or
    by the last one. Its end is where the next chunk begins.
    """

    start_ms: int
    end_ms: int | None
    reason: str


class CapturedPart(Struct, frozen=True, kw_only=True):
    """What came since the last part, a few times a second: any of its fields may be empty.

    audio: 16 kHz mono; `audio.start` is on the session's clock, so a lost stretch is a jump. Whole
        windows of 512 samples, which begin at multiples of 512; less than one is left out around
        a gap (the chunks have it).
    rms: of each of its windows, float32 little-endian in [0, 1].
    level: the loudest rms of the part. device: its name, when it became known or changed.
    origin_ns: CLOCK_BOOTTIME at the session's 0; None while nobody knows.
    """

    audio: AudioChunk
    rms: bytes | memoryview = b""
    level: float = 0.0
    sealed: tuple[SealedChunk, ...] = ()
    gaps: tuple[Gap, ...] = ()
    device: str = ""
    origin_ns: int | None = None


class Capture(Protocol):
    """A source that is being captured."""

    def parts(self) -> AsyncGenerator[CapturedPart, None]:
        """Parts until `stop`; the last ones hold the open chunk, sealed early.

        A device that goes away is a gap that goes on until it is back; it raises nothing.

        Raises:
            DeviceMissing, DeviceBusy, PermissionDenied, ...: before the first part only.
        """
        ...

    async def stop(self, *, discard: bool = False) -> None:
        """Stop capturing: `parts` gives what is left and ends. discard: wipe what is left."""
        ...


class Microphones(Protocol):
    """Opens sound devices; fulfilled by edged.capture.microphone.SoundDevices."""

    def open(self, kind: str, options: CaptureOptions) -> AbstractAsyncContextManager[Capture]:
        """Capture a `microphone` or `loopback`; leaving the block frees the device."""
        ...
