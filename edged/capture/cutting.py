"""New files of 16 kHz mono speech, made in the decode worker; no codec is imported here.

The daemon hands samples over part by part and fetches the file in pieces, so neither side ever holds
more than one file of bounded length.
"""

from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from edged.media import AudioChunk

ClipCodec = Literal["opus", "flac"]

MOST_CLIPS = 16
"""Files in the making at once."""

PIECE_BYTES = 2**20


class ClipOptions(Struct, frozen=True, kw_only=True):
    """Which clip the samples belong to; final: nothing follows."""

    clip: Annotated[str, Meta(min_length=1, max_length=64)]
    codec: ClipCodec
    final: bool = False


class ClipPiece(Struct, frozen=True, kw_only=True):
    """Which part of a finished file is wanted; the file is forgotten with its last one."""

    clip: Annotated[str, Meta(min_length=1, max_length=64)]
    offset: Annotated[int, Meta(ge=0)] = 0


class ClipSize(Struct, frozen=True, kw_only=True):
    """Bytes of a finished file; 0 while it is in the making."""

    size_bytes: int


class ClipBytes(Struct, frozen=True, kw_only=True):
    """A piece of a finished file."""

    data: bytes


class Clipper(Protocol):
    """Fulfilled by edged.capture.decoder in the decode worker."""

    def clip(self, audio: AudioChunk, options: ClipOptions) -> ClipSize:
        """Add samples to a file, begun with its first ones.

        Raises:
            Busy: MOST_CLIPS are in the making.
        """
        ...

    def clipped(self, piece: ClipPiece) -> ClipBytes:
        """A piece of a finished file.

        Raises:
            NotFound: there is no such file.
        """
        ...

    def forget_clip(self, piece: ClipPiece) -> ClipSize:
        """Drop a file that nobody wants any more; none of that name is well too."""
        ...
