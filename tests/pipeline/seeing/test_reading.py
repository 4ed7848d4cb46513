"""Landmarks of a session in a store, read by a worker of its own."""

import asyncio
import io
import json
import os
import signal
from collections.abc import Coroutine, Iterator
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar

import msgspec
import numpy as np
import pytest
from landmark_samples import seen_session

from edged.capture.kept.orders import MOST_READINGS, Into, ReadWish
from edged.errors import NotFound, WorkerGone
from edged.pipeline.seeing import reading
from edged.pipeline.seeing.reading import DerivedStretches, Reading, Stretch
from edged.store import Store
from edged.workers.channel import LARGEST_HEAD

T = TypeVar("T")
KEY = bytes(range(32))


class Rig:
    """A loop, a store with one session of three seconds, and what reads it."""

    def __init__(self, store: Store, loop: asyncio.Runner) -> None:
        self._loop = loop
        self.store = store
        self.session = self.run(store.write(partial(seen_session, kinds=("face", "hands", "pose"))))
        self.reading = self.run(self._made())
        self.stretch = Stretch(session_id=self.session)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(work)

    async def _made(self) -> Reading:
        return Reading(self.store)

    async def content(
        self, into: Into, stretch: Stretch | None = None
    ) -> tuple[bytes, list[float]]:
        """A whole file, and the progress that was told."""
        pieces = [
            piece async for piece in self.reading.file(stretch or self.stretch, ReadWish(into=into))
        ]
        return b"".join(piece.data for piece in pieces), [piece.progress for piece in pieces]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    store = Store.open(tmp_path_factory.mktemp("reading") / "edged.db", KEY)
    with asyncio.Runner() as loop:
        made = Rig(store, loop)
        yield made
        made.run(made.reading.close())
    store.close()


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks go one by one, as those of a long session go in many parts."""
    monkeypatch.setattr(reading, "BLOCKS_AT_ONCE", 2)
    monkeypatch.setattr(reading, "BYTES_AT_ONCE", 1)


def test_a_page_is_read_from_the_store(rig: Rig) -> None:
    page = rig.run(rig.reading.page(rig.stretch, ReadWish(into="values", limit=4)))

    assert sorted({one.at_ms for one in page.frames}) == [0, 100, 200, 300]
    assert {one.kind for one in page.frames} == {"face", "hands", "pose"}
    assert page.next_ms == 400


def test_a_page_of_faces_may_be_longer_than_a_head_of_the_channel(rig: Rig) -> None:
    session = rig.run(rig.store.write(partial(seen_session, kinds=("face",), count=10)))
    wish = ReadWish(into="values", limit=5_000)

    page = rig.run(rig.reading.page(Stretch(session_id=session, source=0), wish))

    assert len(msgspec.msgpack.encode(page.frames)) > LARGEST_HEAD
    assert page.next_ms == len(page.frames) * 100


@pytest.mark.usefixtures("small_parts")
def test_blocks_that_come_one_by_one_give_the_same_page(rig: Rig) -> None:
    wish = ReadWish(into="parts", from_ms=500, to_ms=2_500)
    stretch = Stretch(session_id=rig.session, from_ms=500, to_ms=2_500)

    page = rig.run(rig.reading.page(stretch, wish))

    assert [(one.of, one.source, one.shape[0]) for one in page.parts] == [
        ("face_at", 0, 20), ("face", 0, 20), ("hands_at", 0, 20), ("hands", 0, 20),
        ("pose_at", 0, 20), ("pose", 0, 20), ("pose_at", 1, 5), ("pose", 1, 5),
    ]  # fmt: skip
    assert page.next_ms is None


def test_a_stretch_is_narrowed_to_kinds_and_a_source(rig: Rig) -> None:
    stretch = Stretch(session_id=rig.session, kinds=("pose",), source=1)

    page = rig.run(rig.reading.page(stretch, ReadWish(into="values")))

    assert {(one.kind, one.source) for one in page.frames} == {("pose", 1)}
    assert len(page.frames) == 10


@pytest.mark.usefixtures("small_parts")
def test_files_are_whole_and_tell_their_progress(rig: Rig) -> None:
    csv, steps = rig.run(rig.content("csv"))
    told, _ = rig.run(rig.content("json"))
    npz, passes = rig.run(rig.content("npz"))

    assert csv.count(b"\n") == 1 + 30 * (468 + 21 + 33) + 15 * 21 + 10 * 33
    assert len(json.loads(told)["frames"]) == 30 * 3 + 15 + 10
    with np.load(io.BytesIO(npz)) as arrays:
        assert arrays["face"].shape == (30, 1, 468, 3)
        assert arrays["pose_1"].shape == (10, 1, 33, 7)
    assert len(steps) > 3
    assert steps == sorted(steps)
    assert passes == sorted(passes)
    assert passes[-1] == 1.0


def test_a_file_of_one_source_holds_only_its_tracks(rig: Rig) -> None:
    npz, _ = rig.run(rig.content("npz", Stretch(session_id=rig.session, source=1)))

    with np.load(io.BytesIO(npz)) as arrays:
        assert sorted(arrays) == ["pose_1", "pose_at_1", "pose_values_1"]


@pytest.mark.usefixtures("small_parts")
def test_what_follows_is_derived_and_how_much_is_done_is_told(rig: Rig) -> None:
    wish = ReadWish(into="tracks", tracks=("activity", "gestures"))

    async def scenario() -> list[float | DerivedStretches]:
        return [step async for step in rig.reading.derive(rig.stretch, wish)]

    *steps, found = rig.run(scenario())

    assert isinstance(found, DerivedStretches)
    assert set(found.definitions) == {"activity", "gestures"}
    assert {one.track for one in found.derived} >= {"activity"}
    shares = [step for step in steps if isinstance(step, float)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_vectors_are_compared(rig: Rig) -> None:
    one, other = (np.array(row, "<f4").tobytes() for row in ([1, 0], [0.6, 0.8]))

    assert rig.run(rig.reading.rank(one, [one, other])) == pytest.approx((1.0, 0.6))


def test_a_session_that_is_not_there_is_not_found(rig: Rig) -> None:
    stretch = Stretch(session_id="none")

    with pytest.raises(NotFound):
        rig.run(rig.reading.page(stretch, ReadWish(into="values")))
    with pytest.raises(NotFound):
        rig.run(rig.content("npz", stretch))


def test_files_that_nobody_reads_to_the_end_leave_no_reading_open(rig: Rig) -> None:
    async def begin() -> None:
        async with aclosing(rig.reading.file(rig.stretch, ReadWish(into="csv"))) as pieces:
            async for _ in pieces:
                return

    for _ in range(MOST_READINGS + 1):
        rig.run(begin())

    assert rig.run(rig.content("csv"))[0]


@pytest.mark.usefixtures("small_parts")
def test_a_worker_that_is_killed_costs_the_file_and_nothing_after_it(rig: Rig) -> None:
    async def scenario() -> None:
        async with aclosing(rig.reading.file(rig.stretch, ReadWish(into="csv"))) as pieces:
            async for _ in pieces:
                worker = rig.reading.worker
                assert worker is not None
                os.kill(worker.pid, signal.SIGKILL)

    with pytest.raises(WorkerGone):
        rig.run(scenario())

    page = rig.run(rig.reading.page(rig.stretch, ReadWish(into="values", limit=1)))
    assert page.next_ms == 100


def test_the_worker_ends_when_nobody_reads(rig: Rig) -> None:
    async def scenario() -> bool:
        lonely = Reading(rig.store, idle_s=0)
        await lonely.page(rig.stretch, ReadWish(into="values", limit=1))
        worker = lonely.worker
        assert worker is not None
        gone = asyncio.Event()
        worker.on_exit = lambda _: gone.set()
        async with asyncio.timeout(10):
            await gone.wait()
        await lonely.close()
        return lonely.worker is None

    assert rig.run(scenario())
