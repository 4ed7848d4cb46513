"""What turns a bare graph into a model of a task: preparing its input, reading its output.

`adapt` is called by the onnx and litert adapters, in a worker. One module per task;
docs/PRESETS.md says which parameters of a manifest each reads.
"""

import importlib
from collections.abc import Callable, Mapping

from edged.errors import CorruptModel, EngineMissing
from edged.models.engines.graph import Graph
from edged.models.runtime import Model, ModelSpec

PRESETS: Mapping[str, tuple[str, str]] = {
    "image_classify": ("edged.models.presets.classify", "PictureClassifier"),
    "image_detect": ("edged.models.presets.detect", "PictureDetector"),
    "image_embed": ("edged.models.presets.embed", "PictureEmbedder"),
    "image_segment": ("edged.models.presets.segment", "PictureSegmenter"),
    "audio_classify": ("edged.models.presets.hearing", "SoundClassifier"),
    "speech_emotion": ("edged.models.presets.feeling", "SpokenFeeling"),
    "text_classify": ("edged.models.presets.texts", "LabelledText"),
}
"""Module and class by task; only the one that is needed is imported, and with it its packages."""


_EXTRAS = {"PIL": "vision", "tokenizers": "language"}
"""Which extra brings a package that an engine does without."""


def adapt(graph: Graph, spec: ModelSpec) -> Model:
    """The model of the spec's task on a graph.

    Raises:
        CorruptModel: the graph is not one of that task, or no preset knows the task.
        ModelMissing: a file that it needs beside the graph is not there.
        EngineMissing: a package that prepares its input is not installed.
    """
    if spec.task not in PRESETS:
        raise CorruptModel(f"no preset knows the task {spec.task} of {spec.id}", model=spec.id)
    module, name = PRESETS[spec.task]
    try:
        preset: Callable[[Graph, ModelSpec], Model] = getattr(importlib.import_module(module), name)
        return preset(graph, spec)
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0]
        raise EngineMissing(
            f"the package {package} is not installed",
            fix=f"pip install 'edged[{_EXTRAS.get(package, 'all')}]'",
            model=spec.id,
        ) from error
