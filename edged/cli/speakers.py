"""`speakers`: who spoke in a session, and what people say about that."""

import argparse
import sys
from typing import Any

from edged.bridge.link import SyncClient
from edged.cli import new_file, render
from edged.cli.connect import Settings
from edged.cli.families import Family
from edged.errors import BadRequest, NotFound
from edged.messages import people, replies
from edged.messages.people import ClaimType, Speaker
from edged.messages.requests import AnyRequest
from edged.messages.sessions import Sessions, SessionsList

LONGEST_RANGE = 10_000


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    family = Family(commands, shared, "speakers", "who spoke in a session")
    listing = family.add("list", list_speakers, "the speakers of a session, by default the newest")
    listing.add_argument("session", metavar="SESSION", nargs="?")
    _add_claim(family)
    family.add("unclaim", unclaim, "take a claim back").add_argument("id", metavar="ID")
    rename_ = family.add("rename", rename, "give a speaker another label")
    rename_.add_argument("id", metavar="ID")
    rename_.add_argument("label", metavar="LABEL")
    split_ = family.add("split", split, "make a new speaker of some segments of one")
    split_.add_argument("id", metavar="ID")
    split_.add_argument(
        "segments",
        metavar="SEGMENT",
        nargs="+",
        help="numbers (seq) such as 4 or 4-7, with --recording; or RECORDING:4-7",
    )
    split_.add_argument("--recording", metavar="ID", help="of the segments given by number alone")
    merge_ = family.add("merge", merge, "make one of two speakers: the first takes the other")
    merge_.add_argument("id", metavar="ID")
    merge_.add_argument("other", metavar="OTHER")
    undo_ = family.add("undo", undo, "take the last split, merge or rename of a session back")
    undo_.add_argument("session", metavar="SESSION", nargs="?")
    sample_ = family.add("sample", sample, "write a clip in which only this speaker is heard")
    sample_.add_argument("id", metavar="ID")
    sample_.add_argument("out", metavar="FILE", help="- is stdout")
    sample_.add_argument("--format", choices=("wav", "opus", "flac"), default="wav")
    matches_ = family.add("matches", matches, "how near the voice is to those enrolled")
    matches_.add_argument("id", metavar="ID")


def _add_claim(family: Family) -> None:
    claim_ = family.add("claim", claim, "say who a speaker is")
    claim_.add_argument("id", metavar="ID")
    who = claim_.add_mutually_exclusive_group(required=True)
    who.add_argument("--self", dest="me", action="store_true", help="the owner of this store")
    who.add_argument("--user", metavar="NAME", help="a person, added when new")
    who.add_argument("--person", metavar="ID", help="a person of `edged people list`")
    who.add_argument(
        "--guest", metavar="NAME", nargs="?", const="", help="somebody who is not counted"
    )


