"""Sessions on the real path: sound server, capture worker, store, and the command line."""

import itertools
import json
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from pulse import Pulse, sound_server
from real_daemon import Daemon

from edged.errors import BadRequest, NotFound
from edged.messages import replies, requests
from edged.messages import sessions as wire

CHUNK_MS = 1_000
NOISE = Random(4).randbytes(2 * 16_000 * 20)  # 20 s, as loud as can be and hard to compress


@pytest.fixture(scope="module")
def sounding() -> Iterator[Pulse]:
    """A sound server whose microphone hears noise."""
    with sound_server() as server:
        yield server


@pytest.fixture(scope="module")
def recorder(sounding: Pulse) -> Iterator[Daemon]:
    """A running daemon with short chunks, in the room of the noise."""
    home = Path(tempfile.mkdtemp(prefix="edged-", dir="/tmp"))
    daemon = Daemon(home, EDGED_CAPTURE_CHUNK_MS=str(CHUNK_MS), **sounding.env)
    try:
        daemon.start()
        yield daemon
        daemon.stop()
    finally:
        daemon.kill()
        shutil.rmtree(home, ignore_errors=True)


def start(daemon: Daemon, **options: object) -> wire.Session:
    request = wire.SessionsStart(
        codec="flac",
        live=False,
        diarize=False,
        **options,  # type: ignore[arg-type]  # a test's own words
    )
    found: wire.Session = daemon.ask(request, wire.OneSession).session
    return found


def captured_ms(daemon: Daemon, session_id: str) -> int:
    ledger = daemon.ask(wire.SessionsLedger(session_id=session_id), wire.Ledger)
    heard = (one for one in ledger.entries if one.state == "captured")
    return sum(one.end_ms - one.start_ms for one in heard)


def states(entries: Sequence[wire.LedgerEntry]) -> list[str]:
    """States and reasons, from the first sound on."""
    found = [one.reason or one.state for one in entries]
    return found[1:] if found[0] == "opening" else found


def now() -> float:
    """As strace tells the time."""
    return datetime.now(UTC).timestamp()


def written(trace: Path, *, after: float, before: float) -> int:
    """Bytes that went into files of the home between two moments, as strace saw them."""
    total = 0
    for line in trace.read_text(errors="replace").splitlines():
        found = re.match(r"(?:\d+ +)?(\d+\.\d+) \w+\(\d+<(/[^>]*)>.* = (\d+)", line)
        if found and "/state/" in found[2] and after <= float(found[1]) <= before:
            total += int(found[3])
    return total


def test_from_the_ack_of_a_pause_on_no_audio_reaches_the_disk(
    sounding: Pulse, recorder: Daemon, tmp_path: Path
) -> None:
    """Noise in FLAC is 32 kB a second: the same trace sees it before the pause and not after."""
    if shutil.which("strace") is None:
        pytest.skip("no strace here")
    sounding.begin(NOISE)
    session = start(recorder)
    trace = tmp_path / "trace"
    calls = "trace=write,writev,pwrite64,pwritev,pwritev2,sendfile,copy_file_range"
    tracer = subprocess.Popen(
        ["strace", "-f", "-ttt", "-y", "-s", "0", "-e", calls, "-o", str(trace),
         "-p", str(recorder.pid)],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert tracer.stderr is not None
        if "attached" not in (said := tracer.stderr.readline()):
            pytest.skip(f"strace may not attach here: {said.strip()}")
        began = now()
        target = captured_ms(recorder, session.id) + 2 * CHUNK_MS
        recorder.wait(lambda: captured_ms(recorder, session.id) >= target)

        paused = recorder.ask(wire.SessionsPause(session_id=session.id), wire.OneSession).session
        acknowledged = now()
        assert recorder.health().recording == ()
        sounding.wait(lambda: now() - acknowledged > 1.3)
        resuming = now()
        resumed = recorder.ask(wire.SessionsResume(session_id=session.id), wire.OneSession).session
        (listening,) = recorder.health().recording
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=10)
    recorder.ask(wire.SessionsStop(session_id=session.id), wire.OneSession)

    assert (paused.status, resumed.status) == ("paused", "recording")
    assert listening.session_id == session.id
    assert written(trace, after=began, before=acknowledged) > 40_000
    assert written(trace, after=acknowledged, before=resuming) < 16_000
    entries = recorder.ask(wire.SessionsLedger(session_id=session.id), wire.Ledger).entries
    assert states(entries)[:2] == ["captured", "paused"]


