"""SRT and VTT, read again by readers as simple as their formats."""

import html
import re

from export_samples import line, milliseconds, sessions, told
from hypothesis import given, settings

from edged.speech.exporting import srt, vtt
from edged.speech.exporting.told import Told


def read_srt(content: str) -> list[tuple[int, int, str]]:
    """The cues of a file, as players find them: numbered blocks between empty lines."""
    cues = []
    blocks = content.removesuffix("\n").split("\n\n") if content else []
    for number, block in enumerate(blocks, 1):
        counted, times, text = block.split("\n")
        assert counted == str(number)
        start, end = times.split(" --> ")
        cues.append((milliseconds(start), milliseconds(end), text))
    return cues


def read_vtt(content: str) -> list[tuple[int, int, str, str]]:
    """The cues of a file with whose voice they are."""
    head, *blocks = content.removesuffix("\n").split("\n\n")
    assert head == "WEBVTT"
    cues = []
    for block in blocks:
        times, text = block.split("\n")
        start, end = times.split(" --> ")
        voice = re.match("<v ([^>]*)>", text)
        name, rest = (voice[1], text[voice.end() :]) if voice else ("", text)
        assert "<" not in rest
        cues.append(
            (milliseconds(start), milliseconds(end), html.unescape(name), html.unescape(rest))
        )
    return cues


def test_srt_is_as_players_want_it() -> None:
    content = srt.write(
        told(line(0, 1500, "hello there", speaker="Mei"), line(3_723_004, 3_724_000, "bye"))
    )

    assert content == (
        "1\n00:00:00,000 --> 00:00:01,500\nMei: hello there\n\n"
        "2\n01:02:03,004 --> 01:02:04,000\nbye\n"
    )


def test_vtt_is_as_players_want_it() -> None:
    content = vtt.write(
        told(line(0, 1500, "a < b & c --> d", speaker="Mei <3"), line(1500, 1600, "x"))
    )

    assert content == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n<v Mei &lt;3>a &lt; b &amp; c --&gt; d\n\n"
        "00:00:01.500 --> 00:00:01.600\nx\n"
    )


def test_srt_has_look_alikes_for_what_would_be_a_tag_or_an_arrow() -> None:
    ((_, _, text),) = read_srt(srt.write(told(line(0, 1, "<i>a</i> --> {\\an8} 1 & 2"))))

    assert text == "\u2039i\u203aa\u2039/i\u203a --\u203a (\\an8) 1 & 2"


def test_times_over_a_day_have_more_hours() -> None:
    session = told(line(90_061_001, 360_000_000, "late"))

    assert "25:01:01,001 --> 100:00:00,000" in srt.write(session)
    assert "25:01:01.001 --> 100:00:00.000" in vtt.write(session)


def test_lines_of_two_recordings_are_merged_by_time() -> None:
    session = told(
        line(2000, 3000, "second", recording="r1"),
        line(0, 500, "first", recording="r2"),
        line(2500, 2600, "third", recording="r2"),
    )

    assert [text for _, _, text in read_srt(srt.write(session))] == ["first", "second", "third"]


def test_a_session_in_which_nobody_spoke_is_a_valid_file() -> None:
    assert srt.write(told()) == ""
    assert vtt.write(told()) == "WEBVTT\n"


@settings(max_examples=40)
@given(sessions())
def test_subtitles_are_read_as_they_were_written(session: Told) -> None:
    expected = [(one.start_ms, one.end_ms, one) for one in session.lines if one.text]

    assert [cue[:2] for cue in read_srt(srt.write(session))] == [one[:2] for one in expected]
    assert read_vtt(vtt.write(session)) == [
        (start, end, one.speaker, one.text) for start, end, one in expected
    ]
