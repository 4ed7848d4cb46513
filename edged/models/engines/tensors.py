"""Tensors as bytes and as arrays, and whether they are what a graph takes."""

import math
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from edged.errors import BadRequest
from edged.messages.records import Signature, SignatureTensor, TensorFacts, TensorType
from edged.models.engines.graph import Array
from edged.models.runtime import Buffer, Tensors

DTYPES: Mapping[TensorType, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float64": np.dtype("<f8"),
    "float16": np.dtype("<f2"),
    "int64": np.dtype("<i8"),
    "int32": np.dtype("<i4"),
    "int16": np.dtype("<i2"),
    "int8": np.dtype("i1"),
    "uint64": np.dtype("<u8"),
    "uint32": np.dtype("<u4"),
    "uint16": np.dtype("<u2"),
    "uint8": np.dtype("u1"),
    "bool": np.dtype("?"),
    "string": np.dtype(object),
}
"""How each type of the wire is held in an array; strings as objects of type str."""

_TYPES: dict[str, TensorType] = {dtype.name: name for name, dtype in DTYPES.items()}

_STRING_HEAD = 4
"""Bytes of a string's length."""


def type_of(dtype: np.dtype[Any]) -> TensorType | None:
    """What an array's type is called on the wire; None when it cannot be sent."""
    return "string" if dtype.kind in "OSU" else _TYPES.get(dtype.name)


def arrays_of(tensors: Tensors) -> dict[str, Array]:
    """Tensors as views of their bytes, wherever these are aligned; strings are copied.

    Raises:
        BadRequest: a name comes twice, or the bytes are not those that types and shapes say.
    """
    arrays: dict[str, Array] = {}
    reader = _Reader(tensors)
    for facts in tensors.tensors:
        if facts.name in arrays:
            raise BadRequest(f"tensor {facts.name} comes twice")
        arrays[facts.name] = reader.read(facts)
    reader.finish()
    return arrays


def tensors_of(arrays: Mapping[str, Array]) -> tuple[tuple[TensorFacts, ...], tuple[Buffer, ...]]:
    """Facts and bytes of arrays, one part each; a part is the array's own memory where it can be."""
    facts, parts = [], []
    for name, array in arrays.items():
        dtype = type_of(array.dtype) or "float32"
        facts.append(TensorFacts(name=name, dtype=dtype, shape=array.shape))
        parts.append(_bytes_of(array, dtype))
    return tuple(facts), tuple(parts)


def check(signature: Signature, arrays: Mapping[str, Array], *, real: bool = False) -> None:
    """Make sure that arrays are what a graph takes.

    Args:
        signature: of the graph.
        arrays: its inputs, by name.
        real: quantized inputs are to come as float32.

    Raises:
        BadRequest: it names the tensor, what is expected and what came.
    """
    expected = {one.name: one for one in signature.inputs}
    for name in arrays:
        if name not in expected:
            raise BadRequest(
                f"the graph has no input {name}", fix=f"its inputs: {_list(signature.inputs)}"
            )
    for one in signature.inputs:
        if one.name not in arrays:
            raise BadRequest(
                f"tensor {one.name} is missing: {_wanted(one, real=real)}",
                fix=f"give every input: {_list(signature.inputs)}",
            )
        _check_one(one, arrays[one.name], real=real)


def check_outputs(signature: Signature, names: Sequence[str]) -> None:
    """Make sure that a graph has these outputs.

    Raises:
        BadRequest: it names the first that the graph has not.
    """
    known = {one.name for one in signature.outputs}
    for name in names:
        if name not in known:
            raise BadRequest(
                f"the graph has no output {name}", fix=f"its outputs: {_list(signature.outputs)}"
            )


def fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether a shape is one that a signature allows; -1 there is any length."""
    return len(shape) == len(wanted) and all(
        want in (-1, have) for have, want in zip(shape, wanted, strict=True)
    )


def _check_one(wanted: SignatureTensor, array: Array, *, real: bool) -> None:
    dtype = _dtype_wanted(wanted, real=real)
    came = type_of(array.dtype)
    if came == dtype and (not wanted.shape or fits(array.shape, wanted.shape)):
        return  # a graph that states no dimensions says itself what it does not take
    raise BadRequest(
        f"tensor {wanted.name}: expected {_wanted(wanted, real=real)}, "
        f"got {came or array.dtype.name} {_dimensions(array.shape)}"
    )


def _dtype_wanted(wanted: SignatureTensor, *, real: bool) -> TensorType:
    return "float32" if real and wanted.quantized is not None else wanted.dtype


def _wanted(wanted: SignatureTensor, *, real: bool) -> str:
    return f"{_dtype_wanted(wanted, real=real)} {_dimensions(wanted.shape)}"


def _dimensions(shape: Sequence[int]) -> str:
    return f"[{', '.join('any' if one < 0 else str(one) for one in shape)}]"


def _list(tensors: Sequence[SignatureTensor]) -> str:
    return ", ".join(one.name for one in tensors)


class _Reader:
    """Takes one tensor after the other from parts whose borders carry no meaning."""

    def __init__(self, tensors: Tensors) -> None:
        self._parts = list(_parts_of(tensors))
        self._at = 0

    def read(self, facts: TensorFacts) -> Array:
        """The next tensor."""
        if facts.dtype == "string":
            return _strings(facts, self._words(facts))
        dtype, count = DTYPES[facts.dtype], math.prod(facts.shape)
        data = self._take(dtype.itemsize * count, facts)
        array = np.frombuffer(data, dtype, count) if count else np.empty(0, dtype)
        if not array.flags.aligned:
            array = array.copy()
        if facts.dtype == "bool" and array.size and array.view(np.uint8).max() > 1:
            raise BadRequest(f"tensor {facts.name}: a bool is a byte of 0 or 1")
        return array.reshape(facts.shape)

    def finish(self) -> None:
        """Make sure that nothing is left."""
        left = sum(len(part) for part in self._parts) - self._at
        if left:
            raise BadRequest(f"{left} bytes more than the tensors' types and shapes say")

    def _take(self, size: int, facts: TensorFacts) -> memoryview:
        while self._parts and self._at == len(self._parts[0]) and size:
            self._parts.pop(0)
            self._at = 0
        if not size:
            return memoryview(b"")
        if not self._parts or self._at + size > len(self._parts[0]):
            raise BadRequest(
                f"tensor {facts.name}: fewer bytes than {facts.dtype} "
                f"{_dimensions(facts.shape)} takes"
            )
        self._at += size
        return self._parts[0][self._at - size : self._at]

    def _words(self, facts: TensorFacts) -> Iterator[str]:
        for _ in range(math.prod(facts.shape)):
            size = int.from_bytes(self._take(_STRING_HEAD, facts), "little")
            try:
                yield str(self._take(size, facts), "utf-8")
            except UnicodeDecodeError as error:
                raise BadRequest(f"tensor {facts.name}: a string that is not UTF-8") from error


def _parts_of(tensors: Tensors) -> Iterator[memoryview]:
    """The parts as they are when each tensor has its own; else all of them as one."""
    parts = [memoryview(part).cast("B") for part in tensors.parts]
    sizes = [
        None if one.dtype == "string" else DTYPES[one.dtype].itemsize * math.prod(one.shape)
        for one in tensors.tensors
    ]
    own = len(parts) == len(sizes) and all(
        size in (None, len(part)) for size, part in zip(sizes, parts, strict=True)
    )
    if own or len(parts) == 1:
        yield from parts
    else:
        yield memoryview(b"".join(parts))


def _strings(facts: TensorFacts, words: Iterator[str]) -> Array:
    flat = np.array([*words, None], dtype=object)[:-1]  # so that none becomes an array of its own
    return flat.reshape(facts.shape)


def _bytes_of(array: Array, dtype: TensorType) -> Buffer:
    if dtype == "string":
        return b"".join(_packed(one) for one in array.reshape(-1).tolist())
    if sys.byteorder == "big":
        array = array.astype(DTYPES[dtype])
    if not array.size:
        return b""
    flat: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return memoryview(flat)


def _packed(word: str | bytes) -> bytes:
    data = word.encode() if isinstance(word, str) else word
    return struct.pack("<I", len(data)) + data
