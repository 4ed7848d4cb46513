"""Real numbers for stored integers and back, as a tensor's quantization says."""

from collections.abc import Mapping, Sequence

import numpy as np

from edged.messages.records import SignatureTensor
from edged.models.engines.graph import Array


def stored(tensors: Sequence[SignatureTensor], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays as the graph stores them: real numbers rounded to the nearest step, and clipped."""
    facts = {one.name: one for one in tensors}
    return {name: _store(facts[name], array) for name, array in arrays.items()}


def real(tensors: Sequence[SignatureTensor], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays as float32 where the graph stores integers for real numbers; the others as they are."""
    facts = {one.name: one for one in tensors}
    return {name: _real(facts[name], array) for name, array in arrays.items()}


def _store(facts: SignatureTensor, array: Array) -> Array:
    if facts.quantized is None:
        return array
    kind = np.dtype(facts.dtype)
    limits = np.iinfo(kind)
    steps = np.rint(array.astype(np.float64) / facts.quantized.scale) + facts.quantized.zero_point
    # What is no number becomes zero: a cast of it would be undefined.
    known = np.nan_to_num(steps, nan=facts.quantized.zero_point)
    clipped: Array = np.clip(known, limits.min, limits.max).astype(kind)
    return clipped


def _real(facts: SignatureTensor, array: Array) -> Array:
    if facts.quantized is None:
        return array
    steps = array.astype(np.float32) - np.float32(facts.quantized.zero_point)
    return steps * np.float32(facts.quantized.scale)
