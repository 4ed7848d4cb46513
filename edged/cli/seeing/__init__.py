"""`see`: what a picture, a video, a camera or a screen shows; as words, as JSON, and drawn."""

import argparse
from typing import Any, get_args

from edged.cli.families import later
from edged.cli.missing import add_pull
from edged.messages.seeing import Complexity, Effect, VisionTask

LIVE = ("camera", "screen")
"""Inputs that are no files."""


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    text = "find faces, hands, bodies or things in a picture, a video, a camera or the screen"
    command = commands.add_parser(
        "see",
        parents=[shared],
        help=text,
        description=f"{text}. Of a camera and a screen a live table is shown until Ctrl-C, and nothing "
        "is kept. A file of that name is ./camera.",
        epilog="docs/SEEING.md names all points, angles and gestures. With --json a picture is one "
        "object, and a video or a camera one with `frames`, `detected`, `fps` and `tracks`.",
    )
    command.add_argument(
        "input", metavar="IMAGE|VIDEO|camera|screen", help="`-` reads a picture from stdin"
    )
    command.add_argument(
        "--task",
        choices=get_args(VisionTask),
        default="holistic",
        help="by default `holistic`: face, hands and body",
    )
    command.add_argument(
        "--fps",
        type=float,
        metavar="N",
        help="at most so many frames a second of a video or camera",
    )
    command.add_argument("--jsonl", action="store_true", help="one JSON object a frame on stdout")
    _add_look(command)
    _add_drawing(command)
    _add_live(command)
    add_pull(command)
    command.set_defaults(run=later("edged.cli.seeing.looking", "see"))


def _add_look(command: argparse.ArgumentParser) -> None:
    look = command.add_argument_group("what is looked for")
    look.add_argument("--model", metavar="ID", help="by default the best that is here")
    look.add_argument(
        "--complexity", choices=get_args(Complexity), default="full", help="of bodies"
    )
    look.add_argument("--most", type=int, metavar="N", help="so many faces, hands, ... at most")
    look.add_argument("--min-detection", type=float, metavar="S", default=0.5, help="0 to 1 (0.5)")
    look.add_argument("--min-tracking", type=float, metavar="S", default=0.5, help="0 to 1 (0.5)")
    look.add_argument("--min-score", type=float, metavar="S", help="of objects (0.5) and classes")
    look.add_argument("--top-k", type=int, metavar="N", default=5, help="so many classes (5)")
    look.add_argument("--effect", choices=get_args(Effect), help="with `segment` (mask)")
    look.add_argument("--background", metavar="#RRGGBB", help="with `--effect replace` (#ffffff)")


def _add_drawing(command: argparse.ArgumentParser) -> None:
    drawing = command.add_argument_group("drawing")
    drawing.add_argument(
        "--draw",
        metavar="OUT.png|mp4",
        help="draw points, skeletons and boxes; with `segment`, write the mask or the effect. Of a "
        "camera or screen the pixels stay where they are: skeletons are drawn on a plain ground",
    )
    drawing.add_argument("--force", action="store_true", help="replace a file that is there")


def _add_live(command: argparse.ArgumentParser) -> None:
    live = command.add_argument_group("camera and screen")
    live.add_argument("--device", metavar="NAME", help="a name or id from `edged devices`")
    live.add_argument("--for", type=float, metavar="SECONDS", dest="seconds", help="end by itself")
    live.add_argument("--size", metavar="WxH", help="of a camera's frames, about (640x480)")
    live.add_argument("--region", metavar="LEFT,TOP,WIDTH,HEIGHT", help="of a screen, in pixels")
    live.add_argument("--window", metavar="TITLE", help="only this window of the screen")
    live.add_argument(
        "--deny", metavar="TITLE", action="append", default=[], help="blank windows with it"
    )
    live.add_argument("--motion", action="store_true", help="leave out frames where nothing moved")
