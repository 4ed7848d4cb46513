"""A story as one HTML page that needs nothing else: no script, no network, every text of a user escaped."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from edged import __version__
from edged.cli import render
from edged.cli.report import svg
from edged.cli.report.lanes import GESTURES, POSTURES, Lane, hue_of, lanes, words_of
from edged.cli.report.story import Line, Story, length, union
from edged.cli.report.style import STYLE
from edged.cli.report.words import text
from edged.cli.sessions import state
from edged.messages.seeing import SightState

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What a browser may load for the page: nothing."""

EDGE = 0.03
"""Of the timeline's width: a time in the middle of its tick would stick out there."""

EXPERIMENTAL = '<span class="badge">experimental</span>'


def page(story: Story) -> str:
    """The whole page."""
    name = story.session.name or f"Session {story.session.id}"
    sections = (
        _timeline(story),
        _said_by(story),
        _gestures(story),
        _sources(story.session.sights),
        _missing(story),
        _notes(story),
        _transcript(story),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{text(name)} · edged</title><style>{STYLE}</style></head><body>"
        f"{_head(story, name)}<main>{''.join(sections)}</main>"
        f"<footer><p>Made on this device by edged {text(__version__)}. The page loads nothing, "
        "and it is not encrypted: keep it as you would keep what was said.</p></footer>"
        "</body></html>\n"
    )


# --- the head ---


def _head(story: Story, name: str) -> str:
    session = story.session
    status = "failed" if session.status == "failed" else "faint"
    group = f" · {text(session.group)}" if session.group else ""
    return (
        f'<header><h1 dir="auto">{text(name)}</h1><p class="faint">'
        f'<time datetime="{text(session.started_at)}">{_when(session.started_at)}</time>{group} · '
        f'<span class="{status}">{text(state(session))}</span></p>{_facts(story)}</header>'
    )


def _when(stamp: str) -> str:
    return f"{text(stamp[:16].replace('T', ' '))} UTC"


def _facts(story: Story) -> str:
    cards = "".join(
        f"<div><dt>{what}</dt><dd>{value}<small>{more}</small></dd></div>"
        for what, value, more in _figures(story)
    )
    return f'<dl class="facts">{cards}</dl>'


def _figures(story: Story) -> list[tuple[str, str, str]]:
    figures = [("Length", _clock(story.duration_ms), "on the session's clock")]
    if story.lines:
        talk_ms = length(union((line.start_ms, line.end_ms) for line in story.lines))
        words = sum(line.words for line in story.lines)
        share = f"{talk_ms / story.duration_ms:.0%} of the time"
        figures.append(("Speech", _clock(talk_ms), share))
        if story.is_told_apart:
            figures.append(("Voices", f"{len(story.voices())}", render.counted(words, "word")))
        else:
            figures.append(("Words", f"{words:,}", "nobody told the voices apart"))
    for kind, name in (("gestures", "Gestures"), ("posture", "Posture")):
        figures += _most(story, kind, name)
    figures += _measured(story)
    processed = sum(one.counts.processed for one in story.session.sights)
    if processed:
        detected = sum(one.counts.detected for one in story.session.sights)
        figures.append(("Frames", f"{processed:,}", f"something in {detected / processed:.0%}"))
    if story.gaps:
        lost = length(union((gap.start_ms, gap.end_ms) for gap in story.gaps))
        figures.append(("Not captured", _clock(lost), render.counted(len(story.gaps), "gap")))
    return figures


def _most(story: Story, kind: str, name: str) -> list[tuple[str, str, str]]:
    lasted: dict[str, int] = {}
    found = [one for one in story.derived if one.track == kind and one.label]
    for one in found:
        lasted[one.label] = lasted.get(one.label, 0) + one.end_ms - one.start_ms
    if not lasted:
        return []
    first = max(lasted, key=lambda label: lasted[label])
    if kind == "gestures":
        return [(name, f"{len(found)}", f"mostly {text(words_of(first)).lower()}")]
    share = lasted[first] / sum(lasted.values())
    return [(name, text(words_of(first)), f"{share:.0%} of the time it was known")]


def _measured(story: Story) -> list[tuple[str, str, str]]:
    found: dict[str, list[tuple[float, str]]] = {}
    for one in story.derived:
        if one.value is not None:
            found.setdefault(one.track, []).append((one.value, one.unit))
    return [
        (words_of(track), f"{_mean(values):.2g}", f"{text(values[0][1])}, on average")
        for track, values in found.items()
    ]


def _mean(values: Sequence[tuple[float, str]]) -> float:
    return sum(value for value, _ in values) / len(values)


