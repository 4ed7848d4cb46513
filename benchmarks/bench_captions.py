"""How long after the end of speech is its caption there, beside the recogniser's own time?

A client sends utterances at the pace at which a microphone would give them, 40 ms at a time. The delay
counts from the moment at which the last window of speech (by Silero, without padding) was over to the
moment at which the client has the committed segment. After each caption the same audio goes through
the same engine in this process, while the daemon has nothing to do.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from statistics import median

from msgspec import Struct

from benchmarks import inprocess, processes, sounds
from benchmarks.figures import Figure, percentile, seconds
from benchmarks.served import Served
from edged.bridge.client import Client
from edged.media import SPEECH, SPEECH_RATE, AudioChunk, ms_to_samples
from edged.messages import replies
from edged.messages.sessions import (
    PartialText,
    StreamAudio,
    StreamClose,
    StreamOpen,
    StreamOpened,
    StreamTaken,
)
from edged.models.runtime import VadOptions
from edged.pipeline.live.loudness import Loudness
from edged.pipeline.live.plan import LIVE_PADDING_MS, LIVE_SILENCE_MS
from edged.speech.segmenter import Segmenter, SegmenterOptions

TITLE = "Live captions: from the end of speech to the caption, beside PocketSphinx in this process"

MODEL = "pocketsphinx-en-us"
NAME = "bench"
STEP_MS = 40
QUIET_STEP_MS = 128
"""As the capture of a device gives its parts."""

BEFORE_MS, AFTER_MS = 320, 800
"""A quiet room before and after each utterance."""

QUIET_S = 15
CAPTION_WITHIN_S = 20.0


class _Spoken(Struct, frozen=True):
    """An utterance as the daemon would cut it, and where in it speech ends."""

    audio: AudioChunk
    speech_ms: int


class _Measured(Struct, frozen=True):
    """Seconds from the end of speech to the caption, and of the engine alone."""

    delay_s: float
    engine_s: float


def measure(*, quick: bool) -> list[Figure]:
    """Delays of captions and times of the engine in turns; then how much listening to nobody takes."""
    spoken = _utterances()[: 6 if quick else None]
    rounds = 1 if quick else 3
    with Served() as daemon:
        return asyncio.run(_measure(daemon, spoken * rounds, QUIET_S // 3 if quick else QUIET_S))


async def _measure(daemon: Served, spoken: list[_Spoken], quiet_s: int) -> list[Figure]:
    async with _listening(daemon) as stream:
        await stream.caption(spoken[0])
        found = []
        for one in spoken:
            delay_s = await stream.caption(one)
            engine_s = seconds(lambda one=one: inprocess.transcribe(one.audio))  # type: ignore[misc] # mypy: a lambda's default
            found.append(_Measured(delay_s, engine_s))
        before = _processor_s(daemon)
        await stream.send(sounds.room(quiet_s), step_ms=QUIET_STEP_MS)
        share = (_processor_s(daemon) - before) / quiet_s
    return _figures(found, stream.partial, share)


def _utterances() -> list[_Spoken]:
    """The conversation, cut as live captions cut it."""
    pcm = sounds.pcm(sounds.CONVERSATION)
    options = SegmenterOptions(min_silence_ms=LIVE_SILENCE_MS, padding_ms=LIVE_PADDING_MS)
    segmenter = Segmenter(options)
    found = inprocess.silero().detect(AudioChunk(data=pcm), VadOptions()).data
    loudness = Loudness().feed(pcm)
    size = min(len(found), len(loudness))
    spans = segmenter.feed_many(found[:size], loudness[:size]) + segmenter.finish()
    return [
        _Spoken(
            AudioChunk(data=pcm[2 * ms_to_samples(one.start_ms) : 2 * ms_to_samples(one.end_ms)]),
            one.end_ms - one.start_ms - LIVE_PADDING_MS,
        )
        for one in spans
    ]


class _Stream:
    """An open stream. position_ms: so much was sent. partial: texts that were told before captions."""

    def __init__(self, client: Client) -> None:
        self.opened = asyncio.Event()
        self.partial = 0
        self._client = client
        self._sent = 0
        self._captions: asyncio.Queue[tuple[float, int]] = asyncio.Queue()

    async def listen(self) -> None:
        """Note every reply until the stream is closed."""
        request = StreamOpen(stream=NAME, audio=SPEECH, model=MODEL, language="en")
        async for reply, _ in self._client.stream(request):
            if isinstance(reply, StreamOpened):
                self.opened.set()
            elif isinstance(reply, PartialText):
                self.partial += 1
            elif isinstance(reply, replies.Transcript):
                self._captions.put_nowait((time.perf_counter(), reply.segments[-1].end_ms))

    async def caption(self, one: _Spoken) -> float:
        """Say an utterance; the seconds from its end to its caption."""
        start_ms = self._sent * 1000 // SPEECH_RATE
        room = sounds.room(1)
        before, after = room[: 32 * BEFORE_MS], room[: 32 * AFTER_MS]
        began = await self.send(before + bytes(one.audio.data) + after)
        ended_ms = BEFORE_MS + one.speech_ms
        at, end_ms = 0.0, 0
        async with asyncio.timeout(CAPTION_WITHIN_S):
            while end_ms < start_ms + ended_ms - LIVE_SILENCE_MS:
                at, end_ms = await self._captions.get()
        return at - (began + ended_ms / 1000)

    async def send(self, pcm: bytes, *, step_ms: int = STEP_MS) -> float:
        """Send at the pace of a microphone; the moment at which the first sample was captured."""
        step = 32 * step_ms
        began = time.perf_counter()
        for number, at in enumerate(range(0, len(pcm), step), 1):
            await asyncio.sleep(began + number * step_ms / 1000 - time.perf_counter())
            data = pcm[at : at + step]
            self._sent += len(data) // 2
            await self._client.ask(StreamAudio(stream=NAME), StreamTaken, [data])
        return began

    async def close(self) -> None:
        """End it."""
        await self._client.ask(StreamClose(stream=NAME), replies.Done)


@asynccontextmanager
async def _listening(daemon: Served) -> AsyncGenerator[_Stream, None]:
    async with Client(daemon.paths.endpoint) as client, asyncio.TaskGroup() as tasks:
        stream = _Stream(client)
        tasks.create_task(stream.listen())
        await stream.opened.wait()
        yield stream
        await stream.close()


def _processor_s(daemon: Served) -> float:
    """Of the daemon and all its workers."""
    pids = [daemon.pid, *processes.children(daemon.pid)]
    return sum(processes.cpu_seconds(pid) for pid in pids)


def _figures(found: list[_Measured], partial: int, share: float) -> list[Figure]:
    delays = [one.delay_s * 1000 for one in found]
    engine = [one.engine_s * 1000 for one in found]
    more = [one.delay_s * 1000 - one.engine_s * 1000 for one in found]
    return [
        Figure(
            what="the engine alone on the same utterance, in-process, median",
            value=median(engine),
            unit="ms",
            note=f"{len(found)} utterances",
        ),
        Figure(what="the engine alone, p95", value=percentile(engine, 95), unit="ms"),
        Figure(
            what="end of speech to caption, median",
            value=median(delays),
            unit="ms",
            note=f"{LIVE_SILENCE_MS} ms of silence end an utterance; {partial} partial texts",
        ),
        Figure(what="end of speech to caption, p95", value=percentile(delays, 95), unit="ms"),
        Figure(
            what="end of speech to caption, beyond the engine's own time, median",
            value=median(more),
            unit="ms",
        ),
        Figure(
            what="end of speech to caption, beyond the engine's own time, p95",
            value=percentile(more, 95),
            unit="ms",
            most=300,
        ),
        Figure(
            what="listening to a quiet room: daemon and workers, of one core",
            value=share * 100,
            unit="%",
            most=3,
            note=f"without the capture itself; a part each {QUIET_STEP_MS} ms",
        ),
    ]
