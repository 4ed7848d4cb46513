"""Files in parts, sent to a real daemon: bounds, breaks, and what is transcribed of them."""

import asyncio
import hashlib
import random
from pathlib import Path
from typing import Any

import pytest
from probes import read_pcm, write_wav
from real_daemon import Daemon

from edged import Client
from edged.errors import BadMedia, BadRequest, Conflict, NotFound, TooLarge
from edged.messages import replies, requests
from edged.messages.records import Segment
from edged.messages.replies import Done, OneJob, Transcribed, Transcript
from edged.messages.uploads import (
    UPLOAD_PART_BYTES,
    UploadClose,
    UploadDrop,
    Uploaded,
    UploadOpen,
    UploadOpened,
    UploadPart,
    UploadTaken,
)

CONTENT = random.Random(6).randbytes(3 * UPLOAD_PART_BYTES + 5)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def phrase(greeting: Path, tmp_path: Path) -> Path:
    """The first three seconds: recognising all thirteen twice takes too long."""
    return write_wav(tmp_path / "phrase.wav", read_pcm(greeting)[: 2 * 16_000 * 3])


def _open(daemon: Daemon, size: int = len(CONTENT), **more: Any) -> UploadOpened:
    found: UploadOpened = daemon.ask(UploadOpen(size_bytes=size, **more), UploadOpened)
    return found


def _part(daemon: Daemon, upload_id: str, number: int, content: bytes = CONTENT) -> int:
    """Send one part of a content; how much is committed then."""
    offset = number * UPLOAD_PART_BYTES
    request = UploadPart(upload_id=upload_id, offset=offset)
    part = content[offset : offset + UPLOAD_PART_BYTES]
    taken: UploadTaken = daemon.ask(request, UploadTaken, part)
    return taken.received


def _close(daemon: Daemon, upload_id: str) -> Uploaded:
    found: Uploaded = daemon.ask(UploadClose(upload_id=upload_id), Uploaded)
    return found


