"""The codec of kept landmarks: a second of points of one kind as about a fifth of its bytes. Pure.

What is stored is an absolute grid of 2^-13, so nothing drifts, and encoding what was decoded gives the
same values again. Kept are differences along time, and of those along the points, of what was seen;
their signs folded in (zigzag), their low and high bytes apart (shuffle), under zstd with a checksum.
A block starts with its format's version.
"""

import struct
import sys
from math import prod
from typing import Any, Final, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from edged.errors import BadRequest, StoreCorrupt
from edged.messages.seeing import LandmarkKind
from edged.vision.names import LANDMARK_VALUES

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

VALUES: Final = LANDMARK_VALUES
"""What the last axis of a block holds, by kind."""

STEP: Final = 2.0**-13
"""Distance between values that can be stored; what is decoded is at most half of it off (6.1e-5).

A power of two, so every stored value is a float32 exactly. Source: issue 5 asks for at most 1e-4.
"""

MOST_VALUES: Final = 2**24
"""Numbers in one block at most: 64 MiB decoded. A second of 10 faces at 240 frames has 3.4 million."""

_MAGIC: Final = b"LB"
_VERSION: Final = 1
_HEAD: Final = struct.Struct("<BBBIHHq")
"""Kind, form, whether the mask is of every value, frames, slots, points, first time."""
_KINDS: Final[tuple[LandmarkKind, ...]] = ("face", "hands", "pose")
_LEVEL: Final = 3
_MOST_SLOTS: Final = 2**16 - 1
_MOST_MS: Final = 2**32 - 1
_NARROW: Final = 2**16 - 1
_WIDEST: Final = 2**32 - 1
_FARTHEST: Final = 2.0**62
_AXES: Final = 4

_Form = Literal["u16", "u32", "f32"]
_FORMS: Final[tuple[_Form, ...]] = ("u16", "u32", "f32")
_WORDS: Final[dict[_Form, str]] = {"u16": "<u2", "u32": "<u4", "f32": "<u4"}

Values = NDArray[np.float32]
_Words = NDArray[np.unsignedinteger[Any]]
_Grid = NDArray[np.int64]
_Seen = NDArray[np.bool_]


_CUT_OFF: Final = "bytes of a block are cut off or too many"


class Block(Struct, frozen=True):
    """Frames of one kind, in order of time.

    times_ms: int64, shape (n,), on the stream's or session's clock; never falls, spans < 2^32 ms.
    points: float32, shape (n, slots, points, values), see VALUES; NaN: not seen.
    """

    times_ms: NDArray[np.int64]
    points: Values


def encode(kind: LandmarkKind, block: Block) -> bytes:
    """A block as bytes.

    Values of a channel that are farther apart than 16 bits reach (8.0) take 32; beyond those, and
    with infinities, all are kept as they are. So the error is at most STEP / 2, whatever is given.

    Raises:
        BadRequest: times that fall; shapes that do not fit the kind or each other; too many values.
    """
    _check(kind, block)
    points = np.ascontiguousarray(block.points, dtype="<f4")
    seen = ~np.isnan(points)
    fine = bool(np.any(seen != seen[..., :1, :1]))
    form, lows, words = _quantised(points, seen)
    body = b"".join(
        (
            _head(kind, form, block, fine=fine),
            _planes(np.diff(block.times_ms).astype("<u4")),
            lows.astype("<i8").tobytes(),
            np.packbits(seen if fine else seen[..., 0, 0]).tobytes(),
            _planes(_folded(_differences(_held(words, seen))[seen.any(axis=(2, 3))])),
        )
    )
    return _MAGIC + bytes((_VERSION,)) + _squeezed(body)


