"""Fakes for live captions: sound that is loud or silent, and models that know the difference."""

import asyncio
from array import array
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar, TypeVarTuple

from edged.capture.source import CapturedPart
from edged.errors import EdgedError
from edged.media import AudioChunk, ms_to_samples
from edged.messages.records import Segment
from edged.messages.sessions import PartialText
from edged.messages.wire import Priority
from edged.models.runtime import (
    Partial,
    Probabilities,
    SpokenWord,
    StreamOptions,
    TranscribeOptions,
    Utterance,
    VadOptions,
)
from edged.pipeline.live.loudness import Loudness
from edged.pipeline.live.plan import LivePlan
from edged.speech.segmenter import SegmenterOptions

M = TypeVar("M")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")

LOUD = 0.5
VAD, WORDS = "vad", "words"


def plan(*, streaming: bool = False, max_ms: int = 10_000) -> LivePlan:
    """Utterances end after 256 ms of silence, and have 96 ms of it around them."""
    return LivePlan(
        vad=VAD,
        model=WORDS,
        streaming=streaming,
        language=None,
        words=True,
        yields=True,
        segmenter=SegmenterOptions(min_silence_ms=256, padding_ms=96, max_ms=max_ms),
        files=(),
    )


def sound(*stretches: tuple[bool, int]) -> bytes:
    """Stretches of noise (True) or silence (False), in milliseconds."""
    pcm = b""
    for loud, milliseconds in stretches:
        value = int(LOUD * 32_767) if loud else 0
        pcm += array("h", [value, -value] * (ms_to_samples(milliseconds) // 2)).tobytes()
    return pcm


def parts(pcm: bytes, *, step_ms: int = 64, start_ms: int = 0) -> Iterator[CapturedPart]:
    """The sound as it would be captured."""
    step = 2 * ms_to_samples(step_ms)
    for at in range(0, len(pcm), step):
        start = ms_to_samples(start_ms) + at // 2
        yield CapturedPart(audio=AudioChunk(data=pcm[at : at + step], start=start))


def loud_ms(audio: AudioChunk) -> int:
    """How much of it is noise."""
    found = array("f")
    found.frombytes(Loudness().feed(audio.data))
    return sum(32 for value in found if value > LOUD / 2)


class FakeVad:
    """Fulfils VoiceActivity: what is loud is speech."""

    def __init__(self) -> None:
        self._streams: dict[str, Loudness] = {}

    def canary(self) -> str:
        return "quiet"

    def detect(self, audio: AudioChunk, options: VadOptions) -> Probabilities:
        found = array("f")
        found.frombytes(self._streams.setdefault(options.stream, Loudness()).feed(audio.data))
        return Probabilities(data=array("f", (float(one > 0.1) for one in found)).tobytes())


class FakeWords:
    """Fulfils Transcriber: one word, `la`, for each 100 ms of noise; what it was given is noted."""

    def __init__(self, errors: list[EdgedError] | None = None) -> None:
        self.heard_ms: list[int] = []
        self._errors = errors or []

    def canary(self) -> str:
        return "la"

    def transcribe(self, audio: AudioChunk, options: TranscribeOptions) -> Iterator[Utterance]:
        del options
        self.heard_ms.append(audio.duration_ms)
        if self._errors:
            raise self._errors.pop(0)
        count = round(loud_ms(audio) / 100)
        words = tuple(
            SpokenWord(text="la", start_s=at / 10, end_s=at / 10 + 0.1, confidence=0.5)
            for at in range(count)
        )
        if words:
            end_s = audio.duration_ms / 1000
            yield Utterance(
                text=" ".join("la" for _ in words),
                start_s=0.0,
                end_s=end_s,
                confidence=0.5,
                words=words,
            )


class FakeStreamingWords:
    """Fulfils StreamingTranscriber: as FakeWords, while it comes in; a stream ends only when told."""

    def __init__(self, errors: list[EdgedError] | None = None) -> None:
        self.streams: dict[str, bytes] = {}
        self._errors = errors or []

    def canary(self) -> str:
        return "la"

    def feed(self, audio: AudioChunk, options: StreamOptions) -> Partial:
        if self._errors:
            self.streams.clear()
            raise self._errors.pop(0)
        pcm = self.streams.get(options.stream, b"") + bytes(audio.data)
        self.streams[options.stream] = pcm
        if options.final:
            del self.streams[options.stream]
        count = round(loud_ms(AudioChunk(data=pcm)) / 100)
        return Partial(text=" ".join(["la"] * count), ended=options.final, confidence=0.7)


class FakeLease(Generic[M]):
    """Fulfils models.Borrowed, without a process; waits at a gate when it is given one."""

    def __init__(self, model: M, gate: asyncio.Event | None) -> None:
        self.model = model
        self._gate = gate

    async def call(self, method: Callable[[*Ts], R], *arguments: *Ts) -> R:
        await self._pass()
        return method(*arguments)

    async def stream(
        self, method: Callable[[*Ts], Iterator[R]], *arguments: *Ts
    ) -> AsyncGenerator[R, None]:
        await self._pass()
        for answer in method(*arguments):
            yield answer

    async def _pass(self) -> None:
        await asyncio.sleep(0)
        if self._gate is not None:
            await self._gate.wait()


class FakePool:
    """Fulfils models.Lends. gate: recognition waits for it; voice activity never does."""

    def __init__(self, words: object, *, gate: asyncio.Event | None = None) -> None:
        self._models: dict[str, Any] = {VAD: FakeVad(), WORDS: words}
        self._gates = {VAD: None, WORDS: gate}

    @asynccontextmanager
    async def borrow(
        self, model: str, protocol: Callable[..., M], *, priority: Priority = "interactive"
    ) -> AsyncGenerator[FakeLease[M], None]:
        del protocol, priority
        yield FakeLease(self._models[model], self._gates[model])


class Told:
    """Notes what is told, and lets tests wait for it."""

    def __init__(self) -> None:
        self.partial: list[PartialText] = []
        self.segments: list[Segment] = []
        self._news = asyncio.Event()

    def __call__(self, news: PartialText | Segment) -> None:
        if isinstance(news, PartialText):
            self.partial.append(news)
        else:
            self.segments.append(news)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something told makes it true."""
        async with asyncio.timeout(5):
            while not condition():
                self._news.clear()
                await self._news.wait()
