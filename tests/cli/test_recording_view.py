"""What `edged record` shows on a terminal, drawn onto a page."""

import io

import pytest
from msgspec.structs import replace
from rich.console import Console

from edged.cli.recording_view import Seen, bar, meter
from edged.messages.events import (
    GestureChanged,
    SessionGap,
    SessionLevel,
    SightGapEvent,
    SightRate,
)
from edged.messages.records import Segment
from edged.messages.seeing import FrameCounts, SightGap, SightState
from edged.messages.sessions import LedgerEntry, Session, SourceState

SESSION = Session(
    id="s",
    status="recording",
    started_at="2026-01-01T00:00:00.000Z",
    sources=(SourceState(kind="microphone", recording_id="r", device="Desk"),),
)


def level(level_db: float, *, backlog_ms: int = 0, eta_ms: int | None = None) -> SessionLevel:
    return SessionLevel(
        session_id="s",
        recording_id="r",
        level_db=level_db,
        duration_ms=65_430,
        backlog_ms=backlog_ms,
        eta_ms=eta_ms,
    )


@pytest.fixture
def page() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=110, color_system=None)


def shown(page: Console) -> str:
    assert isinstance(page.file, io.StringIO)
    return page.file.getvalue()


def test_level_time_backlog_and_captions_are_shown(page: Console) -> None:
    caption = Segment(seq=0, start_ms=1_000, end_ms=2_000, text="good morning", confidence=0.9)

    with Seen(console=page, at_once=True) as seen:
        seen.session(SESSION)
        seen.level(level(-30, backlog_ms=12_000, eta_ms=3_000))
        seen.partial("good mor")
        seen.segment(caption)

    drawn = shown(page)
    assert "recording  microphone Desk" in drawn
    assert f"recording 1:05.43  microphone  {bar(0.5)}   -30 dB  12 s behind, done in 3 s" in drawn
    assert "good mor" in drawn
    assert "0:01.00  good morning" in drawn


def test_a_pause_a_loss_and_the_work_after_the_end_are_shown(page: Console) -> None:
    entry = LedgerEntry(
        recording_id="r", start_ms=0, end_ms=2_000, state="gap", reason="device_lost"
    )
    paused = Session(
        id="s",
        status="paused",
        paused_reason="disk_full",
        started_at=SESSION.started_at,
        sources=SESSION.sources,
    )
    ended = Session(
        id="s", status="processing", started_at=SESSION.started_at, sources=SESSION.sources
    )

    with Seen(console=page, at_once=True) as seen:
        seen.session(paused)
        seen.gap(SessionGap(session_id="s", entry=entry))
        seen.session(ended)
        seen.progress("diarize", 0.25)

    drawn = shown(page)
    assert "paused (disk_full)" in drawn
    assert "(2 s missing: device_lost)" in drawn
    assert "waiting for its turn" in drawn
    assert f"telling speakers apart  {bar(0.25)} 25%" in drawn


@pytest.mark.parametrize(("level_db", "filled"), [(0.0, 24), (-30.0, 12), (-60.0, 0), (-100.0, 0)])
def test_the_meter_goes_from_minus_sixty_to_zero(level_db: float, filled: int) -> None:
    assert meter(level_db) == "█" * filled + "░" * (24 - filled)


def test_what_is_seen_is_shown_with_its_rates_gaps_and_gestures(page: Console) -> None:
    camera = SightState(kind="camera", device="Desk camera", models={"hands": "hand-landmarker"})
    session = replace(SESSION, sources=(), sights=(camera,))
    counts = FrameCounts(captured_fps=15.0, processed_fps=14.5, detected_fps=3.0)
    gap = SightGap(source=0, start_ms=1_000, end_ms=3_000, reason="stalled")

    with Seen(console=page, at_once=True) as seen:
        seen.session(session)
        seen.sight(SightRate(session_id="s", source=0, counts=counts))
        seen.blind(SightGapEvent(session_id="s", gap=gap))
        seen.gesture(GestureChanged(session_id="s", at_ms=65_430, hand="Left", gesture="Victory"))
        seen.gesture(
            GestureChanged(session_id="s", at_ms=66_000, hand="Left", gesture="", before="Victory")
        )

    drawn = shown(page)
    line = "camera Desk camera  15 frames a second, 14.5 looked at, something found in 3"
    assert f"recording  {line}" in drawn
    assert "(2 s not seen: stalled)" in drawn
    assert "1:05.43  Left hand: Victory" in drawn
    assert "Left hand: no longer Victory" in drawn
