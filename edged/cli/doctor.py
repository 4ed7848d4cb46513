"""`doctor`: what this machine has, what works on it, and what to do about what does not."""

import argparse
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.families import later


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's command."""
    text = "examine this machine: engines, devices, sandbox, store, folders; needs no daemon"
    command = commands.add_parser(
        "doctor",
        parents=[shared],
        help=text,
        description=f"{text}. Every device is tried anew, in a process of its own, and what comes "
        "of it is remembered for the daemon. Exit status 1 when something is wrong.",
    )
    command.set_defaults(run=later("edged.cli.doctor", "doctor"))


def doctor(settings: Settings, _: argparse.Namespace) -> int:
    """Print what was found; exit status 1 when something is wrong."""
    from edged.cli.examining import examine

    examined = examine(settings.paths)
    wrong = [one for one in examined.findings if one.state == "wrong"]
    if settings.json:
        render.as_json(
            {"ok": not wrong, "findings": examined.findings, "devices": examined.devices}
        )
        return int(bool(wrong))
    for section in dict.fromkeys(one.section for one in examined.findings):
        _print_section(section, [one for one in examined.findings if one.section == section])
    print(f"{len(wrong)} wrong" if wrong else "nothing is wrong")
    return int(bool(wrong))


_MARKS = {"ok": "+", "note": "-", "wrong": "!"}


def _print_section(section: str, findings: list[Any]) -> None:
    """One line each, and below it the fix of what is not well."""
    print(section)
    width = max(len(one.name) for one in findings)
    for one in findings:
        print(f"  {_MARKS[one.state]} {one.name:{width}}  {one.text}".rstrip())
        if one.fix:
            print(f"    {'':{width}}  fix: {one.fix}")
    print()
