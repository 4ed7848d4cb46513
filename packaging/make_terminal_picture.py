"""Makes the pictures of docs/images: what commands show, in a terminal of fixed size.

Runs the real command on a pseudo-terminal, takes what it writes, and draws the screen that is left
at the end with rich. Run it as `python packaging/make_terminal_picture.py [NAME]`; it needs the
[speech] extra, and nothing of the pictures is typed by hand.
"""

import os
import pty
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

WIDTH = 112
LINES = 80
COMMANDS = {"demo": "demo", "models": "models list --task transcribe"}
"""Pictures and the `edged` commands that they show."""

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
OUTSIDE = re.compile(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)
"""rich's template loads a font from a server; the picture must not."""
ERASE_AND_UP = re.compile(r"\x1b\[2K|\x1b\[\d*A")
KEPT_SEGMENTS = 6
"""Rows of the transcript in the picture; the others are counted in one line."""


def record(command: list[str]) -> str:
    """What a command writes to a terminal of WIDTH columns, its escapes included.

    Raises:
        CalledProcessError: the command failed.
    """
    ours, theirs = pty.openpty()
    environ = {**os.environ, "COLUMNS": str(WIDTH), "LINES": str(LINES), "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as run:
        os.close(theirs)
        text = _read(ours)
    os.close(ours)
    if run.returncode:
        raise subprocess.CalledProcessError(run.returncode, command, text)
    return text.replace("\r\n", "\n")


def _read(terminal: int) -> str:
    """Everything until the other end is closed, which Linux reports as an error."""
    found = bytearray()
    while True:
        try:
            block = os.read(terminal, 65_536)
        except OSError:
            break
        if not block:
            break
        found += block
    return found.decode()


def settle(written: str) -> list[str]:
    """The lines as they stand at the end: a redrawn line counts once, in its last form."""
    lines = []
    for line in written.split("\n"):
        last = line.rsplit("\r", 1)[-1]
        lines.append(ERASE_AND_UP.sub("", last).replace("\x1b[?25l", "").replace("\x1b[?25h", ""))
    return lines


def shorten(lines: list[str]) -> list[str]:
    """Keep the first segments of the transcript, so that the picture fits a page."""
    plain = [Text.from_ansi(line).plain for line in lines]
    starts = [at for at, line in enumerate(plain) if re.match(r"\s+\d+:\d\d\.\d\d\s+\d+:", line)]
    if len(starts) <= KEPT_SEGMENTS:
        return lines
    first = starts[KEPT_SEGMENTS]
    after = next(at for at in range(first, len(plain)) if not plain[at].strip())
    note = f"{'':21}… and {len(starts) - KEPT_SEGMENTS} segments more"
    return [*lines[:first], note, *lines[after:]]


def draw(title: str, lines: list[str]) -> str:
    """An SVG of a command and its lines, without any address in it."""
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text(f"$ {title}", style="bold green"))
    for line in lines:
        console.print(Text.from_ansi(line), no_wrap=True, crop=True)
    picture = console.export_svg(title=title, theme=MONOKAI, unique_id="edged-demo")
    return OUTSIDE.sub("", picture).replace("Fira Code", "ui-monospace")


def main() -> None:
    """Record the commands and write their pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or COMMANDS:
        command = COMMANDS[name].split()
        lines = settle(record([sys.executable, "-P", "-m", "edged", *command]))
        target = IMAGES / f"{name}.svg"
        target.write_text(draw(f"edged {COMMANDS[name]}", shorten(lines)))
        print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
