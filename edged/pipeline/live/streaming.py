"""Captions while somebody speaks, by a model that hears as the audio comes in.

Only speech is fed to it. An utterance ends where voice activity says so, or where the model does.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from edged.errors import WorkerGone
from edged.media import AudioChunk
from edged.models.runtime import (
    Partial,
    SpokenWord,
    StreamingTranscriber,
    StreamOptions,
    Utterance,
)
from edged.pipeline.live.ears import Ears, LiveUtterance
from edged.pipeline.live.models import Borrowed
from edged.pipeline.live.pace import Pace
from edged.pipeline.live.scribe import Scribe
from edged.speech.segmenter import Opening


class AsItComes:
    """Feeds the open utterance to a streaming model. Used by one task.

    Args:
        ears: give audio and utterances. scribe: takes what was heard. pace: learns.
        lease: of the model.
    """

    def __init__(
        self, ears: Ears, scribe: Scribe, pace: Pace, *, lease: Borrowed[StreamingTranscriber]
    ) -> None:
        self._ears = ears
        self._scribe = scribe
        self._pace = pace
        self._lease = lease
        self._stream = ""
        self._start_ms = -1
        self._fed_ms = self._from_ms = 0
        self._said = ""
        self._before: list[Partial] = []

    async def recognise(self, utterance: LiveUtterance) -> list[Utterance]:
        """What is said in an utterance that ended: most of it was heard already.

        Raises:
            EdgedError: the model failed.
        """
        if self._start_ms != utterance.start_ms:
            await self.stop()
            self._open(utterance.start_ms, utterance.audio_ms)
        skipped = max(0, self._fed_ms - utterance.audio_ms)
        rest = utterance.audio.data[skipped * 32 :]
        try:
            partial = await self._feed(AudioChunk(data=rest), final=True)
        except WorkerGone:
            self._forget()
            raise
        return self._whole(partial, utterance)

    async def look(self) -> None:
        """Feed what is new of the open utterance, and tell what it says so far.

        A worker that dies takes with it what it heard; the next look feeds it all again.

        Raises:
            EdgedError: the model cannot be had.
        """
        opening = self._ears.opening
        if opening is None:
            return
        try:
            await self._hear(opening)
        except WorkerGone:
            self._forget()

    async def _hear(self, opening: Opening) -> None:
        if self._start_ms != opening.start_ms:
            await self.stop()
            self._open(opening.start_ms, self._ears.lead_ms(opening.start_ms))
        position_ms = self._ears.position_ms
        if position_ms <= self._fed_ms:
            return
        audio = self._ears.cut(self._fed_ms, position_ms)
        self._fed_ms = position_ms
        partial = await self._feed(audio, final=False)
        self._tell(partial, opening.end_ms)
        if partial.ended and partial.text:
            self._before.append(partial)

    def _forget(self) -> None:
        self._stream, self._start_ms, self._fed_ms = "", -1, 0

    async def stop(self) -> None:
        """Forget the open utterance: it was none, or is given up."""
        if self._stream:
            with suppress(WorkerGone):
                await self._feed(AudioChunk(data=b""), final=True)

    def _open(self, start_ms: int, audio_ms: int) -> None:
        """Begin an utterance; what an earlier one was fed already is not fed again."""
        self._stream = secrets.token_hex(8)
        self._start_ms = start_ms
        self._fed_ms = self._from_ms = max(audio_ms, self._fed_ms)
        self._said = ""
        self._before = []

    async def _feed(self, audio: AudioChunk, *, final: bool) -> Partial:
        stream = self._stream
        if final:
            self._stream, self._start_ms = "", -1
        began = time.monotonic()
        options = StreamOptions(stream=stream, final=final)
        partial = await self._lease.call(self._lease.model.feed, audio, options)
        took_s = time.monotonic() - began
        self._pace.note(audio.duration_ms, took_s)
        self._scribe.compute_ms += round(took_s * 1000)
        return partial

    def _tell(self, partial: Partial, end_ms: int) -> None:
        text = self._text(partial)
        if text and text != self._said:
            self._said = text
            self._scribe.partial(text, self._start_ms, end_ms)

    def _text(self, partial: Partial) -> str:
        """All that was said in this utterance."""
        return " ".join(one.text for one in self._said_in(partial))

    def _said_in(self, partial: Partial) -> list[Partial]:
        """The parts of this utterance that hold words: the model may have ended some of its own."""
        return [one for one in (*self._before, partial) if one.text]

    def _whole(self, partial: Partial, utterance: LiveUtterance) -> list[Utterance]:
        """All of it, as one."""
        parts = self._said_in(partial)
        if not parts:
            return []
        offset_s = (self._from_ms - utterance.audio_ms) / 1000
        return [
            Utterance(
                text=self._text(partial),
                start_s=(utterance.start_ms - utterance.audio_ms) / 1000,
                end_s=(utterance.end_ms - utterance.audio_ms) / 1000,
                confidence=sum(one.confidence for one in parts) / len(parts),
                words=tuple(word for one in parts for word in _later(one.words, offset_s)),
            )
        ]


def _later(words: tuple[SpokenWord, ...], seconds: float) -> Iterator[SpokenWord]:
    for word in words:
        start_s, end_s = word.start_s + seconds, word.end_s + seconds
        yield msgspec.structs.replace(word, start_s=start_s, end_s=end_s)
