"""RTTM, JSON and Markdown."""

import json
import re

import pytest
from export_samples import line, sessions, told
from hypothesis import given, settings

from edged.speech.der import LabelledTurn, read_rttm
from edged.speech.exporting import FORMATS, document, markdown, rttm
from edged.speech.exporting.told import Told, Turn, clock, seconds


def test_rttm_has_the_turns_that_diarization_found() -> None:
    turns = (
        Turn(start_ms=0, end_ms=1500, speaker="SPEAKER_00", recording_id="r1"),
        Turn(start_ms=90_000_001, end_ms=90_000_002, speaker="Mei Ling", recording_id="r2"),
    )

    content = rttm.write(told(line(0, 9, "x", speaker="other"), turns=turns))

    assert content == (
        "SPEAKER 5e551055e5510501 1 0.000 1.500 <NA> <NA> SPEAKER_00 <NA> <NA>\n"
        "SPEAKER 5e551055e5510501 2 90000.001 0.001 <NA> <NA> Mei_Ling <NA> <NA>\n"
    )


@settings(max_examples=40)
@given(sessions())
def test_without_turns_rttm_has_the_lines_whose_speaker_is_known(session: Told) -> None:
    found = read_rttm(rttm.write(session))

    expected = [
        LabelledTurn(one.start_ms, one.end_ms, "_".join(one.speaker.split()))
        for one in session.lines
        if one.speaker
    ]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


@settings(max_examples=40)
@given(sessions())
def test_json_holds_every_segment_with_its_words(session: Told) -> None:
    found = json.loads(document.write(session))

    assert [one["text"] for one in found["segments"]] == [o.segment.text for o in session.lines]
    assert [one["recording_id"] for one in found["segments"]] == [
        one.recording_id for one in session.lines
    ]
    assert sum(len(one.get("words", [])) for one in found["segments"]) == sum(
        len(one.segment.words) for one in session.lines
    )
    assert found["recordings"][1] == {"id": "r2", "source": "loopback"}


def test_markdown_reads_as_a_conversation() -> None:
    content = markdown.write(
        told(
            line(0, 900, "good morning", speaker="Mei"),
            line(1000, 1500, "everyone", speaker="Mei", seq=1),
            line(61_000, 62_000, "hi", speaker="Ann"),
            line(63_000, 64_000, "noise"),
            duration_ms=65_000,
        )
    )

    assert content == (
        "# standup\n\n2026-11-21 08:00 \u00b7 00:01:05\n\n"
        "**Mei** `00:00:00` good morning everyone\n\n"
        "**Ann** `00:01:01` hi\n\n"
        "`00:01:03` noise\n"
    )


@settings(max_examples=40)
@given(sessions())
def test_no_mark_of_a_text_means_anything_in_markdown(session: Told) -> None:
    """Every mark has a backslash; without the backslashes the texts are as they were said."""
    body = markdown.write(session).partition("\n\n")[2].partition("\n")[2]
    ours = re.sub(r"(?m)^(\*\*(?P<name>(?:\\.|[^*\\])*)\*\* )?`\d+:\d\d:\d\d` ", "", body)

    assert not re.search(r"(?<!\\)(?:\\\\)*(?:[`*\[\]<>#|~&]|\b_|_\b)", ours)
    said = " ".join(re.sub(r"\\(.)", r"\1", ours).split())
    assert said == " ".join(" ".join(one.text for one in session.lines).split())


def test_an_underscore_within_a_word_stays_as_it_is_in_markdown() -> None:
    content = markdown.write(told(line(0, 1, "_a_ b_c __d *e*", speaker="SPEAKER_00")))

    assert r"**SPEAKER_00** `00:00:00` \_a\_ b_c \_\_d \*e\*" in content


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_a_session_without_a_word(name: str) -> None:
    write, media_type, ending = FORMATS[name]  # type: ignore[index]  # the mapping's own keys

    assert isinstance(write(told()), str)
    assert "/" in media_type
    assert ending


@pytest.mark.parametrize(
    ("milliseconds", "written", "in_seconds"),
    [(0, "00:00:00.000", "0.000"), (359_999_999, "99:59:59.999", "359999.999"),
     (360_000_000, "100:00:00.000", "360000.000")],
)  # fmt: skip
def test_times_are_written_exactly(milliseconds: int, written: str, in_seconds: str) -> None:
    assert clock(milliseconds) == written
    assert seconds(milliseconds) == in_seconds
