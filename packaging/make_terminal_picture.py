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
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, chdir, contextmanager, nullcontext
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

WIDTH = 112
LINES = 80
COMMANDS = {
    "demo": ("demo",),
    "models": ("models list --task transcribe",),
    "listening": (
        "record --for 34 --speakers 2 --lexicon singlish",
        "speakers list",
        "stats",
        "search kitchen table",
    ),
    "seeing": (
        "see astronaut.png --task pose",
        "see astronaut.png --task iris",
        "see astronaut.png --task segment --effect cutout --draw cut.png",
    ),
}
"""Pictures and the `edged` commands that they show, one below the other."""

HEARS = {"listening"}
"""Pictures of what records: their commands get a home of their own, and a microphone that hears the
demo's conversation. It is PulseAudio's null sink, as in the tests, whose module starts it."""

SEES = {"seeing"}
"""Pictures of what looks: their commands run beside a photograph in the public domain, which comes with
scikit-image; EDGED_HOME is one that has the embedded models."""

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
CONVERSATION = ROOT / "edged" / "cli" / "assets" / "conversation.opus"
OUTSIDE = re.compile(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)
"""rich's template loads a font from a server; the picture must not."""
ERASE_AND_UP = re.compile(r"\x1b\[2K|\x1b\[\d*A")
PASSING = re.compile(r"[█░]{20,} +(?:\d+%|-?\d+ dB)|^(?:\x1b\[[\d;?]*[A-Za-z])*[\u2800-\u28ff]")
"""Bars, meters and spinners that a terminal has wiped away at the end."""
KEPT_SEGMENTS = 6
"""Rows of the transcript in the picture; the others are counted in one line."""


@contextmanager
def microphone() -> Iterator[dict[str, str]]:
    """Variables for commands that hear the conversation from a few seconds after this on."""
    sys.path.insert(0, str(ROOT / "tests" / "integration"))
    from pulse import Pulse  # type: ignore[import-not-found]  # of the tests

    with tempfile.TemporaryDirectory(prefix="edged-", dir="/tmp") as folder:
        (Path(folder) / "pulse").mkdir()
        server = Pulse(Path(folder) / "pulse")
        environ = {**server.env, "EDGED_HOME": f"{folder}/home"}
        server.start()
        wav = Path(folder) / "conversation.wav"
        convert = ["ffmpeg", "-v", "error", "-i", str(CONVERSATION), "-ar", "16000", str(wav)]
        subprocess.run(convert, check=True)
        run = [sys.executable, "-P", "-m", "edged"]
        subprocess.run([*run, "devices"], env={**os.environ, **environ}, check=True)
        try:
            playing = threading.Timer(1.0, server.begin, (wav,))
            playing.start()
            yield environ
        finally:
            playing.cancel()
            subprocess.run([*run, "shutdown"], env={**os.environ, **environ}, check=True)
            server.stop()


@contextmanager
def photograph() -> Iterator[dict[str, str]]:
    """A folder with the photograph, in which the commands run."""
    from PIL import Image
    from skimage.data import astronaut

    with tempfile.TemporaryDirectory(prefix="edged-", dir="/tmp") as folder, chdir(folder):
        Image.fromarray(astronaut()).save("astronaut.png")  # type: ignore[no-untyped-call]
        run = [sys.executable, "-P", "-m", "edged"]
        subprocess.run(
            [*run, "see", "astronaut.png", "--json"], stdout=subprocess.DEVNULL, check=True
        )
        try:
            yield {}
        finally:
            subprocess.run([*run, "shutdown"], check=True)


def record(command: list[str], given: Mapping[str, str]) -> str:
    """What a command writes to a terminal of WIDTH columns, its escapes included.

    Raises:
        CalledProcessError: the command failed.
    """
    ours, theirs = pty.openpty()
    terminal = {"COLUMNS": str(WIDTH), "LINES": str(LINES), "TERM": "xterm-256color"}
    environ = {**os.environ, **terminal, **given}
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
        if PASSING.search(last):
            continue
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


def draw(shown: Sequence[tuple[str, list[str]]]) -> str:
    """An SVG of commands and their lines, without any address in it."""
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    for title, lines in shown:
        console.print(Text(f"$ {title}", style="bold green"))
        for line in lines:
            console.print(Text.from_ansi(line), no_wrap=True, crop=True)
    picture = console.export_svg(title=shown[0][0], theme=MONOKAI, unique_id="edged-demo")
    return OUTSIDE.sub("", picture).replace("Fira Code", "ui-monospace")


def run(command: str, environ: Mapping[str, str]) -> list[str]:
    """The lines of an `edged` command, as they stand at its end."""
    written = record([sys.executable, "-P", "-m", "edged", *command.split()], environ)
    return shorten(settle(written))


def main() -> None:
    """Record the commands and write their pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or COMMANDS:
        stage: AbstractContextManager[Mapping[str, str]]
        stage = nullcontext({})
        if name in HEARS:
            stage = microphone()
        elif name in SEES:
            stage = photograph()
        with stage as environ:
            shown = [(f"edged {command}", run(command, environ)) for command in COMMANDS[name]]
        target = IMAGES / f"{name}.svg"
        target.write_text(draw(shown))
        print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
