"""`models lint`: what is wrong with manifests, found without a daemon and without a network."""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from edged.cli import render
from edged.cli.connect import Settings
from edged.errors import ConfigError
from edged.models.catalog import read_folders, shipped_folder
from edged.models.lint import Finding, examine
from edged.models.manifest import Manifest, read, spelt
from edged.models.toml_lines import lines_of, nearest_line


class Complaint(Struct, frozen=True, kw_only=True):
    """One line of the report. field: empty when it is about the whole file."""

    file: str
    line: int
    field: str
    message: str
    fix: str
    grave: bool


class Report(Struct, frozen=True, kw_only=True):
    """What `--json` prints."""

    checked: int
    errors: list[Complaint]
    notes: list[Complaint]


def lint(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print what is wrong with manifests; the exit status of `config_error` when anything is."""
    folders = [shipped_folder(), str(settings.paths.manifests)]
    files = _files(arguments.paths or [folder for folder in folders if os.path.isdir(folder)])
    complaints = _complaints(files, folders)
    report = Report(
        checked=len(files),
        errors=[one for one in complaints if one.grave],
        notes=[one for one in complaints if not one.grave],
    )
    if settings.json:
        render.as_json(report)
    else:
        _print(report, quiet="" if arguments.paths else folders[0])
    return ConfigError.exit_status if report.errors else 0


def _files(paths: Iterable[str]) -> list[str]:
    """The files, and those in the folders; one that is not there is told when it is read."""
    found: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            found += [str(one) for one in sorted(Path(path).glob("[!.]*.toml"))]
        else:
            found.append(path)
    return found


def _complaints(files: list[str], folders: list[str]) -> list[Complaint]:
    """About these files; the others on this machine count where models share a process."""
    places: dict[str, str] = {}
    manifests: dict[str, Manifest] = {one.id: one for one in read_folders(folders)[0]}
    complaints: list[Complaint] = []
    for path in files:
        try:
            manifest = read(path)
        except ConfigError as error:
            complaints.append(_unreadable(path, error))
        else:
            manifests[manifest.id] = manifest
            places[manifest.id] = path
    found = [one for one in examine(manifests.values()) if one.model in places]
    return complaints + [_placed(one, places[one.model]) for one in found]


def _unreadable(path: str, error: ConfigError) -> Complaint:
    line = int(str(error.details.get("line", 0)))
    message = error.message.removeprefix(f"{os.path.basename(path)}, line {line}: ")
    return Complaint(file=path, line=line, field="", message=message, fix=error.fix, grave=True)


def _placed(finding: Finding, path: str) -> Complaint:
    message, _, fix = finding.text.partition("; ")
    with open(path, encoding="utf-8") as file:
        line = nearest_line(lines_of(file.read()), finding.path)
    return Complaint(
        file=path,
        line=line,
        field=spelt(finding.path),
        message=message,
        fix=fix,
        grave=finding.grave,
    )


def _print(report: Report, quiet: str) -> None:
    """For people. quiet: a folder whose notes are only counted; those about ours are known."""
    notes = [one for one in report.notes if not quiet or os.path.dirname(one.file) != quiet]
    for one in [*notes, *report.errors]:
        place = f"{one.file}:{one.line}" if one.line else one.file
        field = f"`{one.field}`: " if one.field else ""
        print(f"{'error' if one.grave else 'note '} {place}: {field}{one.message}")
        if one.fix:
            print(f"      {'fix: ' if one.grave else ''}{one.fix}")
    hidden = len(report.notes) - len(notes)
    more = f" ({hidden} about ours: `edged models lint {quiet}`)" if hidden else ""
    print(f"{report.checked} checked, {len(report.errors)} errors, {len(report.notes)} notes{more}")
