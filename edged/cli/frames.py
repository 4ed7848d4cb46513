"""`frames`: what sessions kept of what they saw: landmarks, objects, key frames, and what follows."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec

from edged.bridge.link import SyncClient
from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.families import Family
from edged.cli.new_file import Draft
from edged.errors import BadRequest
from edged.messages import seeing as wire
from edged.messages.requests import AnyRequest

READ_WITHIN_S = 600.0
"""Hours of landmarks are gone through before there is an answer."""

PAGE = 500


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    family = Family(commands, shared, "frames", "what sessions kept of what they saw")
    listing = family.add("list", list_frames, "landmarks of a session, in order of time")
    _add_stretch(listing)
    listing.add_argument("--limit", type=int, default=100, metavar="N", help="frames at most")
    listing.add_argument("--jsonl", action="store_true", help="print a line of JSON for each thing")
    listing.add_argument(
        "--wall", action="store_true", help="times are seconds since 1970, not since the start"
    )
    exporting = family.add("export", export, "landmarks of a session as a file")
    _add_stretch(exporting)
    exporting.add_argument("--format", choices=("csv", "npz", "json"), required=True)
    _add_out(exporting)
    _add_search(family.add("search", search, "where something was seen"))
    picture = family.add("image", image, "a key frame of a session's screen as a picture")
    picture.add_argument("id", metavar="FRAME_ID")
    _add_out(picture)
    _add_derive(family.add("derive", derive, "gestures, postures, ... of a session; experimental"))


def _add_stretch(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", metavar="ID")
    _add_times(command)
    command.add_argument(
        "--kind", action="append", choices=get_args(wire.LandmarkKind), help="by default all"
    )
    command.add_argument("--source", type=int, metavar="N", help="only this camera, from 0")
    command.add_argument("--fps", type=float, metavar="N", help="at most so many frames a second")
    command.add_argument("--smooth", action="store_true", help="calm what trembles")


def _add_times(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--from", type=float, default=0.0, metavar="SECONDS", dest="start", help="from the start"
    )
    command.add_argument("--to", type=float, metavar="SECONDS", dest="end", help="not included")


def _add_out(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", metavar="FILE", default="-", help="by default stdout")
    command.add_argument("--force", action="store_true", help="replace a file that is there")


def _add_search(command: argparse.ArgumentParser) -> None:
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--label", help="of an object: person, cat, cup, ...")
    what.add_argument("--like", metavar="PICTURE", help="key frames that are similar to it")
    command.add_argument("--session", metavar="ID", help="only in this session")
    command.add_argument("--min-score", type=float, default=0.0, metavar="0..1")
    command.add_argument("--limit", type=int, default=20, metavar="N")


def _add_derive(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", metavar="ID")
    _add_times(command)
    command.add_argument(
        "--track", action="append", choices=get_args(wire.DerivedKind), help="by default all"
    )


def list_frames(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print landmarks."""
    with settings.connect(answer_within_s=READ_WITHIN_S) as daemon:
        pages = _pages(daemon, arguments)
        if arguments.jsonl:
            for page in pages:
                for one in page.frames:
                    render.as_json(one)
            return
        whole = _joined(list(pages))
    if settings.json:
        render.as_json(whole)
        return
    columns = [">at", "kind", ">camera", ">place", ">points", ">x", ">y"]
    render.table("", columns, [_row(one, wall=arguments.wall) for one in whole.frames])
    if whole.next_ms is not None:
        print(f"more from {whole.next_ms / 1000:.3f} s on", file=sys.stderr)


def _pages(daemon: SyncClient, arguments: argparse.Namespace) -> Iterator[wire.Frames]:
    """Pages until there are as many frames as are wanted."""
    left, from_ms = arguments.limit, round(arguments.start * 1000)
    while left > 0:
        request = wire.FramesList(
            session_id=arguments.id,
            from_ms=from_ms,
            to_ms=_milliseconds(arguments.end),
            kinds=tuple(arguments.kind or ()),
            source=arguments.source,
            fps=arguments.fps,
            smooth=arguments.smooth,
            wall=arguments.wall,
            limit=min(left, PAGE),
        )
        page = daemon.ask(request, wire.Frames)
        yield page
        left -= len({one.at_ms for one in page.frames})
        if page.next_ms is None:
            return
        from_ms = page.next_ms


