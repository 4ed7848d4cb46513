"""Raw outputs as scores in [0, 1], and scores as labels, the greatest first."""

import numpy as np
import numpy.typing as npt

from edged.errors import CorruptModel
from edged.messages.records import Class
from edged.models.engines.graph import Array
from edged.models.presets.parameters import whole_of, word_of
from edged.models.runtime import ModelSpec

Scores = npt.NDArray[np.float32]

ACTIVATIONS = ("none", "softmax", "sigmoid")

_SLACK = 1e-3
"""A softmax in float16 or in 8 bits may pass 1 by so much."""


def activated(values: Array, activation: str) -> Scores:
    """Logits of shape (..., classes) as scores; `none`: they are scores already."""
    found: Scores = values.astype(np.float32)
    if activation == "softmax":
        found = np.exp(found - found.max(axis=-1, keepdims=True))
        found /= found.sum(axis=-1, keepdims=True)
    if activation == "sigmoid":
        np.tanh(found / 2, out=found)  # as 1 / (1 + exp(-x)), without its overflow
        found = (found + np.float32(1)) / np.float32(2)
    return found


class Scale:
    """Makes scores of one model's outputs and names them.

    Args:
        spec: parameters `activation` and `label_offset`.
        labels: what its outputs stand for, in order.
    """

    def __init__(self, spec: ModelSpec, labels: tuple[str, ...]) -> None:
        self._model = spec.id
        self._labels = labels
        self._activation = word_of(spec, "activation", "none", among=ACTIVATIONS)
        self._offset = whole_of(spec, "label_offset", 0, least=-1000, most=1000)

    def scores(self, values: Array) -> Scores:
        """Scores of shape (..., classes).

        Raises:
            CorruptModel: they lie outside [0, 1]: the manifest says nothing of an activation.
        """
        found = activated(values, self._activation)
        if found.size and not (found.min() >= -_SLACK and found.max() <= 1 + _SLACK):
            raise CorruptModel(
                f"scores of {self._model} lie outside 0 to 1",
                fix='set parameters.activation to "softmax" or "sigmoid" in its manifest',
                model=self._model,
            )
        return np.clip(found, 0.0, 1.0)

    def label(self, index: int) -> str | None:
        """What an output stands for; empty when nobody says; None for the background."""
        place = index + self._offset
        if place < 0:
            return None
        return self._labels[place] if place < len(self._labels) else ""

    def best(self, scores: Scores, top_k: int, min_score: float) -> tuple[Class, ...]:
        """The greatest of scores of shape (classes,); equal ones in the model's order."""
        found: list[Class] = []
        for index in np.argsort(-scores, kind="stable"):
            score = float(scores[index])
            if len(found) == top_k or score < min_score:
                break
            label = self.label(int(index))
            if label is not None:
                found.append(Class(label=label, score=score, index=int(index)))
        return tuple(found)
