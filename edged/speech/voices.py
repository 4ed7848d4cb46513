"""Voices as vectors: averaged and compared, without numpy, in the daemon. Pure.

A vector is float32 little-endian, of length 1. Vectors of different models are never mixed.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from math import fsum, isfinite, sqrt

from edged.errors import BadRequest

MATCHED_AT = 0.6
"""Cosine from which two voices are taken for one.

Source: sherpa-onnx, python-api-examples/speaker-identification.py, --threshold.
"""

_FLOAT_BYTES = 4
_SHORTEST = 1e-9


def average(vectors: Sequence[bytes]) -> bytes:
    """The direction between voices, again of length 1.

    Args:
        vectors: at least one, all with as many dimensions.

    Raises:
        BadRequest: they have no dimensions, or not the same; one holds no number; they cancel out.
    """
    values = [_values(vector) for vector in vectors]
    if len({len(value) for value in values}) != 1:
        raise BadRequest("voices of different models cannot be averaged")
    sums = [fsum(column) for column in zip(*values, strict=True)]
    length = sqrt(fsum(value * value for value in sums))
    if not isfinite(length) or length < _SHORTEST:
        raise BadRequest("a voice's vector has no direction")
    return _bytes(value / length for value in sums)


def similarity(one: bytes, other: bytes) -> float:
    """The cosine of two voices of the same model, in [-1, 1].

    Raises:
        BadRequest: they do not have as many dimensions.
    """
    left, right = _values(one), _values(other)
    if len(left) != len(right):
        raise BadRequest("voices of different models cannot be compared")
    lengths = sqrt(fsum(value * value for value in left) * fsum(value * value for value in right))
    if not isfinite(lengths) or lengths < _SHORTEST:
        return 0.0
    return min(max(fsum(a * b for a, b in zip(left, right, strict=True)) / lengths, -1.0), 1.0)


def _values(vector: bytes) -> "array[float]":
    if not vector or len(vector) % _FLOAT_BYTES:
        raise BadRequest(f"{len(vector)} bytes are no vector of float32")
    values = array("f", vector)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _bytes(values: Iterable[float]) -> bytes:
    packed = array("f", values)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()
