"""What `edged see` does with a file: asks, shows what comes frame by frame, and draws it."""

import argparse
import sys
from collections.abc import Sequence

from edged.bridge.framing import Buffer
from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.link import Answers
from edged.cli.missing import with_pull
from edged.cli.seeing import position, wanted
from edged.cli.seeing.drawn import Canvas, canvas
from edged.cli.seeing.position import Watcher
from edged.cli.seeing.shows import Show, show
from edged.errors import Internal
from edged.messages.replies import Loading, Progress
from edged.messages.seeing import Looked, See, Seen

ANSWER_WITHIN_S = 60.0
"""A video is opened, and a large picture read, before there is an answer."""


def see(settings: Settings, arguments: argparse.Namespace) -> int:
    """Look at what the command line names.

    Raises:
        BadRequest: options that do not go together, or a file that would be overwritten.
        EdgedError: what the daemon answers.
    """
    wanted.check(arguments, as_json=settings.json)
    if wanted.is_live(arguments):
        from edged.cli.seeing.live import watch  # asyncio takes a while, and files do without

        return with_pull(settings, arguments, lambda: watch(settings, arguments))
    request, parts = wanted.see_of(arguments)

    def run() -> None:
        with (
            settings.connect(answer_within_s=ANSWER_WITHIN_S) as daemon,
            canvas(arguments, request, parts) as drawn,
            position.watching(settings) as watcher,
        ):
            shown = show(as_json=settings.json, lines=arguments.jsonl, out=sys.stdout)
            looked = follow(daemon, request, parts, takers=(shown, drawn), watcher=watcher)
            drawn.keep()
        shown.end(looked)

    with_pull(settings, arguments, run)
    if arguments.draw and not settings.json and not arguments.jsonl:
        print(f"drawn: {arguments.draw}")
    return 0


def follow(
    daemon: Answers,
    request: See,
    parts: Sequence[Buffer],
    *,
    takers: tuple[Show, Canvas],
    watcher: Watcher,
) -> Looked:
    """Hand on every frame as it comes; returns the end.

    Raises:
        Internal: there was none.
    """
    shown, drawn = takers
    for reply, got in daemon.stream(request, parts):
        match reply:
            case Seen():
                watcher.frame(reply)
                shown.frame(reply, got)
                drawn.add(reply, got)
            case Looked():
                return reply
            case Progress():
                watcher.progress(reply.fraction)
            case Loading():
                watcher.note(f"loading {reply.model}, about {render.ago(reply.expected_ms)}")
            case _:
                pass
    raise Internal("the daemon ended without having looked")
