"""sherpa-onnx's voices: VITS (Piper), Kokoro, Kitten, Matcha; parameter `kind` says which.

sherpa-onnx 2 carries no espeak-ng: English voices need a lexicon, `lexicon-en-us.txt`, beside their
tokens. A word that it does not know is left out by the engine.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import sherpa_onnx

from edged.errors import BadRequest, CorruptModel, Internal, ModelMissing, UnsupportedLanguage
from edged.media import AudioFormat
from edged.models.engines import placement
from edged.models.engines.inputs import file_of, has_file, spec_from, word_of
from edged.models.engines.sentences import sentences
from edged.models.engines.sherpa import provider_of, where
from edged.models.listening import SpeakOptions, SpokenSound
from edged.models.runtime import ModelSpec, Text
from edged.workers.context import WorkerContext

CANARY = "edged"


def load(argument: bytes, context: WorkerContext) -> "SherpaVoice":
    """The voice that a worker hosts.

    Files by kind: vits `model`, `tokens`; kokoro and kitten `model`, `voices`, `tokens`; matcha
    `acoustic`, `vocoder`, `tokens`; all may have `lexicon-en-us`. Parameter `voices`: names of the
    model's voices with spaces between, in its order.

    Raises:
        ModelMissing: a file is not there. CorruptModel: the engine refuses one.
    """
    spec = spec_from(argument)
    kind = word_of(spec, "kind", "vits", among=_KINDS)
    if any(not os.path.isfile(path) for path in spec.files.values()):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    common = {"num_threads": spec.threads, "provider": provider_of(spec)}
    graphs = sherpa_onnx.OfflineTtsModelConfig(**{kind: _KINDS[kind](spec)}, **common)
    config = sherpa_onnx.OfflineTtsConfig(model=graphs, max_num_sentences=1)
    if not config.validate():
        raise CorruptModel(f"sherpa-onnx refuses the files of {spec.id}", model=spec.id)
    try:
        engine = sherpa_onnx.OfflineTts(config)
    except (RuntimeError, ValueError) as error:
        raise CorruptModel(f"sherpa-onnx refuses the files of {spec.id}", model=spec.id) from error
    placement.note(spec.id, engine, lambda _: where(spec))
    return SherpaVoice(spec, engine, context)


def _lexicon(spec: ModelSpec) -> str:
    return file_of(spec, "lexicon-en-us") if has_file(spec, "lexicon-en-us") else ""


def _vits(spec: ModelSpec) -> Any:  # noqa: ANN401 - classes of the engine, untyped; likewise below
    return sherpa_onnx.OfflineTtsVitsModelConfig(
        model=file_of(spec, "model"), tokens=file_of(spec, "tokens"), lexicon=_lexicon(spec)
    )


def _styled(kind: Callable[..., Any]) -> Callable[[ModelSpec], Any]:
    """Kokoro and Kitten: a graph, and a file with its voices."""

    def config(spec: ModelSpec) -> Any:  # noqa: ANN401
        return kind(
            model=file_of(spec, "model"),
            voices=file_of(spec, "voices"),
            tokens=file_of(spec, "tokens"),
            lexicon=_lexicon(spec),
        )

    return config


def _matcha(spec: ModelSpec) -> Any:  # noqa: ANN401
    return sherpa_onnx.OfflineTtsMatchaModelConfig(
        acoustic_model=file_of(spec, "acoustic"),
        vocoder=file_of(spec, "vocoder"),
        tokens=file_of(spec, "tokens"),
        lexicon=_lexicon(spec),
    )


_KINDS: dict[str, Callable[[ModelSpec], Any]] = {
    "vits": _vits,
    "kokoro": _styled(sherpa_onnx.OfflineTtsKokoroModelConfig),
    "kitten": _styled(sherpa_onnx.OfflineTtsKittenModelConfig),
    "matcha": _matcha,
}


@contextmanager
def _unheard() -> Iterator[None]:
    """The engine prints words that it does not know; what a user writes must not reach a log."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class SherpaVoice:
    """Fulfils VoiceModel."""

    def __init__(
        self, spec: ModelSpec, engine: sherpa_onnx.OfflineTts, context: WorkerContext
    ) -> None:
        self._spec = spec
        self._engine = engine
        self._context = context
        self._names = word_of(spec, "voices", "").split()
        self._format = AudioFormat(sample_rate=engine.sample_rate)

    def speak(self, text: Text, options: SpeakOptions) -> Iterator[SpokenSound]:
        """The speech, sentence by sentence.

        Raises:
            BadRequest: it has no such voice. UnsupportedLanguage: not one of the manifest's.
        """
        language = options.language.partition("-")[0]
        if language and self._spec.languages and language not in self._spec.languages:
            raise UnsupportedLanguage(
                f"{self._spec.id} does not speak {options.language}", model=self._spec.id
            )
        number = self._number(options.voice)
        spoken = 0
        for sentence in sentences(text.text):
            self._context.give_way(yieldable=False)
            spoken += len(sentence)
            data = self._say(sentence, number, options.speed)
            progress = min(1.0, spoken / len(text.text))
            yield SpokenSound(data=data, audio=self._format, progress=progress)

    def canary(self) -> str:
        """How many milliseconds a word takes, and how loud it is, roughly."""
        samples = np.frombuffer(self._say(CANARY, 0, 1.0), "<i2").astype(np.float32)
        loudness = np.sqrt(np.square(samples / 2**15).mean()) if len(samples) else 0.0
        return f"{len(samples) * 1000 // self._format.sample_rate} ms {loudness:.1f}"

    def _number(self, voice: str) -> int:
        """Which voice; the first without a wish."""
        if voice in self._names:
            return self._names.index(voice)
        known = max(1, self._engine.num_speakers)
        if not voice:
            return 0
        if voice.isascii() and voice.isdecimal() and int(voice) < known:
            return int(voice)
        raise BadRequest(
            f"{self._spec.id} has no such voice",
            fix=f"give a number from 0 to {known - 1}" + (", or a name" if self._names else ""),
            model=self._spec.id,
        )

    def _say(self, sentence: str, number: int, speed: float) -> bytes:
        try:
            with _unheard():
                made = self._engine.generate(sentence, sid=number, speed=speed)
        except (RuntimeError, ValueError) as error:
            raise Internal("sherpa-onnx failed in speaking") from error
        samples = np.asarray(made.samples, np.float32)
        scaled = np.rint(np.clip(samples, -1, 1) * np.float32(2**15 - 1))
        return bytes(scaled.astype("<i2").tobytes())