def _send(daemon: Daemon, content: bytes) -> Uploaded:
    opened = _open(daemon, len(content))
    for number in range(-(-len(content) // UPLOAD_PART_BYTES)):
        _part(daemon, opened.upload_id, number, content)
    return _close(daemon, opened.upload_id)


def _gone(daemon: Daemon, upload_id: str) -> bool:
    with pytest.raises(NotFound):
        _close(daemon, upload_id)
    return True


def _transcribe(daemon: Daemon, **request: Any) -> tuple[Transcribed, list[Segment]]:
    segments: list[Segment] = []
    last: object = None
    with daemon.client() as client:
        for reply, _ in client.stream(requests.Transcribe(**request)):
            if isinstance(reply, Transcript):
                segments += reply.segments
            last = reply
    assert isinstance(last, Transcribed)
    return last, segments


def test_a_file_in_parts_arrives_as_a_whole_and_closing_twice_says_the_same(
    shared_daemon: Daemon,
) -> None:
    sent = _send(shared_daemon, CONTENT)

    assert (sent.size_bytes, sent.sha256) == (len(CONTENT), SHA256)
    assert _close(shared_daemon, sent.upload_id) == sent
    shared_daemon.ask(UploadDrop(upload_id=sent.upload_id), Done)
    assert _gone(shared_daemon, sent.upload_id)


def test_a_part_that_came_already_is_acknowledged_again(shared_daemon: Daemon) -> None:
    opened = _open(shared_daemon)

    received = [_part(shared_daemon, opened.upload_id, number) for number in (0, 0, 1, 0)]

    assert received == [UPLOAD_PART_BYTES * count for count in (1, 1, 2, 2)]
    assert _open(shared_daemon, upload_id=opened.upload_id).received == received[-1]


@pytest.mark.parametrize(
    ("parts", "offset", "refusal"),
    [
        ([], 0, BadRequest),
        ([b""], 0, BadRequest),
        ([b"one", b"two"], 0, BadRequest),
        ([bytes(UPLOAD_PART_BYTES + 1)], 0, BadRequest),
        ([b"123456"], len(CONTENT) - 5, Conflict),
        ([b"x"], 2**53, Conflict),
    ],
)
def test_a_bad_part_is_refused_and_the_upload_goes_on(
    shared_daemon: Daemon, parts: list[bytes], offset: int, refusal: type[Exception]
) -> None:
    opened = _open(shared_daemon)

    with pytest.raises(refusal):
        shared_daemon.ask(
            UploadPart(upload_id=opened.upload_id, offset=offset), UploadTaken, *parts
        )

    assert _part(shared_daemon, opened.upload_id, 0) == UPLOAD_PART_BYTES


def test_bytes_beyond_the_end_are_refused(shared_daemon: Daemon) -> None:
    opened = _open(shared_daemon, 3)

    with pytest.raises(BadRequest, match="passes the end"):
        shared_daemon.ask(UploadPart(upload_id=opened.upload_id, offset=0), UploadTaken, b"1234")


def test_an_unfinished_upload_can_neither_be_closed_nor_transcribed(shared_daemon: Daemon) -> None:
    upload_id = _open(shared_daemon).upload_id
    _part(shared_daemon, upload_id, 0)

    for request, reply in (
        (UploadClose(upload_id=upload_id), Uploaded),
        (requests.Transcribe(upload_id=upload_id), Transcribed),
        (requests.JobsSubmit(upload_id=upload_id), OneJob),
    ):
        with pytest.raises(Conflict) as refused:
            shared_daemon.ask(request, reply)
        assert refused.value.details["received"] == UPLOAD_PART_BYTES


def test_bytes_with_another_hash_than_stated_are_deleted(shared_daemon: Daemon) -> None:
    opened = _open(shared_daemon, 3, sha256=SHA256)
    shared_daemon.ask(UploadPart(upload_id=opened.upload_id, offset=0), UploadTaken, b"abc")

    with pytest.raises(BadRequest, match="another sha256"):
        _close(shared_daemon, opened.upload_id)

    assert _gone(shared_daemon, opened.upload_id)


def test_an_upload_larger_than_the_settings_allow_is_refused_before_it_begins(
    shared_daemon: Daemon,
) -> None:
    with pytest.raises(TooLarge):
        _open(shared_daemon, 2**50)


def test_a_request_names_a_path_or_an_upload_but_not_both(shared_daemon: Daemon) -> None:
    for request in (
        requests.JobsSubmit(),
        requests.JobsSubmit(path="/a", upload_id="b"),
        requests.Transcribe(path="/a", upload_id="b"),
    ):
        with pytest.raises(BadRequest):
            shared_daemon.ask(request, OneJob)


@pytest.mark.speech
@pytest.mark.timeout(60)
def test_an_upload_is_transcribed_as_the_same_file_and_then_deleted(
    shared_daemon: Daemon, phrase: Path
) -> None:
    by_path, expected = _transcribe(shared_daemon, path=str(phrase))

    sent = _send(shared_daemon, phrase.read_bytes())
    by_upload, segments = _transcribe(
        shared_daemon, upload_id=sent.upload_id, name="a.wav", fresh=True
    )

    assert segments == expected
    assert segments
    assert by_upload.recording_id == by_path.recording_id
    assert _gone(shared_daemon, sent.upload_id)


@pytest.mark.speech
@pytest.mark.timeout(60)
def test_a_job_takes_an_upload_keeps_its_audio_and_deletes_it_when_it_is_done(
    shared_daemon: Daemon, phrase: Path
) -> None:
    content = phrase.read_bytes() + b"\0\0"
    sent = _send(shared_daemon, content)

    job = shared_daemon.ask(
        requests.JobsSubmit(upload_id=sent.upload_id, name="dropped.wav", keep_audio=True), OneJob
    ).job
    done = shared_daemon.wait(lambda: _done(shared_daemon, job.job_id))

    assert _gone(shared_daemon, sent.upload_id)
    assert done.name == "dropped.wav"
    kept = bytearray()
    with shared_daemon.client() as client:
        audio = requests.RecordingsAudio(recording_id=done.recording_id)
        for _, parts in client.stream(audio):
            for part in parts:
                kept += part
    assert bytes(kept) == content
    again = _send(shared_daemon, content)
    repeated = shared_daemon.ask(requests.JobsSubmit(upload_id=again.upload_id), OneJob)
    assert repeated.existing
    assert repeated.job.job_id == job.job_id
    assert _gone(shared_daemon, again.upload_id)


def _done(daemon: Daemon, job_id: str) -> Any:
    job = daemon.ask(requests.JobsGet(job_id=job_id), OneJob).job
    assert job.state != "failed", job.error
    return job if job.state == "done" else None


def test_an_upload_that_holds_no_audio_fails_as_a_file_would_and_can_be_dropped(
    shared_daemon: Daemon,
) -> None:
    sent = _send(shared_daemon, b"no audio at all")

    with pytest.raises(BadMedia):
        shared_daemon.ask(requests.Transcribe(upload_id=sent.upload_id), Transcribed)

    shared_daemon.ask(UploadDrop(upload_id=sent.upload_id), Done)


def test_many_parts_on_their_way_arrive_in_order_and_progress_is_told(
    shared_daemon: Daemon, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(CONTENT * 6)
    told: list[int] = []

    async def scenario() -> Uploaded:
        async with Client(shared_daemon.paths.endpoint) as client:
            return await client.upload(file, told=lambda _, received, __: told.append(received))

    sent = asyncio.run(scenario())

    assert sent.sha256 == hashlib.sha256(CONTENT * 6).hexdigest()
    assert told == sorted(told)
    assert told[-1] == len(CONTENT) * 6


def test_an_acknowledged_part_survives_the_death_of_the_daemon_and_no_plaintext_lies_on_the_disk(
    daemon: Daemon, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(CONTENT)
    daemon.start()
    upload_id = _open(daemon).upload_id
    acknowledged = max(_part(daemon, upload_id, number) for number in range(2))

    daemon.kill()
    daemon.start()

    marker = CONTENT[1000:1032]
    files = [path for path in daemon.home.rglob("*") if path.is_file()]
    assert any(path.stat().st_size > acknowledged for path in files)
    assert not [path for path in files if marker in path.read_bytes()]
    assert _open(daemon, upload_id=upload_id).received == acknowledged
    begun: list[int] = []

    async def go_on() -> Uploaded:
        async with Client(daemon.paths.endpoint) as client:
            return await client.upload(
                file, upload_id=upload_id, told=lambda _, received, __: begun.append(received)
            )

    assert asyncio.run(go_on()).sha256 == SHA256
    assert begun[0] == acknowledged
    assert daemon.ask(requests.Health(), replies.HealthReport).status == "ok"


@pytest.mark.speech
@pytest.mark.timeout(60)
def test_a_jobs_upload_outlives_the_daemon_and_a_failed_job_keeps_it_for_another_try(
    daemon: Daemon,
) -> None:
    daemon.start()
    sent = _send(daemon, b"no audio at all")
    job_id = daemon.ask(requests.JobsSubmit(upload_id=sent.upload_id), OneJob).job.job_id

    daemon.kill()
    daemon.start()

    failed = daemon.wait(lambda: _failed(daemon, job_id), 45)
    assert failed.error.code == "bad_media"  # it was read; `not_kept` would say that it is gone
    assert _close(daemon, sent.upload_id) == sent
    assert daemon.ask(requests.JobsRetry(job_id=job_id), OneJob).job.state == "queued"


def _failed(daemon: Daemon, job_id: str) -> Any:
    job = daemon.ask(requests.JobsGet(job_id=job_id), OneJob).job
    return job if job.state == "failed" else None
