"""Several callers' inputs as one, and the outputs taken apart again; pure functions over arrays.

Rows are joined along the first axis. With padding, other free dimensions may differ: all are
brought to the longest with zeros, and outputs are cut back along dimensions of the same name. What
cannot be taken apart for certain is not joined: then each runs alone.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from edged.messages.records import Signature, SignatureTensor
from edged.models.engines.graph import Array

Arrays = Mapping[str, Array]


class Joined(Struct, frozen=True):
    """One run for several callers.

    rows: of each caller, in order. lengths: of each caller's named dimensions.
    padded: the names of those that differ between callers.
    """

    arrays: dict[str, Array]
    rows: tuple[int, ...]
    lengths: tuple[dict[str, int], ...]
    padded: frozenset[str]


def join(signature: Signature, members: Sequence[Arrays], *, pads: bool) -> Joined | None:
    """The members' inputs as one; None when they must not run together.

    Args:
        signature: of the graph; the members were checked against it.
        members: inputs by name, of each caller.
        pads: whether lengths of free dimensions may differ.
    """
    rows = [_rows(member) for member in members]
    if not _joins(signature) or 0 in rows:
        return None
    lengths = [_lengths(signature, member) for member in members]
    padded = _differing(lengths)
    if padded is None or (padded and not pads) or not _cuttable(signature, padded):
        return None
    arrays: dict[str, Array] = {}
    for one in signature.inputs:
        mine = [member[one.name] for member in members]
        joined = _concatenated(one, mine, padded)
        if joined is None:
            return None
        arrays[one.name] = joined
    return Joined(arrays, tuple(rows), tuple(lengths), padded)


def split(signature: Signature, joined: Joined, outputs: Arrays) -> list[dict[str, Array]] | None:
    """Each caller's outputs; None when they have not the rows that went in."""
    total = sum(joined.rows)
    if any(not array.ndim or len(array) != total for array in outputs.values()):
        return None
    facts = {one.name: one for one in signature.outputs}
    found, at = [], 0
    for rows, lengths in zip(joined.rows, joined.lengths, strict=True):
        found.append(
            {
                name: array[at : at + rows][_cut(facts[name], lengths, joined.padded)]
                for name, array in outputs.items()
            }
        )
        at += rows
    return found


def _joins(signature: Signature) -> bool:
    """Whether every tensor's first dimension is free, and no two names are given to it."""
    tensors = (*signature.inputs, *signature.outputs)
    names = {_symbol(one, 0) for one in tensors} - {""}
    return len(names) <= 1 and all(one.shape and one.shape[0] == -1 for one in tensors)


def _rows(member: Arrays) -> int:
    """How many rows all of a caller's inputs have; 0 when they differ."""
    found = {len(array) for array in member.values()}
    return found.pop() if len(found) == 1 else 0


def _lengths(signature: Signature, member: Arrays) -> dict[str, int]:
    """How long a caller's named dimensions are, the first left out; -1: not the same everywhere."""
    found: dict[str, int] = {}
    for one in signature.inputs:
        for axis in range(1, len(one.shape)):
            if name := _symbol(one, axis):
                length = member[one.name].shape[axis]
                found[name] = length if found.get(name, length) == length else -1
    return found


def _differing(lengths: Sequence[Mapping[str, int]]) -> frozenset[str] | None:
    """The dimensions that are not as long for every caller; None when one has two lengths."""
    if any(-1 in one.values() for one in lengths):
        return None
    return frozenset(name for name in lengths[0] if len({one[name] for one in lengths}) > 1)


def _cuttable(signature: Signature, padded: frozenset[str]) -> bool:
    """Whether each free dimension of an output is known to be one of the inputs'."""
    if not padded:
        return True
    known = {_symbol(one, axis) for one in signature.inputs for axis in range(1, len(one.shape))}
    return all(
        one.shape[axis] != -1 or _symbol(one, axis) in known - {""}
        for one in signature.outputs
        for axis in range(1, len(one.shape))
    )


def _concatenated(
    facts: SignatureTensor, arrays: Sequence[Array], padded: frozenset[str]
) -> Array | None:
    inner = {array.shape[1:] for array in arrays}
    if len(inner) == 1:
        return np.concatenate(arrays)
    axes = [axis for axis in range(1, len(facts.shape)) if _symbol(facts, axis) in padded]
    fixed = {tuple(n for axis, n in enumerate(one, 1) if axis not in axes) for one in inner}
    if len(fixed) > 1 or facts.dtype == "string":
        return None
    longest = tuple(map(max, zip(*inner, strict=True)))
    whole: Array = np.zeros((sum(map(len, arrays)), *longest), arrays[0].dtype)
    at = 0
    for array in arrays:
        whole[(slice(at, at + len(array)), *map(slice, array.shape[1:]))] = array
        at += len(array)
    return whole


def _cut(
    facts: SignatureTensor, lengths: Mapping[str, int], padded: frozenset[str]
) -> tuple[slice, ...]:
    names = [_symbol(facts, axis) for axis in range(len(facts.shape))]
    return tuple(slice(lengths[name]) if name in padded else slice(None) for name in names)


def _symbol(facts: SignatureTensor, axis: int) -> str:
    return facts.symbols[axis] if axis < len(facts.symbols) else ""
