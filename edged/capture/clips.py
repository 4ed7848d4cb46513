"""Encodes clips in the decode worker; worker side only. See edged.capture.cutting."""

import numpy as np
from msgspec import Struct

from edged.capture.cutting import (
    MOST_CLIPS,
    PIECE_BYTES,
    ClipBytes,
    ClipOptions,
    ClipPiece,
    ClipSize,
)
from edged.capture.encoder import Encoder
from edged.errors import Busy, NotFound
from edged.media import SPEECH_RATE, AudioChunk


class _Clip(Struct):
    """A file in the making, and then its bytes."""

    encoder: Encoder
    file: bytes = b""


class Clips:
    """Files in the making, by name. Fulfils edged.capture.cutting.Clipper."""

    def __init__(self) -> None:
        self._clips: dict[str, _Clip] = {}

    def clip(self, audio: AudioChunk, options: ClipOptions) -> ClipSize:
        """Add samples to a file, begun with its first ones."""
        clip = self._clips.get(options.clip)
        if clip is None:
            if len(self._clips) >= MOST_CLIPS:
                raise Busy(f"{MOST_CLIPS} clips are being made", retry_after_ms=1_000)
            clip = self._clips[options.clip] = _Clip(Encoder(options.codec, SPEECH_RATE, 1))
        clip.encoder.feed(np.frombuffer(audio.data, "<i2").reshape(-1, 1))
        if options.final:
            clip.file = clip.encoder.finish()
        return ClipSize(size_bytes=len(clip.file))

    def clipped(self, piece: ClipPiece) -> ClipBytes:
        """A piece of a finished file; with the last one it is forgotten."""
        clip = self._clips.get(piece.clip)
        if clip is None:
            raise NotFound("there is no such clip")
        end = piece.offset + PIECE_BYTES
        if end >= len(clip.file):
            del self._clips[piece.clip]
        return ClipBytes(data=clip.file[piece.offset : end])

    def forget(self, piece: ClipPiece) -> ClipSize:
        """Drop a file that nobody wants any more."""
        self._clips.pop(piece.clip, None)
        return ClipSize(size_bytes=0)
