"""The launcher really starts what it should, with its arguments and the home's place."""

import subprocess
import sys
from pathlib import Path

import pytest
from machines import program

from edged.bridge.browsers.launching import HOST_FLAG, command, launcher_path, launcher_text
from edged.config import find_paths

GOLDEN = """#!/bin/sh
# written by `edged browser install`; changed by the next one
export EDGED_HOME='/home/ann b/it'"'"'s'
exec /opt/edged/edged --edged-native-host "$@"
"""
GOLDEN_BATCH = (
    "@echo off\r\n"
    "rem written by `edged browser install`; changed by the next one\r\n"
    'set "EDGED_HOME=C:\\100%% mine"\r\n'
    '"C:\\Program Files\\edged.exe" --edged-native-host %*\r\n'
)


def test_a_frozen_binary_is_started_with_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.frozen", True, raising=False)
    monkeypatch.setattr("sys.executable", "/opt/edged/edged")

    text = launcher_text("linux", {"EDGED_HOME": "/home/ann b/it's"})

    assert text.decode() == GOLDEN
    assert command() == ["/opt/edged/edged", HOST_FLAG]


def test_the_batch_file_of_windows_has_its_line_ends_and_percent_signs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.frozen", True, raising=False)
    monkeypatch.setattr("sys.executable", r"C:\Program Files\edged.exe")

    text = launcher_text("win32", {"EDGED_HOME": r"C:\100% mine"})

    assert text.decode() == GOLDEN_BATCH


def test_without_a_home_of_its_own_nothing_is_set() -> None:
    assert b"EDGED_HOME" not in launcher_text("linux", {})


def test_an_environment_is_started_by_its_own_python() -> None:
    assert command()[0] == sys.executable
    assert "-P" in command()


def test_arguments_and_home_arrive_whatever_they_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = tmp_path / "a b'c$(d)"
    python = program(strange / "python", '#!/bin/sh\nprintf "%s|" "$EDGED_HOME" "$@"\n')
    monkeypatch.setattr("sys.executable", str(python))
    home = str(tmp_path / 'home `x` "y"')
    launcher = program(
        tmp_path / "native-host", launcher_text("linux", {"EDGED_HOME": home}).decode()
    )

    said = subprocess.run(
        [launcher, "chrome-extension://x y/", "--parent-window=0"], capture_output=True, check=True
    ).stdout.decode()

    assert said.split("|")[0] == home
    assert said.split("|")[-3:] == ["chrome-extension://x y/", "--parent-window=0", ""]


def test_a_relative_home_is_kept_as_it_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert str(tmp_path / "mine").encode() in launcher_text("linux", {"EDGED_HOME": "mine"})


def test_the_launcher_lies_in_the_private_folder(tmp_path: Path) -> None:
    paths = find_paths({"EDGED_HOME": str(tmp_path)})

    assert launcher_path(paths, "linux") == tmp_path / "state/native-host"
    assert launcher_path(paths, "win32").suffix == ".bat"
