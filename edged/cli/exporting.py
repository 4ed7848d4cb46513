"""`sessions export`: a transcript for other programs; `sessions` lists it among its verbs."""

import argparse
import sys
from typing import get_args

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.families import Family
from edged.cli.new_file import create
from edged.errors import BadRequest
from edged.messages import sessions


def add(family: Family) -> None:
    """Add the verb to the family of sessions."""
    text = "write a session's transcript as SRT, VTT, TextGrid, RTTM, JSON or Markdown"
    command = family.add("export", export, text)
    command.add_argument("id", metavar="ID")
    command.add_argument("--format", choices=get_args(sessions.ExportFormat), required=True)
    command.add_argument("--out", metavar="FILE", default="-", help="by default stdout")


def export(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write the transcript to a new file, or to stdout."""
    to_stdout = arguments.out == "-"
    if settings.json and to_stdout:
        raise BadRequest("a file and the JSON about it cannot both go to stdout", fix="give --out")
    request = sessions.SessionsExport(session_id=arguments.id, format=arguments.format)
    with settings.connect() as daemon:
        content = b"".join(part for _, parts in daemon.stream(request) for part in parts)
    if to_stdout:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with create(arguments.out) as file:
        file.write(content)
    if settings.json:
        render.as_json({"path": arguments.out, "size_bytes": len(content)})
    else:
        print(f"{len(content)} bytes written")
