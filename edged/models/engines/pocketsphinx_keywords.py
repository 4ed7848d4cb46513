"""PocketSphinx waits for English words and phrases: basic, but it needs no download.

It listens to one stretch of audio at a time, so that any number of streams can share the decoder: each
part is heard together with the last seconds before it, and what was told already is not told again.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from pocketsphinx import Decoder

from edged.errors import BadRequest, CorruptModel, Internal, ModelMissing
from edged.media import SPEECH_RATE, AudioChunk
from edged.models.engines.inputs import file_of, number_of, spec_from
from edged.models.engines.spotting import Streams
from edged.models.engines.voice import we_are
from edged.models.listening import SpotOptions, Spotted
from edged.models.runtime import ModelSpec, SpokenWord
from edged.speech.letters import pronounced
from edged.workers.context import WorkerContext

OVERLAP_S = 4
"""Of the audio before, heard again: a phrase may lie across the border of two parts."""

STRICTNESS = 8.0
"""Powers of ten by phone that a phrase may be less likely than anything else, at threshold 0.

Measured: 2026-11, Kennedy's inaugural (11 s): at 4 by phone, which is threshold 0.5, "ask", "americans",
"your country" and "country" are found each time and "banana" and "elephant" never; at 7 every word is
found in every sentence.
"""

FRAME_S = 0.01
_SEARCH = "keywords"
_MOST_NEW_WORDS = 2000


def load(argument: bytes, context: WorkerContext) -> "PocketSphinxKeywords":
    """The spotter that a worker hosts; files `mdef` (with its folder) and `dictionary`.

    Parameter: `threshold` (0.5), when a request gives none.

    Raises:
        ModelMissing: a file is not there.
        CorruptModel: the engine refuses one.
    """
    spec = spec_from(argument)
    return PocketSphinxKeywords(spec, context)


def _open(spec: ModelSpec) -> Decoder:
    mdef, dictionary = (file_of(spec, name) for name in ("mdef", "dictionary"))
    if not all(os.path.isfile(path) for path in (mdef, dictionary)):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    try:
        return Decoder(hmm=os.path.dirname(mdef), dict=dictionary, lm=None, loglevel="FATAL")
    except (RuntimeError, ValueError) as error:
        raise CorruptModel(f"PocketSphinx refuses the files of {spec.id}", model=spec.id) from error


@dataclass(slots=True)
class _Stream:
    """before: the last seconds of the parts so far. position: where they begin, in samples.

    told: keyword and end of what was told and could be found again.
    """

    keywords: tuple[str, ...]
    threshold: float | None
    before: bytes = b""
    position: int = 0
    told: list[tuple[str, float]] = field(default_factory=list)


class PocketSphinxKeywords:
    """Fulfils KeywordSpotter."""

    def __init__(self, spec: ModelSpec, context: WorkerContext) -> None:
        self._spec = spec
        self._context = context
        self._decoder = _open(spec)
        self._threshold = number_of(spec, "threshold", 0.5)
        self._streams = Streams(_Stream)
        self._new_words = 0

    def spot(self, audio: AudioChunk, options: SpotOptions) -> Spotted:
        """Keywords that end in this part or were found only now; `final` forgets the stream.

        Raises:
            BadRequest: half a sample; a keyword that cannot be pronounced in English, by its number.
        """
        if len(audio.data) % 2:
            raise BadRequest("a chunk holds half a sample")
        stream = self._streams.take(options.stream, options.keywords, options.threshold)
        pcm = stream.before + bytes(audio.data)
        found = list(self._new(stream, self._heard(pcm, stream)))
        if not options.final:
            self._move_on(stream, pcm)
            self._streams.keep(options.stream, stream)
        return Spotted(words=tuple(found))

    def canary(self) -> str:
        """The frames between which "we are" is found in the made-up voice that says it."""
        stream = _Stream(("we are",), None)
        frames = [f"{one.start_s:.2f}-{one.end_s:.2f}" for one in self._heard(we_are(), stream)]
        return " ".join(frames)

    def _new(self, stream: _Stream, found: list[SpokenWord]) -> Iterator[SpokenWord]:
        """Those that were not told; a hit that overlaps one of the same words is that one."""
        for word in found:
            if not any(text == word.text and end > word.start_s for text, end in stream.told):
                stream.told.append((word.text, word.end_s))
                yield word

    def _move_on(self, stream: _Stream, pcm: bytes) -> None:
        dropped = max(0, len(pcm) - OVERLAP_S * SPEECH_RATE * 2)
        stream.before = pcm[dropped:]
        stream.position += dropped // 2
        begins_s = stream.position / SPEECH_RATE
        stream.told = [one for one in stream.told if one[1] > begins_s]

    def _heard(self, pcm: bytes, stream: _Stream) -> list[SpokenWord]:
        """Keywords in order of time; seconds from the stream's start."""
        self._context.give_way(yieldable=False)
        phrases = self._phrases(stream)
        if not pcm:
            return []
        decoder = self._decoder
        try:
            self._search_for(phrases, stream)
            decoder.reinit_feat()
            decoder.start_utt()
            try:
                decoder.process_raw(pcm, full_utt=True)
            finally:
                decoder.end_utt()
            segments = [
                (one.word.strip(), one.start_frame, one.end_frame) for one in decoder.seg() or ()
            ]
        except RuntimeError as error:
            raise Internal("PocketSphinx failed in listening for keywords") from error
        begun_s = stream.position / SPEECH_RATE
        words = [
            SpokenWord(
                text=phrases[phrase],
                start_s=begun_s + first * FRAME_S,
                end_s=begun_s + (last + 1) * FRAME_S,
                confidence=1.0,
            )
            for phrase, first, last in segments
            if phrase in phrases
        ]
        return sorted(words, key=lambda one: (one.start_s, one.end_s))

    def _search_for(self, phrases: dict[str, str], stream: _Stream) -> None:
        """Make the search; its phrases lie in a file in memory, the only way that takes several."""
        threshold = self._threshold if stream.threshold is None else stream.threshold
        by_phone = STRICTNESS * (1 - threshold)
        lines = [f"{one} /1e-{round(by_phone * self._phones(one))}/\n" for one in phrases]
        file = os.memfd_create("edged-keywords")
        try:
            os.write(file, "".join(lines).encode())
            self._decoder.add_kws(_SEARCH, f"/proc/self/fd/{file}")
        finally:
            os.close(file)
        self._decoder.activate_search(_SEARCH)

    def _phones(self, phrase: str) -> int:
        return sum(len((self._decoder.lookup_word(word) or "").split()) for word in phrase.split())

    def _phrases(self, stream: _Stream) -> dict[str, str]:
        """The keywords as the dictionary spells them, to what they were asked as."""
        if self._new_words > _MOST_NEW_WORDS:
            self._decoder, self._new_words = _open(self._spec), 0
        found = {}
        for position, keyword in enumerate(stream.keywords, start=1):
            words = keyword.lower().split()
            if not words or not all(map(self._known, words)):
                raise BadRequest(
                    f"keyword {position} cannot be pronounced in English",
                    fix="write it in the letters a to z",
                )
            found[" ".join(words)] = keyword
        return found

    def _known(self, word: str) -> bool:
        """Whether the dictionary has a word; it learns one that can be read."""
        if self._decoder.lookup_word(word) is not None:
            return True
        phones = pronounced(word)
        if phones:
            self._decoder.add_word(word, " ".join(phones), update=False)
            self._new_words += 1
        return bool(phones)
