"""PocketSphinx with the en-us model of its own wheel: the recogniser that needs no download.

It holds the GIL while it decodes, so nothing else lives in its worker; it is fed in half-second
blocks, between which a batch call can give way. Its accuracy is basic.

Each window is heard twice. The first time, in 0.25 % of its length, a grammar of one word listens
and only the window's mean cepstrum is kept. The second time decodes with that mean from the first
block on. Without it the decoder starts from a mean that fits few microphones and corrects it while
it goes, which costs words and leaks from one utterance into the next.
Measured: 2026-11, 2 vCPU: a noisy recording of 11 s, 24 errors in 22 words without the first
hearing and 5 with it, in a third less time (both with the second search, below).

The engine's second search (fwdflat) is off: it runs when an utterance ends, also one that gives way,
and cannot be stopped.
Measured: as above, 15 clips: 58 errors in 159 words and 36 s with it, 61 and 22 s without; all three
are in one window longer than the 10 s that are given. A short call beside a batch one: at most
0.64 s instead of 1.25 s.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pocketsphinx import Decoder, Segment

from edged.errors import BadRequest, CorruptModel, Internal, ModelMissing
from edged.media import SPEECH_RATE, AudioChunk
from edged.models.engines.inputs import check_language, file_of, spec_from
from edged.models.engines.voice import we_are
from edged.models.runtime import ModelSpec, SpokenWord, TranscribeOptions, Utterance
from edged.workers.context import WorkerContext

BLOCK_BYTES = 16_000
"""Half a second of audio, 0.05 to 0.15 s of work: how long a batch call holds up an urgent one."""

FRAME_S = 0.01
"""Seconds per frame of the acoustic model."""

_HEARING = "hearing"
_GRAMMAR = "#JSGF V1.0;\ngrammar hearing;\npublic <hearing> = a;\n"
"""One short word: the cheapest search there is; what it finds is not looked at."""

_NO_WORDS = ("<", "[", "+")
"""How the words start that nobody said: <s>, </s>, <sil>, [NOISE], [SPEECH], ++GARBAGE++."""


def load(argument: bytes, context: WorkerContext) -> "PocketSphinx":
    """The recogniser that a worker hosts; files `mdef` (with its folder), `dictionary`, `lm`.

    Raises:
        ModelMissing: a file is not there.
        CorruptModel: the engine refuses one.
    """
    spec = spec_from(argument)
    return PocketSphinx(spec, _open(spec), context)


def _open(spec: ModelSpec) -> Decoder:
    paths = [file_of(spec, name) for name in ("mdef", "dictionary", "lm")]
    if not all(os.path.isfile(path) for path in paths):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    mdef, dictionary, lm = paths
    try:
        decoder = Decoder(
            hmm=os.path.dirname(mdef), dict=dictionary, lm=lm, fwdflat=False, loglevel="FATAL"
        )
        decoder.add_jsgf_string(_HEARING, _GRAMMAR)
    except (RuntimeError, ValueError) as error:
        raise CorruptModel(f"PocketSphinx refuses the files of {spec.id}", model=spec.id) from error
    return decoder


class PocketSphinx:
    """Fulfils Transcriber. The same window gives the same bits whatever was decoded before."""

    def __init__(self, spec: ModelSpec, decoder: Decoder, context: WorkerContext) -> None:
        self._spec = spec
        self._decoder = decoder
        self._context = context
        self._decoding = decoder.current_search()

    def transcribe(self, audio: AudioChunk, options: TranscribeOptions) -> Iterator[Utterance]:
        """One utterance with all the words of the window; none when no word was heard.

        Raises:
            BadRequest: the chunk holds half a sample.
            Unsupported: the language is not the model's.
            Yielded: the call was yieldable and another one waits.
        """
        check_language(self._spec, options.language)
        if len(audio.data) % 2:
            raise BadRequest("a chunk holds half a sample")
        if not audio.data:
            return
        words = self._decode(bytes(audio.data), yieldable=options.yieldable)
        if words:
            yield _utterance(words, self._spec.languages, with_words=options.words)

    def canary(self) -> str:
        """What is heard when a made-up voice says "we are"."""
        return " ".join(word.text for word in self._decode(we_are(), yieldable=False))

    def _decode(self, pcm: bytes, *, yieldable: bool) -> tuple[SpokenWord, ...]:
        """The words of one window.

        Raises:
            Internal: the decoder failed.
            Yielded: see transcribe.
        """
        try:
            mean = self._mean_cepstrum(pcm)
            with self._utterance(self._decoding):
                self._decoder.set_cmn(mean)
                for first in range(0, len(pcm), BLOCK_BYTES):
                    self._decoder.process_raw(pcm[first : first + BLOCK_BYTES])
                    self._context.give_way(yieldable=yieldable)
            return tuple(self._words(len(pcm) / 2 / SPEECH_RATE))
        except RuntimeError as error:
            raise Internal("PocketSphinx failed in decoding") from error

    def _mean_cepstrum(self, pcm: bytes) -> str:
        with self._utterance(_HEARING):
            self._decoder.process_raw(pcm, full_utt=True)
            mean: str = self._decoder.get_cmn(False)  # noqa: FBT003 - positional in Cython
        return mean

    @contextmanager
    def _utterance(self, search: str) -> Iterator[None]:
        """An utterance that owes nothing to earlier ones and is ended whatever happens."""
        self._decoder.activate_search(search)
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        try:
            yield
        finally:
            self._decoder.end_utt()

    def _words(self, length_s: float) -> Iterator[SpokenWord]:
        for segment in self._decoder.seg() or ():
            if not segment.word.startswith(_NO_WORDS):
                yield _word(segment, length_s)


def _word(segment: Segment, length_s: float) -> SpokenWord:
    """A segment as a word: its posterior probability, and no number as in "and(2)"."""
    return SpokenWord(
        text=segment.word.partition("(")[0],
        start_s=min(segment.start_frame * FRAME_S, length_s),
        end_s=min((segment.end_frame + 1) * FRAME_S, length_s),
        confidence=min(max(segment.prob, 0.0), 1.0),
    )


def _utterance(
    words: tuple[SpokenWord, ...], languages: tuple[str, ...], *, with_words: bool
) -> Utterance:
    return Utterance(
        text=" ".join(word.text for word in words),
        start_s=words[0].start_s,
        end_s=words[-1].end_s,
        confidence=sum(word.confidence for word in words) / len(words),
        words=words if with_words else (),
        language=languages[0] if len(languages) == 1 else "",
    )
