"""What is shown of a camera while it is looked at, and what stays."""

import argparse
import asyncio
import io
import json
import sys
from contextlib import nullcontext

import pytest
from msgspec.structs import replace
from rich.console import Console
from seen_frames import CUP, HAND, MASK, MASK_DATA, MASK_PART, POSE, seen

from edged.cli import seeing
from edged.cli.seeing.drawn import Blank, canvas
from edged.cli.seeing.live import Watching
from edged.cli.seeing.live_table import LiveTable
from edged.cli.seeing.rates import MOST_STRETCHES, Rates, counts_of
from edged.cli.seeing.views import Document, Lines, Log, View
from edged.errors import EngineMissing
from edged.messages import replies
from edged.messages.seeing import FrameCounts, FramesLost, Seen
from edged.messages.sessions import StreamOpened

BEGAN = 1_795_248_000_000
COUNTS = FrameCounts(captured=40, processed=30, still=5, late=4, lost=1, detected=20)
TOLD = "30 frames, something in 20; left out: 5 still, 4 late, 1 lost\n"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def frame(number: int, *, shows: bool = True, every_ms: int = 100) -> Seen:
    found = seen("hands", at_ms=BEGAN + number * every_ms, frame_id=number)
    return replace(found, hands=(HAND,) if shows else (), dropped=number // 2)


def test_rates_are_those_of_the_last_two_seconds() -> None:
    clock = Clock()
    rates = Rates(clock)

    for number in range(40):
        rates.add(frame(number, shows=number % 4 == 0))
        clock.now += 0.1

    assert rates.now() == pytest.approx((10.0, 2.5), abs=0.6)
    clock.now += 10
    assert rates.now() == (0.0, 0.0)
    assert rates.dropped == 19


def test_a_camera_ends_with_the_same_figures_as_a_video() -> None:
    clock = Clock()
    rates = Rates(clock)

    for number in (0, 1, 2, 30, 31):
        rates.add(frame(number))
    rates.add(frame(32, shows=False))
    clock.now += 3
    looked = rates.looked(FrameCounts(processed=6, detected=5, lost=2))

    assert (looked.frames, looked.detected, looked.fps, looked.lost) == (6, 5, 2.0, 2)
    assert looked.duration_ms == 3_200
    assert [(one.of, one.start_ms, one.end_ms, one.frames) for one in looked.tracks] == [
        ("hand", 0, 200, 3),
        ("hand", 3_000, 3_100, 2),
    ]


def test_a_mask_that_covers_nothing_is_nothing() -> None:
    masked = replace(seen("segment"), masks=(MASK,), parts=(MASK_PART,))

    found = [counts_of(masked, (data,)) for data in (bytes(4), MASK_DATA)]

    assert found == [{}, {"mask": 1}]


def test_days_of_a_camera_keep_the_last_stretches_only() -> None:
    rates = Rates(Clock())

    for number in range(MOST_STRETCHES + 50):
        rates.add(frame(number, every_ms=2_000))

    assert len(rates.looked(FrameCounts()).tracks) == MOST_STRETCHES + 1


def test_a_pipe_gets_a_line_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    log: View = Log()

    for number, shows in enumerate((True, True, False, False, True)):
        log.frame(frame(number, shows=shows), ())
    log.end(COUNTS, None)

    told = capsys.readouterr().out
    assert told == ("0:00.00  Right Thumb_Up\n0:00.20  nothing\n0:00.40  Right Thumb_Up\n" + TOLD)


def test_json_is_one_object_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    document: View = Document(Rates(Clock()))

    document.frame(frame(0), ())
    document.note("loading a-model")
    document.end(COUNTS, frame(0))

    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert (found["frames"], found["detected"], found["model"]) == (30, 20, "a-model")
    assert found["counts"]["late"] == 4
    assert printed.err == ""


def test_lines_are_frames_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    lines: View = Lines()

    lines.note("looking")
    lines.frame(frame(0), ())
    lines.frame(frame(1), ())
    lines.end(COUNTS, frame(1))

    printed = capsys.readouterr()
    assert [json.loads(line)["frame_id"] for line in printed.out.splitlines()] == [0, 1]
    assert printed.err == "looking\n"


def test_the_table_has_rates_gestures_and_angles() -> None:
    page = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    clock = Clock()
    shown = replace(frame(7), poses=(POSE,), objects=(CUP,), task="holistic")

    with LiveTable(console=page, at_once=True, rates=Rates(clock)) as table:
        table.frame(frame(0), ())
        clock.now += 1.0
        table.frame(shown, ())
        table.note("3 frames lost: worker_gone")
        table.frame(frame(8, shows=False), ())
    table.end(COUNTS, None)

    assert isinstance(page.file, io.StringIO)
    drawn = page.file.getvalue()
    for expected in (
        "2.0 frames a second, 2.0 with something in them, 10.5 ms each, 3 frames left out",
        "a-model on cpu", "Thumb_Up", "standing", "elbow", "164°", "neck", "170°",
        "3 frames lost: worker_gone", "nothing in sight",
    ):  # fmt: skip
        assert expected in drawn
    assert "knee" not in drawn
    assert drawn.endswith(TOLD)


def test_without_what_draws_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.delitem(sys.modules, "edged.cli.seeing.canvases", raising=False)
    monkeypatch.delattr(seeing, "canvases", raising=False)

    with pytest.raises(EngineMissing, match="drawing needs av") as refused:
        canvas(argparse.Namespace(draw="out.png", force=False), None)

    assert "edged[vision]" in refused.value.fix


class Drawing(Blank):
    """Counts what it is given."""

    def __init__(self) -> None:
        self.frames = 0

    def add(self, seen: Seen, parts: object) -> None:  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        del seen, parts
        self.frames += 1


def test_what_a_stream_tells_is_shown_and_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    async def take() -> int:
        view: View = Log()
        drawing = Drawing()
        watching = Watching(nullcontext(view), drawing)
        for reply in (
            replies.Loading(model="a-model", expected_ms=10),
            StreamOpened(stream="see", model="a-model"),
            frame(0),
            FramesLost(stream="see", first_frame=1, last_frame=4, reason="worker_gone"),
            replies.Overflow(dropped=3),
            frame(5),
        ):
            watching.take(reply, (), view)
        return drawing.frames

    drawn = asyncio.run(take())

    printed = capsys.readouterr()
    assert drawn == 2
    assert printed.out == "0:00.00  Right Thumb_Up\n"
    assert printed.err.splitlines() == [
        "loading a-model",
        "looking with a-model; Ctrl-C ends it",
        "4 frames lost: worker_gone",
        "3 frames were not shown: this terminal is too slow",
    ]