def test_a_kill_while_recording_loses_the_open_chunk_only_and_the_ledger_says_so(
    sounding: Pulse, recorder: Daemon
) -> None:
    sounding.begin(NOISE)
    session = start(recorder)
    recorder.wait(lambda: captured_ms(recorder, session.id) >= CHUNK_MS // 2)
    before = captured_ms(recorder, session.id)

    recorder.kill()
    recorder.start()

    def ended() -> wire.Session | None:
        found = recorder.ask(wire.SessionsGet(session_id=session.id), wire.OneSession).session
        return None if found.status == "recording" else found

    found = recorder.wait(ended)
    entries = recorder.ask(wire.SessionsLedger(session_id=session.id), wire.Ledger).entries
    assert found.job_id is not None
    assert captured_ms(recorder, session.id) >= before
    assert (entries[-1].state, entries[-1].reason) == ("gap", "killed")
    assert entries[-1].end_ms - entries[-1].start_ms <= CHUNK_MS
    assert recorder.health().recording == ()


def test_a_disk_that_is_full_pauses_the_session_which_goes_on_alone(
    sounding: Pulse, recorder: Daemon
) -> None:
    """No file of the daemon may grow any more, as on a full disk; nothing that was heard is lost."""
    sounding.begin(NOISE)
    session = start(recorder)
    recorder.wait(lambda: captured_ms(recorder, session.id) > 0)

    def now_is(status: str, reason: str) -> bool:
        request = wire.SessionsGet(session_id=session.id)
        found = recorder.ask(request, wire.OneSession).session
        return (found.status, found.paused_reason) == (status, reason)

    hard = resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE, (4096, hard))
    recorder.wait(lambda: now_is("paused", "disk_full"))
    silent = recorder.health().recording
    resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
    recorder.wait(lambda: now_is("recording", ""))
    recorder.wait(lambda: recorder.health().recording)
    recorder.ask(wire.SessionsStop(session_id=session.id), wire.OneSession)

    entries = recorder.ask(wire.SessionsLedger(session_id=session.id), wire.Ledger).entries
    assert silent == ()
    assert states(entries)[:3] == ["captured", "disk_full", "captured"]
    assert all(one.end_ms == two.start_ms for one, two in itertools.pairwise(entries))


def test_ctrl_c_ends_edged_record_which_then_waits_for_the_work(
    sounding: Pulse, recorder: Daemon
) -> None:
    sounding.begin(NOISE)
    command = ["record", "--json", "--no-live", "--no-diarize", "--name", "short", "--group", "g"]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "edged", *command],
        env=recorder.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    (listening,) = recorder.wait(lambda: recorder.health().recording)
    recorder.wait(lambda: captured_ms(recorder, listening.session_id) > 0)
    status = recorder.run("status").stdout.decode()

    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=30)

    assert process.returncode == 0, said
    session = json.loads(out)["session"]
    assert session["status"] == "completed"
    assert (session["name"], session["started_by"]) == ("short", "edged record")
    assert f"recording  {session['id']}  Microphone-of-the-test" in status
    assert "by edged record" in status
    (listed,) = recorder.json("sessions", "list", "--group", "g")["sessions"]
    assert listed["id"] == session["id"]
    assert recorder.json("sessions", "show", session["id"])["duration_ms"] > 0
    assert recorder.json("sessions", "ledger", session["id"])["entries"]
    assert recorder.json("sessions", "delete", session["id"]) == {"deleted": session["id"]}
    assert recorder.run("sessions", "show", session["id"]).returncode == 7


def test_a_session_is_deleted_while_it_is_worked_on(sounding: Pulse, recorder: Daemon) -> None:
    sounding.begin(NOISE)
    session = start(recorder)
    recorder.wait(lambda: captured_ms(recorder, session.id) > 0)
    stopped = recorder.ask(wire.SessionsStop(session_id=session.id), wire.OneSession).session

    recorder.ask(wire.SessionsDelete(session_id=session.id), replies.Done)

    with pytest.raises(NotFound):
        recorder.ask(wire.SessionsGet(session_id=session.id), wire.OneSession)
    with pytest.raises(NotFound):
        recorder.ask(wire.SessionsLedger(session_id=session.id), wire.Ledger)
    listed = recorder.ask(requests.JobsList(), replies.Jobs).jobs
    going_on = [job.job_id for job in listed if job.state in ("queued", "running")]
    assert stopped.job_id is not None
    assert stopped.job_id not in going_on


def test_sessions_are_listed_by_a_period_that_is_a_time(recorder: Daemon) -> None:
    session = recorder.ask(
        wire.SessionsStart(sources=(wire.SourceWish(kind="client"),)), wire.OneSession
    ).session

    def found(**period: str) -> bool:
        listed = recorder.ask(wire.SessionsList(**period), wire.Sessions).sessions  # type: ignore[arg-type]  # a test's own words
        return session.id in [one.id for one in listed]

    assert found(since="2026-01-01", until="2999-01-01T00:00:00+01:00")
    assert not found(until="2026-01-01")
    with pytest.raises(BadRequest, match="ISO 8601"):
        found(since="yesterday")
    recorder.ask(wire.SessionsDelete(session_id=session.id), replies.Done)


def test_what_cannot_be_recorded_is_refused_with_its_exit_status(recorder: Daemon) -> None:
    missing = recorder.run("record", "--for", "1", "--device", "no such device")
    lexicon = recorder.run("record", "--for", "1", "--lexicon", "no-such-lexicon")

    assert missing.returncode == 30, missing.stderr
    assert lexicon.returncode == 7, lexicon.stderr
    assert recorder.health().recording == ()
