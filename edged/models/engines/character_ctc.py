"""Letters of a known text in time, by a CTC model in ONNX that hears letters (wav2vec 2.0 and the like)."""

import json
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns

import numpy as np

from edged.errors import BadRequest, CorruptModel, Internal, ModelMissing
from edged.media import SPEECH_RATE, AudioChunk
from edged.models.engines import forced
from edged.models.engines.inputs import (
    Samples,
    check_known_language,
    file_of,
    number_of,
    samples_of,
    spec_from,
    word_of,
)
from edged.models.engines.ort import ORT_ERRORS, open_session
from edged.models.engines.voice import we_are
from edged.models.listening import AlignedSpeech, AlignOptions, SpokenPhone
from edged.models.runtime import ModelSpec, SpokenWord
from edged.workers.context import WorkerContext

Spell = Callable[[Sequence[str], str], list[list[str]]]
"""Tokens of each word; empty for a word that has none."""

WINDOW_S, MARGIN_S = 20, 1
"""What the graph is given at once, and what of it on either side is only there to be heard along."""

QUIET_S = 0.2
"""A longer silence between words belongs to neither."""

_BLANKS = ("<pad>", "<blk>", "<blank>", "[PAD]", "_")
_LEAST = 400
"""Samples; wav2vec 2.0 needs so many for its first frame."""


def load(argument: bytes, context: WorkerContext) -> "CtcAligner":
    """The aligner that a worker hosts; files `model.onnx`, `vocab.json` (token to number).

    Parameters: `blank` (`<pad>` and other usual names), `delimiter` (`|` between words of
    letters, where the vocabulary has it), `normalize` (true: of mean 0 and deviation 1 first).

    Raises:
        ModelMissing: a file is not there. CorruptModel: it is another model, or no vocabulary.
    """
    spec = spec_from(argument)
    vocabulary = vocabulary_of(spec)
    return CtcAligner(spec, vocabulary, context, spell=lambda words, _: letters(words, vocabulary))


def vocabulary_of(spec: ModelSpec) -> Mapping[str, int]:
    """The model's tokens and their numbers."""
    try:
        with open(file_of(spec, "vocab.json"), "rb") as file:
            tokens = json.load(file)
    except OSError as error:
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id) from error
    except ValueError as error:
        raise CorruptModel(f"the vocabulary of {spec.id} is no JSON", model=spec.id) from error
    if not isinstance(tokens, dict) or not all(isinstance(one, int) for one in tokens.values()):
        raise CorruptModel(f"the vocabulary of {spec.id} names no tokens", model=spec.id)
    return tokens


def letters(words: Sequence[str], vocabulary: Mapping[str, int]) -> list[list[str]]:
    """The letters of each word that the vocabulary has, in the case in which it has them."""
    return [[found for letter in word if (found := _known(letter, vocabulary))] for word in words]


def _known(letter: str, vocabulary: Mapping[str, int]) -> str:
    cases = (letter, letter.upper(), letter.lower())
    return next((one for one in cases if one in vocabulary), "")


