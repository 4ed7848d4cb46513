"""A file, bytes or PCM go in; committed, searchable segments come out. The daemon is a real one."""

import json
import os
import wave
from pathlib import Path
from typing import Any

import pytest
from real_daemon import Daemon

from edged.media import AudioFormat
from edged.messages import replies, requests
from edged.messages.records import Span

pytestmark = pytest.mark.speech

PHRASE = "kitchen table"


def _pcm(path: Path) -> bytes:
    with wave.open(str(path)) as reader:
        return bytes(reader.readframes(reader.getnframes()))


def _ended(daemon: Daemon, job: str) -> Any:
    """The job, once it is done."""

    def look() -> Any:
        found = daemon.json("jobs", "show", job)
        return found if found["state"] == "done" else None

    return daemon.wait(look)


def test_a_file_becomes_a_transcript_with_word_times(
    shared_daemon: Daemon, conversation: Path
) -> None:
    found = shared_daemon.json("transcribe", str(conversation))

    assert set(found) == {
        "recording_id",
        "model",
        "language",
        "language_source",
        "audio_ms",
        "compute_ms",
        "segments",
    }
    assert PHRASE in " ".join(one["text"] for one in found["segments"])
    assert found["language_source"] in ("assumed", "detected")
    assert [one["seq"] for one in found["segments"]] == list(range(len(found["segments"])))
    last = 0
    for segment in found["segments"]:
        assert set(segment) >= {"seq", "start_ms", "end_ms", "text", "confidence", "words"}
        assert last <= segment["start_ms"] < segment["end_ms"] <= found["audio_ms"]
        last = segment["end_ms"]
        for word in segment["words"]:
            assert set(word) == {"text", "start_ms", "end_ms", "confidence"}
            assert segment["start_ms"] <= word["start_ms"] <= word["end_ms"] <= segment["end_ms"]
        assert " ".join(word["text"] for word in segment["words"]) == segment["text"]


def test_search_finds_the_phrase_and_points_to_its_place(
    shared_daemon: Daemon, conversation: Path
) -> None:
    recording = shared_daemon.json("transcribe", str(conversation))

    hits = shared_daemon.json("search", PHRASE)["hits"]

    assert set(hits[0]) >= {"recording_id", "seq", "start_ms", "end_ms", "text", "snippet"}
    assert hits[0]["recording_id"] == recording["recording_id"]
    assert "[" in hits[0]["snippet"]
    assert PHRASE in hits[0]["text"]
    assert shared_daemon.json("search", "zebra crossing quantum")["hits"] == []


def test_the_same_content_is_transcribed_once(shared_daemon: Daemon, clip: Path) -> None:
    first = shared_daemon.json("transcribe", str(clip))
    copy = shared_daemon.home / "copy.wav"
    copy.write_bytes(clip.read_bytes())

    again = shared_daemon.json("transcribe", str(copy))
    fresh = shared_daemon.json("transcribe", str(copy), "--fresh")

    assert again == first
    assert fresh["recording_id"] == first["recording_id"]
    assert fresh["segments"] == first["segments"]


def test_bytes_and_pcm_give_what_the_file_gives(shared_daemon: Daemon, clip: Path) -> None:
    by_path = shared_daemon.json("transcribe", str(clip))

    by_stdin = shared_daemon.json("transcribe", "-", input=clip.read_bytes())
    pcm = _pcm(clip)
    with shared_daemon.client() as client:
        request = requests.Transcribe(audio=AudioFormat(sample_rate=16000), name="pcm")
        parts = [pcm[:10_001], pcm[10_001:]]
        stream = [reply for reply, _ in client.stream(request, parts)]

    assert [one["text"] for one in by_stdin["segments"]] == [
        one["text"] for one in by_path["segments"]
    ]
    spoken = [
        one.text
        for reply in stream
        if isinstance(reply, replies.Transcript)
        for one in reply.segments
    ]
    assert spoken == [one["text"] for one in by_path["segments"]]
    assert isinstance(stream[-1], replies.Transcribed)


def test_bytes_are_kept_and_come_back_as_they_were(shared_daemon: Daemon, clip: Path) -> None:
    recording = shared_daemon.json("transcribe", "-", input=clip.read_bytes())["recording_id"]
    target = shared_daemon.home / f"{recording}.wav"

    shared_daemon.json("recordings", "audio", recording, str(target))

    assert target.read_bytes() == clip.read_bytes()


def test_a_deleted_recording_is_gone_from_list_and_search(
    shared_daemon: Daemon, conversation: Path
) -> None:
    copy = shared_daemon.home / "other.flac"
    copy.write_bytes(conversation.read_bytes())
    recording = shared_daemon.json("transcribe", str(copy))["recording_id"]

    shared_daemon.json("recordings", "delete", recording)

    listed = shared_daemon.json("recordings", "list")["recordings"]
    assert recording not in [one["recording_id"] for one in listed]
    hits = shared_daemon.json("search", PHRASE)["hits"]
    assert recording not in [hit["recording_id"] for hit in hits]
    assert copy.exists()
    assert shared_daemon.run("recordings", "show", recording).returncode == 7


def test_nothing_said_is_readable_in_the_files(shared_daemon: Daemon, clip: Path) -> None:
    found = shared_daemon.json("transcribe", str(clip))
    words = {word for one in found["segments"] for word in one["text"].split() if len(word) > 4}
    state = shared_daemon.paths.state

    for file in state.iterdir():
        data = file.read_bytes()
        assert not [word for word in words if word.encode() in data], file.name
    assert not state.joinpath("edged.db").read_bytes().startswith(b"SQLite format 3")