def decode(data: bytes | memoryview) -> Block:
    """The block that bytes of `encode` hold; they may come from anywhere.

    Raises:
        StoreCorrupt: they are damaged, cut off, of a later version, or would not fit MOST_VALUES.
    """
    reader = _Reader(data)
    kind, form, fine, frames, slots, points, start_ms = _read_head(reader)
    shape = (frames, slots, points, len(VALUES[kind]))
    after = _unplaned(reader.take(4 * max(frames - 1, 0)), "<u4").astype(np.int64)
    lows = np.frombuffer(reader.take(8 * shape[3]), "<i8")
    seen = _read_mask(reader, shape, fine=fine)
    words = _read_words(reader, shape, seen, np.dtype(_WORDS[form]))
    reader.end()
    times = np.cumsum(np.concatenate(([start_ms], after)))[:frames]
    return Block(times, np.where(seen, _values(form, lows, words), np.float32(np.nan)))


def _check(kind: LandmarkKind, block: Block) -> None:
    shape, times = block.points.shape, block.times_ms
    if len(shape) != _AXES or shape[3] != len(VALUES[kind]) or not 1 <= shape[2] <= _MOST_SLOTS:
        raise BadRequest(f"points of shape {shape} are none of {kind}")
    if times.shape != shape[:1] or shape[1] > _MOST_SLOTS or prod(shape) > MOST_VALUES:
        raise BadRequest(f"{times.shape} times and points of shape {shape} are no block")
    if len(times) and (np.any(np.diff(times) < 0) or times[-1] - times[0] > _MOST_MS):
        raise BadRequest("the times of a block fall, or are too far apart")


def _head(kind: LandmarkKind, form: _Form, block: Block, *, fine: bool) -> bytes:
    start_ms = int(block.times_ms[0]) if len(block.times_ms) else 0
    numbers = _KINDS.index(kind), _FORMS.index(form), fine, *block.points.shape[:3]
    return _HEAD.pack(*numbers, start_ms)


def _read_head(reader: "_Reader") -> tuple[LandmarkKind, _Form, bool, int, int, int, int]:
    kind, form, fine, frames, slots, points, start_ms = _HEAD.unpack(reader.take(_HEAD.size))
    if kind >= len(_KINDS) or form >= len(_FORMS) or fine > 1 or not points:
        raise StoreCorrupt("a block of landmarks has an impossible head")
    values = len(VALUES[_KINDS[kind]])
    if max(frames, 1) * max(slots, 1) * points * values > MOST_VALUES:
        raise StoreCorrupt("a block of landmarks has an impossible head")
    return _KINDS[kind], _FORMS[form], bool(fine), frames, slots, points, start_ms


