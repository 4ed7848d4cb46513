"""What `sessions report` asks a daemon, and the file that it writes."""

import argparse
from array import array
from collections.abc import Iterator, Sequence
from math import nan
from pathlib import Path
from typing import TypeVar

import pytest

from edged.bridge.framing import Buffer
from edged.cli import reporting
from edged.cli.connect import Settings
from edged.cli.link import Link
from edged.cli.new_file import Draft
from edged.errors import BadRequest, EngineMissing
from edged.messages import people, replies, requests, seeing
from edged.messages import sessions as wire
from edged.messages.records import Segment
from edged.messages.replies import AnyReply
from edged.messages.requests import AnyRequest

R = TypeVar("R", bound=AnyReply)


def session(**models: str) -> wire.Session:
    sights = (seeing.SightState(kind="camera", models=models),) if models else ()
    return wire.Session(
        id="s",
        status="completed",
        started_at="2026-11-21T08:00:00.000Z",
        duration_ms=8_000,
        sources=(wire.SourceState(kind="microphone", recording_id="r"),),
        sights=sights,
    )


def segment(seq: int) -> Segment:
    return Segment(
        seq=seq, start_ms=seq * 10, end_ms=seq * 10 + 5, text="so", confidence=1.0, speaker_id="a"
    )


CUP = seeing.Sighting(session_id="s", start_ms=0, end_ms=9, score=0.5, label="cup")
ANNA = people.Speaker(
    id="a",
    session_id="s",
    label="SPEAKER_00",
    segment_count=1,
    total_duration_ms=1,
    attributed_to="Anna",
)


class Daemon:
    """Answers as the daemon does, for one session; segments come in pages of two."""

    def __init__(self, shown: wire.Session, *, derives: bool = True) -> None:
        self.asked: list[AnyRequest] = []
        self._session = shown
        self._derives = derives

    def ask(self, request: AnyRequest, reply: type[R]) -> R:
        self.asked.append(request)
        found = self._answer(request)
        assert isinstance(found, reply)
        return found

    def stream(
        self, request: AnyRequest, parts: Sequence[Buffer] = ()
    ) -> Iterator[tuple[AnyReply, tuple[Buffer, ...]]]:
        assert not parts
        self.asked.append(request)
        yield frames({"pose": [(0, 1.0), (500, 1.0), (4_000, nan), (7_000, 1.0)]})

    def _answer(self, request: AnyRequest) -> AnyReply:
        match request:
            case wire.SessionsGet():
                return wire.OneSession(session=self._session)
            case people.SpeakersList():
                return people.Speakers(session_id="s", speakers=(ANNA,))
            case wire.SessionsLedger():
                return ledger()
            case requests.SegmentsList(after_seq=after):
                page = tuple(segment(seq) for seq in range(after + 1, min(after + 3, 5)))
                return replies.Segments(segments=page, next=after + 2 if after < 2 else None)
            case seeing.FramesSearch():
                return seeing.Sightings(sightings=(CUP,))
            case _:
                return self._derived()

    def _derived(self) -> seeing.DerivedTracks:
        if not self._derives:
            raise EngineMissing("numpy is not installed", fix="install the extra")
        one = seeing.Derived(track="blinks", start_ms=0, end_ms=9, value=3.0, unit="1/min")
        return seeing.DerivedTracks(session_id="s", derived=(one,))


def ledger() -> wire.Ledger:
    spans = ((0, 100, "gap", "opening"), (100, 8_000, "captured", ""))
    entries = tuple(
        wire.LedgerEntry(recording_id="r", start_ms=start, end_ms=end, state=state, reason=reason)  # type: ignore[arg-type]  # literals above
        for start, end, state, reason in spans
    )
    gap = seeing.SightGap(source=0, start_ms=1_000, end_ms=3_000, reason="stalled")
    return wire.Ledger(session_id="s", entries=entries, sights=(gap,))


