"""A batch job gives way to a person who waits, and its transcript is the same for it."""

from pathlib import Path

import pytest
from probes import RECOGNISER, read_pcm, segments_of, write_wav
from real_daemon import Daemon

from edged.messages import replies, requests
from edged.messages.events import SegmentAdded
from edged.messages.records import Segment
from edged.messages.replies import EventReply, Subscribed
from edged.messages.wire import Priority

pytestmark = [pytest.mark.speech, pytest.mark.timeout(60)]

RATE = 2 * 16_000


@pytest.fixture
def long(clip: Path, tmp_path: Path) -> Path:
    """The clip twice: eight utterances."""
    return write_wav(tmp_path / "long.wav", read_pcm(clip) * 2)


@pytest.fixture
def short(clip: Path, tmp_path: Path) -> Path:
    """One utterance of three seconds."""
    return write_wav(tmp_path / "short.wav", read_pcm(clip)[: 3 * RATE])


def _comparable(segments: tuple[Segment, ...]) -> list[tuple[int, int, int, str]]:
    return [(one.seq, one.start_ms, one.end_ms, one.text) for one in segments]


def _told(daemon: Daemon) -> list[SegmentAdded]:
    """Every segment that was added, in the order of commits."""
    found: list[SegmentAdded] = []
    with daemon.client() as client:
        request = requests.Subscribe(events=("segment.added",), after_event_seq=0)
        stream = client.stream(request)
        for reply, _ in stream:
            if isinstance(reply, Subscribed):
                continue
            assert isinstance(reply, EventReply)
            assert isinstance(reply.body, SegmentAdded)
            found.append(reply.body)
            if not client._socket.poll(300):
                break
    return found


def test_interactive_clips_overtake_a_batch_job_whose_transcript_stays_the_same(
    daemon: Daemon, long: Path, short: Path
) -> None:
    daemon.start()
    alone = daemon.ask(
        requests.Transcribe(path=str(long), priority="batch"), replies.Transcribed
    ).recording_id
    expected = _comparable(segments_of(daemon, alone))
    assert len(expected) >= 7
    daemon.ask(requests.RecordingsDelete(recording_id=alone), replies.Done)

    job = daemon.ask(requests.JobsSubmit(path=str(long)), replies.OneJob).job.job_id
    added_meanwhile: list[int] = []
    heard: list[int] = []
    for _ in range(2):
        before = _count(daemon, job)
        clip = daemon.ask(requests.Transcribe(path=str(short), fresh=True), replies.Transcribed)
        heard.append(clip.segment_count)
        added_meanwhile.append(_count(daemon, job) - before)
    running = daemon.ask(requests.JobsGet(job_id=job), replies.OneJob).job.state
    daemon.wait(
        lambda: daemon.ask(requests.JobsGet(job_id=job), replies.OneJob).job.state == "done", 30
    )

    assert running == "running", "the job ended too soon to say anything"
    assert max(added_meanwhile) <= 3, added_meanwhile
    assert heard == [1, 1]
    done = daemon.ask(requests.JobsGet(job_id=job), replies.OneJob).job
    assert done.attempts == 1
    assert done.recording_id is not None
    assert _comparable(segments_of(daemon, done.recording_id)) == expected
    numbers = [one.segment.seq for one in _told(daemon) if one.recording_id == done.recording_id]
    assert numbers == sorted(numbers)


def _count(daemon: Daemon, job_id: str) -> int:
    """How many segments of a job are committed."""
    recording = daemon.ask(requests.JobsGet(job_id=job_id), replies.OneJob).job.recording_id
    return 0 if recording is None else len(segments_of(daemon, recording))


def test_a_job_that_somebody_waits_for_goes_on_beside_a_batch_job(
    daemon: Daemon, clip: Path, short: Path, tmp_path: Path
) -> None:
    first = write_wav(tmp_path / "first.wav", read_pcm(clip))
    last = write_wav(tmp_path / "last.wav", read_pcm(short)[:-2])
    daemon.start()
    order: list[str] = []
    with daemon.client() as client:
        events = client.stream(requests.Subscribe(events=("job.changed",), after_event_seq=0))
        submit: list[tuple[Path, Priority]] = [
            (first, "batch"),
            (last, "batch"),
            (short, "interactive"),
        ]
        names = {
            daemon.ask(
                requests.JobsSubmit(path=str(path), priority=priority), replies.OneJob
            ).job.job_id: path.name
            for path, priority in submit
        }
        for reply, _ in events:
            if isinstance(reply, Subscribed):
                continue
            assert isinstance(reply, EventReply)
            job = getattr(reply.body, "job", None)
            if job is not None and job.state == "done":
                order.append(names[job.job_id])
            if len(order) == 3:
                break

    assert order == ["short.wav", "first.wav", "last.wav"]


def test_a_busy_model_says_how_many_wait(daemon: Daemon, long: Path) -> None:
    daemon.start()
    daemon.ask(requests.JobsSubmit(path=str(long)), replies.OneJob)

    def busy() -> bool:
        loaded = daemon.ask(requests.ModelsPs(), replies.LoadedModels).models
        return any(one.id == RECOGNISER and one.state == "busy" for one in loaded)

    assert daemon.wait(busy)
    assert daemon.health().queue_depth == 1
