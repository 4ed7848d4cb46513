"""`denoise`: the speech in a file without its noise, as a WAV file."""

import argparse
from pathlib import Path
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.missing import add_pull, with_pull
from edged.cli.voice.asking import add_file, audio_of
from edged.cli.voice.wav import WavFile
from edged.cli.watching import watching
from edged.messages.replies import Done, Loading, Progress
from edged.messages.voice import Denoise, Denoised


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add its command."""
    text = "take the noise out of speech"
    command = commands.add_parser("denoise", parents=[shared], help=text, description=text)
    add_file(command)
    command.add_argument("--out", metavar="FILE.wav", required=True)
    add_pull(command)
    command.set_defaults(run=denoise)


def denoise(settings: Settings, arguments: argparse.Namespace) -> None:
    """Clean one file."""
    fields, parts = audio_of(arguments)
    request = Denoise(**fields)

    def run() -> tuple[str, int]:
        model = ""
        with (
            settings.connect() as daemon,
            watching(settings) as watcher,
            WavFile(Path(arguments.out)) as file,
        ):
            for reply, data in daemon.stream(request, parts):
                match reply:
                    case Denoised():
                        model = reply.model
                        file.add(data[0], reply.audio)
                        watcher.progress(Progress(stage="denoise", fraction=reply.progress))
                    case Loading():
                        watcher.note(f"loading {reply.model}")
                    case Done():
                        break
                    case _:
                        pass
            return model, file.duration_ms

    model, duration_ms = with_pull(settings, arguments, run)
    if settings.json:
        render.as_json({"path": arguments.out, "duration_ms": duration_ms, "model": model})
    else:
        print(f"{arguments.out}  {render.clock(duration_ms)}, {model}")
