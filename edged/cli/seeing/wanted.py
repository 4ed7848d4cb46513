"""What the command line of `see` asks for, checked before anybody is asked."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import PurePath
from typing import TypeVar

from msgspec import ValidationError, convert

from edged.bridge.framing import split
from edged.cli.seeing import LIVE
from edged.errors import BadRequest
from edged.messages.seeing import Look, See
from edged.messages.sessions import SourceWish, StreamOpen

T = TypeVar("T")

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
MOVIES = (".mp4",)

STREAM = "see"

_OF_LIVE = {
    "device": "--device",
    "seconds": "--for",
    "size": "--size",
    "region": "--region",
    "window": "--window",
    "deny": "--deny",
    "motion": "--motion",
}
_REGION = 4


def is_live(arguments: argparse.Namespace) -> bool:
    """Whether a camera or a screen is looked at."""
    return arguments.input in LIVE


def check(arguments: argparse.Namespace, *, as_json: bool) -> None:
    """Refuse options that do not go together.

    Raises:
        BadRequest: with the way out.
    """
    if as_json and arguments.jsonl:
        raise BadRequest("--json and --jsonl contradict each other", fix="leave one of them out")
    if arguments.task != "segment" and (arguments.effect or arguments.background):
        raise BadRequest("effects are for people who are cut out", fix="add --task segment")
    if arguments.background and arguments.effect not in (None, "replace"):
        raise BadRequest("a background is for --effect replace")
    if not is_live(arguments):
        given = [flag for name, flag in _OF_LIVE.items() if getattr(arguments, name)]
        if given:
            raise BadRequest(f"{given[0]} is for `camera` and `screen`, not for a file")
    _check_drawing(arguments)


def _check_drawing(arguments: argparse.Namespace) -> None:
    if arguments.draw is None:
        return
    kinds = MOVIES if is_live(arguments) else (*PICTURES, *MOVIES)
    if PurePath(arguments.draw).suffix.lower() not in kinds:
        raise BadRequest(
            f"what is drawn ends in {', '.join(kinds)}", fix=f"for example --draw out{kinds[0]}"
        )
    if arguments.task in ("classify", "embed"):
        raise BadRequest(f"{arguments.task} finds nothing that could be drawn")
    if is_live(arguments) and arguments.task == "segment" and arguments.effect:
        raise BadRequest("the pixels of a camera are not written", fix="leave --effect out")


def look_of(arguments: argparse.Namespace) -> Look:
    """What is wanted of each frame.

    Raises:
        BadRequest: a value is out of its range.
    """
    effect = arguments.effect or ("replace" if arguments.background else "mask")
    fields = {
        "task": arguments.task,
        "model": arguments.model,
        "complexity": arguments.complexity,
        "most": arguments.most,
        "min_detection_confidence": arguments.min_detection,
        "min_tracking_confidence": arguments.min_tracking,
        "min_score": arguments.min_score,
        "top_k": arguments.top_k,
        "effect": effect,
        "background": arguments.background or "#ffffff",
    }
    return _converted(fields, Look)


def see_of(arguments: argparse.Namespace) -> tuple[See, tuple[memoryview, ...]]:
    """The request about a file, and its parts: the bytes that came on stdin.

    Raises:
        BadRequest: nothing came on stdin, or a value is out of its range.
    """
    fields = {"look": look_of(arguments), "fps": arguments.fps}
    if arguments.input != "-":
        return _converted({**fields, "path": os.path.abspath(arguments.input)}, See), ()
    data = sys.stdin.buffer.read()
    if not data:
        raise BadRequest("stdin held no bytes")
    return _converted(fields, See), split(data, None)


def stream_of(arguments: argparse.Namespace) -> StreamOpen:
    """The request for a stream of a camera or a screen.

    Raises:
        BadRequest: a value is out of its range, or cannot be read.
    """
    width, height = _numbers(arguments.size, "x", 2, "--size") or (None, None)
    source = {
        "kind": arguments.input,
        "device": arguments.device,
        "width": width,
        "height": height,
        "region": _numbers(arguments.region, ",", _REGION, "--region"),
        "window": arguments.window,
        "deny": tuple(arguments.deny),
        "motion": arguments.motion,
    }
    fields = {
        "stream": STREAM,
        "kind": arguments.input,
        "look": look_of(arguments),
        "source": _converted(source, SourceWish),
        "fps": arguments.fps,
    }
    return _converted(fields, StreamOpen)


def _numbers(word: str | None, by: str, count: int, flag: str) -> tuple[int, ...] | None:
    if word is None:
        return None
    try:
        found = tuple(int(one) for one in word.split(by))
    except ValueError as error:
        raise BadRequest(f"{flag} takes {count} whole numbers with `{by}` between them") from error
    if len(found) != count:
        raise BadRequest(f"{flag} takes {count} whole numbers with `{by}` between them")
    return found


def _converted(fields: Mapping[str, object], kind: type[T]) -> T:
    try:
        return convert(fields, kind, from_attributes=True)
    except ValidationError as error:
        raise BadRequest(f"an option is out of its range: {error}") from error
