"""Workers that crash again and again, hang in a call, or load for ever: others are served meanwhile."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from probes import RECOGNISER, children, gone, worker_of
from real_daemon import Daemon

from edged.errors import Deadline, EdgedError, Quarantined
from edged.media import AudioFormat
from edged.messages import replies, requests
from edged.messages.replies import VadResult

pytestmark = [pytest.mark.speech, pytest.mark.timeout(40)]

VAD = "silero-v6"
SECOND = bytes(32_000)


def _ask_vad(daemon: Daemon) -> VadResult:
    request = requests.Vad(audio=AudioFormat(sample_rate=16_000))
    found: VadResult = daemon.ask(request, VadResult, SECOND)
    return found


@pytest.fixture
def stopped() -> Iterator[Callable[[int], None]]:
    """Stops processes with a signal, and lets them go on in the end."""
    pids: list[int] = []

    def stop(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        pids.append(pid)

    yield stop
    for pid in pids:
        if not gone(pid):
            os.kill(pid, signal.SIGCONT)


def test_keep_alive_of_nothing_ends_the_worker_with_the_request(daemon: Daemon, clip: Path) -> None:
    daemon.start()

    daemon.ask(requests.Transcribe(path=str(clip), keep_alive_ms=0), replies.Transcribed)

    daemon.wait(lambda: not worker_of(daemon, RECOGNISER), 3)
    assert worker_of(daemon, VAD)  # it was not asked to leave


def test_keep_alive_for_ever_never_expires(daemon: Daemon) -> None:
    daemon.environ["EDGED_WORKERS_KEEP_ALIVE_MS"] = "200"
    daemon.start()

    daemon.ask(requests.ModelsLoad(model=RECOGNISER, keep_alive_ms=-1), replies.Done)
    _ask_vad(daemon)
    daemon.wait(lambda: not worker_of(daemon, VAD), 5)

    loaded = daemon.ask(requests.ModelsPs(), replies.LoadedModels).models
    assert [(one.id, one.expires_in_ms) for one in loaded] == [(RECOGNISER, None)]


def test_a_model_that_loads_for_long_keeps_no_other_from_working(
    daemon: Daemon, stopped: Callable[[int], None]
) -> None:
    daemon.start()
    _ask_vad(daemon)
    before = set(children(daemon.pid))
    with daemon.client() as client:
        load = client.stream(requests.ModelsLoad(model=RECOGNISER))
        next(load)
        (loading,) = daemon.wait(lambda: set(children(daemon.pid)) - before)
        stopped(loading)

        _ask_vad(daemon)
        state = daemon.json("models", "show", RECOGNISER)["model"]["state"]
        os.kill(loading, signal.SIGCONT)
        *_, (last, _) = load

    assert state == "loading"
    assert isinstance(last, replies.Done)


def test_a_model_whose_worker_dies_six_times_in_a_minute_is_quarantined_until_pardoned(
    daemon: Daemon, clip: Path
) -> None:
    daemon.start()
    for _ in range(6):
        _ask_vad(daemon)
        pid = worker_of(daemon, VAD)
        os.kill(pid, signal.SIGKILL)
        daemon.wait(lambda: not worker_of(daemon, VAD))

    started = time.monotonic()
    with pytest.raises(Quarantined, match="signal 9"):
        _ask_vad(daemon)
    with pytest.raises(Quarantined):
        daemon.ask(requests.Transcribe(path=str(clip)), replies.Transcribed)
    assert time.monotonic() - started < 2

    health = daemon.health()
    assert health.status == "degraded"
    (reason,) = [one for one in health.reasons if one.code == "quarantined"]
    assert VAD in reason.message
    assert "models load" in reason.fix
    assert daemon.json("models", "show", VAD)["model"]["state"] == "quarantined"

    daemon.json("models", "load", VAD)
    assert _ask_vad(daemon).probabilities
    daemon.wait(lambda: daemon.health().status == "ok", 3)


def test_a_recogniser_that_hangs_costs_its_request_only_until_the_deadline(
    daemon: Daemon, clip: Path, stopped: Callable[[int], None]
) -> None:
    daemon.start()
    daemon.ask(requests.ModelsLoad(model=RECOGNISER), replies.Done)
    with daemon.client() as client:
        started = time.monotonic()
        stream = client.stream(requests.Transcribe(path=str(clip)), deadline_ms=4_000)
        for reply, _ in stream:
            if isinstance(reply, replies.Transcript):
                break
        stopped(worker_of(daemon, RECOGNISER))

        assert _ask_vad(daemon).probabilities
        assert daemon.health().pid == daemon.pid
        with pytest.raises(Deadline):
            for _ in stream:
                pass

    assert 3.5 < time.monotonic() - started < 6
    assert daemon.json("recordings", "list")["recordings"][0]["status"] == "failed"
    again = daemon.json("transcribe", str(clip))
    assert "kitchen table" in " ".join(one["text"] for one in again["segments"])


@pytest.mark.long
def test_a_recogniser_that_hangs_is_judged_by_its_calls_deadline(
    daemon: Daemon, clip: Path, stopped: Callable[[int], None]
) -> None:
    daemon.environ["EDGED_WORKERS_CALL_DEADLINE_MS"] = "2500"
    daemon.start()
    daemon.ask(requests.ModelsLoad(model=RECOGNISER), replies.Done)
    with daemon.client() as client:
        stream = client.stream(requests.Transcribe(path=str(clip)))
        for reply, _ in stream:
            if isinstance(reply, replies.Transcript):
                break
        stopped(pid := worker_of(daemon, RECOGNISER))

        with pytest.raises(EdgedError) as caught:
            for _ in stream:
                pass

    assert caught.value.code == "deadline"
    daemon.wait(lambda: gone(pid))
    assert daemon.json("transcribe", str(clip))["segments"]