# --- the timeline ---


def _timeline(story: Story) -> str:
    shown = lanes(story)
    if not shown:
        return '<section><h2>Timeline</h2><p class="faint">Nothing was said or seen.</p></section>'
    steps = "".join(
        f"--s{zoom}:{svg.step(story.duration_ms, zoom) / story.duration_ms * 100:.6g}%;"
        for zoom in svg.ZOOMS
    )
    groups = "".join(
        f'<h3 class="group">{text(name)}</h3>{"".join(_lane(one, story) for one in members)}'
        for name, members in groupby(shown, key=lambda lane: lane.group)
    )
    return (
        f'<section aria-labelledby="timeline"><h2 id="timeline">Timeline</h2>{_zooms()}'
        '<div class="scroll" tabindex="0" role="region" aria-label="Timeline, scrolls sideways" '
        f'style="{steps}"><div class="lanes">{_axis(story.duration_ms)}{groups}</div></div>'
        f"{_legend(shown)}</section>"
    )


def _zooms() -> str:
    inputs = "".join(
        f'<input class="z" type="radio" name="zoom" id="z{zoom}" '
        f'aria-label="Zoom {zoom} times"{" checked" if zoom == 1 else ""}>'
        for zoom in svg.ZOOMS
    )
    labels = "".join(f'<label for="z{zoom}">{zoom}&times;</label>' for zoom in svg.ZOOMS)
    return f'{inputs}<div class="zoom" aria-hidden="true">Zoom {labels}</div>'


def _lane(lane: Lane, story: Story) -> str:
    hint = f"<small>{text(lane.hint)}</small>" if lane.hint else ""
    return (
        f'<div class="lane"><div class="name"><bdi>{text(lane.name)}</bdi>{hint}</div>'
        f'<div class="band">{svg.drawn(lane, story.duration_ms)}</div></div>'
    )


def _axis(duration_ms: int) -> str:
    rows = "".join(
        f'<div class="axis t{zoom}">{_ticks(duration_ms, svg.step(duration_ms, zoom))}</div>'
        for zoom in svg.ZOOMS
    )
    return f'<div class="lane" aria-hidden="true"><div class="name"></div><div>{rows}</div></div>'


def _ticks(duration_ms: int, step_ms: int) -> str:
    """Times along the lanes; the last one ends at the right edge rather than stick out."""
    last = duration_ms * (1 - EDGE)
    return "".join(
        f"<span{' class=last' if at_ms > last else ''} "
        f'style="left:{at_ms / duration_ms * 100:.5g}%">{_tick(at_ms)}</span>'
        for at_ms in range(0, duration_ms + 1, step_ms)
    )


def _tick(at_ms: int) -> str:
    """0:05, 1:02:00, or 0:00.2 where a second is long."""
    return _clock(at_ms) + (f".{at_ms % 1000 // 100}" if at_ms % 1000 else "")


