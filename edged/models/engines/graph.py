"""A graph as arrays in and arrays out: what the onnx and litert adapters give to the presets."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy.typing as npt

from edged.messages.records import Signature

Array = npt.NDArray[Any]


class Graph(Protocol):
    """One loaded graph. Worker's main thread only."""

    def signature(self) -> Signature:
        """What it takes and gives, in its own order."""
        ...

    def run(self, inputs: Mapping[str, Array], outputs: Sequence[str] = ()) -> dict[str, Array]:
        """One inference; the named outputs, or all.

        Stored types in and out: quantized tensors are integers here; edged.models.engines.quantized
        turns them into real numbers.

        Raises:
            BadRequest: a name, dtype or shape is not the graph's; the message names the tensor.
            Internal: the engine failed.
        """
        ...
