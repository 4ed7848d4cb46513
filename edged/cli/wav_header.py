"""The head of a WAV file that comes through a pipe: how its samples are to be read."""

import struct
from collections.abc import Callable

import msgspec

from edged.errors import BadMedia
from edged.media import AudioFormat, SampleFormat

HEAD_BYTES = 12

_CHUNK_HEAD = struct.Struct("<4sI")
_FACTS = struct.Struct("<HHIIHH")
_SUBFORMAT = struct.Struct("<8xH")
"""Of an extensible format: behind its own size, valid bits and channel mask."""

MOST_BYTES = 1_000_000
"""Chunks before the samples (names, pictures) are passed over; not more than so many bytes."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_FORMATS: dict[tuple[int, int], SampleFormat] = {(_PCM, 16): "s16le", (_FLOAT, 32): "f32le"}
_FIX = "convert it: ffmpeg -i IN -f wav -c:a pcm_s16le - | edged captions -"


def is_wav(head: bytes) -> bool:
    """Whether the first 12 bytes are those of a WAV file."""
    return len(head) == HEAD_BYTES and head[:4] == b"RIFF" and head[8:] == b"WAVE"


def read_format(read: Callable[[int], bytes]) -> AudioFormat:
    """The format of a WAV file, read up to its first sample.

    Args:
        read: gives exactly so many bytes that follow the first 12, fewer only at the end.

    Raises:
        BadMedia: it ends before its samples, or they are neither 16-bit integers nor 32-bit floats.
    """
    found: AudioFormat | None = None
    passed = 0
    while len(head := read(_CHUNK_HEAD.size)) == _CHUNK_HEAD.size:
        name, size = _CHUNK_HEAD.unpack(head)
        if name == b"data":
            break
        passed += size
        if passed > MOST_BYTES:
            break
        body = read(size + size % 2)
        if name == b"fmt ":
            found = _format(body)
    else:
        raise BadMedia("the WAV file ends before its samples", fix=_FIX)
    if found is None:
        raise BadMedia("the WAV file does not say how its samples are to be read", fix=_FIX)
    return found


def _format(body: bytes) -> AudioFormat:
    if len(body) < _FACTS.size:
        raise BadMedia("the WAV file's format is cut off", fix=_FIX)
    tag, channels, rate, _, _, bits = _FACTS.unpack_from(body)
    if tag == _EXTENSIBLE and len(body) >= _FACTS.size + _SUBFORMAT.size:
        (tag,) = _SUBFORMAT.unpack_from(body, _FACTS.size)
    facts = {"sample_rate": rate, "channels": channels, "sample_format": _FORMATS.get((tag, bits))}
    try:
        return msgspec.convert(facts, AudioFormat)
    except msgspec.ValidationError as error:
        raise BadMedia(
            "the WAV file's samples are not 16-bit integers or 32-bit floats", fix=_FIX
        ) from error
