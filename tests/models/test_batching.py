"""Requests that wait together run together, and nobody gets what is another's."""

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_graphs
from hypothesis import given, settings
from hypothesis import strategies as st

from edged.errors import BadRequest, Busy, EdgedError, Internal, WorkerGone
from edged.models import batching
from edged.models.batching import Asked, Batcher, Inferred, batch_of, outcomes_of
from edged.models.engines import onnx as adapter
from edged.models.engines.graph import Array
from edged.models.engines.inference import GraphInference
from edged.models.engines.ort import open_session
from edged.models.engines.tensors import arrays_of, tensors_of
from edged.models.runtime import (
    BatchAnswer,
    BatchAnswers,
    Buffer,
    InferOptions,
    ModelSpec,
    Tensors,
)

INTERACTIVE, BATCH = 0, 2


def hosted(path: Path, *, joins: bool = True) -> GraphInference:
    spec = ModelSpec(id="m", task="infer", engine="onnx", files={"model.onnx": str(path)})
    graph = adapter.OnnxGraph(open_session(spec, "model.onnx"), spec)
    return GraphInference(graph, None, joins=joins)


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> GraphInference:
    return hosted(small_graphs.masked(tmp_path_factory.mktemp("graphs") / "masked.onnx"))


@pytest.fixture(scope="module")
def looker(tmp_path_factory: pytest.TempPathFactory) -> GraphInference:
    return hosted(small_graphs.looker(tmp_path_factory.mktemp("graphs") / "looker.onnx"))


def tensors(**arrays: Array) -> Tensors:
    facts, parts = tensors_of(arrays)
    return Tensors(tensors=facts, parts=tuple(bytes(part) for part in parts))


def number(value: int) -> Tensors:
    return tensors(x=np.array([[value, value]]))


class Worker:
    """Stands for a worker: runs batches in this process, one after the other, when it may.

    gate: batches wait until it is set. runs: the numbers of requests that came together.
    """

    def __init__(self, graph: GraphInference, *, pads: bool = False) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.runs: list[int] = []
        self.urgencies: list[int] = []
        self.fatal: Buffer | None = None
        self.cancelled = 0
        self._graph = graph
        self._pads = pads

    async def run(self, group: Sequence[Asked]) -> Sequence[Inferred | EdgedError]:
        self.runs.append(len(group))
        self.urgencies.append(group[0].urgency)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fatal is not None and any(one.inputs.parts[0] == self.fatal for one in group):
            raise WorkerGone("the worker died")
        if len(group) == 1:
            return [Inferred(self._graph.infer(group[0].inputs, group[0].options), 1, "cpu")]
        answers = self._graph.infer_batch(
            batch_of([(one.inputs, one.options) for one in group], pads=self._pads)
        )
        return outcomes_of(answers, len(group), "cpu")


class Line:
    """A batcher over a worker, in the running loop."""

    def __init__(
        self,
        graph: GraphInference,
        tasks: asyncio.TaskGroup,
        *,
        most: int = 8,
        pads: bool = False,
        wait_s: float = 0.0,
    ) -> None:
        self.worker = Worker(graph, pads=pads)
        self._tasks = tasks
        self.batcher = Batcher(self.worker.run, self._start, most=most, pads=pads, wait_s=wait_s)

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        return self._tasks.create_task(work, name="batch")

    def ask(
        self, inputs: Tensors, *outputs: str, urgency: int = INTERACTIVE
    ) -> "asyncio.Task[Inferred]":
        options = InferOptions(outputs=outputs)
        work = self.batcher.ask(inputs, options, urgency)
        return asyncio.create_task(work)  # noqa: TID251 - a group would end with the first error

    async def held(self) -> "asyncio.Task[Inferred]":
        """A first request that runs until the gate opens; what is asked meanwhile gathers."""
        self.worker.gate.clear()
        first = self.ask(number(0))
        while not self.worker.runs:
            await asyncio.sleep(0)
        return first


