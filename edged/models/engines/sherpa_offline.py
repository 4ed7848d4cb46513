"""sherpa-onnx recognisers that hear a whole window at once: parameter `kind` says which.

transducer (zipformer, NeMo with `model_type`), moonshine (v1 with four graphs, v2 with two),
whisper, sense_voice.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

from sherpa_onnx import OfflineRecognizer

from edged.errors import CorruptModel, Internal, ModelMissing, Unsupported
from edged.media import SPEECH_RATE, AudioChunk
from edged.models.engines import placement
from edged.models.engines.inputs import (
    check_language,
    file_of,
    has_file,
    samples_of,
    spec_from,
    word_of,
)
from edged.models.engines.sherpa import provider_of, where
from edged.models.engines.tokens import confidence_of, pieces_of, words_of
from edged.models.engines.voice import we_are
from edged.models.runtime import ModelSpec, TranscribeOptions, Utterance
from edged.workers.context import WorkerContext


def load(argument: bytes, context: WorkerContext) -> "SherpaOffline":
    """The recogniser that a worker hosts.

    Files by kind: transducer `encoder`, `decoder`, `joiner`; moonshine `preprocessor`, `encoder`,
    `uncached_decoder`, `cached_decoder`, or `encoder`, `decoder`; whisper `encoder`, `decoder`;
    sense_voice `model`; all have `tokens`.

    Raises:
        ModelMissing: a file is not there.
        CorruptModel: the engine refuses one, or the kind is unknown.
    """
    spec = spec_from(argument)
    kind = word_of(spec, "kind", "transducer", among=_KINDS)
    missing = [name for name, path in spec.files.items() if not os.path.isfile(path)]
    if missing:
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    try:
        recognizer = _KINDS[kind](spec)
    except (RuntimeError, ValueError) as error:
        raise CorruptModel(f"sherpa-onnx refuses the files of {spec.id}", model=spec.id) from error
    placement.note(spec.id, recognizer, lambda _: where(spec))
    return SherpaOffline(spec, recognizer, context)


def _transducer(spec: ModelSpec) -> OfflineRecognizer:
    return OfflineRecognizer.from_transducer(
        encoder=file_of(spec, "encoder"),
        decoder=file_of(spec, "decoder"),
        joiner=file_of(spec, "joiner"),
        tokens=file_of(spec, "tokens"),
        num_threads=spec.threads,
        provider=provider_of(spec),
        model_type=word_of(spec, "model_type", "transducer"),
    )


def _moonshine(spec: ModelSpec) -> OfflineRecognizer:
    if has_file(spec, "decoder"):
        return OfflineRecognizer.from_moonshine_v2(
            encoder=file_of(spec, "encoder"),
            decoder=file_of(spec, "decoder"),
            tokens=file_of(spec, "tokens"),
            num_threads=spec.threads,
            provider=provider_of(spec),
        )
    return OfflineRecognizer.from_moonshine(
        preprocessor=file_of(spec, "preprocessor"),
        encoder=file_of(spec, "encoder"),
        uncached_decoder=file_of(spec, "uncached_decoder"),
        cached_decoder=file_of(spec, "cached_decoder"),
        tokens=file_of(spec, "tokens"),
        num_threads=spec.threads,
        provider=provider_of(spec),
    )


def _whisper(spec: ModelSpec) -> OfflineRecognizer:
    return OfflineRecognizer.from_whisper(
        encoder=file_of(spec, "encoder"),
        decoder=file_of(spec, "decoder"),
        tokens=file_of(spec, "tokens"),
        language=word_of(spec, "language", ""),
        num_threads=spec.threads,
        provider=provider_of(spec),
    )


def _sense_voice(spec: ModelSpec) -> OfflineRecognizer:
    return OfflineRecognizer.from_sense_voice(
        model=file_of(spec, "model"),
        tokens=file_of(spec, "tokens"),
        language=word_of(spec, "language", ""),
        use_itn=True,
        num_threads=spec.threads,
        provider=provider_of(spec),
    )


_KINDS: dict[str, Callable[[ModelSpec], OfflineRecognizer]] = {
    "transducer": _transducer,
    "moonshine": _moonshine,
    "whisper": _whisper,
    "sense_voice": _sense_voice,
}


class SherpaOffline:
    """Fulfils Transcriber."""

    def __init__(
        self, spec: ModelSpec, recognizer: OfflineRecognizer, context: WorkerContext
    ) -> None:
        self._spec = spec
        self._recognizer = recognizer
        self._context = context

    def transcribe(self, audio: AudioChunk, options: TranscribeOptions) -> Iterator[Utterance]:
        """One utterance with all that is said in the window; none when nothing is.

        Words have times where the engine gives any: moonshine and whisper give none.

        Raises:
            BadRequest: the chunk holds half a sample.
            Unsupported: the language is not the model's, or the model will not be told.
            Yielded: the call was cancelled before it began.
        """
        self._check_language(options.language)
        self._context.give_way(yieldable=options.yieldable)
        if not audio.data:
            return
        result = self._decode(audio)
        if result.text.strip():
            yield _utterance(result, self._spec, audio.duration_ms / 1000, options)

    def canary(self) -> str:
        """What is heard when a made-up voice says "we are"; each model has its own idea."""
        text: str = self._decode(AudioChunk(data=we_are())).text
        return text.strip()

    def _check_language(self, language: str | None) -> None:
        """With several languages the engine finds out itself; it takes its orders at load only."""
        check_language(self._spec, language)
        told = self._spec.parameters.get("language", "")
        if language is not None and len(self._spec.languages) > 1 and language != told:
            raise Unsupported(
                f"{self._spec.id} detects the language itself",
                fix="leave the language out, or set `language` in a manifest of your own",
                model=self._spec.id,
            )

    def _decode(self, audio: AudioChunk) -> Any:  # noqa: ANN401 - a class of the engine, untyped
        samples = samples_of(audio)
        try:
            stream = self._recognizer.create_stream()
            stream.accept_waveform(SPEECH_RATE, samples)
            self._recognizer.decode_stream(stream)
        except (RuntimeError, ValueError) as error:
            raise Internal("sherpa-onnx failed in decoding") from error
        return stream.result


def _utterance(
    result: Any,  # noqa: ANN401 - as above
    spec: ModelSpec,
    length_s: float,
    options: TranscribeOptions,
) -> Utterance:
    pieces = pieces_of(result.tokens, result.timestamps, result.ys_log_probs)
    words = words_of(pieces, length_s)
    detected = result.lang.strip("<|>") if len(spec.languages) > 1 else ""
    return Utterance(
        text=result.text.strip(),
        start_s=words[0].start_s if words else 0.0,
        end_s=words[-1].end_s if words else length_s,
        confidence=confidence_of(pieces),
        words=words if options.words else (),
        language=detected or options.language or (spec.languages or ("",))[0],
        language_detected=bool(detected),
    )
