"""`sessions report`: one session as a page that needs nothing else, from what the daemon tells of it."""

import argparse
import sys
from array import array
from collections.abc import Iterator, Sequence
from math import isnan
from typing import get_args

from edged.bridge.framing import Buffer
from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.link import Link
from edged.cli.new_file import Draft
from edged.cli.report.page import page
from edged.cli.report.story import Gap, Span, Story, lines_of, union
from edged.errors import BadRequest, EdgedError
from edged.messages import people, replies, requests, seeing
from edged.messages import sessions as wire
from edged.messages.records import Segment

ANSWER_WITHIN_S = 120.0
"""Landmarks of hours are read before tracks of them are told."""

PAGE = 500
LOOKS_A_SECOND = 2.0
MOST_LOOKS = 4_000
"""How closely presence is looked up: of a long session in larger steps, since a page holds 5,000."""


def report(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write the page to a file, or to stdout.

    Raises:
        BadRequest: a page and JSON cannot both go to stdout; the file exists or cannot be written.
        NotFound: there is no such session.
    """
    if arguments.html == "-" and settings.json:
        raise BadRequest("a page and the JSON about it cannot both go to stdout", fix="name a file")
    if arguments.html == "-":
        sys.stdout.buffer.write(_page(settings, arguments.id))
        sys.stdout.buffer.flush()
        return
    with Draft(arguments.html, force=arguments.force) as draft:
        content = _page(settings, arguments.id)
        draft.file.write(content)
        draft.keep()
    if settings.json:
        render.as_json({"path": arguments.html, "size_bytes": len(content)})
    else:
        print(f"{arguments.html}  {render.size(len(content))}")


def _page(settings: Settings, session_id: str) -> bytes:
    with settings.connect(answer_within_s=ANSWER_WITHIN_S) as daemon:
        return page(gather(daemon, session_id)).encode()


def gather(daemon: Link, session_id: str) -> Story:
    """All that a report tells of a session. What cannot be told of the pictures becomes a note.

    Raises:
        EdgedError: there is no such session, or the daemon does not answer.
    """
    session = daemon.ask(wire.SessionsGet(session_id=session_id), wire.OneSession).session
    speakers = daemon.ask(people.SpeakersList(session_id=session_id), people.Speakers).speakers
    ledger = daemon.ask(wire.SessionsLedger(session_id=session_id), wire.Ledger)
    lines = lines_of(_segments(daemon, session), speakers)
    gaps = tuple(_gaps(ledger))
    if not session.sights:
        return Story(session, lines=lines, gaps=gaps)
    seen = _Seen(daemon, session)
    return Story(
        session,
        lines=lines,
        gaps=gaps,
        derived=seen.derived.derived,
        definitions=seen.derived.definitions,
        presence=seen.presence,
        sightings=seen.sightings,
        notes=tuple(seen.notes),
    )


def _segments(daemon: Link, session: wire.Session) -> Iterator[Segment]:
    for source in session.sources:
        after: int | None = -1
        while after is not None:
            request = requests.SegmentsList(
                recording_id=source.recording_id, after_seq=after, limit=PAGE
            )
            found = daemon.ask(request, replies.Segments)
            yield from found.segments
            after = found.next


def _gaps(ledger: wire.Ledger) -> Iterator[Gap]:
    for entry in ledger.entries:
        if entry.state == "gap":
            yield Gap("Sound", entry.start_ms, entry.end_ms, entry.reason)
    for gap in ledger.sights:
        yield Gap("Picture", gap.start_ms, gap.end_ms, gap.reason)


class _Seen:
    """What a session's pictures tell. notes: what could not be told."""

    def __init__(self, daemon: Link, session: wire.Session) -> None:
        self._daemon = daemon
        self._session = session
        self.notes: list[str] = []
        self.derived = seeing.DerivedTracks(session_id=session.id, derived=())
        self.presence: dict[str, tuple[Span, ...]] = {}
        self.sightings: tuple[seeing.Sighting, ...] = ()
        for what, ask in (
            ("gestures, postures and activity", self._derive),
            ("when somebody was in the picture", self._look),
            ("objects", self._objects),
        ):
            try:
                ask()
            except EdgedError as error:  # the rest of the page is worth having
                self.notes.append(f"Not told: {what}: {error.message}; {error.fix}")

    def _derive(self) -> None:
        request = seeing.TracksDerive(
            session_id=self._session.id, tracks=get_args(seeing.DerivedKind)
        )
        self.derived = self._daemon.ask(request, seeing.DerivedTracks)

    def _look(self) -> None:
        seconds = max(1.0, self._session.duration_ms / 1000)
        fps = min(LOOKS_A_SECOND, MOST_LOOKS / seconds)
        request = seeing.FramesList(
            session_id=self._session.id, fps=fps, points="parts", limit=5_000
        )
        for reply, parts in self._daemon.stream(request):
            if isinstance(reply, seeing.Frames):
                self.presence = presence(reply.parts, parts, round(1000 / fps))

    def _objects(self) -> None:
        if not any("objects" in sight.models for sight in self._session.sights):
            return
        request = seeing.FramesSearch(session_id=self._session.id, limit=1000)
        found = self._daemon.ask(request, seeing.Sightings)
        self.sightings = tuple(one for one in found.sightings if one.label)


def presence(
    facts: Sequence[seeing.PartFacts], parts: Sequence[Buffer], every_ms: int
) -> dict[str, tuple[Span, ...]]:
    """When something of each kind was seen, from a page of `frames.list` in parts.

    Args:
        facts: of what lies in the parts, one after another: `pose_at` and `pose`, and so on.
        parts: cut anywhere.
        every_ms: milliseconds that one frame stands for.
    """
    data, at = b"".join(parts), 0
    arrays: dict[str, tuple[seeing.PartFacts, bytes]] = {}
    for fact in facts:
        arrays[fact.of] = fact, data[at : at + fact.size_bytes]
        at += fact.size_bytes
    found = {}
    for kind in get_args(seeing.LandmarkKind):
        if f"{kind}_at" in arrays and kind in arrays:
            times = array("q", arrays[f"{kind}_at"][1])
            seen = (
                ms for ms, any_seen in zip(times, _seen(*arrays[kind]), strict=True) if any_seen
            )
            found[kind] = union(((ms, ms + every_ms) for ms in seen), bridge_ms=every_ms // 2)
    return found


def _seen(fact: seeing.PartFacts, data: bytes) -> Iterator[bool]:
    """Of each frame whether there is anything: the first value of every slot tells."""
    frames, slots, points, values = fact.shape
    firsts = array("f", data)[:: points * values]
    for frame in range(frames):
        yield any(not isnan(one) for one in firsts[frame * slots : (frame + 1) * slots])
