"""`edged models lint`: places, fixes and exit statuses, without a daemon."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from edged.cli.connect import Settings
from edged.cli.main import main
from edged.cli.models import linting
from edged.errors import ConfigError
from edged.models.catalog import shipped_folder

GOOD = """id = "tiny"
task = "infer"
engine = "onnx"
description = "a tiny one"
license = "MIT"
memory_bytes = 1000

[[files]]
name = "model.onnx"
bytes = 3
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
sources = [{ kind = "https", url = "https://example.org/m" }]
"""


@pytest.fixture(autouse=True)
def own_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGED_HOME", str(home))


def written(folder: Path, text: str, name: str = "tiny.toml") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return str(folder / name)


def lint(capsys: pytest.CaptureFixture[str], *paths: str) -> tuple[int, Any]:
    status = main(["models", "lint", "--json", *paths])
    return status, json.loads(capsys.readouterr().out)


def test_a_good_manifest_is_no_trouble(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = lint(capsys, written(tmp_path, GOOD))

    assert (status, report) == (0, {"checked": 1, "errors": [], "notes": []})


@pytest.mark.parametrize(
    ("old", "new", "place", "told"),
    [
        ("= 1000", '= "x"', "6 ", "field `memory_bytes`: expected `int` ... a whole number"),
        ("id =", "id", "1 ", "is not TOML ... correct that line"),
        ('"MIT"', '"CC-BY-4.0"', "1 terms", "CC-BY-4.0 asks for it ... add attribution"),
        ('"onnx"', '"magic"', "3 engine", "magic is unknown ... one of silero"),
        (
            "https://e",
            "http://e",
            "12 files[0].sources[0].url",
            "http is for this machine only ... write https",
        ),
    ],
)
def test_an_error_has_a_place_and_a_fix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, place: str, told: str
) -> None:
    path = written(tmp_path, GOOD.replace(old, new, 1))

    status, report = lint(capsys, path)

    (error,) = report["errors"]
    message, _, fix = told.partition(" ... ")
    assert status == ConfigError.exit_status
    assert (error["file"], f"{error['line']} {error['field']}") == (path, place)
    assert message in error["message"]
    assert fix in error["fix"]


def test_folders_files_and_what_is_not_there_can_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "folder", GOOD)
    written(tmp_path / "folder", "x", "broken.toml")
    written(tmp_path / "folder", "x", ".hidden.toml")
    missing = str(tmp_path / "missing.toml")

    status, report = lint(capsys, str(tmp_path / "folder"), missing)

    assert status == ConfigError.exit_status
    assert report["checked"] == 3
    assert [Path(one["file"]).name for one in report["errors"]] == ["broken.toml", "missing.toml"]
    assert "cannot be read" in report["errors"][1]["message"]


def test_a_note_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, GOOD.replace('sha256 = "0', '# sha256 = "0'))

    status, report = lint(capsys, path)

    assert status == 0
    assert [one["line"] for one in report["notes"]] == [8]
    assert "the first pull has to be trusted" in report["notes"][0]["fix"]


def test_company_on_this_machine_counts_but_only_what_was_named_is_told(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = GOOD.replace("tiny", "held") + '[quality]\nmetric = "m"\nvalue = 1\nsource = "u"\n'
    written(
        home / "config" / "manifests", held.replace("id =", "holds_gil = true\nid ="), "held.toml"
    )
    path = written(tmp_path, GOOD.replace("id =", 'worker = "held"\nholds_gil = true\nid ='))

    status, report = lint(capsys, path)

    assert status == ConfigError.exit_status
    assert [(one["file"], one["field"]) for one in report["errors"]] == [(path, "worker")]


def test_without_paths_ours_and_the_users_are_checked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(home / "config" / "manifests", "x", "mine.toml")

    status, report = lint(capsys)

    assert status == ConfigError.exit_status
    assert int(str(report["checked"])) > 50
    assert [Path(one["file"]).name for one in report["errors"]] == ["mine.toml"]


def test_people_get_file_and_line_as_editors_understand_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, GOOD.replace("memory_bytes", "memory"))
    settings = Settings(json=False, start=False)

    status = linting.lint(settings, argparse.Namespace(paths=[path]))

    out = capsys.readouterr().out
    assert status == ConfigError.exit_status
    assert f"error {path}:6: field `memory` is unknown" in out
    assert "write `memory_bytes`" in out
    assert "fix: " in out
    assert out.endswith("1 checked, 1 errors, 0 notes\n")


def test_notes_about_ours_are_only_counted_unless_they_are_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = Settings(json=False, start=False)

    linting.lint(settings, argparse.Namespace(paths=[]))
    (line,) = capsys.readouterr().out.splitlines()
    linting.lint(settings, argparse.Namespace(paths=[shipped_folder()]))
    lines = capsys.readouterr().out.splitlines()

    assert "0 errors" in line
    assert f"about ours: `edged models lint {shipped_folder()}`" in line
    assert len(lines) > 10