def y(found: Inferred) -> list[list[float]]:
    values: list[list[float]] = arrays_of(found.tensors)["y"].tolist()
    return values


def test_an_idle_model_gets_a_request_at_once_and_alone(looker: GraphInference) -> None:
    async def asked() -> tuple[list[int], float]:
        async with asyncio.TaskGroup() as tasks:
            line = Line(looker, tasks, wait_s=60)
            loop = asyncio.get_running_loop()
            began = loop.time()
            for value in range(3):
                await line.ask(number(value))
            return line.worker.runs, loop.time() - began

    runs, took_s = asyncio.run(asked())

    assert runs == [1, 1, 1]
    assert took_s < 30


def test_those_who_wait_while_the_model_runs_go_together(looker: GraphInference) -> None:
    async def asked() -> tuple[list[int], list[Inferred]]:
        async with asyncio.TaskGroup() as tasks:
            line = Line(looker, tasks, most=4)
            first = await line.held()
            others = [line.ask(number(value)) for value in range(1, 7)]
            await asyncio.sleep(0)
            line.worker.gate.set()
            return line.worker.runs, list(await asyncio.gather(first, *others))

    runs, found = asyncio.run(asked())

    assert runs == [1, 4, 2]
    assert [one.together for one in found] == [1, 4, 4, 4, 4, 2, 2]
    assert [y(one) for one in found] == [[[value * 10.0] * 2] for value in range(7)]


def test_while_half_of_a_crowd_runs_the_other_half_is_sent_and_no_third_batch(
    looker: GraphInference,
) -> None:
    async def asked() -> tuple[list[int], list[int]]:
        async with asyncio.TaskGroup() as tasks:
            line = Line(looker, tasks, most=16)
            first = await line.held()
            mates = [line.ask(number(at % 6)) for at in range(12)]
            while len(line.worker.runs) < 2:
                await asyncio.sleep(0)
            for _ in range(5):
                await asyncio.sleep(0)
            held = list(line.worker.runs)
            line.worker.gate.set()
            await asyncio.gather(first, *mates)
            return held, line.worker.runs

    held, runs = asyncio.run(asked())

    assert len(held) == 2
    assert held[0] == 1
    assert held[1] >= 4
    assert sum(runs) == 13


def test_after_a_batch_its_callers_are_waited_for_but_no_longer_than_allowed(
    looker: GraphInference,
) -> None:
    async def asked(wait_s: float, again: int) -> list[int]:
        async with asyncio.TaskGroup() as tasks:
            line = Line(looker, tasks, wait_s=wait_s)
            first = await line.held()
            others = [line.ask(number(value)) for value in range(1, 4)]
            await asyncio.sleep(0)
            line.worker.gate.set()
            await asyncio.gather(first, *others)
            more = []
            for value in range(again):
                more.append(line.ask(number(value)))
                await asyncio.sleep(0)
            await asyncio.gather(*more)
            return line.worker.runs

    assert asyncio.run(asked(60.0, again=3)) == [1, 3, 3]
    assert asyncio.run(asked(0.5, again=2)) == [1, 3, 2]
    assert asyncio.run(asked(0.0, again=2)) == [1, 3, 1, 1]


def test_interactive_requests_go_before_batch_ones_and_not_with_them(
    looker: GraphInference,
) -> None:
    async def asked() -> tuple[list[int], list[int]]:
        async with asyncio.TaskGroup() as tasks:
            line = Line(looker, tasks)
            first = await line.held()
            slow = [line.ask(number(1), urgency=BATCH) for _ in range(3)]
            quick = [line.ask(number(2)) for _ in range(2)]
            await asyncio.sleep(0)
            line.worker.gate.set()
            await asyncio.gather(first, *slow, *quick)
            return line.worker.runs, line.worker.urgencies

    assert asyncio.run(asked()) == ([1, 2, 3], [INTERACTIVE, INTERACTIVE, BATCH])