def frames(
    kinds: dict[str, list[tuple[int, float]]],
) -> tuple[seeing.Frames, tuple[Buffer, ...]]:
    """A page in parts that are cut in the midst of a number; two slots of 3 points with 4 values."""
    facts, data = [], b""
    for kind, seen in kinds.items():
        times = array("q", [at for at, _ in seen]).tobytes()
        points = array("f")
        for _, first in seen:
            points.extend([nan] * 12 + [first] * 12)
        for of, dtype, shape, part in (
            (f"{kind}_at", "int64", (len(seen),), times),
            (kind, "float32", (len(seen), 2, 3, 4), points.tobytes()),
        ):
            facts.append(seeing.PartFacts(of=of, dtype=dtype, shape=shape, size_bytes=len(part)))  # type: ignore[arg-type]  # literals above
            data += part
    return seeing.Frames(session_id="s", parts=tuple(facts)), (data[:13], data[13:])


def test_a_session_is_told_with_all_its_pages_of_segments_and_gaps_of_both_kinds() -> None:
    daemon: Link = Daemon(session())

    story = reporting.gather(daemon, "s")

    assert [line.start_ms for line in story.lines] == [0, 10, 20, 30, 40]
    assert {line.voice for line in story.lines} == {"Anna"}
    assert [(gap.what, gap.start_ms, gap.reason) for gap in story.gaps] == [
        ("Sound", 0, "opening"),
        ("Picture", 1_000, "stalled"),
    ]


def test_pictures_are_asked_about_only_where_there_were_some() -> None:
    heard, seen = Daemon(session()), Daemon(session(pose="p", objects="o"))

    story = reporting.gather(seen, "s")
    reporting.gather(heard, "s")

    assert not [one for one in heard.asked if type(one).__module__ == seeing.__name__]
    assert [one.track for one in story.derived] == ["blinks"]
    assert [one.label for one in story.sightings] == ["cup"]
    assert story.presence == {"pose": ((0, 1_000), (7_000, 7_500))}
    assert story.notes == ()


def test_what_cannot_be_derived_is_a_note_and_the_rest_is_told() -> None:
    story = reporting.gather(Daemon(session(pose="p"), derives=False), "s")

    assert "numpy is not installed; install the extra" in story.notes[0]
    assert story.presence
    assert story.lines


def test_presence_of_a_long_session_is_looked_up_in_larger_steps() -> None:
    daemon = Daemon(
        wire.Session(
            id="s",
            status="completed",
            started_at="2026-11-21T08:00:00.000Z",
            duration_ms=36_000_000,
            sights=session(pose="p").sights,
        )
    )

    reporting.gather(daemon, "s")

    (asked,) = (one for one in daemon.asked if isinstance(one, seeing.FramesList))
    assert asked.fps is not None
    assert asked.fps * 36_000 <= 4_001


def test_a_page_and_json_do_not_both_go_to_stdout() -> None:
    arguments = argparse.Namespace(id="s", html="-", force=False)

    with pytest.raises(BadRequest, match="cannot both"):
        reporting.report(Settings(json=True, start=False), arguments)


def test_a_draft_has_its_name_only_when_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.html"

    with Draft(str(path), force=False) as left:
        left.file.write(b"half")
        assert not path.exists()
    with Draft(str(path), force=False) as kept:
        kept.file.write(b"whole")
        kept.keep()

    assert path.read_bytes() == b"whole"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["out.html"]


def test_a_draft_replaces_a_file_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    path.write_bytes(b"first")

    with pytest.raises(BadRequest, match="the file exists"):
        Draft(str(path), force=False)
    with Draft(str(path), force=True) as draft:
        draft.file.write(b"second")
        draft.keep()

    assert path.read_bytes() == b"second"


def test_a_file_that_appeared_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "out.html"

    with Draft(str(path), force=False) as draft:
        path.write_bytes(b"of somebody else")
        with pytest.raises(BadRequest, match="exists"):
            draft.keep()

    assert path.read_bytes() == b"of somebody else"


def test_a_folder_is_not_replaced_even_by_force(tmp_path: Path) -> None:
    folder = tmp_path / "out.html"
    folder.mkdir()

    with (
        Draft(str(folder), force=True) as draft,
        pytest.raises(BadRequest, match="cannot be written"),
    ):
        draft.keep()

    assert [one.name for one in tmp_path.iterdir()] == ["out.html"]


def test_a_draft_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="cannot be created"):
        Draft(str(tmp_path / "none" / "out.html"), force=False)