def _joined(pages: list[wire.Frames]) -> wire.Frames:
    if not pages:
        raise BadRequest("no frame is wanted", fix="give a --limit of 1 or more")
    frames = tuple(one for page in pages for one in page.frames)
    return msgspec.structs.replace(pages[-1], frames=frames)


def _row(one: wire.Kept, *, wall: bool) -> list[str]:
    count = max(len(one.landmarks), 1)
    return [
        f"{one.at_ms / 1000:.3f}" if wall else render.clock(one.at_ms),
        one.kind,
        str(one.source),
        str(one.slot),
        str(len(one.landmarks)),
        f"{sum(point[0] for point in one.landmarks) / count:.3f}",
        f"{sum(point[1] for point in one.landmarks) / count:.3f}",
    ]


def export(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write landmarks to a new file, or to stdout."""
    request = wire.FramesExport(
        session_id=arguments.id,
        format=arguments.format,
        from_ms=round(arguments.start * 1000),
        to_ms=_milliseconds(arguments.end),
        kinds=tuple(arguments.kind or ()),
        source=arguments.source,
        fps=arguments.fps,
        smooth=arguments.smooth,
    )
    _save(settings, arguments, request)


def image(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write a key frame to a new file, or to stdout."""
    _save(settings, arguments, wire.FramesImage(frame_id=arguments.id))


def _save(settings: Settings, arguments: argparse.Namespace, request: AnyRequest) -> None:
    """Write the parts of all replies as they come; a file is there only when it is whole."""
    to_stdout = arguments.out == "-"
    if settings.json and to_stdout:
        raise BadRequest("a file and the JSON about it cannot both go to stdout", fix="give --out")
    with settings.connect(answer_within_s=READ_WITHIN_S) as daemon:
        if to_stdout:
            for part in _parts(daemon, request):
                sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
            return
        with Draft(arguments.out, force=arguments.force) as draft:
            size = sum(draft.file.write(part) for part in _parts(daemon, request))
            draft.keep()
    if settings.json:
        render.as_json({"path": arguments.out, "size_bytes": size})
    else:
        print(f"{size} bytes written")


def _parts(daemon: SyncClient, request: AnyRequest) -> Iterator[bytes | memoryview]:
    shown = sys.stderr.isatty()
    for reply, parts in daemon.stream(request):
        yield from parts
        if shown and isinstance(reply, wire.FramesPart):
            print(f"\r{reply.progress:4.0%} read", end="", file=sys.stderr)
    if shown:
        print("\r", end="", file=sys.stderr)


def search(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print where something was seen."""
    like = arguments.like
    request = wire.FramesSearch(
        label=arguments.label,
        path=None if like is None else str(Path(like).absolute()),
        session_id=arguments.session,
        min_score=arguments.min_score,
        limit=arguments.limit,
    )
    with settings.connect() as daemon:
        found = daemon.ask(request, wire.Sightings)
    if settings.json:
        render.as_json(found)
        return
    columns = ["id", "when", ">from", ">to", ">score", "label", "frame id"]
    render.table("", columns, [_hit(one) for one in found.sightings])


def _hit(one: wire.Sighting) -> list[str]:
    return [
        one.session_id,
        one.timestamp[:19].replace("T", " "),
        render.clock(one.start_ms),
        render.clock(one.end_ms),
        f"{one.score:.2f}",
        one.label,
        one.frame_id or "",
    ]


def derive(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print what follows from landmarks."""
    request = wire.TracksDerive(
        session_id=arguments.id,
        tracks=tuple(arguments.track or get_args(wire.DerivedKind)),
        from_ms=round(arguments.start * 1000),
        to_ms=_milliseconds(arguments.end),
    )
    with settings.connect(answer_within_s=READ_WITHIN_S) as daemon:
        found = daemon.ask(request, wire.DerivedTracks)
    if settings.json:
        render.as_json(found)
        return
    render.table(
        "experimental", [">from", ">to", "track", "what", "hand"], map(_stretch, found.derived)
    )
    for track, definition in found.definitions.items():
        print(f"{track}: {definition}")


def _stretch(one: wire.Derived) -> list[str]:
    value = "" if one.value is None else f"{one.value:.2f} {one.unit}".strip()
    times = render.clock(one.start_ms), render.clock(one.end_ms)
    return [*times, one.track, one.label or value, one.hand]


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
