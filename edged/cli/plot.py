"""Draws a person's year as a picture; matplotlib is imported only to do that."""

import io
import warnings
from datetime import date
from pathlib import PurePath
from typing import TYPE_CHECKING

from edged.cli import new_file, render
from edged.errors import BadRequest, EngineMissing
from edged.messages.people import Wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = (".png", ".svg")
DOTS_PER_INCH = 150

INK = "#22252b"
FAINT = "#6b7280"
WORDS = "#2a6f97"
MONTHS = "#e07a3f"

FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "WenQuanYi Zen Hei",
    "Noto Sans Thai",
    "Noto Sans Devanagari",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "FreeSans",
)
"""For words in all scripts, as far as they are installed; each is asked for what the ones before lack."""

MOST = 8
"""Counted words that one line has room for."""

LARGEST = 19.0
ROOM = 800.0
"""Points of a title, and how many of them, over all characters, the picture has room for."""

_MINUTE_MS = 60_000


def check(path: str) -> None:
    """Refuse early what cannot be drawn.

    Raises:
        BadRequest: the name ends in neither .png nor .svg.
        EngineMissing: matplotlib is not installed.
    """
    if PurePath(path).suffix.lower() not in KINDS:
        raise BadRequest("a picture's name ends in .png or .svg")
    try:
        import matplotlib as mpl  # noqa: F401  the question is whether it is here
    except ImportError as error:
        raise EngineMissing(
            "drawing needs matplotlib, which is not installed", fix="pip install 'edged[plot]'"
        ) from error


def draw(found: Wrapped, path: str) -> None:
    """Write a year as a picture into a new file.

    Raises:
        BadRequest: as `check`; or the file exists, or cannot be made.
        EngineMissing: as `check`.
    """
    check(path)
    with new_file.create(path) as file:
        file.write(picture(found, PurePath(path).suffix.lower().removeprefix(".")))


def picture(found: Wrapped, kind: str) -> bytes:
    """A year as the bytes of a PNG or SVG file; `check` was called before."""
    import matplotlib as mpl
    from matplotlib import font_manager
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    installed = {font.name for font in font_manager.fontManager.ttflist}
    family = [name for name in FONTS if name in installed] or ["sans-serif"]
    written = io.BytesIO()
    with mpl.rc_context({"font.family": family, "svg.fonttype": "none", "svg.hashsalt": "edged"}):
        spacing = ConstrainedLayoutEngine(w_pad=0.3, h_pad=0.2)
        figure = Figure(figsize=(8, 9), layout=spacing, facecolor="white")
        head, upper, lower = figure.subplots(3, 1, height_ratios=(1, 6, 4))
        _head(head, found)
        _words(upper, found)
        _months(lower, found)
        with warnings.catch_warnings():
            # A script without a font is drawn as boxes; that is no reason to speak on stderr.
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            metadata = {"Date": None} if kind == "svg" else {}
            figure.savefig(written, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
    return written.getvalue()


def _head(axes: "Axes", found: Wrapped) -> None:
    axes.axis("off")
    minutes = round(found.talk_ms / _MINUTE_MS)
    counted = [f"{word} {count:,}" for word, count in list(found.target_words.items())[:MOST]]
    said, where = render.counted(found.words, "word"), render.counted(found.sessions, "session")
    lines = [
        f"{said} in {where}, {render.counted(minutes, 'minute')} of speech",
        f"counted words: {', '.join(counted)}" if counted else "",
    ]
    title = f"{found.person} in {found.year}"
    first = axes.text(0.0, 1.0, title, color=INK, fontweight="bold", va="top")
    first.set_fontsize(min(LARGEST, ROOM / len(title)))
    rest = axes.text(0.0, 0.4, "\n".join(lines), color=FAINT, fontsize=11, va="top")
    rest.set_linespacing(1.6)
    for text in (first, rest):
        text.set_transform(axes.transAxes)
        text.set_parse_math(False)


def _words(axes: "Axes", found: Wrapped) -> None:
    _dress(axes, "Words said most")
    if not found.top_words:
        _say(axes, "no words in this year")
        return
    places = range(len(found.top_words))
    drawn = axes.barh(places, [one.count for one in found.top_words], color=WORDS, height=0.7)
    axes.bar_label(drawn, padding=4, color=FAINT, fmt="{:,.0f}")
    axes.set_yticks(places, [one.word for one in found.top_words], parse_math=False)
    axes.invert_yaxis()
    axes.margins(x=0.12, y=0.02)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def _months(axes: "Axes", found: Wrapped) -> None:
    _dress(axes, "Minutes of speech, by month (UTC)")
    names = [f"{date(2000, month.month, 1):%b}" for month in found.by_month]
    minutes = [month.talk_ms / _MINUTE_MS for month in found.by_month]
    axes.bar(names, minutes, color=MONTHS, width=0.7)
    axes.set_ylim(bottom=0, top=max(minutes) * 1.1 or 1)
    if not any(minutes):
        axes.set_yticks([])


def _dress(axes: "Axes", title: str) -> None:
    axes.set_title(title, loc="left", color=INK, fontsize=12, pad=10)
    axes.tick_params(colors=INK, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def _say(axes: "Axes", text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", color=FAINT, transform=axes.transAxes)
    axes.set_axis_off()
