"""text_classify: the labels of a text."""

from time import perf_counter_ns
from typing import Protocol

import numpy as np

from edged.errors import CorruptModel
from edged.messages.records import SignatureTensor
from edged.models.engines.graph import Array, Graph
from edged.models.presets import labels, outputs, scores, words
from edged.models.presets.clock import since
from edged.models.presets.metadata import Notes, notes_of
from edged.models.presets.parameters import check_known, word_of
from edged.models.runtime import Classified, ClassifyOptions, ModelSpec, Text

KINDS = ("regex_tokens", "wordpiece", "string")

_CANARY = "what a lovely day"


class _Reader(Protocol):
    """Makes the graph's inputs of a text."""

    def inputs(self, text: str) -> dict[str, Array]: ...


class _Words:
    """A fixed number of words by their numbers in a list."""

    def __init__(self, tensors: tuple[SignatureTensor, ...], spec: ModelSpec, notes: Notes) -> None:
        *front, length = tensors[0].shape or (-1,)
        if len(tensors) != 1 or length < 1 or any(one not in {1, -1} for one in front):
            raise CorruptModel(f"{spec.id} does not take a fixed number of words", model=spec.id)
        self._tensor = tensors[0]
        self._shape = (*(1 for _ in front), length)
        self._list = words.WordList(spec, notes)

    def inputs(self, text: str) -> dict[str, Array]:
        numbers = self._list.numbers(text, self._shape[-1])
        return {self._tensor.name: np.array(numbers, self._tensor.dtype).reshape(self._shape)}


class _WordPieces:
    """Up to three rows of numbers: pieces, which of them count, and which sentence they are of."""

    def __init__(self, tensors: tuple[SignatureTensor, ...], spec: ModelSpec) -> None:
        # Only here: a model that cuts by words needs no package for it.
        from edged.models.presets.pieces import Pieces

        if any(len(one.shape) != len(("batch", "pieces")) for one in tensors):
            raise CorruptModel(f"{spec.id} does not take rows of pieces", model=spec.id)
        self._roles = {one: _role(one.name, alone=len(tensors) == 1) for one in tensors}
        if sorted(self._roles.values()) not in _KNOWN_ROLES:
            raise CorruptModel(f"the inputs of {spec.id} are not those of BERT", model=spec.id)
        self._pieces = Pieces(spec, tensors[0].shape[1])

    def inputs(self, text: str) -> dict[str, Array]:
        cut = self._pieces.cut(text)
        rows = {"ids": cut.ids, "mask": cut.attention_mask, "types": cut.type_ids}
        return {
            tensor.name: np.array([rows[role]], tensor.dtype)
            for tensor, role in self._roles.items()
        }


_KNOWN_ROLES = (["ids"], ["ids", "mask"], ["ids", "types"], ["ids", "mask", "types"])


def _role(name: str, *, alone: bool) -> str:
    """Which row an input takes, by its name. Seen: exports of transformers, and TensorFlow's BERT."""
    if "mask" in name.lower():
        return "mask"
    if "type" in name.lower() or "segment" in name.lower():
        return "types"
    return "ids" if alone or "id" in name.lower() else "unknown"


class _Strings:
    """The text itself; the graph cuts it."""

    def __init__(self, tensors: tuple[SignatureTensor, ...], spec: ModelSpec) -> None:
        if len(tensors) != 1 or any(one not in {1, -1} for one in tensors[0].shape):
            raise CorruptModel(f"{spec.id} does not take one text", model=spec.id)
        self._tensor = tensors[0]

    def inputs(self, text: str) -> dict[str, Array]:
        shape = [1 for _ in self._tensor.shape]
        return {self._tensor.name: np.array([text], object).reshape(shape)}


class LabelledText:
    """Fulfils TextClassifier.

    Raises:
        CorruptModel, ModelMissing: the graph takes no text in a way that is known here, a list is
            not there, or a parameter is wrong.
    """

    def __init__(self, graph: Graph, spec: ModelSpec) -> None:
        check_known(spec)
        notes = notes_of(spec)
        self._reader = _reader(graph, spec, notes)
        self._outcome = outputs.Outcome(graph, spec)
        self._scale = scores.Scale(spec, labels.labels_of(spec, notes))

    def label(self, text: Text, options: ClassifyOptions) -> Classified:
        """The labels of a text, the greatest score first.

        Raises:
            CorruptModel: what comes out are no scores.
        """
        began = perf_counter_ns()
        found = self._scale.scores(self._values(text.text).reshape(-1))
        return Classified(
            classes=self._scale.best(found, options.top_k, options.min_score),
            computed_us=since(began),
        )

    def canary(self) -> str:
        """The class of a fixed text."""
        return str(int(self._values(_CANARY).argmax()))

    def _values(self, text: str) -> Array:
        return self._outcome.of(self._reader.inputs(text))


def _reader(graph: Graph, spec: ModelSpec, notes: Notes) -> _Reader:
    tensors = graph.signature().inputs
    kind = word_of(spec, "kind", _guess(tensors, spec, notes), among=KINDS)
    if kind == "string":
        return _Strings(tensors, spec)
    return _Words(tensors, spec, notes) if kind == "regex_tokens" else _WordPieces(tensors, spec)


def _guess(tensors: tuple[SignatureTensor, ...], spec: ModelSpec, notes: Notes) -> str:
    """The way that the model's files speak for."""
    if len(tensors) == 1 and tensors[0].dtype == "string":
        return "string"
    if "tokenizer.json" in spec.files:
        return "wordpiece"
    return "regex_tokens" if notes.input().vocabulary or len(tensors) == 1 else "wordpiece"
