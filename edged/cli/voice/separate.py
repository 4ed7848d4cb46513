"""`separate`: a piece of sound into its stems, as files or in the store."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.missing import add_pull, with_pull
from edged.cli.voice.asking import add_file, audio_of
from edged.cli.voice.wav import WavFile
from edged.cli.watching import Watcher, watching
from edged.errors import BadRequest, Internal
from edged.messages.replies import AnyReply, Loading, Progress
from edged.messages.voice import Separate, Separated, StemPart


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add its command."""
    text = "take a piece of sound apart: voices and music, or four stems"
    command = commands.add_parser("separate", parents=[shared], help=text, description=text)
    add_file(command)
    command.add_argument("--stems", type=int, choices=(2, 4), default=2)
    command.add_argument(
        "--out", metavar="DIR", help="write STEM.wav there; without it they go to the store"
    )
    add_pull(command)
    command.set_defaults(run=separate)


def separate(settings: Settings, arguments: argparse.Namespace) -> None:
    """Separate one file."""
    fields, parts = audio_of(arguments)
    request = Separate(**fields, stems=arguments.stems, keep=arguments.out is None)
    out = _folder(arguments.out)

    def run() -> tuple[Separated, dict[str, Path]]:
        with settings.connect() as daemon, watching(settings) as watcher, ExitStack() as files:
            taker = _Taker(out, watcher, files)
            for reply, data in daemon.stream(request, parts):
                if isinstance(reply, Separated):
                    return reply, taker.paths
                taker.take(reply, data)
        raise Internal("the daemon ended without stems")

    found, paths = with_pull(settings, arguments, run)
    stems = {
        name: {
            "path": str(paths[name]) if name in paths else None,
            "duration_ms": stem.duration_ms,
            "recording_id": stem.recording_id,
        }
        for name, stem in found.stems.items()
    }
    if settings.json:
        took_ms = found.processing_time_ms
        render.as_json({"stems": stems, "model": found.model, "processing_time_ms": took_ms})
        return
    rows = [
        [name, render.clock(stem.duration_ms), str(paths.get(name) or stem.recording_id)]
        for name, stem in found.stems.items()
    ]
    render.table("", ["stem", ">length", "where"], rows)


def _folder(name: str | None) -> Path | None:
    if name is None:
        return None
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRequest(f"cannot make that folder: {error.strerror}") from error
    return folder


class _Taker:
    """Writes each stem's runs into its file."""

    def __init__(self, out: Path | None, watcher: Watcher, files: ExitStack) -> None:
        self.paths: dict[str, Path] = {}
        self._out = out
        self._watcher = watcher
        self._stack = files
        self._files: dict[str, WavFile] = {}

    def take(self, reply: AnyReply, data: "tuple[Any, ...]") -> None:
        if isinstance(reply, Loading):
            expected = render.ago(reply.expected_ms)
            self._watcher.note(f"loading {reply.model}, about {expected}")
        elif isinstance(reply, Progress):
            self._watcher.progress(reply)
        elif isinstance(reply, StemPart) and self._out is not None:
            self._file(self._out, reply.stem).add(data[0], reply.audio)

    def _file(self, out: Path, stem: str) -> WavFile:
        if stem not in self._files:
            self.paths[stem] = out / f"{stem}.wav"
            self._files[stem] = self._stack.enter_context(WavFile(self.paths[stem]))
        return self._files[stem]
