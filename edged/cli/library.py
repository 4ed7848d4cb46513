"""`recordings`: what has been transcribed."""

import argparse
import sys
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.families import Family
from edged.cli.new_file import create
from edged.errors import BadRequest
from edged.messages import replies, requests
from edged.messages.records import Recording, Segment


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    family = Family(commands, shared, "recordings", "what has been transcribed")
    listing = family.add("list", list_recordings, "recordings, newest first")
    listing.add_argument("--limit", type=int, default=50)
    listing.add_argument("--status", choices=("processing", "completed", "failed"))
    family.add("show", show, "one recording with its transcript").add_argument("id", metavar="ID")
    audio = family.add("audio", audio_of, "write a recording's audio to a file or to stdout (-)")
    audio.add_argument("id", metavar="ID")
    audio.add_argument("out", metavar="FILE")
    delete = family.add("delete", delete_recordings, "delete recordings; original files stay")
    delete.add_argument("ids", metavar="ID", nargs="+")
    again = family.add("reprocess", reprocess, "transcribe a recording again, as a job")
    again.add_argument("id", metavar="ID")
    again.add_argument("--model", metavar="ID")
    again.add_argument("--language", metavar="CODE")


def list_recordings(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print recordings, newest first."""
    request = requests.RecordingsList(limit=arguments.limit, status=arguments.status)
    with settings.connect() as daemon:
        found = daemon.ask(request, replies.Recordings)
    if settings.json:
        render.as_json(found)
        return
    rows = [
        [
            recording.recording_id,
            recording.name,
            render.clock(recording.audio_ms),
            recording.status,
            str(recording.segment_count),
            recording.model,
            recording.created_at[:16].replace("T", " "),
        ]
        for recording in found.recordings
    ]
    columns = ["id", "name", ">length", "status", ">segments", "model", "added (UTC)"]
    render.table("", columns, rows)


def show(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print one recording and all its segments."""
    with settings.connect() as daemon:
        one = requests.RecordingsGet(recording_id=arguments.id)
        recording = daemon.ask(one, replies.OneRecording).recording
        segments: list[Segment] = []
        after: int | None = -1
        while after is not None:
            request = requests.SegmentsList(recording_id=arguments.id, after_seq=after)
            page = daemon.ask(request, replies.Segments)
            segments.extend(page.segments)
            after = page.next
    if settings.json:
        render.as_json({"recording": recording, "segments": segments})
        return
    _print(recording, segments)


def _print(recording: Recording, segments: list[Segment]) -> None:
    rows = [[render.clock(segment.start_ms), segment.text] for segment in segments]
    render.table(f"{recording.name}  {recording.recording_id}", [">from", "text"], rows)
    print(f"{recording.status}, {render.clock(recording.audio_ms)}, {recording.model}")
    if recording.error is not None:
        print(f"{recording.error.code}: {recording.error.message}\n  fix: {recording.error.fix}")


def audio_of(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write a recording's audio as it came in."""
    request = requests.RecordingsAudio(recording_id=arguments.id)
    to_stdout = arguments.out == "-"
    if settings.json and to_stdout:
        raise BadRequest("JSON and audio cannot both go to stdout", fix="name a file")
    written = 0
    file = sys.stdout.buffer if to_stdout else create(arguments.out)
    with settings.connect() as daemon:
        for reply, parts in daemon.stream(request):
            if isinstance(reply, replies.Audio):
                written += file.write(parts[0])
    file.flush()
    if not to_stdout:
        file.close()
        _say(settings, {"path": arguments.out, "size_bytes": written}, f"{written} bytes written")


def delete_recordings(settings: Settings, arguments: argparse.Namespace) -> None:
    """Delete recordings with their transcripts and kept audio."""
    with settings.connect() as daemon:
        for recording_id in arguments.ids:
            daemon.ask(requests.RecordingsDelete(recording_id=recording_id), replies.Done)
    _say(settings, {"deleted": arguments.ids}, f"{len(arguments.ids)} deleted")


def reprocess(settings: Settings, arguments: argparse.Namespace) -> None:
    """Queue a recording to be transcribed again."""
    request = requests.RecordingsReprocess(
        recording_id=arguments.id, model=arguments.model, language=arguments.language
    )
    with settings.connect() as daemon:
        found = daemon.ask(request, replies.OneJob)
    _say(settings, found, f"{found.job.job_id} {found.job.state}")


def _say(settings: Settings, document: object, line: str) -> None:
    if settings.json:
        render.as_json(document)
    else:
        print(line)
