"""Models in a real daemon: loaded, told, pinned, copied, measured, refused, given back."""

import hashlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from real_daemon import Daemon

from edged.errors import BadRequest, Busy, Conflict, ModelMissing, NotFound
from edged.media import SPEECH
from edged.messages import replies, requests
from edged.messages.requests import AnyRequest
from edged.workers import system

VAD = "silero-v6"
FILE = "model.onnx"


@pytest.fixture
def here(shared_daemon: Daemon) -> Daemon:
    """The shared daemon with nothing in memory."""
    for one in shared_daemon.ask(requests.ModelsPs(), replies.LoadedModels).models:
        shared_daemon.ask(requests.ModelsPin(model=one.id, pinned=False), replies.Done)
        shared_daemon.ask(requests.ModelsUnload(model=one.id), replies.Done)
    return shared_daemon


def everything(daemon: Daemon, request: AnyRequest) -> list[tuple[Any, bytes]]:
    with daemon.client() as client:
        return [(reply, b"".join(parts)) for reply, parts in client.stream(request)]


def loaded(daemon: Daemon) -> dict[str, Any]:
    return {one["id"]: one for one in daemon.json("models", "ps")["models"]}


# --- ps and load ---


def test_ps_tells_everything_about_a_loaded_model(here: Daemon) -> None:
    here.ask(requests.ModelsLoad(model=VAD), replies.Done)
    for _ in range(5):
        here.ask(requests.Vad(model=VAD, audio=SPEECH), replies.VadResult, bytes(32_000))

    found = loaded(here)[VAD]

    assert found["engine"] == "silero"
    assert system.state_of(found["pid"])
    assert (found["device"], found["device_asked"]) == ("cpu", "auto")
    assert found["threads"] >= 1
    assert found["pss_bytes"] > 10 * 2**20
    assert found["vram_bytes"] == 0
    assert found["expires_at"] > found["loaded_at"]
    assert found["calls"] == 5
    assert 0 < found["computed"]["p50_us"] <= found["computed"]["p95_us"]
    assert found["pinned"] is False


def test_ps_fits_a_terminal_of_a_hundred_columns(here: Daemon) -> None:
    for model in (VAD, "pocketsphinx-en-us"):
        here.ask(requests.ModelsLoad(model=model), replies.Done)

    text = _on_a_terminal(here, "models", "ps")

    assert "pocketsphinx-en-us" in text
    assert max(map(len, text.splitlines())) <= 100


def _on_a_terminal(daemon: Daemon, *arguments: str) -> str:
    ours, theirs = pty.openpty()
    environ = {**daemon.environ, "COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
    command = [sys.executable, "-P", "-m", "edged", *arguments]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environ):
        os.close(theirs)
        said = b""
        while part := _read(ours):
            said += part
    os.close(ours)
    return said.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # Linux ends a terminal so
        return b""


def test_a_load_says_how_far_it_is(here: Daemon) -> None:
    *told, end = [reply for reply, _ in everything(here, requests.ModelsLoad(model=VAD))]

    assert isinstance(end, replies.Done)
    assert told
    assert all(isinstance(one, replies.Loading) and one.expected_ms > 0 for one in told)
    fractions = [one.progress for one in told]
    assert fractions == sorted(fractions)
    assert 0.0 <= fractions[0] < 0.1
    assert fractions[-1] < 1.0


def test_a_load_of_what_is_unknown_says_so(here: Daemon) -> None:
    for request in (
        requests.ModelsLoad(model="unknown"),
        requests.ModelsPin(model="unknown"),
        requests.ModelsPin(model="unknown", pinned=False),
        requests.ModelsBench(model="unknown"),
        requests.ModelsFile(model="unknown", name="x"),
    ):
        with pytest.raises(ModelMissing, match="unknown"):
            everything(here, request)


def test_the_next_to_ask_is_served_after_a_load_was_cancelled(here: Daemon) -> None:
    with here.client() as client:
        replies_to_load = client.stream(requests.ModelsLoad(model=VAD))
        next(replies_to_load)
        replies_to_load.close()

    here.ask(requests.Vad(model=VAD, audio=SPEECH), replies.VadResult, bytes(32_000))


def test_voice_activity_may_give_its_memory_back_at_once(here: Daemon) -> None:
    whole = requests.Vad(model=VAD, audio=SPEECH, keep_alive_ms=0)
    part = requests.Vad(model=VAD, audio=SPEECH, stream="s", keep_alive_ms=0)
    for request in (whole, part):
        here.ask(request, replies.VadResult, bytes(32_000))

        here.wait(lambda: not loaded(here))


def test_a_request_may_give_its_models_memory_back_at_once(here: Daemon) -> None:
    request = requests.Transcribe(audio=SPEECH, language="en", keep_alive_ms=0, fresh=True)
    done = here.ask(request, replies.Transcribed, bytes(32_000))

    here.wait(lambda: done.model not in loaded(here))


# --- pin ---


