"""image_embed: a picture as a vector."""

from time import perf_counter_ns

import numpy as np

from edged.media import Picture
from edged.models.engines.graph import Array, Graph
from edged.models.presets import outputs, seeing
from edged.models.presets.clock import since
from edged.models.presets.fitting import Fit
from edged.models.presets.metadata import notes_of
from edged.models.presets.parameters import check_known
from edged.models.runtime import EmbedOptions, ModelSpec, Vector


class PictureEmbedder:
    """Fulfils ImageEmbedder: the graph's output, flattened.

    Raises:
        CorruptModel: the graph takes no picture, or a parameter is wrong.
    """

    def __init__(self, graph: Graph, spec: ModelSpec) -> None:
        check_known(spec)
        self._eye = seeing.Eye(graph, spec, notes_of(spec).input())
        self._outcome = outputs.Outcome(graph, spec)

    def embed(self, picture: Picture, options: EmbedOptions) -> Vector:
        """The vector of a picture, of length 1 when asked; errors as for ImageClassifier."""
        began = perf_counter_ns()
        vector, fit = self._vector(picture)
        length = float(np.linalg.norm(vector))
        if options.unit and length:
            vector = vector / np.float32(length)
        return Vector(
            data=vector.astype("<f4").tobytes(),
            computed_us=since(began),
            width=fit.width,
            height=fit.height,
        )

    def canary(self) -> str:
        """Where the vector of a grey picture is greatest."""
        return str(int(self._vector(seeing.GREY)[0].argmax()))

    def _vector(self, picture: Picture) -> tuple[Array, Fit]:
        inputs, fit = self._eye.tensor(picture)
        return self._outcome.of(inputs).reshape(-1).astype(np.float32), fit