def test_an_interactive_request_does_not_wait_for_a_batch_one_to_end(
    looker: GraphInference,
) -> None:
    async def asked() -> list[int]:
        async with asyncio.TaskGroup() as tasks:
            line = Line(looker, tasks)
            line.worker.gate.clear()
            slow = line.ask(number(1), urgency=BATCH)
            await asyncio.sleep(0)
            quick = line.ask(number(2))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            sent = list(line.worker.urgencies)
            line.worker.gate.set()
            await asyncio.gather(slow, quick)
            return sent

    assert asyncio.run(asked()) == [BATCH, INTERACTIVE]


def test_who_leaves_takes_only_itself_out(looker: GraphInference) -> None:
    async def asked() -> tuple[list[int], list[list[list[float]]]]:
        async with asyncio.TaskGroup() as tasks:
            line = Line(looker, tasks)
            first = await line.held()
            others = [line.ask(number(value)) for value in range(1, 5)]
            await asyncio.sleep(0)
            others.pop(1).cancel()
            await asyncio.sleep(0)
            line.worker.gate.set()
            await first
            return line.worker.runs, [y(await one) for one in others]

    runs, found = asyncio.run(asked())

    assert runs == [1, 3]
    assert found == [[[value * 10.0] * 2] for value in (1, 3, 4)]


def test_a_batch_that_everybody_left_is_ended_and_the_next_one_runs(
    looker: GraphInference,
) -> None:
    async def asked() -> tuple[int, list[int]]:
        async with asyncio.TaskGroup() as tasks:
            line = Line(looker, tasks)
            first = await line.held()
            first.cancel()
            await asyncio.wait([first])
            line.worker.gate.set()
            await line.ask(number(3))
            return line.worker.cancelled, line.worker.runs

    assert asyncio.run(asked()) == (1, [1, 1])


def test_one_that_is_wrong_or_fails_fails_alone(looker: GraphInference) -> None:
    async def asked() -> list[Inferred | BaseException]:
        async with asyncio.TaskGroup() as tasks:
            line = Line(looker, tasks)
            first = await line.held()
            inputs = [number(1), number(99), number(2)]
            others = [line.ask(one) for one in inputs] + [line.ask(number(3), "nothing")]
            await asyncio.sleep(0)
            line.worker.gate.set()
            await first
            return list(await asyncio.gather(*others, return_exceptions=True))

    good, failed, also_good, wrong = asyncio.run(asked())

    assert isinstance(good, Inferred)
    assert isinstance(also_good, Inferred)
    assert [y(good), y(also_good)] == [[[10.0, 10.0]], [[20.0, 20.0]]]
    assert isinstance(failed, Internal | BadRequest)
    assert isinstance(wrong, BadRequest)
    assert "nothing" in wrong.message


def test_one_that_kills_the_worker_is_told_apart_from_its_mates(looker: GraphInference) -> None:
    async def asked() -> tuple[list[int], list[Inferred | BaseException]]:
        async with asyncio.TaskGroup() as tasks:
            line = Line(looker, tasks)
            first = await line.held()
            line.worker.fatal = number(5).parts[0]
            others = [line.ask(number(value)) for value in (1, 5, 2)]
            await asyncio.sleep(0)
            line.worker.gate.set()
            await first
            return line.worker.runs, list(await asyncio.gather(*others, return_exceptions=True))

    runs, (one, killer, two) = asyncio.run(asked())

    assert runs == [1, 3, 1, 1, 1]
    assert isinstance(one, Inferred)
    assert isinstance(two, Inferred)
    assert isinstance(killer, WorkerGone)


