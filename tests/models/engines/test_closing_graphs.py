"""A graph that hangs at its close costs its process and nothing else."""

import asyncio
import threading
from pathlib import Path

import pytest

from edged.errors import WorkerGone
from edged.models.engines.seeing.closing import HUNG, close_all
from edged.workers.process import Worker, WorkerSpec

HERE = Path(__file__).parent


class Graph:
    """Closes when it may."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may_close = threading.Event()
        self.may_close.set()
        self.closed = False
        self._error = error

    def close(self) -> None:
        """Wait until it may."""
        self.may_close.wait(10)
        self.closed = True
        if self._error is not None:
            raise self._error


def given_up() -> None:
    pytest.fail("nothing hangs")


def test_graphs_are_closed_one_and_all_even_after_one_that_failed() -> None:
    graphs = [Graph(), Graph(RuntimeError("it failed before")), Graph()]

    close_all(graphs, give_up=given_up)
    close_all([], give_up=given_up)

    assert [graph.closed for graph in graphs] == [True] * 3


def test_a_graph_that_hangs_is_given_up_at_the_deadline() -> None:
    hanging = Graph()
    hanging.may_close.clear()
    calls: list[str] = []

    close_all([hanging], deadline_s=0.05, give_up=lambda: calls.append("gave up"))
    hanging.may_close.set()

    assert calls == ["gave up"]


def test_a_worker_whose_graph_hangs_ends_and_its_caller_hears_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HERE))

    async def asked() -> Worker:
        spec = WorkerSpec(name="hanging", module="hanging_graph")
        worker = await Worker.spawn(spec, load_deadline_s=15)
        try:
            with pytest.raises(WorkerGone):
                await worker.call("stop", deadline_s=15)
        finally:
            await worker.end(grace_s=0)
        return worker

    worker = asyncio.run(asked())

    assert any(reason in worker.exit_reason for reason in (str(HUNG), "closed its channel"))
