"""PocketSphinx puts a known English text into time: words first, then the phones within them.

The first pass finds the words, with silence between them where there is some and the pronunciation
that fits best; the second one divides each word into its phones. Acoustic scores are computed for
every second frame only (`ds`).
Measured: 2026-11, 2 vCPU, 81 s of flite's voices slt, awb, rms and kal, phone starts against the
synthesiser's own: 12.0 ms mean error and 168 ms for 10 s of audio so; 12.1 ms and 275 ms with every
frame; 13.2 ms and 125 ms with every third; 12.4 ms and 205 ms with the best Gaussian alone (`topn`).

The second pass needs memory for each frame and phone (7 GB for ten minutes at once), so longer audio
is cut between words after the first pass, and each piece is done by itself.
"""

import math
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from time import perf_counter_ns

from msgspec import Struct, structs
from pocketsphinx import Decoder, Segment

from edged.errors import BadRequest, CorruptModel, ModelMissing
from edged.media import SPEECH_RATE, AudioChunk
from edged.models.engines.inputs import check_known_language, file_of, spec_from
from edged.models.engines.voice import we_are
from edged.models.listening import AlignedSpeech, AlignOptions, SpokenPhone
from edged.models.runtime import ModelSpec, SpokenWord
from edged.speech.letters import pronounced
from edged.speech.phones import ipa_of
from edged.workers.context import WorkerContext

FRAME_S = 0.01
FRAME_BYTES = 2 * SPEECH_RATE // 100

PIECE_S = 30.0
"""Longer audio is cut. Measured: 2026-11: the second pass takes 60 MB for 30 s of quick speech."""

_MOST_NEW_WORDS = 2000
"""Then the dictionary is read anew, so that it does not grow for ever."""

_STEEP, _MIDDLE = 0.134, -36.8
"""Source: a logistic fit by us, 2026-11: 276 words that were said and 84 that were not, in 81 s of
flite's voices; it tells 96 of 100 such pairs apart. x: the score by frame, best state = 0."""


class Phone(Struct, frozen=True):
    """One phone: its first frame from the audio's start, how many frames, its score over them."""

    name: str
    start: int
    frames: int
    score: int


def load(argument: bytes, context: WorkerContext) -> "PocketSphinxAligner":
    """The aligner that a worker hosts; files `mdef` (with its folder) and `dictionary`.

    Raises:
        ModelMissing: a file is not there.
        CorruptModel: the engine refuses one.
    """
    spec = spec_from(argument)
    return PocketSphinxAligner(spec, context)


def _open(spec: ModelSpec) -> Decoder:
    mdef, dictionary = (file_of(spec, name) for name in ("mdef", "dictionary"))
    if not all(os.path.isfile(path) for path in (mdef, dictionary)):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    try:
        return Decoder(
            hmm=os.path.dirname(mdef),
            dict=dictionary,
            lm=None,
            bestpath=False,
            ds=2,
            loglevel="FATAL",
        )
    except (RuntimeError, ValueError) as error:
        raise CorruptModel(f"PocketSphinx refuses the files of {spec.id}", model=spec.id) from error


