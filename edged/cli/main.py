"""Parses the command line, runs a command, and turns errors into words and exit statuses."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence

from edged import __version__
from edged.cli import (
    browser,
    captions,
    clients,
    configuration,
    data,
    demo,
    devices,
    doctor,
    frames,
    infer,
    jobs,
    keys,
    lexicon,
    library,
    models,
    people,
    record,
    search,
    seeing,
    serve,
    sessions,
    speakers,
    stats,
    status,
    transcribe,
    voice,
)
from edged.cli.connect import Settings
from edged.errors import EdgedError

INTERRUPTED = 128 + signal.SIGINT
"""Exit status after Ctrl-C, as shells have it."""

FAMILIES = (
    serve,
    demo,
    status,
    transcribe,
    captions,
    devices,
    record,
    sessions,
    voice,
    seeing,
    frames,
    infer,
    search,
    library,
    lexicon,
    speakers,
    people,
    stats,
    jobs,
    models,
    data,
    keys,
    configuration,
    browser,
    clients,
    doctor,
)


def main(argv: Sequence[str]) -> int:
    """Run one command; returns its exit status (docs/ERRORS.md lists them)."""
    arguments = parser().parse_args(argv)
    settings = Settings(json=arguments.json, start=not arguments.no_start)
    try:
        return int(arguments.run(settings, arguments) or 0)
    except EdgedError as error:
        return _report(error, as_json=settings.json)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone; nothing to say, and nothing to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON on stdout")
    shared.add_argument(
        "--no-start", action="store_true", help="fail when no daemon runs, instead of starting one"
    )
    top = argparse.ArgumentParser(
        prog="edged",
        description="Models for everything a device hears and sees, on the device itself.",
        epilog="`edged COMMAND --help` tells more. Exit statuses: docs/ERRORS.md.",
    )
    top.add_argument("--version", action="version", version=f"edged {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True, title="commands")
    for family in FAMILIES:
        family.add(commands, shared)
    return top


def _report(error: EdgedError, *, as_json: bool) -> int:
    if as_json:
        problem = {"code": error.code, "message": error.message, "fix": error.fix}
        print(json.dumps({"error": problem}))
    else:
        print(f"edged: {error.message}\n  fix: {error.fix}", file=sys.stderr)
    return error.exit_status
