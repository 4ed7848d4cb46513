"""Which output of a graph holds the answer, and its numbers."""

from collections.abc import Mapping

from edged.errors import CorruptModel
from edged.models.engines.graph import Array, Graph
from edged.models.engines.quantized import real
from edged.models.presets.parameters import word_of
from edged.models.runtime import ModelSpec


class Outcome:
    """Runs a graph and gives the one output that counts, as real numbers.

    Args:
        graph: runs. spec: parameter `output` names the output; else the first counts.

    Raises:
        CorruptModel: the graph has no such output.
    """

    def __init__(self, graph: Graph, spec: ModelSpec) -> None:
        self._graph = graph
        tensors = {one.name: one for one in graph.signature().outputs}
        name = word_of(spec, "output", next(iter(tensors), ""))
        if name not in tensors:
            raise CorruptModel(
                f"{spec.id} has no output of that name",
                fix=f"parameters.output is one of: {', '.join(tensors)}",
                model=spec.id,
            )
        self.tensor = tensors[name]

    def of(self, inputs: Mapping[str, Array]) -> Array:
        """The output of one inference; raises as Graph.run."""
        name = self.tensor.name
        found = real((self.tensor,), self._graph.run(inputs, (name,)))
        return found[name]
