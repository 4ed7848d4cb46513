"""image_segment: the class of each pixel, or how surely it is foreground."""

from math import ceil, floor
from time import perf_counter_ns

import numpy as np
import numpy.typing as npt
from PIL import Image

from edged.errors import CorruptModel
from edged.media import Picture
from edged.models.engines.graph import Array, Graph
from edged.models.presets import labels, outputs, seeing
from edged.models.presets.backgrounds import changed
from edged.models.presets.clock import since
from edged.models.presets.fitting import Fit
from edged.models.presets.metadata import notes_of
from edged.models.presets.parameters import check_known, whole_of, word_of, wrong
from edged.models.presets.scores import Scale
from edged.models.runtime import ModelSpec, Segmented
from edged.models.seeing import Effected, EffectOptions

MOST_CLASSES = 256
"""A pixel of a mask is one byte."""

Mask = npt.NDArray[np.uint8]


class PictureSegmenter:
    """Fulfils Effects.

    One channel, or the one that parameter `foreground` names, gives a confidence; several give the
    class with the greatest value; whole numbers are taken for classes.

    Raises:
        CorruptModel: the graph takes no picture, or a parameter is wrong.
    """

    def __init__(self, graph: Graph, spec: ModelSpec) -> None:
        check_known(spec)
        if spec.parameters.get("resize") == "crop":
            raise wrong(spec, "resize", "stretch or letterbox, so that all of the picture is seen")
        notes = notes_of(spec)
        self._model = spec.id
        self._eye = seeing.Eye(graph, spec, notes.input())
        self._outcome = outputs.Outcome(graph, spec)
        self._labels = labels.labels_of(spec, notes)
        self._scale = Scale(spec, self._labels)
        self._foreground = whole_of(spec, "foreground", -1, least=-1, most=MOST_CLASSES - 1)
        self._layout = word_of(spec, "mask_layout", "", among=("", "nhwc", "nchw"))

    def segment(self, picture: Picture) -> Segmented:
        """The mask, of the picture's own size; errors as for ImageClassifier."""
        began = perf_counter_ns()
        inputs, fit = self._eye.tensor(picture)
        values = self._outcome.of(inputs)
        channels = self._channels(values)
        confident = (channels.shape[2] == 1 and values.dtype.kind == "f") or self._foreground >= 0
        small = self._confidence(channels) if confident else self._category(channels)
        mask = _over_picture(small, fit, self._eye.size, smooth=confident)
        return Segmented(
            data=mask.tobytes(),
            kind="confidence" if confident else "category",
            width=fit.width,
            height=fit.height,
            labels=self._labels,
            computed_us=since(began),
        )

    def change(self, picture: Picture, options: EffectOptions) -> Effected:
        """The picture with another background; see backgrounds.changed."""
        return changed(self.segment, picture, options)

    def canary(self) -> str:
        """Where the mask of a grey picture is greatest."""
        found = self._outcome.of(self._eye.tensor(seeing.GREY)[0])
        return str(int(found.argmax()))

    def _channels(self, values: Array) -> Array:
        """The output as rows x columns x channels."""
        match values.shape:
            case (1, first, rows, columns):
                planes = not self._layout and first < min(rows, columns)
                found: Array = values[0]
                return found.transpose(1, 2, 0) if planes or self._layout == "nchw" else found
            case (1, rows, columns) | (rows, columns):
                return values.reshape(rows, columns, 1)
            case _:
                raise CorruptModel(f"what {self._model} gives is no mask", model=self._model)

    def _confidence(self, channels: Array) -> Mask:
        scores = self._scale.scores(channels)
        at = max(0, self._foreground)
        if at >= scores.shape[2]:
            raise CorruptModel(f"{self._model} has no channel {at}", model=self._model)
        return np.rint(scores[:, :, at] * 255).astype(np.uint8)

    def _category(self, channels: Array) -> Mask:
        found = channels.argmax(axis=2) if channels.shape[2] > 1 else channels[:, :, 0]
        if found.min() < 0 or found.max() >= MOST_CLASSES:
            raise CorruptModel(f"{self._model} knows too many classes", model=self._model)
        return found.astype(np.uint8)


def _over_picture(mask: Mask, fit: Fit, size: tuple[int, int], *, smooth: bool) -> Mask:
    """A mask of the graph's size (any fraction of its input's) as one of the picture's."""
    rows, columns = mask.shape
    across, down = columns / size[0], rows / size[1]
    left, top, right, bottom = fit.target
    inner = (floor(left * across), floor(top * down), ceil(right * across), ceil(bottom * down))
    box = (
        left * across - inner[0],
        top * down - inner[1],
        right * across - inner[0],
        bottom * down - inner[1],
    )
    resampling = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    # Cropped first, or Pillow would mix in what lies in the bars beside the box.
    image = Image.fromarray(mask).crop(inner).resize((fit.width, fit.height), resampling, box=box)
    return np.asarray(image)