def _read_mask(reader: "_Reader", shape: tuple[int, int, int, int], *, fine: bool) -> _Seen:
    covered = shape if fine else (*shape[:2], 1, 1)
    bits = np.frombuffer(reader.take((prod(covered) + 7) // 8), np.uint8)
    return np.unpackbits(bits, count=prod(covered)).astype(np.bool_).reshape(covered)


def _read_words(
    reader: "_Reader", shape: tuple[int, int, int, int], seen: _Seen, dtype: np.dtype[Any]
) -> _Words:
    """Only what was seen is there; the rest stays as it was."""
    frames, slots, points, values = shape
    present = np.broadcast_to(seen, shape).any(axis=(2, 3))
    changed = np.zeros((frames, slots, values, points), dtype)
    size = dtype.itemsize * int(present.sum()) * points * values
    folded = _unplaned(reader.take(size), dtype).reshape(-1, values, points)
    changed[present] = _unfolded(folded)
    return _summed(changed)


def _quantised(points: Values, seen: _Seen) -> tuple[_Form, _Grid, _Words]:
    """The narrowest form that holds the values, each channel's lowest step, and steps above it."""
    grid = np.rint(points.astype(np.float64) / STEP)
    lows = grid.min(axis=(0, 1, 2), where=seen, initial=np.inf)
    highs = grid.max(axis=(0, 1, 2), where=seen, initial=-np.inf)
    lows, highs = (np.where(highs >= lows, ends, 0.0) for ends in (lows, highs))
    if np.any(np.abs((lows, highs)) > _FARTHEST) or np.any(highs - lows > _WIDEST):
        kept = np.where(seen, points, np.float32(0))
        return "f32", np.zeros(len(lows), np.int64), kept.view("<u4")
    form: _Form = "u16" if np.all(highs - lows <= _NARROW) else "u32"
    steps = np.where(seen, grid - lows, 0.0)
    return form, lows.astype(np.int64), steps.astype(_WORDS[form])


def _values(form: _Form, lows: _Grid, words: _Words) -> Values:
    if form == "f32":
        return words.view("<f4")
    return ((words.astype(np.float64) + lows) * STEP).astype(np.float32)


def _held(words: _Words, seen: _Seen) -> _Words:
    """What was not seen keeps the last value that was: a difference of 0 costs next to nothing."""
    if not len(words) or seen.all():
        return words
    frames = np.arange(len(words)).reshape(-1, 1, 1, 1)
    last = np.maximum.accumulate(np.where(seen, frames, 0), axis=0)
    return np.take_along_axis(words, last, axis=0)


def _differences(words: _Words) -> _Words:
    """Each frame less the one before, and of that each point less the one before: most move alike.

    Around the end of the type. Points and values change places.
    """
    changed = np.ascontiguousarray(words.transpose(0, 1, 3, 2))
    changed[1:] = changed[1:] - changed[:-1]
    changed[..., 1:] = changed[..., 1:] - changed[..., :-1]
    return changed


def _summed(changed: _Words) -> _Words:
    """What `_differences` was given."""
    moved = np.cumsum(changed, axis=3, dtype=changed.dtype)
    return np.cumsum(moved, axis=0, dtype=changed.dtype).transpose(0, 1, 3, 2)


def _folded(words: _Words) -> _Words:
    """Signed numbers with their sign as the lowest bit: 0, -1, 1, -2 become 0, 1, 2, 3."""
    sign = words >> words.dtype.type(words.dtype.itemsize * 8 - 1)
    return (words << words.dtype.type(1)) ^ (words.dtype.type(0) - sign)


def _unfolded(words: _Words) -> _Words:
    one = words.dtype.type(1)
    return (words >> one) ^ (words.dtype.type(0) - (words & one))


def _planes(words: _Words) -> bytes:
    """All lowest bytes, then all second ones, and so on: alike bytes stand together."""
    return words.reshape(-1, 1).view(np.uint8).T.tobytes()


def _unplaned(data: bytes, dtype: "np.dtype[Any] | str") -> _Words:
    size = np.dtype(dtype).itemsize
    planes = np.frombuffer(data, np.uint8).reshape(size, -1)
    return np.ascontiguousarray(planes.T).reshape(-1).view(dtype)


def _squeezed(body: bytes) -> bytes:
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: _LEVEL,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    return zstd.compress(body, options=options)


_NARROW_WINDOW: Final[dict[int, int]] = {zstd.DecompressionParameter.window_log_max: 22}
"""4 MiB, twice what the encoder's level takes: a forged block gets no more memory than that."""


class _Reader:
    """A block's body, unpacked only as far as it is asked for: no bomb fits through."""

    def __init__(self, data: bytes | memoryview) -> None:
        start = bytes(data[:3])
        if start[:2] != _MAGIC or start[2:] != bytes((_VERSION,)):
            raise StoreCorrupt("bytes are no block of landmarks of this version")
        self._unpacker = zstd.ZstdDecompressor(options=_NARROW_WINDOW)
        self._unread = bytes(data[3:])

    def take(self, size: int) -> bytes:
        """The next so many bytes."""
        taken = b""
        while len(taken) < size:
            piece = self._more(size - len(taken))
            if not piece:
                raise StoreCorrupt(_CUT_OFF)
            taken += piece
        return taken

    def end(self) -> None:
        """Make sure that all was read, and that its checksum is right."""
        if self._more(1) or not self._unpacker.eof or self._unpacker.unused_data:
            raise StoreCorrupt(_CUT_OFF)

    def _more(self, size: int) -> bytes:
        if self._unpacker.eof:
            return b""
        data, self._unread = self._unread, b""
        try:
            return self._unpacker.decompress(data, max_length=size)
        except zstd.ZstdError as error:
            raise StoreCorrupt("a block of landmarks is damaged") from error
