"""Workers and daemons are killed and stopped in the middle of things; nothing acknowledged is lost."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from real_daemon import Daemon

from edged.bridge import endpoint
from edged.errors import EdgedError, WorkerGone
from edged.messages import replies, requests
from edged.messages.records import Segment

pytestmark = pytest.mark.speech

RECOGNISER = "pocketsphinx-en-us"


def _children(pid: int) -> list[int]:
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in done.stdout.split()]


def _gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def _worker_of(daemon: Daemon, model: str) -> int:
    for one in daemon.ask(requests.ModelsPs(), replies.LoadedModels).models:
        if one.id == model:
            return int(one.pid)
    return 0


def _segments(daemon: Daemon, recording_id: str) -> tuple[Segment, ...]:
    request = requests.SegmentsList(recording_id=recording_id, limit=1000)
    found: tuple[Segment, ...] = daemon.ask(request, replies.Segments).segments
    return found


def _comparable(segments: tuple[Segment, ...]) -> list[tuple[int, int, int, str]]:
    return [(one.seq, one.start_ms, one.end_ms, one.text) for one in segments]


def test_a_worker_killed_in_a_call_costs_that_request_only(daemon: Daemon, clip: Path) -> None:
    daemon.start()
    with daemon.client() as client:
        stream = client.stream(requests.Transcribe(path=str(clip)))
        for reply, _ in stream:
            if isinstance(reply, replies.Transcript):
                break
        pid = _worker_of(daemon, RECOGNISER)

        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerGone, match="signal 9"):
            for _ in stream:
                pass

    done = daemon.json("transcribe", str(clip))
    assert [one["seq"] for one in done["segments"]] == list(range(len(done["segments"])))
    assert "kitchen table" in " ".join(one["text"] for one in done["segments"])


def test_a_stopped_idle_worker_degrades_health_within_five_seconds(
    daemon: Daemon, clip: Path
) -> None:
    daemon.start()
    daemon.json("transcribe", str(clip))
    pid = _worker_of(daemon, RECOGNISER)
    started = time.monotonic()

    os.kill(pid, signal.SIGSTOP)
    daemon.wait(lambda: daemon.health().status == "degraded", within_s=10)

    assert time.monotonic() - started < 5
    assert RECOGNISER in " ".join(reason.message for reason in daemon.health().reasons)
    again = daemon.json("transcribe", str(clip), "--fresh")
    assert again["segments"]
    daemon.wait(lambda: daemon.health().status == "ok")


def test_workers_die_with_the_daemon(daemon: Daemon, clip: Path) -> None:
    daemon.start()
    daemon.json("transcribe", str(clip))
    workers = _children(daemon.pid)
    assert len(workers) >= 2

    daemon.kill()

    deadline = time.monotonic() + 2
    while not all(_gone(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_killed_daemon_frees_its_home_at_once(daemon: Daemon) -> None:
    daemon.start()
    daemon.kill()
    started = time.monotonic()

    daemon.start()

    assert time.monotonic() - started < 5
    assert daemon.health().status == "ok"


def _kill_in_a_job(daemon: Daemon, *, after_segments: int) -> dict[str, Segment]:
    """Run until so many segments are acknowledged, then kill -9; returns what was acknowledged."""
    acknowledged: dict[str, Segment] = {}
    with daemon.client() as client:
        events = client.stream(requests.Subscribe(events=("segment.",), after_event_seq=0))
        for reply, _ in events:
            if isinstance(reply, replies.Subscribed):
                continue
            body = getattr(reply, "body", None)
            acknowledged[f"{body.recording_id} {body.segment.seq}"] = body.segment  # type: ignore[union-attr]
            if len(acknowledged) >= after_segments:
                break
    daemon.kill()
    return acknowledged


def _uninterrupted(tmp: Path, clip: Path) -> list[tuple[int, int, int, str]]:
    other = Daemon(tmp)
    other.start()
    try:
        found = other.json("transcribe", str(clip))
        return _comparable(_segments(other, found["recording_id"]))
    finally:
        other.stop()


def test_a_killed_daemon_resumes_its_job_and_the_transcript_is_the_same(
    daemon: Daemon, clip: Path, home: Path
) -> None:
    expected = _uninterrupted(home, clip)
    daemon.start()
    job = daemon.json("jobs", "submit", str(clip))["jobs"][0]["job"]["job_id"]

    acknowledged = _kill_in_a_job(daemon, after_segments=1)
    daemon.start()
    done = daemon.wait(
        lambda: (found := daemon.json("jobs", "show", job))["state"] == "done" and found, 30
    )

    segments = _segments(daemon, done["recording_id"])
    assert _comparable(segments) == expected
    for one in acknowledged.values():
        assert one in segments
    assert done["attempts"] == 1  # an interruption is not the job's fault


@pytest.mark.parametrize(
    ("count", "point"),
    [
        (7, "before_commit"),
        *(
            pytest.param(count, point, marks=pytest.mark.long)
            for count in (4, 7, 10)
            for point in ("before_commit", "after_commit")
            if (count, point) != (7, "before_commit")
        ),
    ],
)
def test_a_kill_at_a_commit_border_loses_and_doubles_nothing(
    daemon: Daemon, clip: Path, point: str, count: int
) -> None:
    daemon.start()
    daemon.stop()
    daemon.start(EDGED_FAILPOINT=f"{point}:{count}")
    daemon.run("jobs", "submit", str(clip), "--no-start")
    assert daemon.process is not None
    assert daemon.process.wait(30) == -signal.SIGKILL

    daemon.start()
    job = daemon.json("jobs", "submit", str(clip))["jobs"][0]["job"]["job_id"]
    done = daemon.wait(
        lambda: (found := daemon.json("jobs", "show", job))["state"] == "done" and found, 30
    )

    segments = _segments(daemon, done["recording_id"])
    assert [one.seq for one in segments] == list(range(len(segments)))
    assert "kitchen table" in " ".join(one.text for one in segments)
    assert len(daemon.json("recordings", "list")["recordings"]) == 1


@pytest.mark.long
@pytest.mark.timeout(900)
def test_fifty_random_kills_lose_no_acknowledged_row(
    daemon: Daemon, clip: Path, home: Path
) -> None:
    expected = _uninterrupted(home, clip)
    seed = random.randrange(2**32)
    print("seed", seed)
    dice = random.Random(seed)
    acknowledged: dict[str, Segment] = {}
    daemon.start()
    daemon.run("jobs", "submit", str(clip))
    for _ in range(50):
        until = time.monotonic() + dice.uniform(0.05, 1.5)
        try:
            with daemon.client() as client:
                request = requests.Subscribe(events=("segment.",), after_event_seq=0)
                for reply, _ in client.stream(request, deadline_ms=1_500):
                    if isinstance(reply, replies.Subscribed):
                        continue
                    body = getattr(reply, "body", None)
                    acknowledged[f"{body.segment.seq}"] = body.segment  # type: ignore[union-attr]
                    if time.monotonic() > until:
                        break
        except EdgedError:
            pass
        workers = _children(daemon.pid)
        daemon.kill()
        started = time.monotonic()
        daemon.start()
        assert time.monotonic() - started < 5
        assert all(_gone(pid) for pid in workers)
        jobs = daemon.json("jobs", "list")["jobs"]
        if jobs and jobs[0]["state"] == "failed":
            daemon.json("jobs", "retry", jobs[0]["job_id"])
    job = daemon.json("jobs", "list")["jobs"][0]
    if job["state"] == "failed":
        daemon.json("jobs", "retry", job["job_id"])
    done = daemon.wait(
        lambda: (found := daemon.json("jobs", "show", job["job_id"]))["state"] == "done" and found,
        60,
    )
    segments = _segments(daemon, done["recording_id"])
    assert _comparable(segments) == expected
    for one in acknowledged.values():
        assert one in segments


def test_a_client_killed_in_mid_stream_ends_its_work(daemon: Daemon, clip: Path) -> None:
    import sys

    daemon.start()
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "edged", "transcribe", str(clip), "--json"],
        env=daemon.environ,
        stdout=subprocess.DEVNULL,
    )
    daemon.wait(lambda: _worker_of(daemon, RECOGNISER))

    child.kill()
    child.wait()

    daemon.wait(lambda: daemon.json("recordings", "list")["recordings"][0]["status"] == "failed")
    assert daemon.json("transcribe", str(clip))["segments"]


def test_two_daemons_on_one_home_are_one(daemon: Daemon) -> None:
    daemon.start()

    second = daemon.run("serve")

    assert second.returncode == 20
    assert b"another daemon" in second.stderr
    assert endpoint.holder(daemon.paths) == daemon.pid
    assert daemon.health().status == "ok"


def test_a_wrong_key_is_refused_and_nothing_is_changed(daemon: Daemon) -> None:
    daemon.start()
    daemon.stop()
    database = daemon.paths.database.read_bytes()
    key = daemon.paths.key_file
    kept = key.read_bytes()
    key.unlink()

    missing = daemon.run("serve")
    created = key.exists()
    daemon.run("key", "init", "--json")
    wrong = daemon.run("serve")

    assert missing.returncode == 21
    assert not created
    assert wrong.returncode in (14, 21)
    assert daemon.paths.database.read_bytes() == database
    key.unlink(missing_ok=True)
    key.write_bytes(kept)
    key.chmod(0o600)
    daemon.start()
    assert daemon.health().status == "ok"


@pytest.mark.parametrize("content", [b"", b"plain text, not a store\n" * 500, os.urandom(8192)])
def test_a_file_that_is_no_store_is_never_overwritten(daemon: Daemon, content: bytes) -> None:
    daemon.start()
    daemon.stop()
    for extra in daemon.paths.state.glob("edged.db-*"):
        extra.unlink()
    daemon.paths.database.write_bytes(content)

    done = daemon.run("serve") if content else None

    if done is not None:
        assert done.returncode in (14, 15)
        assert daemon.paths.database.read_bytes() == content
