"""Folders whose new files become jobs."""

import os
from pathlib import Path
from typing import Any

import pytest
from real_daemon import Daemon

pytestmark = pytest.mark.speech


def _done(daemon: Daemon, count: int) -> list[dict[str, Any]]:
    found = daemon.wait(
        lambda: (jobs := daemon.json("jobs", "list"))["counts"].get("done", 0) >= count and jobs, 30
    )
    jobs: list[dict[str, Any]] = found["jobs"]
    return jobs


def test_new_files_and_those_from_before_the_start_become_jobs_once(
    daemon: Daemon, clip: Path, tmp_path: Path
) -> None:
    daemon.start()
    daemon.json("watch", "add", str(tmp_path))
    (tmp_path / "first.wav").write_bytes(clip.read_bytes())
    _done(daemon, 1)

    (tmp_path / "same-content.wav").write_bytes(clip.read_bytes())
    (tmp_path / ".hidden.wav").write_bytes(clip.read_bytes() + b"1")
    (tmp_path / "half.wav.part").write_bytes(clip.read_bytes() + b"2")
    (tmp_path / "notes.txt").write_text("no audio")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "link.wav").symlink_to(clip)
    daemon.stop()
    below = tmp_path / "below"
    below.mkdir()
    (below / "second.wav").write_bytes(clip.read_bytes()[:150_000])
    daemon.start()

    jobs = _done(daemon, 2)

    assert sorted(str(job["name"]) for job in jobs) == ["first.wav", "second.wav"]
    assert (tmp_path / "first.wav").read_bytes() == clip.read_bytes()


def test_a_broken_file_fails_for_good_and_the_next_is_taken(
    daemon: Daemon, clip: Path, tmp_path: Path
) -> None:
    daemon.start()
    daemon.json("watch", "add", str(tmp_path))

    (tmp_path / "broken.wav").write_bytes(b"no audio at all" * 100)
    (tmp_path / "good.wav").write_bytes(clip.read_bytes())
    jobs = {job["name"]: job for job in _done(daemon, 1)}
    daemon.wait(lambda: daemon.json("jobs", "list")["counts"].get("failed") == 1)

    jobs = {job["name"]: job for job in daemon.json("jobs", "list")["jobs"]}
    assert jobs["broken.wav"]["error"]["code"] == "bad_media"
    assert jobs["broken.wav"]["attempts"] == 1
    assert jobs["good.wav"]["state"] == "done"


def test_a_folder_can_be_taken_off_the_list(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start()
    daemon.json("watch", "add", str(tmp_path))
    assert [one["path"] for one in daemon.json("watch", "list")["folders"]] == [str(tmp_path)]

    assert daemon.json("watch", "remove", str(tmp_path))["folders"] == []
    assert daemon.run("watch", "remove", str(tmp_path)).returncode == 7
    assert daemon.run("watch", "add", str(tmp_path / "absent")).returncode == 7


def test_a_folder_that_vanishes_degrades_health_and_comes_back(
    daemon: Daemon, tmp_path: Path
) -> None:
    folder = tmp_path / "usb"
    folder.mkdir()
    daemon.start()
    daemon.json("watch", "add", str(folder))

    folder.rmdir()
    daemon.wait(lambda: daemon.health().status == "degraded")
    folder.mkdir()

    daemon.wait(lambda: daemon.health().status == "ok")
