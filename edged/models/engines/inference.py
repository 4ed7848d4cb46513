"""A graph hosted as it is: tensors in and out, for one caller or for several at once."""

import time
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from edged.errors import BadRequest, EdgedError, Internal, Unsupported
from edged.messages.records import Signature, SignatureTensor
from edged.models.engines import joining, quantized
from edged.models.engines.graph import Array, Graph
from edged.models.engines.tensors import DTYPES, arrays_of, check, check_outputs, tensors_of
from edged.models.presets import adapt
from edged.models.runtime import (
    Batch,
    BatchAnswer,
    BatchAnswers,
    BatchProblem,
    Buffer,
    InferOptions,
    Model,
    ModelSpec,
    Tensors,
)
from edged.workers.channel import LARGEST_FRAME

REFUSED = "refused"
"""The canary of a graph that does not take zeros: that it answers at all is what is known then."""

_LARGEST_ANSWER = LARGEST_FRAME - 2**20
"""Bytes: what the channel takes in one frame, without the head."""


PLAIN_TASKS = frozenset({"infer"})
"""Tasks whose callers take the graph as it is."""


def hosted(graph: Graph, spec: ModelSpec, *, joins: bool = True) -> "GraphInference":
    """What a worker hosts: the graph as it is, and beside it what its task makes of it.

    Args:
        graph: loaded.
        spec: its task says which preset it is for; PLAIN_TASKS: none.
        joins: whether a row of its outputs depends on the same row of its inputs only.

    Raises:
        CorruptModel: the graph is not one of its task.
    """
    model = None if spec.task in PLAIN_TASKS else adapt(graph, spec)
    return GraphInference(graph, model, joins=joins)


class _Member(Struct, frozen=True):
    """One caller in a batch: arrays to run, or why there are none."""

    arrays: dict[str, Array]
    options: InferOptions
    problem: EdgedError | None = None


_Outcome = tuple[Tensors | EdgedError, int]
"""What one caller gets, and how many ran as one."""


