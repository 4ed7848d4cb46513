"""image_classify: the labels of a picture."""

from time import perf_counter_ns

from edged.media import Picture
from edged.models.engines.graph import Graph
from edged.models.presets import labels, outputs, scores, seeing
from edged.models.presets.clock import since
from edged.models.presets.metadata import notes_of
from edged.models.presets.parameters import check_known
from edged.models.runtime import Classified, ClassifyOptions, ModelSpec


class PictureClassifier:
    """Fulfils ImageClassifier over a graph with one score for each class.

    Raises:
        CorruptModel: the graph takes no picture, or a parameter is wrong.
    """

    def __init__(self, graph: Graph, spec: ModelSpec) -> None:
        check_known(spec)
        notes = notes_of(spec)
        self._eye = seeing.Eye(graph, spec, notes.input())
        self._outcome = outputs.Outcome(graph, spec)
        self._scale = scores.Scale(spec, labels.labels_of(spec, notes))

    def classify(self, picture: Picture, options: ClassifyOptions) -> Classified:
        """The labels of a picture, the greatest score first.

        Raises:
            BadRequest, BadMedia: the picture cannot be read.
            CorruptModel: what comes out are no scores.
        """
        began = perf_counter_ns()
        inputs, fit = self._eye.tensor(picture)
        found = self._scale.scores(self._outcome.of(inputs).reshape(-1))
        return Classified(
            classes=self._scale.best(found, options.top_k, options.min_score),
            computed_us=since(began),
            width=fit.width,
            height=fit.height,
        )

    def canary(self) -> str:
        """The class of a grey picture."""
        found = self._outcome.of(self._eye.tensor(seeing.GREY)[0])
        return str(int(found.argmax()))
