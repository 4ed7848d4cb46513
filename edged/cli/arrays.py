"""Tensors on the command line: .npy files and plain values, without numpy.

Source: the .npy format, versions 1 and 2, numpy.lib.format.
"""

import ast
import math
import re
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from edged.errors import BadRequest
from edged.messages.records import SignatureTensor, TensorFacts, TensorType

_MAGIC: Final = b"\x93NUMPY"
_ALIGNED: Final = 64

_CODES: Mapping[TensorType, tuple[str, str]] = {
    "float32": ("<f4", "f"),
    "float64": ("<f8", "d"),
    "float16": ("<f2", "e"),
    "int64": ("<i8", "q"),
    "int32": ("<i4", "i"),
    "int16": ("<i2", "h"),
    "int8": ("|i1", "b"),
    "uint64": ("<u8", "Q"),
    "uint32": ("<u4", "I"),
    "uint16": ("<u2", "H"),
    "uint8": ("|u1", "B"),
    "bool": ("|b1", "?"),
}
"""What .npy and the module struct call them."""

_TYPES = {descr: name for name, (descr, _) in _CODES.items()}
_TRUE, _FALSE = ("1", "true"), ("0", "false")


class Tensor(Struct, frozen=True):
    """One tensor: row-major, little-endian bytes; strings as messages.records has them."""

    facts: TensorFacts
    data: bytes


def read_npy(name: str, path: Path) -> Tensor:
    """The array of a .npy file as the tensor of a name.

    Raises:
        BadRequest: it is no such file, or holds what cannot be sent.
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    start = 10 if data[6:7] == b"\x01" else 12
    if data[:6] != _MAGIC or len(data) < start:
        raise BadRequest(f"the file for {name} is no .npy file")
    begin = start + int.from_bytes(data[8:start], "little")
    try:
        header = ast.literal_eval(data[start:begin].decode("latin-1").strip())
        dtype = _TYPES[header["descr"]]
        shape = tuple(map(int, header["shape"]))
        turned = bool(header["fortran_order"]) and len(shape) > 1
    except (ValueError, SyntaxError, KeyError, TypeError) as error:
        raise BadRequest(f"the .npy file for {name} holds no little-endian numbers") from error
    if turned:
        raise BadRequest(
            f"the .npy file for {name} is column-major", fix="save numpy.ascontiguousarray(array)"
        )
    return Tensor(TensorFacts(name=name, dtype=dtype, shape=shape), data[begin:])


def npy(tensor: Tensor) -> bytes:
    """A tensor of numbers as the content of a .npy file."""
    shape = tensor.facts.shape
    text = f"({shape[0]},)" if len(shape) == 1 else str(tuple(shape))
    descr = _CODES[tensor.facts.dtype][0]
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {text}, }}"
    padding = -(len(_MAGIC) + 4 + len(header) + 1) % _ALIGNED
    encoded = (header + " " * padding + "\n").encode("latin-1")
    return _MAGIC + b"\x01\x00" + struct.pack("<H", len(encoded)) + encoded + tensor.data


def from_words(wanted: SignatureTensor, words: Sequence[str], *, real: bool) -> Tensor:
    """A tensor out of values as they are typed; free dimensions are 1, but the last takes the rest.

    Raises:
        BadRequest: they are too many, too few, or not of the type.
    """
    dtype: TensorType = "float32" if real and wanted.quantized else wanted.dtype
    shape = _shape(wanted, len(words))
    facts = TensorFacts(name=wanted.name, dtype=dtype, shape=shape)
    if dtype == "string":
        encoded = [word.encode() for word in words]
        return Tensor(facts, b"".join(struct.pack("<I", len(one)) + one for one in encoded))
    try:
        values = [_reader(dtype)(word) for word in words]
        return Tensor(facts, struct.pack(f"<{len(values)}{_CODES[dtype][1]}", *values))
    except (ValueError, OverflowError, struct.error) as error:
        raise BadRequest(f"a value for {wanted.name} is no {dtype}") from error


def values_of(tensor: Tensor, *, most: int = sys.maxsize) -> list[Any]:
    """The first values of a tensor, flat."""
    count = min(most, math.prod(tensor.facts.shape))
    if tensor.facts.dtype != "string":
        return list(struct.unpack_from(f"<{count}{_CODES[tensor.facts.dtype][1]}", tensor.data))
    words, at = [], 0
    for _ in range(count):
        size = int.from_bytes(tensor.data[at : at + 4], "little")
        words.append(tensor.data[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return words


def apart(facts: Sequence[TensorFacts], data: bytes) -> list[Tensor]:
    """The tensors of a reply out of all its bytes."""
    found, at = [], 0
    for one in facts:
        size = _size(one, data, at)
        found.append(Tensor(one, data[at : at + size]))
        at += size
    return found


def file_name(tensor: str, number: int) -> str:
    """A name for a tensor's file that is safe in a folder, and like no other's."""
    return f"{number:02}_{re.sub(r'[^A-Za-z0-9._-]', '_', tensor)}"


def _size(facts: TensorFacts, data: bytes, at: int) -> int:
    count = math.prod(facts.shape)
    if facts.dtype != "string":
        return struct.calcsize(f"<{_CODES[facts.dtype][1]}") * count
    end = at
    for _ in range(count):
        end += 4 + int.from_bytes(data[end : end + 4], "little")
    return end - at


def _shape(wanted: SignatureTensor, count: int) -> tuple[int, ...]:
    free = [axis for axis, length in enumerate(wanted.shape) if length < 0]
    shape = [1 if length < 0 else length for length in wanted.shape]
    if free:
        shape[free[-1]] = count // max(1, math.prod(shape))
    if math.prod(shape) != count:
        dimensions = ", ".join("any" if one < 0 else str(one) for one in wanted.shape)
        raise BadRequest(f"{wanted.name} takes [{dimensions}], got {count} values")
    return tuple(shape)


def _reader(dtype: TensorType) -> Callable[[str], float | int | bool]:
    if dtype == "bool":
        return _truth
    return float if dtype.startswith("float") else int


def _truth(word: str) -> bool:
    if word.lower() not in (*_TRUE, *_FALSE):
        raise ValueError(word)
    return word.lower() in _TRUE