class PocketSphinxAligner:
    """Fulfils Aligner. The same audio and text give the same times whatever was asked before."""

    def __init__(self, spec: ModelSpec, context: WorkerContext) -> None:
        self._spec = spec
        self._context = context
        self._decoder = _open(spec)
        self._new_words = 0

    def align(self, audio: AudioChunk, options: AlignOptions) -> AlignedSpeech:
        """Words and phones; a word is given back as it stands in the text.

        Raises:
            UnsupportedLanguage: it is not English.
            BadRequest: half a sample; no word; a word that cannot be pronounced, by its number; or
                the text is not what is said in the audio.
        """
        began = perf_counter_ns()
        check_known_language(self._spec, options.language)
        if len(audio.data) % 2:
            raise BadRequest("a chunk holds half a sample")
        texts = options.text.split()
        words = self._known(texts)
        pcm = bytes(audio.data)
        if not pcm:
            raise _no_fit()
        aligned: list[list[Phone]] = []
        for first, last, some in self._pieces(pcm, words):
            self._context.give_way(yieldable=False)
            piece = pcm[first * FRAME_BYTES : last * FRAME_BYTES]
            aligned += self._aligned(piece, some, first)
        found = _speech(texts, aligned, len(pcm) / 2 / SPEECH_RATE)
        return structs.replace(found, computed_us=(perf_counter_ns() - began) // 1000)

    def canary(self) -> str:
        """Where "we are" lies in the made-up voice that says it: its phones and their first frames."""
        words = self._aligned(we_are(), ["we", "are"], 0)
        return " ".join(f"{phone.name}{phone.start}" for word in words for phone in word)

    def _known(self, texts: Sequence[str]) -> list[str]:
        """The words as the dictionary has them; those that it lacks are added to it."""
        if self._new_words > _MOST_NEW_WORDS:
            self._decoder, self._new_words = _open(self._spec), 0
        if not texts:
            raise BadRequest("the text holds no word")
        return [self._entry(text, position) for position, text in enumerate(texts, start=1)]

    def _entry(self, text: str, position: int) -> str:
        for word in (text.lower(), text.lower().strip("'")):
            if word and self._decoder.lookup_word(word) is not None:
                return word
        phones = pronounced(text)
        if not phones:
            raise BadRequest(
                f"word {position} of the text cannot be pronounced in English",
                fix="write it in the letters a to z",
            )
        word = text.lower()
        self._decoder.add_word(word, " ".join(phones), update=False)
        self._new_words += 1
        return word

    def _pieces(self, pcm: bytes, words: Sequence[str]) -> Iterator[tuple[int, int, list[str]]]:
        """First frame, last frame and words of each piece, about PIECE_S long."""
        frames = -(-len(pcm) // FRAME_BYTES)
        most = round(PIECE_S / FRAME_S)
        if frames <= most:
            yield 0, frames, list(words)
            return
        borders = _borders([(one.start_frame, one.end_frame) for one in self._heard(pcm, words)])
        cuts = [(0, 0), *_cuts(borders, most), (frames, len(words))]
        for (first, begin), (last, end) in pairwise(cuts):
            yield first, last, list(words[begin:end])

    def _heard(self, pcm: bytes, words: Sequence[str]) -> list[Segment]:
        """The words of one text in time; those before were said.

        Raises:
            BadRequest: they do not fit.
        """
        decoder = self._decoder
        try:
            decoder.reinit_feat()
            decoder.set_align_text(" ".join(words))
            self._run(pcm)
            found = [one for one in decoder.seg() or () if not one.word.startswith("<")]
        except RuntimeError as error:
            raise _no_fit() from error
        if len(found) != len(words):
            raise _no_fit()
        return found

    def _aligned(self, pcm: bytes, words: Sequence[str], first: int) -> list[list[Phone]]:
        """The phones of each word of a piece that begins with a frame.

        Copied at once: the engine's own entries point into an alignment that the next one frees.
        """
        self._heard(pcm, words)
        decoder = self._decoder
        try:
            decoder.set_alignment()
            self._run(pcm)
            alignment = decoder.get_alignment() or ()
        except RuntimeError as error:
            raise _no_fit() from error
        found = [
            [Phone(one.name, first + one.start, one.duration, one.score) for one in word]
            for word in alignment
            if not word.name.startswith("<")
        ]
        if len(found) != len(words) or not all(found):
            raise _no_fit()
        return found

    def _run(self, pcm: bytes) -> None:
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(pcm, full_utt=True)
        finally:
            self._decoder.end_utt()


def _no_fit() -> BadRequest:
    return BadRequest(
        "the text is not what is said in the audio", fix="give the words that are said, all of them"
    )


def _borders(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Frames in the middle between two words, and how many words lie before."""
    return [
        ((one[1] + following[0]) // 2, number)
        for number, (one, following) in enumerate(pairwise(spans), start=1)
    ]


def _cuts(borders: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Those borders after which the next one would make a piece too long."""
    cuts: list[tuple[int, int]] = []
    begun = 0
    for border, following in pairwise(borders):
        if following[0] - begun > most and border[0] > begun:
            cuts.append(border)
            begun = border[0]
    return cuts


def _speech(
    texts: Sequence[str], aligned: Sequence[Sequence[Phone]], length_s: float
) -> AlignedSpeech:
    words: list[SpokenWord] = []
    phones: list[SpokenPhone] = []
    for text, entries in zip(texts, aligned, strict=True):
        inner = [_phone(one, length_s) for one in entries]
        phones += inner
        words.append(
            SpokenWord(
                text=text,
                start_s=inner[0].start_s,
                end_s=inner[-1].end_s,
                confidence=_confidence(
                    sum(one.score for one in entries), sum(one.frames for one in entries)
                ),
            )
        )
    return AlignedSpeech(words=tuple(words), phones=tuple(phones))


def _phone(phone: Phone, length_s: float) -> SpokenPhone:
    return SpokenPhone(
        phone=phone.name,
        ipa=ipa_of(phone.name),
        start_s=min(phone.start * FRAME_S, length_s),
        end_s=min((phone.start + phone.frames) * FRAME_S, length_s),
        confidence=_confidence(phone.score, phone.frames),
    )


def _confidence(score: float, frames: int) -> float:
    """That this was said here, from how far its states were behind the best ones by frame."""
    return 1 / (1 + math.exp(min(50.0, -_STEEP * (score / max(1, frames) - _MIDDLE))))