def _clock(milliseconds: int) -> str:
    """Whole seconds."""
    return render.clock(milliseconds // 1000 * 1000).partition(".")[0]


def _legend(shown: Sequence[Lane]) -> str:
    """What the colours of gestures and postures stand for: labels do not fit into short marks."""
    lists = ""
    for kind, title in (("hand", "Gestures"), ("posture", "Postures")):
        marks = [mark for lane in shown if lane.kind == kind for mark in lane.marks]
        names = sorted({(mark.hue or 0, mark.label) for mark in marks})
        items = "".join(f"<li>{_dot(hue)}{text(name)}</li>" for hue, name in names)
        lists += f'<ul class="legend"><li><b>{title}</b></li>{items}</ul>' if names else ""
    return lists


def _dot(hue: int | None) -> str:
    return f'<i class="dot{"" if hue is None else f" h{hue}"}"></i>'


# --- the tables ---


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already; a column whose name starts with `>` is aligned right."""
    kinds = [' class="n"' if column.startswith(">") else "" for column in columns]
    head = "".join(
        f'<th scope="col"{kind}>{column.removeprefix(">")}</th>'
        for column, kind in zip(columns, kinds, strict=True)
    )
    body = "".join(
        f"<tr>{''.join(f'<td{k}>{cell}</td>' for cell, k in zip(row, kinds, strict=True))}</tr>"
        for row in rows
    )
    return (
        f'<div class="table"><table><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _said_by(story: Story) -> str:
    voices = story.voices()
    if not story.is_told_apart:
        return ""
    shown, total = story.shown_voices(), sum(voices.values()) or 1
    said: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for line in story.lines:
        said[line.voice] += 1
        words[line.voice] += line.words
    rows = [
        [
            f"{_dot(shown.index(name) % 8 if name in shown else None)}<bdi>{text(name)}</bdi>",
            _share(talk_ms / total),
            render.clock(talk_ms),
            f"{said[name]:,}",
            f"{words[name]:,}",
        ]
        for name, talk_ms in sorted(voices.items(), key=lambda item: -item[1])
    ]
    columns = ["Who", "Share of the speech", ">Speech", ">Utterances", ">Words"]
    return f"<section><h2>Voices</h2>{table('Who said how much', columns, rows)}</section>"


def _share(share: float) -> str:
    return f'<span class="share"><i style="width:{share * 100:.1f}%"></i></span>{share:.0%}'


def _gestures(story: Story) -> str:
    found = [one for one in story.derived if one.label]
    if not found:
        return ""
    rows = [
        [
            render.clock(one.start_ms),
            f"{_dot(_hue(one.label))}{text(words_of(one.label))}",
            text(one.hand or "body"),
            f"{(one.end_ms - one.start_ms) / 1000:.1f} s",
        ]
        for one in sorted(found, key=lambda one: one.start_ms)
    ]
    title = " and ".join(
        name
        for kind, name in (("gestures", "Gestures"), ("posture", "Postures"))
        if any(one.track == kind for one in found)
    ).capitalize()
    listed = table(f"{title} in order of time", ["At", "What", "Of", ">For"], rows)
    return (
        f"<section><h2>{title} {EXPERIMENTAL}</h2><details{_opened(rows)}>"
        f"<summary>{render.counted(len(rows), 'time')}</summary>"
        f"{listed}</details></section>"
    )


def _opened(rows: Sequence[object]) -> str:
    """A short list is open from the start."""
    return " open" if len(rows) <= 12 else ""  # noqa: PLR2004  about one screen


def _hue(label: str) -> int:
    return hue_of(label, POSTURES if label in POSTURES else GESTURES)


def _sources(sights: Sequence[SightState]) -> str:
    if not sights:
        return ""
    rows = [
        [
            text(f"{one.kind} {one.device}".strip()),
            text(", ".join(sorted(set(one.models.values()))) or "none"),
            *(
                f"{count:,}"
                for count in (
                    one.counts.captured,
                    one.counts.processed,
                    one.counts.detected,
                    one.counts.still,
                    one.counts.late,
                    one.counts.lost,
                )
            ),
        ]
        for one in sights
    ]
    columns = [
        "Source", "Models", ">Captured", ">Looked at", ">With something in it",
        ">Left out: still", ">Left out: late", ">Lost",
    ]  # fmt: skip
    return f"<section><h2>Pictures</h2>{table('Frames of each source', columns, rows)}</section>"


def _missing(story: Story) -> str:
    if not story.gaps:
        return ""
    rows = [
        [
            gap.what,
            render.clock(gap.start_ms),
            render.clock(gap.end_ms),
            text(words_of(gap.reason)),
        ]
        for gap in story.gaps
    ]
    columns = ["What", ">From", ">To", "Why"]
    listed = table("Time in which nothing was captured", columns, rows)
    return (
        f"<section><h2>Not captured</h2><details{_opened(rows)}>"
        f"<summary>{render.counted(len(rows), 'gap')}</summary>{listed}</details></section>"
    )


def _transcript(story: Story) -> str:
    if not story.lines:
        return ""
    said = "".join(
        f'<li id="l{line.number}"><time>{render.clock(line.start_ms)}</time>'
        f"{_voice(line, story)}"
        f'<p dir="auto">{text(line.text)}{_tone(line.emotion)}</p></li>'
        for line in story.lines
    )
    kind = "said" if story.is_told_apart else "said alone"
    return f'<section><h2>Transcript</h2><ol class="{kind}">{said}</ol></section>'


def _voice(line: Line, story: Story) -> str:
    return f'<b dir="auto">{text(line.voice)}</b>' if story.is_told_apart else ""


def _tone(emotion: str) -> str:
    return f' <span class="badge">{text(emotion)}</span>' if emotion else ""


def _notes(story: Story) -> str:
    told = "".join(f"<p>{text(note)}</p>" for note in story.notes)
    used = {one.track for one in story.derived}
    meant = "".join(
        f"<dt><b>{text(words_of(name))}</b></dt><dd>{text(meaning)}</dd>"
        for name, meaning in story.definitions.items()
        if name in used
    )
    if not told and not meant:
        return ""
    defined = f"<details><summary>What was measured</summary><dl>{meant}</dl></details>"
    return f"<section><h2>Notes</h2>{told}{defined if meant else ''}</section>"