class GraphInference:
    """Fulfils Inference over any graph, and what its preset fulfils.

    Args:
        graph: loaded.
        model: what a preset makes of it; None: nothing.
        joins: whether several callers may share a run.
    """

    def __init__(self, graph: Graph, model: Model | None, *, joins: bool) -> None:
        self._graph = graph
        self._model = model
        self._joins = joins
        self._signature = graph.signature()

    def __getattr__(self, name: str) -> object:
        """The preset's methods, and those that only some graphs have (Placed)."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._graph if self._model is None else self._model, name, None) or getattr(
            self._graph, name
        )

    def signature(self) -> Signature:
        """What the graph takes and gives."""
        return self._signature

    def canary(self) -> str:
        """The preset's; else where each output is greatest when all inputs are zero."""
        if self._model is not None:
            return self._model.canary()
        zeros = {one.name: _zeros(one) for one in self._signature.inputs}
        try:
            found = self._graph.run(zeros)
        except (Internal, BadRequest):
            return REFUSED
        return " ".join(_greatest(array) for array in found.values())

    def infer(self, inputs: Tensors, options: InferOptions) -> Tensors:
        """The outputs of the graph, in its order.

        Raises:
            BadRequest: names, shapes, types or the number of bytes are not the graph's.
            Unsupported: the outputs are more than the channel takes.
            Internal: the engine failed.
        """
        return self._alone(self._prepared(inputs, options), options)

    def infer_batch(self, batch: Batch) -> BatchAnswers:
        """As one run where that gives each caller what it gets alone; else one after the other."""
        members, at = [], 0
        for item in batch.items:
            inputs = Tensors(tensors=item.tensors, parts=batch.parts[at : at + item.parts])
            members.append(self._member(inputs, item.options))
            at += item.parts
        good = [one for one in members if one.problem is None]
        together = iter(self._together(good, pads=batch.pads) or map(self._single, good))
        return _packed([(one.problem, 1) if one.problem else next(together) for one in members])

    # --- one caller ---

    def _prepared(self, inputs: Tensors, options: InferOptions) -> dict[str, Array]:
        arrays = arrays_of(inputs)
        check(self._signature, arrays, real=options.real)
        check_outputs(self._signature, options.outputs)
        return quantized.stored(self._signature.inputs, arrays) if options.real else arrays

    def _alone(self, arrays: Mapping[str, Array], options: InferOptions) -> Tensors:
        began = time.perf_counter_ns()
        outputs = self._graph.run(arrays, options.outputs)
        return self._tensors(outputs, options, (time.perf_counter_ns() - began) // 1000)

    def _tensors(
        self, outputs: Mapping[str, Array], options: InferOptions, took_us: int
    ) -> Tensors:
        if options.real:
            outputs = quantized.real(self._signature.outputs, outputs)
        facts, parts = tensors_of(outputs)
        if sum(map(len, parts)) > _LARGEST_ANSWER:
            raise Unsupported(
                f"the outputs are larger than {_LARGEST_ANSWER >> 20} MiB",
                fix="ask for fewer of them with `outputs`",
            )
        return Tensors(tensors=facts, parts=parts, computed_us=took_us)

    # --- several callers ---

    def _member(self, inputs: Tensors, options: InferOptions) -> _Member:
        try:
            return _Member(self._prepared(inputs, options), options)
        except EdgedError as error:
            return _Member({}, options, error)

    def _single(self, member: _Member) -> _Outcome:
        try:
            return self._alone(member.arrays, member.options), 1
        except EdgedError as error:
            return error, 1

    def _together(self, members: Sequence[_Member], *, pads: bool) -> list[_Outcome] | None:
        """All as one run; None when that cannot be, or when it fails."""
        if len(members) < 2 or not self._joins:  # noqa: PLR2004 - one is not together
            return None
        joined = joining.join(self._signature, [one.arrays for one in members], pads=pads)
        if joined is None:
            return None
        began = time.perf_counter_ns()
        try:
            outputs = self._graph.run(joined.arrays, _outputs_of_all(members))
        except EdgedError:
            return None  # each alone: then it shows whose fault it was
        took_us = (time.perf_counter_ns() - began) // 1000
        found = joining.split(self._signature, joined, outputs)
        if found is None:
            return None
        return [
            (self._share(one, mine, took_us), len(members))
            for one, mine in zip(members, found, strict=True)
        ]

    def _share(
        self, member: _Member, outputs: dict[str, Array], took_us: int
    ) -> Tensors | EdgedError:
        names = member.options.outputs or tuple(outputs)
        try:
            mine = {name: outputs[name] for name in names}
            return self._tensors(mine, member.options, took_us)
        except EdgedError as error:
            return error


def _outputs_of_all(members: Sequence[_Member]) -> tuple[str, ...]:
    """What any of them asks for; empty (all) when one asks for all."""
    if not all(one.options.outputs for one in members):
        return ()
    return tuple(dict.fromkeys(name for one in members for name in one.options.outputs))


def _packed(outcomes: Sequence[_Outcome]) -> BatchAnswers:
    answers: list[BatchAnswer] = []
    parts: list[Buffer] = []
    for found, together in outcomes:
        if isinstance(found, EdgedError):
            problem = BatchProblem(code=found.code, message=found.message, fix=found.fix)
            answers.append(BatchAnswer(problem=problem))
            continue
        parts += found.parts
        answers.append(
            BatchAnswer(
                tensors=found.tensors,
                parts=len(found.parts),
                computed_us=found.computed_us,
                together=together,
            )
        )
    return BatchAnswers(answers=tuple(answers), parts=tuple(parts))


def _zeros(facts: SignatureTensor) -> Array:
    shape = [1 if length < 0 else length for length in facts.shape]
    empty = "" if facts.dtype == "string" else 0
    zeros: Array = np.full(shape, empty, DTYPES[facts.dtype])
    return zeros


def _greatest(array: Array) -> str:
    return str(array.argmax()) if array.size and array.dtype.kind in "fiub" else "-"