def test_the_line_is_bounded(looker: GraphInference, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MOST_WAITING", 2)

    async def asked() -> BaseException | None:
        async with asyncio.TaskGroup() as tasks:
            line = Line(looker, tasks)
            first = await line.held()
            others = [line.ask(number(1)) for _ in range(3)]
            await asyncio.wait([others[-1]])
            line.worker.gate.set()
            await asyncio.gather(first, *others[:2])
            return others[-1].exception()

    assert isinstance(asyncio.run(asked()), Busy)


def test_rows_that_depend_on_each_other_never_run_together(tmp_path: Path) -> None:
    graph = hosted(small_graphs.looker(tmp_path / "model.onnx"), joins=False)
    asked = [_asked(number(value)) for value in range(3)]

    found = graph.infer_batch(batch_of(asked, pads=False))

    assert [one.together for one in found.answers] == [1, 1, 1]


def _asked(inputs: Tensors) -> tuple[Tensors, InferOptions]:
    return inputs, InferOptions()


CALLERS = st.lists(
    st.tuples(
        st.integers(0, 3),  # rows
        st.integers(0, 6),  # length
        st.sampled_from([(), ("tokens",), ("total", "tokens")]),
        st.booleans(),  # a mask of another length: wrong
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=80, deadline=None)
@given(callers=CALLERS, pads=st.booleans(), most=st.integers(2, 8))
def test_each_caller_gets_exactly_what_its_own_input_gives(
    callers: list[tuple[int, int, tuple[str, ...], bool]],
    pads: bool,
    most: int,
    masked: GraphInference,
) -> None:
    inputs = [_text(n, *shape) for n, shape in enumerate(callers)]

    async def asked() -> list[Inferred | BaseException]:
        async with asyncio.TaskGroup() as tasks:
            line = Line(masked, tasks, most=most, pads=pads)
            line.worker.gate.clear()
            all_of_them = [
                line.ask(one, *caller[2]) for one, caller in zip(inputs, callers, strict=True)
            ]
            await asyncio.sleep(0)
            line.worker.gate.set()
            return list(await asyncio.gather(*all_of_them, return_exceptions=True))

    for found, own, caller in zip(asyncio.run(asked()), inputs, callers, strict=True):
        _, _, outputs, wrong = caller
        if wrong:
            assert isinstance(found, BadRequest | Internal)
            continue
        assert isinstance(found, Inferred)
        _same(found, own, outputs)


def _text(caller: int, rows: int, length: int, _: tuple[str, ...], wrong: bool) -> Tensors:
    """Numbers that only this caller has."""
    ids = 1000 * (caller + 1) + np.arange(rows * length).reshape(rows, length)
    mask = np.ones((rows, length + 7 if wrong else length), np.int64)
    return tensors(ids=ids, mask=mask if not wrong else mask.astype(np.int32))


def _same(found: Inferred, own: Tensors, outputs: tuple[str, ...]) -> None:
    arrays = arrays_of(own)
    tokens = arrays["ids"] * arrays["mask"]
    expected = {"tokens": tokens, "total": tokens.sum(axis=1)}
    got = arrays_of(found.tensors)
    assert tuple(got) == (outputs or ("tokens", "total"))
    for name, array in got.items():
        np.testing.assert_array_equal(array, expected[name])


def test_texts_of_different_lengths_run_together_only_where_padding_is_allowed(
    masked: GraphInference,
) -> None:
    texts = [_text(n, 1, length, (), wrong=False) for n, length in enumerate((3, 5, 4))]
    asked = [_asked(one) for one in texts]

    padded = masked.infer_batch(batch_of(asked, pads=True))
    apart = masked.infer_batch(batch_of(asked, pads=False))

    assert [one.together for one in padded.answers] == [3, 3, 3]
    assert [one.together for one in apart.answers] == [1, 1, 1]
    for own, one in zip(texts, outcomes_of(padded, 3, "cpu"), strict=True):
        assert isinstance(one, Inferred)
        _same(one, own, ())


def test_a_worker_that_answers_a_batch_with_something_else_is_not_believed() -> None:
    answers = BatchAnswers(answers=(BatchAnswer(parts=1),), parts=())

    with pytest.raises(Internal):
        outcomes_of(answers, 1, "cpu")
    with pytest.raises(Internal):
        outcomes_of(answers, 2, "cpu")
