"""Whisper on CTranslate2, 8 bit, on the CPU, from a folder as faster-whisper's conversions have it.

The encoder always works on 30 s, so its cost is the same for 3 s and for 28 s: windows are packed
(`packs` in the manifest), and a window must not pass 28 s, or a second pass begins.
"""

import math
import os
from collections.abc import Iterable, Iterator

from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment, TranscriptionInfo, Word

from edged.errors import CorruptModel, Internal, ModelMissing
from edged.media import AudioChunk
from edged.models.engines.inputs import (
    check_language,
    file_of,
    number_of,
    samples_of,
    spec_from,
    word_of,
)
from edged.models.engines.voice import we_are
from edged.models.runtime import ModelSpec, SpokenWord, TranscribeOptions, Utterance
from edged.workers.context import WorkerContext

_COMPUTE_TYPES = ("int8", "int8_float32", "float32")


def load(argument: bytes, context: WorkerContext) -> "FasterWhisper":
    """The recogniser that a worker hosts; files `model.bin` and those beside it.

    Parameters: `beam_size` (5), `compute_type` (int8).

    Raises:
        ModelMissing: a file is not there.
        CorruptModel: the engine refuses one, or they lie in different folders.
    """
    spec = spec_from(argument)
    return FasterWhisper(spec, _open(spec), context)


def _open(spec: ModelSpec) -> WhisperModel:
    folder = _folder_of(spec)
    compute_type = word_of(spec, "compute_type", "int8", among=_COMPUTE_TYPES)
    try:
        return WhisperModel(
            folder,
            device="cpu",
            compute_type=compute_type,
            cpu_threads=spec.threads,
            local_files_only=True,
        )
    except Exception as error:
        # tokenizers raises a bare Exception for a broken tokenizer.json, and nothing narrower.
        if type(error) not in (Exception, RuntimeError, ValueError, KeyError, TypeError):
            raise
        raise CorruptModel(f"CTranslate2 refuses the files of {spec.id}", model=spec.id) from error


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
    """Fulfils Transcriber."""

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