def list_speakers(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print the speakers of a session."""
    with settings.connect() as daemon:
        session = _session(daemon, arguments.session)
        found = daemon.ask(people.SpeakersList(session_id=session), people.Speakers)
    _print(settings, found)


def claim(settings: Settings, arguments: argparse.Namespace) -> None:
    """Say who a speaker is."""
    claim_type: ClaimType = "guest"
    if arguments.me:
        claim_type = "self"
    elif arguments.guest is None:
        claim_type = "user"
    request = people.SpeakersClaim(
        speaker_id=arguments.id,
        claim_type=claim_type,
        person_id=arguments.person,
        name=arguments.user or arguments.guest or None,
    )
    _change(settings, request)


def unclaim(settings: Settings, arguments: argparse.Namespace) -> None:
    """Take a claim back."""
    _change(settings, people.SpeakersUnclaim(speaker_id=arguments.id))


def rename(settings: Settings, arguments: argparse.Namespace) -> None:
    """Give a speaker another label."""
    _change(settings, people.SpeakersRename(speaker_id=arguments.id, label=arguments.label))


def split(settings: Settings, arguments: argparse.Namespace) -> None:
    """Make a new speaker of some segments."""
    named = [_segments(text, arguments.recording) for text in arguments.segments]
    segments = tuple(segment for several in named for segment in several)
    _change(settings, people.SpeakersSplit(speaker_id=arguments.id, segments=segments))


def merge(settings: Settings, arguments: argparse.Namespace) -> None:
    """Make one of two speakers."""
    _change(settings, people.SpeakersMerge(speaker_id=arguments.id, other_id=arguments.other))


def undo(settings: Settings, arguments: argparse.Namespace) -> None:
    """Take the last edit back."""
    with settings.connect() as daemon:
        session = _session(daemon, arguments.session)
        found = daemon.ask(people.SpeakersUndo(session_id=session), people.Speakers)
    _print(settings, found)


def sample(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write a speaker's clip."""
    request = people.SpeakersSample(speaker_id=arguments.id, format=arguments.format)
    to_stdout = arguments.out == "-"
    if settings.json and to_stdout:
        raise BadRequest("JSON and audio cannot both go to stdout", fix="name a file")
    clip = bytearray()
    with settings.connect() as daemon:
        for reply, parts in daemon.stream(request):
            if isinstance(reply, replies.Audio):
                clip += parts[0]
    with sys.stdout.buffer if to_stdout else new_file.create(arguments.out) as file:
        file.write(clip)
    if settings.json:
        render.as_json({"path": arguments.out, "size_bytes": len(clip)})
    elif not to_stdout:
        print(f"{len(clip)} bytes written")


def matches(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print how near the enrolled voices are."""
    with settings.connect() as daemon:
        found = daemon.ask(people.SpeakersMatches(speaker_id=arguments.id), people.Matches)
    if settings.json:
        render.as_json(found)
        return
    rows = [
        [one.name, f"{one.similarity:.2f}", "yes" if one.matched else "", one.person_id]
        for one in found.matches
    ]
    if rows:
        render.table("", ["name", ">similarity", "matched", "id"], rows)
    print(found.reason or f"matched from {found.threshold:.2f} on, by {found.model}")


def _change(settings: Settings, request: AnyRequest) -> None:
    with settings.connect() as daemon:
        found = daemon.ask(request, people.Speakers)
    _print(settings, found)


def _print(settings: Settings, found: people.Speakers) -> None:
    if settings.json:
        render.as_json({"session_id": found.session_id, "speakers": found.speakers})
        return
    rows = [
        [
            one.id,
            one.label,
            _who(one),
            str(one.segment_count),
            render.clock(one.total_duration_ms),
            ", ".join(f"{word} {count}" for word, count in one.word_counts.items()),
        ]
        for one in found.speakers
    ]
    columns = ["id", "label", "who", ">segments", ">speech", "words"]
    render.table(f"session {found.session_id}", columns, rows)


def _who(speaker: Speaker) -> str:
    if speaker.claim_type is None:
        return ""
    if speaker.claim_type == "guest":
        return f"guest {speaker.guest_name or ''}".strip()
    return speaker.attributed_to or ""


def _session(daemon: SyncClient, named: str | None) -> str:
    """The session that is named, else the newest."""
    if named is not None:
        return named
    found = daemon.ask(SessionsList(limit=1), Sessions).sessions
    if not found:
        raise NotFound("there is no session yet", fix="`edged record` makes one")
    return found[0].id


def _segments(text: str, recording: str | None) -> list[tuple[str, int]]:
    """The segments that an argument names."""
    before, colon, numbers = text.rpartition(":")
    name = before if colon else recording
    first, dash, last = numbers.partition("-")
    if not (first.isdecimal() and (not dash or last.isdecimal())):
        raise BadRequest("a segment is a number such as 4 or 4-7, or RECORDING:4-7")
    if not name:
        raise BadRequest("of which recording? give --recording, or RECORDING:SEQ")
    start, end = int(first), int(last or first)
    if not 0 <= end - start < LONGEST_RANGE:
        raise BadRequest(f"a range goes upwards, over at most {LONGEST_RANGE} segments")
    return [(name, number) for number in range(start, end + 1)]
