"""Whisper on CTranslate2, on the processor or on CUDA, from a folder as faster-whisper's conversions have it.

The encoder always works on 30 s, so its cost is the same for 3 s and for 28 s: windows are packed
(`packs` in the manifest), and a window must not pass 28 s, or a second pass begins.
"""

import math
import os
from collections.abc import Iterable, Iterator
from time import perf_counter_ns

from ctranslate2 import get_supported_compute_types
from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment, TranscriptionInfo, Word

from edged.errors import CorruptModel, Internal, ModelMissing, Unsupported
from edged.media import AudioChunk
from edged.messages.records import Class
from edged.models.accelerators import runtime_of
from edged.models.engines import placement
from edged.models.engines.inputs import (
    check_language,
    file_of,
    number_of,
    samples_of,
    spec_from,
    word_of,
)
from edged.models.engines.voice import we_are
from edged.models.runtime import (
    Classified,
    ClassifyOptions,
    ModelSpec,
    Placement,
    SpokenWord,
    TranscribeOptions,
    Utterance,
)
from edged.workers.context import WorkerContext

_AUTO = "auto"
_COMPUTE_TYPES = (
    _AUTO, "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16",
    "float32",
)  # fmt: skip

_PREFERRED = {
    "cpu": ("int8", "int8_float32", "float32"),
    "cuda": ("int8_float16", "float16", "int8_float32", "float32"),
}
"""The first one that the device has: small in memory, and quick there."""


def load(argument: bytes, context: WorkerContext) -> "FasterWhisper":
    """The recogniser that a worker hosts; files `model.bin` and those beside it.

    Parameters: `beam_size` (5), `compute_type` (auto: int8 on the processor, int8_float16 or
    float16 on CUDA, as the device has them).

    Raises:
        ModelMissing: a file is not there.
        CorruptModel: the engine refuses one, or they lie in different folders.
        Unsupported: the device has no such compute type, or there is no such device.
    """
    spec = spec_from(argument)
    return FasterWhisper(spec, _open(spec), context)


def _open(spec: ModelSpec) -> WhisperModel:
    folder = _folder_of(spec)
    device = _device_of(spec)
    compute_type = _compute_type(spec, device)
    try:
        model = WhisperModel(
            folder,
            device=device,
            compute_type=compute_type,
            cpu_threads=spec.threads,
            local_files_only=True,
        )
    except Exception as error:
        # tokenizers raises a bare Exception for a broken tokenizer.json, and nothing narrower.
        if type(error) not in (Exception, RuntimeError, ValueError, KeyError, TypeError):
            raise
        raise CorruptModel(f"CTranslate2 refuses the files of {spec.id}", model=spec.id) from error
    placement.note(spec.id, model, _where)
    return model


def _where(model: WhisperModel) -> Placement:
    """Its model is on one device as a whole, and tells which."""
    return Placement(device=_DEVICES.get(model.model.device, ""))


_DEVICES = {"cpu": "cpu", "cuda": "gpu:cuda"}


def _device_of(spec: ModelSpec) -> str:
    """The spec's device in CTranslate2's words.

    Raises:
        Unsupported: it has no such device.
    """
    accelerator = runtime_of(spec.engine).accelerator(spec.device)
    if accelerator is None:
        raise Unsupported(f"CTranslate2 has no {spec.device}", fix="ask for cpu or gpu:cuda")
    return accelerator.provider


def _compute_type(spec: ModelSpec, device: str) -> str:
    """The manifest's, or the best that the device has.

    Raises:
        Unsupported: the device has not the one that the manifest wants, or there is no device.
    """
    wanted = word_of(spec, "compute_type", _AUTO, among=_COMPUTE_TYPES)
    try:
        supported = get_supported_compute_types(device)
    except (RuntimeError, ValueError) as error:
        raise Unsupported(f"CTranslate2 cannot use {spec.device} here") from error
    found = [one for one in _PREFERRED[device] if one in supported]
    if wanted == _AUTO and found:
        return found[0]
    if wanted not in supported:
        raise Unsupported(
            f"{spec.device} has no compute type {wanted} here",
            fix=f"one of auto, {', '.join(sorted(supported))}",
            model=spec.id,
        )
    return wanted


def _folder_of(spec: ModelSpec) -> str:
    """The one folder of all files; a missing one would make the engine ask the network."""
    paths = [file_of(spec, name) for name in ("model.bin", "config.json", "tokenizer.json")]
    paths += spec.files.values()
    if not all(os.path.isfile(path) for path in paths):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    folders = {os.path.dirname(path) for path in paths}
    if len(folders) > 1:
        raise CorruptModel(f"the files of {spec.id} lie in different folders", model=spec.id)
    return folders.pop()