def test_a_pinned_model_is_there_again_after_a_crash(daemon: Daemon) -> None:
    daemon.start()
    assert daemon.json("models", "pin", VAD) == {"model": VAD, "pinned": True}
    with pytest.raises(Conflict, match="pinned"):
        daemon.ask(requests.ModelsUnload(model=VAD), replies.Done)
    daemon.kill()

    daemon.start(EDGED_WORKERS_KEEP_ALIVE_MS="1")

    daemon.wait(lambda: loaded(daemon).get(VAD, {}).get("pinned"))
    assert daemon.health().status == "ok"
    assert daemon.json("models", "pin", VAD, "--off")["pinned"] is False
    daemon.wait(lambda: not loaded(daemon))


# --- memory ---


def test_a_budget_that_is_too_small_is_said_to_be(daemon: Daemon) -> None:
    daemon.start(EDGED_WORKERS_MEMORY_BYTES="1000000")

    with pytest.raises(Busy, match="no memory for silero-v6") as refused:
        daemon.ask(requests.ModelsLoad(model=VAD), replies.Done)

    assert "workers.memory_bytes" in refused.value.fix


# --- file ---


def test_a_file_is_copied_whole_and_is_what_the_manifest_says(here: Daemon, tmp_path: Path) -> None:
    target = tmp_path / "copy.onnx"

    told = here.json("models", "file", VAD, FILE, "--out", str(target))

    assert hashlib.sha256(target.read_bytes()).hexdigest() == told["sha256"]
    assert told["size_bytes"] == target.stat().st_size
    shown = here.json("models", "show", VAD)["files"][0]
    assert shown["sha256"] == told["sha256"]
    assert os.listdir(tmp_path) == ["copy.onnx"]


def test_a_copy_that_was_cut_goes_on_where_it_ended(here: Daemon, tmp_path: Path) -> None:
    target = tmp_path / "copy.onnx"
    here.json("models", "file", VAD, FILE, "--out", str(target))
    whole = target.read_bytes()
    part = tmp_path / "copy.onnx.part"
    for kept in (whole[:1000], whole):  # the second one was cut before it was renamed
        target.unlink()
        part.write_bytes(kept)

        here.json("models", "file", VAD, FILE, "--out", str(target))

        assert target.read_bytes() == whole
        assert not part.exists()


def test_a_part_of_another_file_is_found_out_and_removed(here: Daemon, tmp_path: Path) -> None:
    target, part = tmp_path / "copy.onnx", tmp_path / "copy.onnx.part"
    part.write_bytes(b"something else")

    done = here.run("models", "file", VAD, FILE, "--out", str(target), "--json")

    assert done.returncode == 10
    assert json.loads(done.stdout)["error"]["code"] == "corrupt_model"
    assert os.listdir(tmp_path) == []


def test_a_copy_that_cannot_be_written_says_so(here: Daemon, tmp_path: Path) -> None:
    done = here.run("models", "file", VAD, FILE, "--out", str(tmp_path / "none" / "x"), "--json")

    assert done.returncode == 18
    assert json.loads(done.stdout)["error"]["code"] == "denied"


def test_offsets_and_names_that_are_not_the_files_are_refused(here: Daemon) -> None:
    found = everything(here, requests.ModelsFile(model=VAD, name=FILE, offset=1000))
    parts = [(reply, data) for reply, data in found if isinstance(reply, replies.FilePart)]
    total = parts[0][0].total_bytes
    assert parts[0][0].offset == 1000
    assert sum(len(data) for _, data in parts) == total - 1000
    assert isinstance(found[-1][0], replies.Done)

    (at_end,) = [
        (reply, data)
        for reply, data in everything(here, requests.ModelsFile(model=VAD, name=FILE, offset=total))
        if isinstance(reply, replies.FilePart)
    ]
    assert at_end[1] == b""
    with pytest.raises(BadRequest, match="behind the end"):
        everything(here, requests.ModelsFile(model=VAD, name=FILE, offset=total + 1))
    for name in ("../../db.key", "/etc/passwd", "model"):
        with pytest.raises(NotFound):
            everything(here, requests.ModelsFile(model=VAD, name=name))


# --- bench ---


def test_a_model_is_measured_without_touching_the_one_that_serves(here: Daemon) -> None:
    here.ask(requests.ModelsLoad(model=VAD), replies.Done)
    before = loaded(here)[VAD]["pid"]

    found = here.json("models", "bench", VAD, "--seconds", "0.05")

    assert {row["threads"] for row in found["rows"] if row["device"] == "cpu"} >= {1}
    assert all(
        row["p50_us"] > 0 and row["load_ms"] > 0 for row in found["rows"] if not row["error"]
    )
    assert loaded(here)[VAD]["pid"] == before
    assert here.run("models", "bench", VAD, "--seconds", "0").returncode == 2


def test_measuring_can_be_cancelled_and_leaves_no_process(here: Daemon) -> None:
    before = _children(here.pid)
    with here.client() as client:
        steps = client.stream(requests.ModelsBench(model=VAD, seconds=60))
        next(steps)
        here.wait(lambda: _children(here.pid) - before)
        steps.close()

    here.wait(lambda: not _children(here.pid) - before)


def _children(pid: int) -> set[str]:
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
