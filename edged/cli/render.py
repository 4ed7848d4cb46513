"""Prints what commands have to say: JSON for programs, tables and bars for people."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

KILO = 1000


WHOLE = ("id", "pid", "from", "to", "at", "state", "job", "who", "label", "speaker")
PIPED_WIDTH = 160


def as_json(value: object) -> None:
    """Print one JSON document; structs become objects."""
    print(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; a column whose name starts with `>` is aligned to the right.

    Ids stay whole, because people copy them; without a terminal lines may be longer.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        name = column.removeprefix(">")
        justify: Literal["left", "right"] = "right" if column.startswith(">") else "left"
        drawn.add_column(name, justify=justify, no_wrap=name in WHOLE)
    for row in rows:
        drawn.add_row(*[Text(cell) for cell in row])
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(highlight=False, width=width).print(drawn)


def size(number: float) -> str:
    """Bytes for people: 1.5 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < KILO or unit == "GB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= KILO
    return ""


def counted(number: int, what: str) -> str:
    """1 word, 2,000 words."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def clock(milliseconds: int) -> str:
    """Milliseconds as 0:03.21, or 1:02:03 from an hour on."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}.{rest // 10:02}"


def ago(milliseconds: int) -> str:
    """A span for people: 12 s, 3 min, 2 h, 5 d."""
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if milliseconds >= length:
            return f"{milliseconds // length} {unit}"
    return f"{milliseconds} ms"
