"""The disk fills up under a daemon: it says so, reads on, makes room, and recovers by itself."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from probes import segments_of
from real_daemon import Daemon

from edged.errors import DiskFull
from edged.messages import replies, requests
from edged.messages.replies import HealthReport

pytestmark = [pytest.mark.speech, pytest.mark.timeout(60)]

MIB = 2**20


class Disk:
    """A disk that can be filled and emptied."""

    def __init__(self, fill: Callable[[], None], free: Callable[[], None]) -> None:
        self.fill = fill
        self.free = free


FILE_SYSTEM_ONLY = pytest.mark.parametrize("disk", ["file system"], indirect=True)
"""A limit of the file size gives no room when something is deleted."""


@pytest.fixture(params=["file system", "file size limit"])
def disk(request: pytest.FixtureRequest, daemon: Daemon) -> Iterator[Disk]:
    """The disk that the daemon's state lies on."""
    if request.param == "file size limit":
        if not os.geteuid():
            pytest.skip("a real file system is filled instead")  # half a minute less
        yield _limited(daemon)
        return
    state = daemon.paths.state
    state.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=300m,mode=0700", "edged-test", str(state)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs root, to mount a small file system")
    try:
        yield _mounted(state)
    finally:
        daemon.kill()
        subprocess.run(["umount", "--lazy", state], check=True)


def _mounted(state: Path) -> Disk:
    filler = state / "filler"

    def fill() -> None:
        """Take what is left, whole and then in pages."""
        descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT)
        size = 0
        for block in (MIB, 4096):
            with suppress(OSError):
                while True:
                    os.posix_fallocate(descriptor, size, block)
                    size += block
        os.close(descriptor)

    return Disk(fill, filler.unlink)


def _limited(daemon: Daemon) -> Disk:
    """No file of the daemon may grow any more. Needs no root."""

    def limit(size: int) -> None:
        hard = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (size, hard))

    return Disk(lambda: limit(4096), lambda: limit(resource.RLIM_INFINITY))


def _is_failing(daemon: Daemon) -> HealthReport | None:
    report = daemon.health()
    return report if report.status == "failing" else None


def test_a_full_disk_stops_writing_only_and_passes_by_itself(
    daemon: Daemon, disk: Disk, clip: Path, tmp_path: Path
) -> None:
    daemon.start()
    kept = daemon.json("transcribe", "-", input=clip.read_bytes())["recording_id"]
    other = tmp_path / "other.wav"
    other.write_bytes(clip.read_bytes() + bytes(2))

    disk.fill()
    failed = daemon.run("transcribe", str(other), "--json")
    report = daemon.wait(lambda: _is_failing(daemon), 5)

    assert failed.returncode == DiskFull.exit_status, failed.stdout
    assert DiskFull.code in failed.stdout.decode()
    assert DiskFull.code in {reason.code for reason in report.reasons}
    assert daemon.run("health").returncode == 1
    assert segments_of(daemon, kept)
    assert daemon.json("search", "kitchen table")["hits"]

    disk.free()
    daemon.wait(lambda: daemon.health().status == "ok", 8)
    done = daemon.json("transcribe", str(other))
    assert "kitchen table" in " ".join(one["text"] for one in done["segments"])


@FILE_SYSTEM_ONLY
def test_on_a_full_disk_a_recording_can_be_deleted_and_that_makes_room(
    daemon: Daemon, disk: Disk, clip: Path
) -> None:
    daemon.start()
    kept = daemon.json("transcribe", "-", input=clip.read_bytes())["recording_id"]
    disk.fill()
    job = daemon.run("jobs", "submit", str(clip), "--json")
    daemon.wait(lambda: _is_failing(daemon), 5)
    assert DiskFull.code in job.stdout.decode()

    daemon.ask(requests.RecordingsDelete(recording_id=kept), replies.Done)

    assert daemon.json("recordings", "list")["recordings"] == []
    assert daemon.json("search", "kitchen table")["hits"] == []


def test_a_job_that_meets_a_full_disk_is_done_once_there_is_room(
    daemon: Daemon, disk: Disk, clip: Path
) -> None:
    daemon.environ |= {"EDGED_JOBS_BACKOFF_MS": "1000", "EDGED_JOBS_LEASE_MS": "1000"}
    daemon.start()
    job = daemon.ask(requests.JobsSubmit(path=str(clip)), replies.OneJob).job.job_id
    disk.fill()
    daemon.wait(lambda: _is_failing(daemon), 10)

    disk.free()

    daemon.wait(lambda: daemon.json("jobs", "show", job)["state"] == "done", 15)
    assert "kitchen table" in " ".join(
        one.text for one in segments_of(daemon, daemon.json("jobs", "show", job)["recording_id"])
    )


def test_a_file_that_came_while_the_disk_was_full_is_taken_later(
    daemon: Daemon, disk: Disk, clip: Path
) -> None:
    daemon.start()
    folder = daemon.home / "watched"
    folder.mkdir()
    daemon.json("watch", "add", str(folder))
    disk.fill()
    with pytest.raises(DiskFull):
        daemon.ask(requests.JobsSubmit(path=str(clip)), replies.OneJob)
    (folder / "clip.wav").write_bytes(clip.read_bytes())
    daemon.wait(lambda: "watch_disk_full" in _codes(daemon), 8)

    disk.free()

    daemon.wait(lambda: daemon.json("jobs", "list")["jobs"], 10)
    daemon.wait(lambda: daemon.health().status == "ok", 8)


def _codes(daemon: Daemon) -> set[str]:
    return {reason.code for reason in daemon.health().reasons}


@FILE_SYSTEM_ONLY
def test_a_daemon_that_starts_on_a_full_disk_answers_and_works_once_there_is_room(
    daemon: Daemon, disk: Disk, clip: Path
) -> None:
    daemon.start()
    job = daemon.ask(requests.JobsSubmit(path=str(clip)), replies.OneJob).job.job_id
    daemon.kill()
    disk.fill()
    daemon.start()
    daemon.wait(lambda: _is_failing(daemon), 8)

    disk.free()

    daemon.wait(lambda: daemon.json("jobs", "show", job)["state"] == "done", 20)


def test_a_backup_without_room_leaves_nothing_behind(
    daemon: Daemon, disk: Disk, clip: Path
) -> None:
    daemon.start()
    daemon.json("transcribe", "-", input=clip.read_bytes())
    target = daemon.paths.state / "copy.db"
    disk.fill()

    with pytest.raises(DiskFull):
        daemon.ask(requests.Backup(path=str(target)), replies.BackedUp)

    assert list(daemon.paths.state.glob("copy.db*")) == []
    disk.free()
    assert daemon.ask(requests.Backup(path=str(target)), replies.BackedUp).size_bytes > 0
