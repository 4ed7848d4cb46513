"""The daemon is killed or stopped at bad moments: while it changes its key, copies, works, is asked."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest
from probes import RECOGNISER, children, gone, read_pcm, segments_of, worker_of, write_wav
from real_daemon import Daemon

from edged.bridge.link import SyncClient
from edged.errors import DaemonDown, Deadline, EdgedError
from edged.messages import replies, requests
from edged.messages.records import Job

pytestmark = [pytest.mark.speech, pytest.mark.timeout(60)]


def _job_is(daemon: Daemon, job_id: str, state: str) -> bool:
    return bool(_job(daemon, job_id).state == state)


def _job(daemon: Daemon, job_id: str) -> Job:
    found: replies.OneJob = daemon.ask(requests.JobsGet(job_id=job_id), replies.OneJob)
    return found.job


@pytest.mark.parametrize("point", ["rotate_copied", "rotate_before_swap", "rotate_after_swap"])
def test_a_kill_while_the_key_changes_leaves_a_store_that_opens(
    daemon: Daemon, clip: Path, point: str
) -> None:
    daemon.start()
    kept = daemon.ask(requests.JobsSubmit(path=str(clip)), replies.OneJob).job.job_id
    daemon.stop()
    daemon.start(EDGED_FAILPOINT=point)

    with (
        pytest.raises((DaemonDown, Deadline)),
        SyncClient(daemon.paths.endpoint, answer_within_s=3) as client,
    ):
        client.ask(requests.RotateKey(), replies.Done, deadline_ms=1_000)
    assert daemon.process is not None
    assert daemon.process.wait(5) == -signal.SIGKILL

    daemon.start()
    assert _job(daemon, kept).job_id == kept
    daemon.ask(requests.RotateKey(), replies.Done)
    daemon.stop()
    daemon.start()
    assert _job(daemon, kept).job_id == kept
    assert list(daemon.paths.state.glob("*.rekeyed*")) == []


def test_what_a_killed_backup_left_does_not_stop_the_next_one(daemon: Daemon) -> None:
    daemon.start()
    target = daemon.home / "copy.db"
    seal = daemon.home / "copy.db.cipher"
    (daemon.home / "copy.db.partial").write_bytes(b"half a copy")
    seal.write_bytes(daemon.paths.database.with_name("edged.db.cipher").read_bytes())

    done = daemon.ask(requests.Backup(path=str(target)), replies.BackedUp)

    assert done.size_bytes == target.stat().st_size
    assert not (daemon.home / "copy.db.partial").exists()


def test_two_backups_to_one_file_at_once_give_one_whole_copy(daemon: Daemon) -> None:
    daemon.start()
    target = str(daemon.home / "copy.db")
    outcomes: list[str] = []
    with daemon.client() as one, daemon.client() as other:
        streams = [client.stream(requests.Backup(path=target)) for client in (one, other)]
        for stream in streams:
            next(stream)  # both have begun
        for stream in streams:
            try:
                outcomes += [type(reply).__name__ for reply, _ in stream]
            except EdgedError as error:
                outcomes.append(error.code)

    assert sorted(outcomes) == ["BackedUp", "conflict"]


def test_a_kill_during_a_backup_leaves_the_store_and_no_false_copy(
    daemon: Daemon, clip: Path
) -> None:
    daemon.start()
    daemon.json("transcribe", "-", input=clip.read_bytes())
    target = daemon.home / "copy.db"
    with daemon.client() as client:
        next(client.stream(requests.Backup(path=str(target))))  # it has begun

        daemon.kill()

    daemon.start()
    assert daemon.json("search", "kitchen table")["hits"]
    if not target.exists():
        daemon.ask(requests.Backup(path=str(target)), replies.BackedUp)
    daemon.stop()
    assert daemon.run("restore", str(target), "--json").returncode == 0
    daemon.start()
    assert daemon.json("search", "kitchen table")["hits"]


@pytest.mark.parametrize("kind", ["socket", "file"])
def test_a_daemon_starts_over_what_lies_in_its_sockets_place(daemon: Daemon, kind: str) -> None:
    daemon.paths.runtime.mkdir(mode=0o700)
    if kind == "file":
        daemon.paths.socket.write_bytes(b"stale")
    else:
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(daemon.paths.socket))

    daemon.start()

    assert daemon.health().status == "ok"
    assert daemon.stop() == 0
    assert not daemon.paths.socket.exists()


def test_the_cli_is_not_fooled_by_a_stale_socket(daemon: Daemon) -> None:
    daemon.start()
    daemon.kill()
    assert daemon.paths.socket.exists()

    done = daemon.run("status", "--no-start")

    assert done.returncode == DaemonDown.exit_status
    assert b"no daemon runs" in done.stderr


@pytest.mark.long
def test_a_stopped_daemon_goes_on_with_its_job_and_the_transcript_is_the_same(
    daemon: Daemon, clip: Path, tmp_path: Path
) -> None:
    same = write_wav(tmp_path / "same.wav", read_pcm(clip) + bytes(320))
    daemon.start()
    expected = daemon.json("transcribe", str(clip))["segments"]
    job = daemon.ask(requests.JobsSubmit(path=str(same)), replies.OneJob).job.job_id
    with daemon.client() as client:
        first: str | None = None
        while first is None:
            first = _job(daemon, job).recording_id
        for _ in client.stream(requests.Subscribe(events=("segment.",), after_event_seq=0)):
            if segments_of(daemon, first):
                break
    workers = children(daemon.pid)

    started = time.monotonic()
    assert daemon.stop() == 0

    assert time.monotonic() - started < 5
    assert all(gone(pid) for pid in workers)
    daemon.start()
    daemon.wait(lambda: _job_is(daemon, job, "done"), 30)
    found = segments_of(daemon, first)
    assert [(one.text, one.start_ms, one.end_ms) for one in found] == [
        (one["text"], one["start_ms"], one["end_ms"]) for one in expected
    ]


def test_stopping_answers_twenty_clients_that_wait(daemon: Daemon, clip: Path) -> None:
    daemon.start()
    clients = [daemon.client() for _ in range(20)]
    streams = [
        client.stream(requests.Transcribe(path=str(clip), fresh=True))
        if number < 10
        else client.stream(requests.Subscribe(after_event_seq=0))
        for number, client in enumerate(clients)
    ]
    daemon.ask(requests.ModelsLoad(model=RECOGNISER), replies.Done)
    for stream in streams:
        next(stream)
    started = time.monotonic()

    assert daemon.stop() == 0

    assert time.monotonic() - started < 5
    ends = [_end_of(stream) for stream in streams]
    for client in clients:
        client.close()
    assert ends == ["cancelled"] * 20


def _end_of(stream: object) -> str:
    try:
        for _ in stream:  # type: ignore[attr-defined] # a generator
            pass
    except EdgedError as error:
        return error.code
    return "ended"


def test_a_daemon_whose_recogniser_is_stopped_still_ends(daemon: Daemon, clip: Path) -> None:
    daemon.start()
    with daemon.client() as client:
        stream = client.stream(requests.Transcribe(path=str(clip)))
        for reply, _ in stream:
            if isinstance(reply, replies.Transcript):
                break
        pid = worker_of(daemon, RECOGNISER)
        os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()

        assert daemon.stop() == 0

    assert time.monotonic() - started < 8
    assert gone(pid)
