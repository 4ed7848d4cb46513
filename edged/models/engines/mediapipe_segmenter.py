"""Who stands before the background, or what each pixel belongs to."""

from time import perf_counter_ns

import numpy as np

from edged.errors import CorruptModel, Internal
from edged.media import Picture
from edged.models.engines.drawn_face import drawn_face
from edged.models.engines.mediapipe_library import ERRORS, frame_of, open_task, vision
from edged.models.presets.backgrounds import changed
from edged.models.presets.clock import since
from edged.models.runtime import ModelSpec, Segmented
from edged.models.seeing import Effected, EffectOptions

MOST_CLASSES = 256
"""A pixel of a mask is one byte."""


class Segmenter:
    """Fulfils Effects."""

    def __init__(self, spec: ModelSpec) -> None:
        self._model = spec.id
        self._task = open_task(
            spec,
            "model",
            vision.ImageSegmenter,
            vision.ImageSegmenterOptions,
            output_confidence_masks=True,
            output_category_mask=False,
        )
        self._labels = spec.labels or tuple(self._task.labels)

    def segment(self, picture: Picture) -> Segmented:
        """How sure it is of each pixel; or the likeliest class, where the model knows several."""
        began = perf_counter_ns()
        frame = frame_of(picture)
        width, height = frame.width, frame.height
        try:
            found = self._task.segment(frame.image)
        except ERRORS as error:
            raise Internal("MediaPipe failed in a picture") from error
        masks = [one.numpy_view().reshape(height, width) for one in found.confidence_masks]
        if not 1 <= len(masks) <= MOST_CLASSES:
            raise CorruptModel(f"{self._model} gives {len(masks)} masks", model=self._model)
        alone = len(masks) == 1
        mask = np.rint(masks[0] * 255) if alone else np.argmax(np.stack(masks), axis=0)
        return Segmented(
            data=mask.astype(np.uint8).tobytes(),
            kind="confidence" if alone else "category",
            width=width,
            height=height,
            labels=self._labels,
            computed_us=since(began),
        )

    def change(self, picture: Picture, options: EffectOptions) -> Effected:
        """The picture with another background; see backgrounds.changed."""
        return changed(self.segment, picture, options)

    def canary(self) -> str:
        """How much of a drawn face it takes for somebody, in tenths."""
        mask = np.frombuffer(self.segment(drawn_face()).data, np.uint8)
        return f"{mask.mean() / 255:.1f}"
