"""`stats` and `wrapped`: what people say, in figures and bars."""

import argparse
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec

from edged.cli import people, plot, render
from edged.cli.connect import Settings
from edged.messages.people import Figures, SpeakerFigures, Statistics, Stats, StatsWrapped, Wrapped

BAR = 30
EIGHTHS = " ▏▎▍▌▋▊▉█"
_FULL = len(EIGHTHS) - 1


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    text = "who said how much, by person, guest and unclaimed speaker"
    figures = commands.add_parser("stats", parents=[shared], help=text, description=text)
    figures.set_defaults(run=stats)
    figures.add_argument("--session", metavar="ID")
    figures.add_argument("--speaker", metavar="ID")
    figures.add_argument("--person", metavar="WHO", help=people.WHO)
    figures.add_argument("--group", metavar="NAME")
    figures.add_argument("--since", metavar="TIME", help="of the sessions' start: 2026-11-21")
    figures.add_argument("--until", metavar="TIME", help="before that")
    text = "one person's year in words"
    year = commands.add_parser("wrapped", parents=[shared], help=text, description=text)
    year.set_defaults(run=wrapped)
    year.add_argument("--person", metavar="WHO", help=f"{people.WHO}; by default you")
    year.add_argument("--year", metavar="Y", type=int, help="by default this one")
    year.add_argument("--plot", metavar="FILE", help="draw it too: a .png or .svg file")


def stats(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print figures of everyone, by the filters."""
    with settings.connect() as daemon:
        who = people.find(daemon, arguments.person).id if arguments.person else None
        request = Stats(
            session_id=arguments.session,
            speaker_id=arguments.speaker,
            person_id=who,
            group=arguments.group,
            since=arguments.since,
            until=arguments.until,
        )
        found = daemon.ask(request, Statistics)
    if settings.json:
        render.as_json({"speakers": found.speakers, "totals": found.totals})
        return
    _print(found)


def wrapped(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print, and draw, one person's year."""
    if arguments.plot:
        plot.check(arguments.plot)
    with settings.connect() as daemon:
        who = people.find(daemon, arguments.person).id if arguments.person else None
        found = daemon.ask(StatsWrapped(person=who, year=arguments.year), Wrapped)
    if arguments.plot:
        plot.draw(found, arguments.plot)
    if settings.json:
        facts = msgspec.to_builtins(found)
        render.as_json({name: value for name, value in facts.items() if name != "type"})
        return
    _print_year(found)


def bars(values: Sequence[float], *, width: int = BAR) -> list[str]:
    """A bar for each value, the longest as wide as given, in eighths of a character."""
    most = max(values, default=0)
    return [_bar(value / most * width if most else 0) for value in values]


def _bar(length: float) -> str:
    full, part = divmod(round(length * _FULL), _FULL)
    return EIGHTHS[_FULL] * full + (EIGHTHS[part] if part else "")


def _print(found: Statistics) -> None:
    lengths = bars([one.figures.talk_ms for one in found.speakers], width=BAR // 4)
    rows = [
        [_name(one), bar, *_cells(one.figures)]
        for one, bar in zip(found.speakers, lengths, strict=True)
    ]
    rows.append(["all persons", "", *_cells(found.totals)])
    columns = [
        "who",
        "",
        ">speech",
        ">words",
        ">a min.",
        ">turns",
        ">overlap",
        "favourite",
        "target words",
        ">doubtful",
        ">unknown",
    ]
    render.table("", columns, rows)
    if any(one.kind == "unclaimed" for one in found.speakers):
        print("(?) nobody said yet who that is: `edged speakers claim`")


def _name(one: SpeakerFigures) -> str:
    return one.name + {"person": "", "guest": " (guest)", "unclaimed": " (?)"}[one.kind]


def _cells(figures: Figures) -> list[str]:
    return [
        render.clock(figures.talk_ms),
        str(figures.words),
        f"{figures.words_per_minute:.0f}",
        str(figures.turns),
        render.clock(figures.overlap_ms),
        figures.favourite_word or "",
        _counts(figures.target_words.items()),
        f"{figures.low_confidence_words:.0%}",
        f"{figures.unknown_speech:.0%}",
    ]


def _counts(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{word} {count}" for word, count in counts)


def _print_year(found: Wrapped) -> None:
    print(f"{found.person} in {found.year}")
    print(
        f"{render.counted(found.words, 'word')} in {render.counted(found.sessions, 'session')}, "
        f"{render.clock(found.talk_ms)} of speech"
    )
    if not found.sessions:
        return
    words = bars([one.count for one in found.top_words])
    rows = [
        [one.word, bar, str(one.count)] for one, bar in zip(found.top_words, words, strict=True)
    ]
    render.table("words said most", ["", "", ">"], rows)
    if found.target_words:
        print(f"counted words: {_counts(found.target_words.items())}\n")
    talked = bars([month.talk_ms for month in found.by_month])
    rows = [
        [month_name(month.month), bar, render.clock(month.talk_ms), str(month.words)]
        for month, bar in zip(found.by_month, talked, strict=True)
    ]
    render.table("speech by month (UTC)", ["", "", ">speech", ">words"], rows)


def month_name(month: int) -> str:
    """Jan for 1."""
    return f"{date(2000, month, 1):%b}"
