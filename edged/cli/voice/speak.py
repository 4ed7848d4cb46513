"""`speak`: speech from text, into a WAV file, or as raw PCM for another program."""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.missing import add_pull, with_pull
from edged.cli.voice.wav import WavFile
from edged.cli.watching import watching
from edged.errors import BadRequest
from edged.messages.replies import Loading, Progress
from edged.messages.voice import Speak, Spoken


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add its command."""
    text = "make speech of text"
    command = commands.add_parser(
        "speak",
        parents=[shared],
        help=text,
        description=text,
        epilog="Heard at once: edged speak TEXT --out - | pacat --format=s16le --rate=16000 "
        "--channels=1, with the rate that --json tells.",
    )
    command.add_argument("text", metavar="TEXT", help="`-` reads it from stdin")
    command.add_argument("--out", metavar="FILE.wav", required=True, help="`-`: raw PCM on stdout")
    command.add_argument("--model", metavar="ID", help="by default the best that is here")
    command.add_argument("--voice", metavar="NAME", help="one of the model's, by name or number")
    command.add_argument("--language", metavar="CODE")
    command.add_argument("--speed", type=float, default=1.0, help="0.25 to 4; 1 is the voice's own")
    add_pull(command)
    command.set_defaults(run=speak)


def speak(settings: Settings, arguments: argparse.Namespace) -> None:
    """Speak one text."""
    if arguments.out == "-" and settings.json:
        raise BadRequest("stdout takes either PCM or JSON", fix="give --out FILE.wav")
    request = Speak(
        text=sys.stdin.read() if arguments.text == "-" else arguments.text,
        model=arguments.model,
        voice=arguments.voice,
        language=arguments.language,
        speed=arguments.speed,
    )

    def run() -> "_Heard":
        heard = _Heard()
        with settings.connect() as daemon, watching(settings) as watcher, ExitStack() as stack:
            piped = arguments.out == "-"
            file = None if piped else stack.enter_context(WavFile(Path(arguments.out)))
            for reply, data in daemon.stream(request):
                if isinstance(reply, Spoken):
                    heard.take(reply)
                    if file is None:
                        sys.stdout.buffer.write(data[0])
                        sys.stdout.buffer.flush()
                    else:
                        file.add(data[0], reply.audio)
                    watcher.progress(Progress(stage="speak", fraction=reply.progress))
                elif isinstance(reply, Loading):
                    watcher.note(f"loading {reply.model}")
        return heard

    heard = with_pull(settings, arguments, run)
    if settings.json:
        render.as_json({"path": arguments.out, **heard.facts()})
    elif arguments.out != "-":
        print(f"{arguments.out}  {render.clock(heard.duration_ms)}, {heard.model}")


class _Heard:
    """What was made."""

    def __init__(self) -> None:
        self.model = ""
        self.duration_ms = 0
        self.sample_rate = 0

    def take(self, reply: Spoken) -> None:
        """One more run."""
        self.model, self.sample_rate = reply.model, reply.audio.sample_rate
        frames = reply.size_bytes // reply.audio.frame_bytes
        self.duration_ms = reply.start_ms + frames * 1000 // reply.audio.sample_rate

    def facts(self) -> dict[str, object]:
        """For --json."""
        return {
            "model": self.model,
            "duration_ms": self.duration_ms,
            "sample_rate": self.sample_rate,
        }
