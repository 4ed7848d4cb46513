"""The page of `sessions report`: complete in itself, true to what it is told, harmless."""

from html.parser import HTMLParser
from typing import Any

import pytest

from edged.cli.report.page import page
from edged.cli.report.story import NOBODY, Gap, Line, Story, lines_of
from edged.messages.people import Speaker
from edged.messages.records import Segment
from edged.messages.seeing import Derived, FrameCounts, SightState
from edged.messages.sessions import Session

HOSTILE = "<script>alert('x')</script> & \"co\"\x1b[2J"
VOID = {"meta", "input", "br"}


class Reader(HTMLParser):
    """A page as its elements and texts; says whether every element is closed in its order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # type: ignore[explicit-override]  # from 3.12
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # type: ignore[explicit-override]  # from 3.12
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:  # type: ignore[explicit-override]  # from 3.12
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:  # type: ignore[explicit-override]  # from 3.12
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def session(**fields: Any) -> Session:
    return Session(
        **{
            "id": "5e55",
            "status": "completed",
            "started_at": "2026-11-21T08:00:00.000Z",
            "duration_ms": 60_000,
            **fields,
        }
    )


STORY = Story(
    session(
        name=HOSTILE,
        sights=(
            SightState(
                kind="camera",
                device=HOSTILE,
                models={"pose": "pose-landmarker-full"},
                counts=FrameCounts(captured=900, processed=880, late=20, detected=700),
            ),
        ),
    ),
    lines=(
        Line(0, 1_000, 4_000, HOSTILE, HOSTILE, emotion="happy", words=3),
        Line(1, 5_000, 6_000, "Bo", "yes", words=1),
    ),
    derived=(
        Derived(track="gestures", start_ms=2_000, end_ms=3_500, label="Thumb_Up", hand="Right"),
        Derived(track="posture", start_ms=0, end_ms=50_000, label="sitting"),
        Derived(track="activity", start_ms=0, end_ms=1_000, value=0.5, unit="m/s"),
        Derived(track="activity", start_ms=1_000, end_ms=2_000, value=1.5, unit="m/s"),
    ),
    definitions={"gestures": "a hand shows one of seven gestures", "blinks": "not in this one"},
    presence={"pose": ((0, 30_000),), "face": ()},
    gaps=(Gap("Picture", 0, 800, "opening"),),
    notes=(HOSTILE,),
)


def test_every_element_of_the_page_is_closed_and_nothing_is_loaded() -> None:
    read = Reader(page(STORY))

    loads = [attributes for _, attributes in read.tags if {"src", "srcset"} & set(attributes)]
    links = [attributes["href"] or "" for attributes in read.all("a")]
    assert read.open == []
    assert not loads
    assert not read.all("link")
    assert not read.all("script")
    assert all(link.startswith("#l") for link in links)
    assert "url(" not in page(STORY)
    assert "http://" not in page(STORY)
    assert "https://" not in page(STORY)
    assert "default-src 'none'" in str(read.all("meta")[1]["content"])


def test_what_a_user_wrote_is_text_and_nothing_else() -> None:
    html = page(STORY)

    read = Reader(html)

    assert "<script" not in html
    assert "\x1b" not in html
    assert "".join(read.texts).count("<script>alert('x')</script> & \"co\"") >= 5


def test_the_timeline_names_its_lanes_for_readers_without_eyes() -> None:
    read = Reader(page(STORY))

    told = [str(one["aria-label"]) for one in read.all("svg") if one.get("role") == "img"]

    assert [one.partition(":")[0] for one in told] == [
        "Speech, <script>alert('x')</script> & \"co\"\x1b[2J".replace("\x1b", " "),
        "Speech, Bo",
        "Gestures, Right hand",
        "Body, Posture",
        "Body, Activity",
        "In the picture, Body",
        "Not captured, Picture",
    ]
    assert told[4].endswith("on average 1, at most 1.5 m/s")


def test_an_utterance_on_the_timeline_leads_to_its_line() -> None:
    read = Reader(page(STORY))

    places = {one.get("id") for one in read.all("li")}

    assert {str(one["href"]).removeprefix("#") for one in read.all("a")} <= places
    assert "l1" in places


def test_figures_tables_definitions_and_notes_are_there() -> None:
    told = "".join(Reader(page(STORY)).texts)

    assert "Length1:00" in told
    assert "Speech0:047% of the time" in told
    assert "Gestures1mostly thumb up" in told
    assert "PostureSitting100%" in told
    assert "Activity1m/s, on average" in told
    assert "Not captured0:001 gap" in told
    assert "Frames880something in 80%" in told
    assert "Gestures and postures experimental" in told
    assert "a hand shows one of seven gestures" in told
    assert "not in this one" not in told
    assert "pose-landmarker-full900880700" in told


def test_a_session_of_sound_alone_says_nothing_of_pictures() -> None:
    story = Story(session(name="", status="processing", stage="diarize"), lines=STORY.lines[1:])

    told = "".join(Reader(page(story)).texts)

    assert "Session 5e55" in told
    assert "processing (diarize 0%)" in told
    assert "Pictures" not in told
    assert "Notes" not in told


def test_postures_alone_are_not_called_gestures() -> None:
    story = Story(session(), derived=(STORY.derived[1],))

    told = "".join(Reader(page(story)).texts)

    assert "Postures experimental" in told
    assert "Gestures" not in told


def test_voices_that_nobody_told_apart_have_no_table() -> None:
    story = Story(session(), lines=(Line(0, 0, 900, NOBODY, "so", words=1),))

    told = "".join(Reader(page(story)).texts)

    assert "Words1nobody told the voices apart" in told
    assert "Voices" not in told
    assert "0:00.00so" in told


def test_an_empty_session_is_a_page_too() -> None:
    told = "".join(Reader(page(Story(session(duration_ms=0)))).texts)

    assert "Nothing was said or seen." in told


@pytest.mark.parametrize("minutes", [1, 60, 3_000])
def test_the_page_of_a_long_session_has_few_ticks(minutes: int) -> None:
    story = Story(session(duration_ms=minutes * 60_000), gaps=STORY.gaps)

    read = Reader(page(story))

    ticks = [one for one in read.all("span") if str(one.get("style", "")).startswith("left:")]
    assert 3 * 3 <= len(ticks) <= 9 + 33 + 129


def test_speakers_have_the_names_that_people_gave_them() -> None:
    speakers = (
        Speaker(
            id="a", session_id="s", label="SPEAKER_00", segment_count=1, total_duration_ms=1,
            attributed_to="Anna",
        ),
        Speaker(
            id="b", session_id="s", label="SPEAKER_01", segment_count=1, total_duration_ms=1,
            claim_type="guest", guest_name="A guest",
        ),
        Speaker(id="c", session_id="s", label="Chair", segment_count=1, total_duration_ms=1),
    )  # fmt: skip
    segments = [
        Segment(
            seq=n,
            start_ms=9 - n,
            end_ms=10,
            text="a b",
            confidence=1.0,
            speaker="x",
            speaker_id=who,
        )
        for n, who in enumerate(("a", "b", "c", "d", None))
    ]

    lines = lines_of(segments, speakers)

    assert [line.voice for line in lines] == ["x", "x", "Chair", "A guest", "Anna"]
    assert [line.number for line in lines] == [0, 1, 2, 3, 4]
    assert {line.words for line in lines} == {2}
