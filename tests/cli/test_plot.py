"""The picture of a year; what it looks like was looked at."""

import struct
import sys
from pathlib import Path

import pytest

from edged.cli import plot, stats
from edged.errors import BadRequest, EngineMissing
from edged.messages.people import Month, WordCount, Wrapped


def _year(*words: tuple[str, int]) -> Wrapped:
    return Wrapped(
        year=2026,
        person="Zoë $x$",
        sessions=len(words),
        talk_ms=60_000,
        words=10,
        top_words=tuple(WordCount(word=word, count=count) for word, count in words),
        favourite_word=None,
        target_words={"lah": 3},
        by_month=tuple(
            Month(month=month, sessions=0, talk_ms=month * 1000 if words else 0, words=0)
            for month in range(1, 13)
        ),
    )


def test_a_png_is_a_picture_of_the_size_it_says(tmp_path: Path) -> None:
    target = tmp_path / "year.PNG"

    plot.draw(_year(("walnuts", 4), ("世", 2)), str(target))

    content = target.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (1200, 1350)


def test_an_svg_holds_the_words_as_text(tmp_path: Path) -> None:
    target = tmp_path / "year.svg"

    plot.draw(_year(("walnuts", 4), ("<b>&$y$", 2)), str(target))

    content = target.read_text(encoding="utf-8")
    for text in ("Zoë $x$ in 2026", "walnuts", "&lt;b&gt;&amp;$y$", "counted words: lah 3", "Dec"):
        assert text in content


def test_a_year_without_a_word_is_drawn_too() -> None:
    assert b"no words in this year" in plot.picture(_year(), "svg")


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(EngineMissing) as refused:
        plot.draw(_year(), str(tmp_path / "year.png"))
    assert "edged[plot]" in refused.value.fix


def test_other_endings_and_existing_files_are_refused(tmp_path: Path) -> None:
    taken = tmp_path / "year.png"
    taken.write_bytes(b"mine")

    with pytest.raises(BadRequest, match=r"\.png or \.svg"):
        plot.check(str(tmp_path / "year.pdf"))
    with pytest.raises(BadRequest, match="exists"):
        plot.draw(_year(), str(taken))
    assert taken.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("values", "drawn"),
    [([], []), ([0, 0], ["", ""]), ([8, 4, 1], ["████", "██", "▌"]), ([1000, 1], ["████", ""])],
)
def test_bars_are_as_long_as_their_values(values: list[float], drawn: list[str]) -> None:
    assert stats.bars(values, width=4) == drawn
