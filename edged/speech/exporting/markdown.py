"""Markdown (.md): a transcript to be read. Source: spec.commonmark.org 0.31, section 2.4."""

import re
from collections.abc import Iterator
from itertools import groupby

from edged.speech.exporting.told import Line, Told, clock, plain

_MARK = re.compile(r"[\\`*\[\]<>#|~&]|(?<![^\W_])_|_(?![^\W_])")
"""What has a meaning anywhere in a text; an underscore has none within a word."""
PARAGRAPH_MS = 120_000
"""A paragraph of one speaker begins anew after so long, so that times stay near their words."""


def write(told: Told) -> str:
    """A heading, facts, and a paragraph for each turn, with its speaker and time."""
    title = _escaped(plain(told.name)) or "Transcript"
    facts = [
        told.started_at[:16].replace("T", " "),
        _time(told.duration_ms),
        told.group,
        told.language,
    ]
    head = f"# {title}\n\n{' · '.join(_escaped(plain(fact)) for fact in facts if fact)}\n"
    return head + "".join(f"\n{paragraph}\n" for paragraph in _paragraphs(told))


def _paragraphs(told: Told) -> Iterator[str]:
    for (speaker, *_), run in groupby(told.spoken, key=_turn):
        lines = list(run)
        name = f"**{_escaped(plain(speaker))}** " if speaker else ""
        text = " ".join(_escaped(line.text) for line in lines)
        yield f"{name}`{_time(lines[0].start_ms)}` {text}"


def _turn(line: Line) -> tuple[str, str, int]:
    return line.speaker, line.recording_id, line.start_ms // PARAGRAPH_MS


def _time(milliseconds: int) -> str:
    return clock(milliseconds).partition(".")[0]


def _escaped(text: str) -> str:
    return _MARK.sub(r"\\\g<0>", text)
