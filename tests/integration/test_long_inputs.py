"""Inputs of many hours: memory stays bounded whatever the length. Long-marked."""

import time
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from probes import RATE, read_pcm, tree_pss, write_wav
from real_daemon import Daemon

from edged.messages import replies, requests
from edged.messages.replies import Progress

pytestmark = [pytest.mark.long, pytest.mark.speech, pytest.mark.timeout(1200)]

HOUR_BYTES = 3600 * RATE * 2
MIB = 2**20
Record = Callable[[str, object], None]


def _sparse_wav(path: Path, pcm_bytes: int) -> Path:
    """A WAV of zeros that takes no space."""
    write_wav(path, b"")
    with path.open("r+b") as file:
        header = bytearray(file.read(44))
        header[4:8] = (36 + pcm_bytes).to_bytes(4, "little")
        header[40:44] = pcm_bytes.to_bytes(4, "little")
        file.seek(0)
        file.write(header)
        file.truncate(44 + pcm_bytes)
    return path


def _most_memory(daemon: Daemon, path: Path, *, for_s: float = 1e9) -> tuple[int, int, Progress]:
    """The most that the tree took, how many segments came, and the last progress; then cancels."""
    most, segments, last = 0, 0, Progress(stage="", fraction=0.0)
    until = time.monotonic() + for_s
    looked = 0.0
    with daemon.client() as client:
        client._answer_within_s = 60  # hashing a file of gigabytes comes before the first reply
        for reply, _ in client.stream(requests.Transcribe(path=str(path), priority="batch")):
            if time.monotonic() - looked > 0.25:
                looked = time.monotonic()
                most = max(most, tree_pss(daemon.pid))
            if isinstance(reply, Progress) and reply.done_ms:
                last = reply
            if isinstance(reply, replies.Transcript):
                segments += len(reply.segments)
            if time.monotonic() > until:
                break
    return max(most, tree_pss(daemon.pid)), segments, last


def test_a_day_of_silence_has_no_segments_and_takes_no_more_memory_than_a_minute(
    daemon: Daemon, tmp_path: Path, record_property: Record
) -> None:
    daemon.start()
    minute = _sparse_wav(tmp_path / "minute.wav", HOUR_BYTES // 60)
    day = _sparse_wav(tmp_path / "day.wav", 24 * HOUR_BYTES)

    short, _, _ = _most_memory(daemon, minute)
    started = time.monotonic()
    long, segments, last = _most_memory(daemon, day)

    took_s = round(time.monotonic() - started, 1)
    record_property("growth_mb", (long - short) // MIB)
    print("a day of silence: MB more than a minute:", (long - short) // MIB, "in s:", took_s)
    assert segments == 0
    assert last.audio_ms == 24 * 3_600_000
    assert long - short < 300 * MIB


def test_eleven_hours_of_speech_take_little_more_memory_than_one_minute(
    daemon: Daemon, clip: Path, tmp_path: Path, record_property: Record
) -> None:
    daemon.start()
    speech = read_pcm(clip)
    minute = write_wav(tmp_path / "minute.wav", speech * 5)
    hours = tmp_path / "hours.wav"
    with wave.open(str(hours), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for _ in range(11 * HOUR_BYTES // len(speech)):
            file.writeframesraw(speech)

    short, _, _ = _most_memory(daemon, minute)
    long, segments, last = _most_memory(daemon, hours, for_s=60)

    record_property("growth_mb", (long - short) // MIB)
    print("11 h of speech: MB more than a minute:", (long - short) // MIB, last, segments)
    assert last.audio_ms > 10 * 3_600_000
    assert segments > 20
    assert long - short < 300 * MIB
    daemon.wait(
        lambda: daemon.json("recordings", "list")["recordings"][0]["status"] == "failed", 10
    )
