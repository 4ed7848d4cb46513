"""What turns a bare graph into a model of a task: preparing its input, reading its output.

`adapt` is called by the onnx and litert adapters, in a worker. One module per task.
"""

from edged.errors import CorruptModel
from edged.models.engines.graph import Graph
from edged.models.runtime import Model, ModelSpec


def adapt(graph: Graph, spec: ModelSpec) -> Model:
    """The model of the spec's task on a graph.

    Raises:
        CorruptModel: the graph is not one of that task, or no preset knows the task.
    """
    del graph
    raise CorruptModel(f"no preset knows the task {spec.task} of {spec.id}", model=spec.id)
