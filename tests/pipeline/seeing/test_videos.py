"""Videos, looked at to their end."""

import asyncio

import msgspec
import pytest
from seeing_fakes import FakeEyes, FakeSights, FakeSource, frame

from edged.errors import WorkerGone
from edged.messages.replies import Progress
from edged.messages.seeing import Looked, Seen, Stretch
from edged.pipeline.seeing import videos
from edged.pipeline.seeing.showing import Facts
from edged.pipeline.seeing.videos import Stretches, look_through

FACTS = Facts(task="hands", model="m", device="")


def test_what_is_not_seen_for_more_than_a_second_is_seen_anew() -> None:
    stretches = Stretches()
    for at_ms, things in (
        (0, {"hand": 1}),
        (1_000, {"hand": 2, "face": 1}),
        (1_500, {}),
        (2_100, {"hand": 1}),
    ):
        stretches.add(at_ms, things)

    assert stretches.finish() == (
        Stretch(of="hand", start_ms=0, end_ms=1_000, frames=2, most=2),
        Stretch(of="face", start_ms=1_000, end_ms=1_000, frames=1),
        Stretch(of="hand", start_ms=2_100, end_ms=2_100, frames=1),
    )


def _looked(sights: FakeSights, eyes: FakeEyes, fps: float | None) -> tuple[list[Seen], Looked]:
    async def work() -> list[object]:
        told = look_through(sights, eyes, "/tmp/a.mp4", fps=fps, facts=FACTS)
        return [one async for one in told]

    *seen, end = asyncio.run(work())
    assert isinstance(end, Looked)
    return [one[0] for one in seen if isinstance(one, tuple)], end


def test_every_frame_is_told_with_its_time_and_in_the_end_what_was_seen() -> None:
    sights = FakeSights(FakeSource(frame(number) for number in range(4)))

    seen, end = _looked(sights, FakeEyes(), None)

    assert [(one.frame_id, one.captured_at_ms) for one in seen] == [
        (0, 0), (1, 40), (2, 80), (3, 120),
    ]  # fmt: skip
    assert (end.frames, end.detected, end.lost, end.duration_ms) == (4, 4, 0, 120)
    assert end.fps > 0
    assert end.tracks == (Stretch(of="hand", start_ms=0, end_ms=120, frames=4),)
    assert [(kind, options.every) for kind, options in sights.opened] == [("video", True)]


def test_a_frame_that_its_worker_took_with_it_is_counted_and_the_others_are_told() -> None:
    sights = FakeSights(FakeSource(frame(number) for number in range(4)))

    seen, end = _looked(sights, FakeEyes({1: WorkerGone("killed", started=True)}), 5.0)

    assert [one.frame_id for one in seen] == [0, 2, 3]
    assert (end.frames, end.lost) == (3, 1)
    assert [options.fps for _, options in sights.opened] == [5.0]


def test_how_far_it_is_is_told_of_a_video_that_says_how_long_it_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(videos, "PROGRESS_S", 0.0)

    def told(of_ms: int) -> list[tuple[float, int]]:
        frames = [msgspec.structs.replace(frame(number), of_ms=of_ms) for number in (0, 25, 50)]
        sights = FakeSights(FakeSource(frames))

        async def work() -> list[object]:
            every = look_through(sights, FakeEyes(), "/tmp/a.mp4", fps=None, facts=FACTS)
            return [one async for one in every]

        found = asyncio.run(work())
        return [(one.fraction, one.done_ms) for one in found if isinstance(one, Progress)]

    assert told(2_000) == [(0.0, 0), (0.5, 1_000), (1.0, 2_000)]
    assert told(0) == []
