"""`sessions`: what is recorded and was recorded."""

import argparse
from typing import Any, get_args

from edged.cli import exporting, render
from edged.cli import report as reports
from edged.cli.connect import Settings
from edged.cli.families import Family
from edged.errors import BadRequest
from edged.messages import replies
from edged.messages import sessions as wire
from edged.messages.requests import AnyRequest
from edged.messages.seeing import SightState

ANSWER_WITHIN_S = 60.0
"""Devices are opened and closed, and the last chunk is committed, before there is an answer."""


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    family = Family(commands, shared, "sessions", "what is recorded and was recorded")
    _add_listing(family)
    for verb, run, text in (
        ("show", show, "one session"),
        ("pause", pause, "stop capturing until resumed; nothing is recorded meanwhile"),
        ("resume", resume, "go on after a pause"),
        ("stop", stop, "end the recording; the work after it begins"),
        ("ledger", show_ledger, "what of its time was captured, silent or missing, and why"),
        ("retry", retry, "go on with a failed session's work where it failed"),
        ("delete", delete, "delete a session with its audio, transcripts and speakers"),
    ):
        family.add(verb, run, text).add_argument("id", metavar="ID")
    again = family.add("reprocess", reprocess, "do the work again, in another way")
    again.add_argument("id", metavar="ID")
    add_work(again)
    exporting.add(family)
    reports.add(family)


def _add_listing(family: Family) -> None:
    listing = family.add("list", list_sessions, "sessions, newest first")
    listing.add_argument("--limit", type=int, default=50)
    listing.add_argument("--status", choices=get_args(wire.SessionStatus))
    listing.add_argument("--group", metavar="NAME")
    listing.add_argument("--since", metavar="TIME", help="UTC: 2026-11-21 or 2026-11-21T08:00:00Z")
    listing.add_argument("--until", metavar="TIME", help="likewise; started before that")


def add_work(command: argparse.ArgumentParser) -> None:
    """Add the options of the work after a session's end."""
    command.add_argument("--model", metavar="ID", help="by default the best that fits")
    command.add_argument("--language", metavar="CODE", help="en, de, ...; by default detected")
    command.add_argument("--speakers", type=int, metavar="N", help="how many there are, if known")
    command.add_argument("--no-diarize", action="store_true", help="do not tell speakers apart")
    command.add_argument(
        "--lexicon", action="append", metavar="NAME", help="correct and count; several are added up"
    )


