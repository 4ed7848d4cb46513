"""What `edged browser` does; imported when it runs."""

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edged.bridge import endpoint
from edged.bridge.browsers.examining import BrowserReport, Examination, Examined, Note, Report
from edged.bridge.browsers.installing import Outcome, Registration
from edged.bridge.browsers.system import System
from edged.cli import render
from edged.cli.connect import Settings

if TYPE_CHECKING:
    from edged.bridge.browsers.trial import Trial

_MARKS = {True: "!", False: "-"}
_STATES = {
    "used": "this one counts",
    "shadowed": "not reached",
    "ignored": "ignored by a policy",
    "broken": "passed over",
    "absent": "nothing there",
}


def install(settings: Settings, arguments: argparse.Namespace) -> int:
    """Register the host with browsers; exit status 1 when one refused."""
    done = _registration(settings, arguments).install(arguments.browser, arguments.extension_id)
    status = _tell(
        settings, done, nothing="no browser is here: install one, or name its --user-data-dir"
    )
    if done and not status and not settings.json:
        print("next: load the extension, and approve it when it asks: edged clients approve")
    return status


def uninstall(settings: Settings, arguments: argparse.Namespace) -> int:
    """Take it back; exit status 1 when something could not be removed."""
    done = _registration(settings, arguments).uninstall(arguments.browser)
    return _tell(settings, done, nothing="nothing was registered")


def show(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print which browsers are here, and where each finds the host."""
    found = _examination(arguments, tries=False).report(arguments.browser)
    if settings.json:
        render.as_json(found)
        return
    if not found.browsers:
        print("no browser is here")
        return
    rows = [_row(one) for one in found.browsers]
    render.table("", ("browser", "here", "host", "place"), rows)


def doctor(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print what each browser would find and start; exit status 1 when something is wrong."""
    tries = settings.start or endpoint.holder(settings.paths) is not None
    examination = replace(_examination(arguments, tries=tries), all_kinds=settings.json)
    found = examination.report(arguments.browser)
    if settings.json:
        render.as_json(found)
        return int(not found.ok)
    for one in found.browsers:
        _print(one)
    _conclude(found, tries=tries)
    return int(not found.ok)


def _registration(settings: Settings, arguments: argparse.Namespace) -> Registration:
    return Registration(System.here(), settings.paths, _folder(arguments))


def _examination(arguments: argparse.Namespace, *, tries: bool) -> Examination:
    wanted = getattr(arguments, "extension_id", None)
    return Examination(
        System.here(), extension_id=wanted, user_data_dir=_folder(arguments), tries=tries
    )


def _folder(arguments: argparse.Namespace) -> Path | None:
    given = arguments.user_data_dir
    return Path(given).expanduser().absolute() if given else None


def _tell(settings: Settings, done: list[Outcome], *, nothing: str) -> int:
    refused = any(one.did == "refused" for one in done)
    if settings.json:
        render.as_json({"ok": not refused, "browsers": done})
        return int(refused)
    for one in done:
        extra = f" ({one.text})" if one.text and one.did != "refused" else ""
        print(f"{one.title}: {one.did}{extra}  {one.place}")
        if one.did == "refused":
            print(f"  {one.code}: {one.text}\n  fix: {one.fix}")
    if not done:
        print(nothing)
    return int(refused)


def _row(report: BrowserReport) -> tuple[str, str, str, str]:
    used = next((one for one in report.places if one.state == "used"), None)
    here = ", ".join([*(["yes"] if report.here else []), *report.confined])
    if used is None:
        return report.title, here, "not registered", report.places[0].place
    faulty = used.faults[0].code if used.faults else "registered"
    return report.title, here, faulty, used.place


def _print(report: BrowserReport) -> None:
    print(report.title)
    for place in report.places:
        print(f"  {_sign(place)} {place.scope:6} {place.place}  {_STATES[place.state]}")
        if place.host:
            print(f"           starts {place.host}, for {', '.join(place.ids) or 'nobody'}")
    for source in report.policies.sources:
        print(f"  - policy {source}")
    _print_trial(report.trial)
    _print_notes(report.notes)
    print()


def _sign(place: Examined) -> str:
    return {"used": "!" if place.faults else "+", "broken": "!"}.get(place.state, "-")


def _print_trial(tried: "Trial | None") -> None:
    if tried is not None and tried.fault is None:
        print(f"  + host   edged {tried.version} answered after {tried.ms:.0f} ms")


def _print_notes(notes: Iterable[Note]) -> None:
    for note in notes:
        print(f"  {_MARKS[note.wrong]} {note.code}: {note.text}")
        if note.fix:
            print(f"    fix: {note.fix}")


def _conclude(found: Report, *, tries: bool) -> None:
    for folder in found.data_dirs:
        print(f"a browser runs with --user-data-dir={folder}: it looks in there for hosts")
        print(f"  edged browser install --user-data-dir {folder}")
    if not tries:
        print("no daemon runs, so the host was not tried")
    wrong = sum(note.wrong for one in found.browsers for note in one.notes)
    if not found.browsers:
        print("no browser is here")
    else:
        print(f"{wrong} wrong" if wrong else "nothing is wrong")