class CtcAligner:
    """Fulfils Aligner over a graph of one waveform that gives scores of tokens by frame.

    Args:
        spec: of the model. vocabulary: its tokens. spell: a text as tokens.
        ipa: whether its tokens are phones in IPA.
    """

    def __init__(
        self,
        spec: ModelSpec,
        vocabulary: Mapping[str, int],
        context: WorkerContext,
        *,
        spell: Spell,
        ipa: bool = False,
    ) -> None:
        self._spec = spec
        self._vocabulary = vocabulary
        self._context = context
        self._spell = spell
        self._ipa = ipa
        self._session = open_session(spec, "model.onnx")
        self._input = self._only_input()
        self._blank = self._blank_of(word_of(spec, "blank", ""))
        self._delimiter = vocabulary.get(word_of(spec, "delimiter", "" if ipa else "|"))
        self._normalize = bool(spec.parameters.get("normalize", True))
        self._frame_s = number_of(spec, "frame_ms", 20.0) / 1000

    def align(self, audio: AudioChunk, options: AlignOptions) -> AlignedSpeech:
        """Words and tokens in time.

        Raises:
            UnsupportedLanguage: the manifest does not list it.
            BadRequest: half a sample; a word of which the model knows no token, by its number; more
                text than fits into the audio.
        """
        began = perf_counter_ns()
        check_known_language(self._spec, options.language)
        words = options.text.split()
        spelled = self._spell(words, options.language)
        for position, one in enumerate(spelled, start=1):
            if not one:
                raise BadRequest(
                    f"word {position} of the text has no sound that {self._spec.id} knows",
                    fix="write it as it is said",
                )
        samples = samples_of(audio)
        stretches = self._stretches(samples, spelled)
        found = self._speech(words, spelled, stretches, len(samples) / SPEECH_RATE)
        took_us = (perf_counter_ns() - began) // 1000
        return AlignedSpeech(words=found[0], phones=found[1], computed_us=took_us)

    def canary(self) -> str:
        """The likeliest token of each frame in a made-up voice that says "we are"."""
        found = self._heard(samples_of(AudioChunk(data=we_are())))
        return " ".join(str(one) for one in found.argmax(axis=1))

    def _only_input(self) -> str:
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != len(("batch", "samples")):
            raise CorruptModel(f"{self._spec.id} does not take one waveform", model=self._spec.id)
        return str(inputs[0].name)

    def _blank_of(self, asked: str) -> int:
        names = (asked,) if asked else _BLANKS
        found = [self._vocabulary[one] for one in names if one in self._vocabulary]
        if not found:
            raise CorruptModel(
                f"the vocabulary of {self._spec.id} has no blank",
                fix="name it with parameters.blank in the manifest",
                model=self._spec.id,
            )
        return found[0]

    def _stretches(
        self, samples: Samples, spelled: Sequence[Sequence[str]]
    ) -> list[list[forced.Stretch]]:
        """Of each word, where its tokens lie."""
        between = [] if self._delimiter is None else [self._delimiter]
        tokens: list[int] = []
        for word in spelled:
            tokens += [*(between if tokens else ()), *(self._vocabulary[one] for one in word)]
        found = forced.aligned(self._heard(samples), tokens, self._blank)
        if found is None:
            raise BadRequest(
                "the text is longer than the audio", fix="give the words that are said"
            )
        waiting = iter(found)
        stretches: list[list[forced.Stretch]] = []
        for word in spelled:
            if stretches and between:
                next(waiting)
            stretches.append([next(waiting) for _ in word])
        return stretches

    def _heard(self, samples: Samples) -> forced.LogProbabilities:
        """Window by window; the frames of the margins are dropped."""
        if self._normalize and samples.size:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + np.float32(1e-7))
        core, margin = WINDOW_S * SPEECH_RATE, MARGIN_S * SPEECH_RATE
        pieces = []
        for start in range(0, max(1, len(samples)), core):
            self._context.give_way(yieldable=False)
            begin, end = max(0, start - margin), start + core
            found = self._run(samples[begin : end + margin])
            first = round((start - begin) / SPEECH_RATE / self._frame_s)
            most = round(WINDOW_S / self._frame_s) if end < len(samples) else len(found)
            pieces.append(found[first : first + most])
        return np.concatenate(pieces)

    def _run(self, samples: Samples) -> forced.LogProbabilities:
        padded = np.pad(samples, (0, max(0, _LEAST - len(samples)))).astype(np.float32)
        try:
            logits = self._session.run(None, {self._input: padded[np.newaxis]})[0]
        except ORT_ERRORS as error:
            raise Internal("onnxruntime failed in hearing tokens") from error
        scores: forced.LogProbabilities = np.asarray(logits, np.float32)[0]
        if scores.ndim != len(("frames", "tokens")) or scores.shape[1] <= max(
            self._vocabulary.values()
        ):
            raise CorruptModel(f"{self._spec.id} gives no scores of tokens", model=self._spec.id)
        top = scores.max(axis=1, keepdims=True)
        sums = np.exp(scores - top).sum(axis=1, keepdims=True)
        return np.asarray(scores - top - np.log(sums), np.float32)

    def _speech(
        self,
        words: Sequence[str],
        spelled: Sequence[Sequence[str]],
        stretches: Sequence[Sequence[forced.Stretch]],
        length_s: float,
    ) -> tuple[tuple[SpokenWord, ...], tuple[SpokenPhone, ...]]:
        flat = [one for word in stretches for one in word]
        starts, ends = _times(flat, self._frame_s, length_s)
        found_words, phones, at = [], [], 0
        for word, names, inner in zip(words, spelled, stretches, strict=True):
            last = at + len(names)
            for place, name in enumerate(names, start=at):
                phones.append(
                    SpokenPhone(
                        phone=name,
                        ipa=name if self._ipa else "",
                        start_s=starts[place],
                        end_s=ends[place],
                        confidence=flat[place].confidence,
                    )
                )
            confidence = sum(one.confidence for one in inner) / len(inner)
            found_words.append(
                SpokenWord(
                    text=word, start_s=starts[at], end_s=ends[last - 1], confidence=confidence
                )
            )
            at = last
        return tuple(found_words), tuple(phones)


def _times(
    stretches: Sequence[forced.Stretch], frame_s: float, length_s: float
) -> tuple[list[float], list[float]]:
    """When tokens begin and end: short silence between two is divided, longer one is of neither."""
    starts = [min(one.first * frame_s, length_s) for one in stretches]
    ends = [min((one.last + 1) * frame_s, length_s) for one in stretches]
    for place in range(len(stretches) - 1):
        gap = starts[place + 1] - ends[place]
        if gap <= QUIET_S:
            ends[place] = starts[place + 1] = ends[place] + gap / 2
    return starts, ends