def list_sessions(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print sessions."""
    request = wire.SessionsList(
        status=arguments.status,
        group=arguments.group,
        since=arguments.since,
        until=arguments.until,
        limit=arguments.limit,
    )
    with settings.connect() as daemon:
        found = daemon.ask(request, wire.Sessions)
    if settings.json:
        render.as_json(found)
        return
    columns = ["id", "started", "name", "group", ">length", "status", ">speakers", "by"]
    render.table("", columns, [_row(session) for session in found.sessions])


def _row(session: wire.Session) -> list[str]:
    return [
        session.id,
        session.started_at[:16].replace("T", " "),
        session.name,
        session.group,
        render.clock(session.duration_ms),
        state(session),
        f"{session.speaker_count - session.unclaimed}/{session.speaker_count}",
        session.started_by,
    ]


def state(session: wire.Session) -> str:
    """The status in words: why it is paused or failed, how far its work is."""
    if session.status == "paused":
        return f"paused ({session.paused_reason})"
    if session.status == "processing":
        return f"processing ({session.stage or 'queued'} {session.progress:.0%})"
    if session.error is not None:
        return f"{session.status} ({session.error.code})"
    return session.status


def show(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print one session."""
    _one(settings, wire.SessionsGet(session_id=arguments.id))


def pause(settings: Settings, arguments: argparse.Namespace) -> None:
    """Stop capturing until resumed."""
    _one(settings, wire.SessionsPause(session_id=arguments.id))


def resume(settings: Settings, arguments: argparse.Namespace) -> None:
    """Go on after a pause."""
    _one(settings, wire.SessionsResume(session_id=arguments.id))


def stop(settings: Settings, arguments: argparse.Namespace) -> None:
    """End the recording."""
    _one(settings, wire.SessionsStop(session_id=arguments.id))


def retry(settings: Settings, arguments: argparse.Namespace) -> None:
    """Go on with a failed session's work."""
    _one(settings, wire.SessionsRetry(session_id=arguments.id))


def reprocess(settings: Settings, arguments: argparse.Namespace) -> None:
    """Do the work again."""
    request = wire.SessionsReprocess(
        session_id=arguments.id,
        model=arguments.model,
        language=arguments.language,
        lexicons=None if arguments.lexicon is None else tuple(arguments.lexicon),
        diarize=not arguments.no_diarize,
        speakers=_counted(arguments),
    )
    _one(settings, request)


def _counted(arguments: argparse.Namespace) -> int | None:
    """How many speakers there are.

    Raises:
        BadRequest: they are to be counted and not to be told apart.
    """
    if arguments.no_diarize and arguments.speakers is not None:
        raise BadRequest("--speakers and --no-diarize contradict each other")
    count: int | None = arguments.speakers
    return count


def _one(settings: Settings, request: AnyRequest) -> None:
    with settings.connect(answer_within_s=ANSWER_WITHIN_S) as daemon:
        print_session(settings, daemon.ask(request, wire.OneSession).session)


def print_session(settings: Settings, session: wire.Session) -> None:
    """Print a session as a document, or in words."""
    if settings.json:
        render.as_json(session)
        return
    print(f"{session.id}  {session.name}\n  {state(session)}, {render.clock(session.duration_ms)}")
    who = session.started_by or "a client without a name"
    print(f"  started {session.started_at} by {who}, ended {session.ended_at or 'not yet'}")
    for source in session.sources:
        lost = f", lost: {source.lost}" if source.lost else ""
        print(f"  {source.kind} {source.device}: recording {source.recording_id}{lost}")
    for sight in session.sights:
        print(f"  {sight.kind} {sight.device}: {_seen(sight)}")
    if session.backlog_ms:
        eta = "" if session.eta_ms is None else f", done in {render.ago(session.eta_ms)}"
        print(f"  {render.ago(session.backlog_ms)} not recognised yet{eta}")
    if session.speaker_count:
        print(f"  {session.speaker_count} speakers, {session.unclaimed} unclaimed")
    for left_out in session.skipped:
        print(f"  {left_out.message} ({left_out.code})")
    if session.error:
        print(f"  {session.error.code}: {session.error.message}\n  fix: {session.error.fix}")


def _seen(sight: SightState) -> str:
    """What became of the frames of a source."""
    counts = sight.counts
    skipped = counts.still + counts.late
    lost = f", lost: {sight.lost}" if sight.lost else ""
    return (
        f"{', '.join(sight.models)}; {counts.captured} frames, {counts.processed} looked at, "
        f"{skipped} skipped, {counts.lost} lost, something found in {counts.detected}{lost}"
    )


def show_ledger(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print the gap ledger."""
    with settings.connect() as daemon:
        found = daemon.ask(wire.SessionsLedger(session_id=arguments.id), wire.Ledger)
    if settings.json:
        render.as_json(found)
        return
    rows = [
        [
            entry.recording_id,
            render.clock(entry.start_ms),
            render.clock(entry.end_ms),
            f"gap ({entry.reason})" if entry.state == "gap" else entry.state,
        ]
        for entry in found.entries
    ]
    rows += [
        [
            f"sight {gap.source}",
            render.clock(gap.start_ms),
            render.clock(gap.end_ms),
            f"gap ({gap.reason})",
        ]
        for gap in found.sights
    ]
    render.table("", ["recording", ">from", ">to", "state"], rows)


def delete(settings: Settings, arguments: argparse.Namespace) -> None:
    """Delete a session."""
    request = wire.SessionsDelete(session_id=arguments.id)
    with settings.connect(answer_within_s=ANSWER_WITHIN_S) as daemon:
        daemon.ask(request, replies.Done)
    if settings.json:
        render.as_json({"deleted": arguments.id})
    else:
        print(f"{arguments.id} deleted")