class FasterWhisper:
    """Fulfils Transcriber; with several languages LanguageModel too."""

    def __init__(self, spec: ModelSpec, model: WhisperModel, context: WorkerContext) -> None:
        self._spec = spec
        self._model = model
        self._context = context
        self._beam_size = int(number_of(spec, "beam_size", 5))

    def transcribe(self, audio: AudioChunk, options: TranscribeOptions) -> Iterator[Utterance]:
        """What is said, cut where the model heard an end; times within the chunk.

        Raises:
            BadRequest: the chunk holds half a sample.
            Unsupported: the language is not the model's.
            Yielded: the call was yieldable and another one waits.
        """
        check_language(self._spec, options.language)
        if not audio.data:
            return
        length_s = audio.duration_ms / 1000
        segments, info = self._start(audio, options)
        detected = options.language is None and self._model.model.is_multilingual
        for segment in self._each(segments):
            self._context.give_way(yieldable=options.yieldable)
            if segment.text.strip():
                yield _utterance(segment, info.language, length_s, detected=detected)

    def canary(self) -> str:
        """What is heard when a made-up voice says "we are"; each model has its own idea."""
        audio = AudioChunk(data=we_are())
        segments, _ = self._start(audio, TranscribeOptions(language="en", words=False))
        return " ".join(segment.text.strip() for segment in self._each(segments))

    def languages(self, audio: AudioChunk, options: ClassifyOptions) -> Classified:
        """Language codes with how likely each is, by what is said in at most 30 s.

        Raises:
            BadRequest: the chunk holds half a sample.
            Unsupported: the model knows but one language.
        """
        began = perf_counter_ns()
        if not self._model.model.is_multilingual:
            raise Unsupported(f"{self._spec.id} knows one language only", model=self._spec.id)
        samples = samples_of(audio)
        try:
            _, _, likely = self._model.detect_language(samples)
        except (RuntimeError, ValueError) as error:
            raise Internal("CTranslate2 failed in detecting the language") from error
        best = sorted(likely, key=lambda one: (-one[1], one[0]))[: options.top_k]
        classes = tuple(
            Class(label=code, score=_share(score), index=place)
            for place, (code, score) in enumerate(best)
            if score >= options.min_score
        )
        return Classified(classes=classes, computed_us=(perf_counter_ns() - began) // 1000)

    def _start(
        self, audio: AudioChunk, options: TranscribeOptions
    ) -> tuple[Iterable[Segment], TranscriptionInfo]:
        """Encode; decoding happens while the segments are taken.

        One temperature: the engine's other ones sample at random, and a window that is heard
        again after a crash must give the same text.
        """
        samples = samples_of(audio)
        try:
            segments, info = self._model.transcribe(
                samples,
                language=options.language,
                beam_size=self._beam_size,
                temperature=0.0,
                condition_on_previous_text=False,
                vad_filter=False,
                word_timestamps=options.words,
            )
        except (RuntimeError, ValueError) as error:
            raise Internal("CTranslate2 failed in encoding") from error
        return segments, info

    def _each(self, segments: Iterable[Segment]) -> Iterator[Segment]:
        """The segments; decoding happens here.

        Raises:
            Internal: the engine failed.
        """
        waiting = iter(segments)
        while True:
            try:
                segment = next(waiting, None)
            except (RuntimeError, ValueError) as error:
                raise Internal("CTranslate2 failed in decoding") from error
            if segment is None:
                return
            yield segment


def _utterance(segment: Segment, language: str, length_s: float, *, detected: bool) -> Utterance:
    words = tuple(_word(word, length_s) for word in segment.words or () if word.word.strip())
    confidences = [word.confidence for word in words] or [math.exp(segment.avg_logprob)]
    return Utterance(
        text=segment.text.strip(),
        start_s=min(float(segment.start), length_s),
        end_s=min(float(segment.end), length_s),
        confidence=_share(sum(confidences) / len(confidences)),
        words=words,
        language=language,
        language_detected=detected,
    )


def _word(word: Word, length_s: float) -> SpokenWord:
    return SpokenWord(
        text=word.word.strip(),
        start_s=min(float(word.start), length_s),
        end_s=min(float(word.end), length_s),
        confidence=_share(word.probability),
    )


def _share(value: float) -> float:
    """A probability that rounding has not led out of [0, 1]."""
    return min(max(float(value), 0.0), 1.0)
