"""How long does a short clip take while an hour-long job runs on the same model?"""

import random
import time
from contextlib import ExitStack
from statistics import median

from benchmarks import sounds
from benchmarks.figures import Figure, percentile, seconds
from benchmarks.served import Served
from edged.bridge.link import SyncClient
from edged.media import SPEECH, SPEECH_RATE
from edged.messages import replies, requests

TITLE = "A 3-s clip while an hour-long job runs on the same model"

MODEL = "pocketsphinx-en-us"
CLIP_S = 3
STARTED_WITHIN_S = 60.0
LONGEST_PAUSE_S = 0.7
"""Between two clips; random, so that they meet the job at every point of a window."""


def measure(*, quick: bool) -> list[Figure]:
    """The same clips, first alone and then beside the job."""
    clips = 8 if quick else 40
    sound = sounds.pcm(sounds.CONVERSATION)
    with ExitStack() as stack:
        folder = stack.enter_context(sounds.folder())
        hour = sounds.repeated(sounds.CONVERSATION, 60, folder / "hour.opus")
        daemon = stack.enter_context(Served())
        client = stack.enter_context(daemon.client())
        starts = _starts(clips)
        alone = [_send(client, sound, start) for start in [starts[0], *starts]][1:]
        job = client.ask(requests.JobsSubmit(path=str(hour), model=MODEL), replies.OneJob).job
        _until_running(client, job.job_id)
        before = _done(client, job.job_id)
        started = time.monotonic()
        beside = [_send(client, sound, start) for start in starts]
        pace = (_done(client, job.job_id) - before) / (time.monotonic() - started)
        client.ask(requests.JobsCancel(job_id=job.job_id), replies.OneJob)
    return _figures(alone, beside, pace)


def _starts(clips: int) -> list[float]:
    """Where in the conversation the clips begin, in seconds; always speech."""
    return [0.3 + 1.37 * number % 50 for number in range(clips)]


def _send(client: SyncClient, sound: bytes, start_s: float) -> float:
    time.sleep(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311 - a pause
    first = int(start_s * SPEECH_RATE) * 2
    clip = sound[first : first + CLIP_S * SPEECH_RATE * 2]
    request = requests.Transcribe(
        audio=SPEECH, model=MODEL, language="en", fresh=True, keep_audio=False
    )
    return seconds(lambda: client.ask(request, replies.Transcribed, (clip,)))


def _until_running(client: SyncClient, job_id: str) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_S
    while not _done(client, job_id):
        assert time.monotonic() < deadline, "the job does not run"
        time.sleep(0.1)


def _done(client: SyncClient, job_id: str) -> float:
    """How far the job is, in seconds of its audio."""
    job = client.ask(requests.JobsGet(job_id=job_id), replies.OneJob).job
    assert job.state in {"queued", "running"}, job.state
    return job.progress * 60 * 59.6


def _figures(alone: list[float], beside: list[float], pace: float) -> list[Figure]:
    p95 = percentile(beside, 95)
    return [
        Figure(what="alone, median", value=median(alone), unit="s", note=f"{len(alone)} clips"),
        Figure(what="alone, p95", value=percentile(alone, 95), unit="s"),
        Figure(what="beside the job, median", value=median(beside), unit="s"),
        Figure(what="beside the job, p95", value=p95, unit="s"),
        Figure(what="beside the job, longest", value=max(beside), unit="s"),
        Figure(what="p95 beside / median alone", value=p95 / median(alone), unit="x", most=2.5),
        Figure(
            what="the job's pace meanwhile",
            value=pace,
            unit="x",
            note="seconds of audio per second",
        ),
    ]