def test_the_daemon_loads_no_native_media_or_model_code(shared_daemon: Daemon, clip: Path) -> None:
    shared_daemon.json("transcribe", str(clip), "--fresh")

    maps = Path(f"/proc/{shared_daemon.pid}/maps").read_text()

    for name in ("numpy", "libav", "onnxruntime", "pocketsphinx", "ctranslate2", "cryptography"):
        assert f"/{name}" not in maps, name


def test_the_models_are_listed_with_their_memory(shared_daemon: Daemon, clip: Path) -> None:
    shared_daemon.json("transcribe", str(clip), "--fresh")

    loaded = {one["id"]: one for one in shared_daemon.json("models", "ps")["models"]}

    assert {"silero-v6", "pocketsphinx-en-us"} <= set(loaded)
    for one in loaded.values():
        assert os.path.exists(f"/proc/{one['pid']}")
        assert one["pss_bytes"] > 2**20


def test_unload_ends_the_process(shared_daemon: Daemon, clip: Path) -> None:
    shared_daemon.json("transcribe", str(clip), "--fresh")
    loaded = {one["id"]: one for one in shared_daemon.json("models", "ps")["models"]}

    shared_daemon.json("models", "unload", "pocketsphinx-en-us")

    left = [one["id"] for one in shared_daemon.json("models", "ps")["models"]]
    assert "pocketsphinx-en-us" not in left
    pid = loaded["pocketsphinx-en-us"]["pid"]
    shared_daemon.wait(lambda: not os.path.exists(f"/proc/{pid}"))


def test_a_waiting_client_hears_that_a_model_is_being_loaded(
    shared_daemon: Daemon, clip: Path
) -> None:
    shared_daemon.json("models", "unload", "pocketsphinx-en-us")
    with shared_daemon.client() as client:
        request = requests.Transcribe(path=str(clip), fresh=True)
        stream = [reply for reply, _ in client.stream(request)]

    loading = [one for one in stream if isinstance(one, replies.Loading)]
    assert "pocketsphinx-en-us" in [one.model for one in loading]
    assert loading[0].expected_ms > 0


def test_voice_activity_of_a_stream_is_the_same_in_any_pieces(
    shared_daemon: Daemon, clip: Path
) -> None:
    pcm = _pcm(clip)[: 1024 * 120]
    audio = AudioFormat(sample_rate=16000)
    whole = shared_daemon.ask(requests.Vad(audio=audio), replies.VadResult, pcm)

    found: list[float] = []
    spans: list[Span] = []
    with shared_daemon.client() as client:
        for start in range(0, len(pcm), 1024 * 7):
            final = start + 1024 * 7 >= len(pcm)
            request = requests.Vad(audio=audio, stream="mic", final=final)
            part = client.ask(request, replies.VadResult, [pcm[start : start + 1024 * 7]])
            found += part.probabilities
            spans += part.speech

    assert found == pytest.approx(list(whole.probabilities), abs=1e-3)
    assert len(found) == 120
    assert max(found) > 0.9
    assert spans == list(whole.speech)


def test_two_clients_streams_of_one_name_do_not_meet(shared_daemon: Daemon, clip: Path) -> None:
    pcm = _pcm(clip)[: 1024 * 8]
    request = requests.Vad(audio=AudioFormat(sample_rate=16000), stream="mic")

    with shared_daemon.client() as one, shared_daemon.client() as other:
        first = one.ask(request, replies.VadResult, [pcm])
        second = other.ask(request, replies.VadResult, [pcm])

    assert first == second


def test_events_describe_rows_and_can_be_refilled(shared_daemon: Daemon, clip: Path) -> None:
    recording = shared_daemon.json("transcribe", str(clip), "--fresh")
    seen = []
    with shared_daemon.client() as client:
        request = requests.Subscribe(events=("segment.added",), after_event_seq=0)
        for reply, _ in client.stream(request):
            if isinstance(reply, replies.Subscribed):
                continue
            assert isinstance(reply, replies.EventReply)
            seen.append(reply)
            body = reply.body
            if getattr(body, "recording_id", "") == recording["recording_id"] and (
                body.segment.seq == recording["segments"][-1]["seq"]  # type: ignore[union-attr]
            ):
                break

    numbers = [one.event_seq or 0 for one in seen]
    assert numbers == sorted(set(numbers))


@pytest.mark.long
def test_reprocess_does_it_again_every_time_it_is_asked(shared_daemon: Daemon, clip: Path) -> None:
    recording = shared_daemon.json("transcribe", "-", input=clip.read_bytes())["recording_id"]

    before = shared_daemon.json("recordings", "show", recording)

    jobs = set()
    for _ in range(2):
        job = shared_daemon.json("recordings", "reprocess", recording)["job"]["job_id"]
        jobs.add(job)
        assert _ended(shared_daemon, job)["recording_id"] == recording

    after = shared_daemon.json("recordings", "show", recording)
    assert len(jobs) == 2
    assert after["segments"] == before["segments"]
    assert after["recording"]["status"] == "completed"


def test_the_cli_prints_a_table_for_people(shared_daemon: Daemon, clip: Path) -> None:
    done = shared_daemon.run("transcribe", str(clip))

    assert done.returncode == 0
    assert PHRASE in done.stdout.decode()
    assert b"times real time" in done.stdout
    json.dumps(done.stdout.decode())
