"""Models whose answer is known: the loudness of a sound says who speaks and what.

Hosted by real workers, through PYTHONPATH. A loudness of 100 is one voice saying "low", 200 another
one saying "shook", 300 a third one saying "can", and so on; a word lasts 250 ms.
"""

import os
from array import array
from collections.abc import Iterator

import msgspec

from edged.errors import BadMedia
from edged.media import AudioChunk
from edged.messages.records import Class
from edged.models.listening import Diarized, DiarizeOptions, SpeakerTurn
from edged.models.runtime import (
    Classified,
    ClassifyOptions,
    ModelSpec,
    Probabilities,
    SpokenWord,
    TranscribeOptions,
    Utterance,
    VadOptions,
)
from edged.workers.context import WorkerContext

WORDS = {1: "low", 2: "shook", 3: "can"}
WINDOW = 512
WORD = 4_000
BLOCK = 1_600
"""Samples in 100 ms."""


def load(argument: bytes, context: WorkerContext) -> "Listener":
    del context
    return Listener(msgspec.msgpack.decode(argument, type=ModelSpec))


class Listener:
    """Every model in one; which method is called, the task decides."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._heard: dict[str, array[int]] = {}
        self._told: dict[str, int] = {}

    def canary(self) -> str:
        return "here"

    def detect(self, audio: AudioChunk, options: VadOptions) -> Probabilities:
        samples = _samples(audio)
        size = len(samples) // WINDOW + bool(options.final and len(samples) % WINDOW)
        found = (float(_loudness(samples, at * WINDOW) > 0) for at in range(size))
        return Probabilities(data=array("f", found).tobytes())

    def transcribe(self, audio: AudioChunk, options: TranscribeOptions) -> Iterator[Utterance]:
        del options
        samples = _samples(audio)
        words = tuple(
            SpokenWord(
                text=WORDS.get(voice, f"word{voice}"),
                start_s=at / 16_000,
                end_s=(at + WORD) / 16_000,
                confidence=0.75,
            )
            for at in range(0, len(samples), WORD)
            if (voice := _loudness(samples, at))
        )
        text = " ".join(word.text for word in words)
        yield Utterance(
            text=text, start_s=0.0, end_s=len(samples) / 16_000, confidence=0.5, words=words
        )

    def diarize(self, audio: AudioChunk, options: DiarizeOptions) -> Diarized:
        if os.path.exists(str(self._spec.parameters.get("broken_while", ""))):
            raise BadMedia("this diarizer likes nothing")
        heard = self._heard.setdefault(options.stream, array("h"))
        assert audio.start == len(heard)
        heard.extend(_samples(audio))
        for span in options.speech:
            assert span.end_ms * 16 <= len(heard) + WINDOW or options.final
        self._told[options.stream] = self._told.get(options.stream, 0) + len(options.speech)
        if not options.final:
            return Diarized()
        assert self._told[options.stream]
        return Diarized(turns=tuple(_turns(self._heard.pop(options.stream))))

    def forget(self, options: DiarizeOptions) -> None:
        self._heard.pop(options.stream, None)

    def feel(self, audio: AudioChunk, options: ClassifyOptions) -> Classified:
        assert options.top_k == 1
        happy = _loudness(_samples(audio), WORD) == 2
        label = "happy" if happy else "neutral"
        return Classified(classes=(Class(label=label, score=0.875, index=int(happy)),))


def _samples(audio: AudioChunk) -> "array[int]":
    samples = array("h")
    samples.frombytes(audio.data)
    return samples


def _loudness(samples: "array[int]", at: int) -> int:
    return round(samples[min(at, len(samples) - 1)] / 100) if samples else 0


def _turns(samples: "array[int]") -> Iterator[SpeakerTurn]:
    numbers: dict[int, int] = {}
    start, voice = 0, 0
    for at in range(0, len(samples) + BLOCK, BLOCK):
        now = _loudness(samples, at) if at < len(samples) else 0
        if now == voice:
            continue
        if voice:
            number = numbers.setdefault(voice, len(numbers))
            yield SpeakerTurn(start_ms=start // 16, end_ms=at // 16, speaker=number)
        start, voice = at, now
