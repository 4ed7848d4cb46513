"""A recording that came in chunks, heard as one audio on its session's clock.

Chunks are read, decoded and given away one after the other, so memory does not grow with the
length. What is missing is silence, so that later times stay right.
"""

import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise

from edged.capture import files
from edged.capture.parts import WINDOW_SAMPLES, DecodedPart
from edged.errors import BadMedia, EdgedError, NotKept, WorkerGone
from edged.media import ms_to_samples, samples_to_ms
from edged.messages.records import Span
from edged.pipeline.decoders import Decoders
from edged.pipeline.placing import Placing
from edged.pipeline.sources import Media
from edged.store import chunks
from edged.store.chunks import Chunk
from edged.store.database import Store

log = logging.getLogger(__name__)

PAGE = 500

SLACK_MS = 40
"""A decoder may give so much more than a chunk's stated length: an encoder's last, padded frame."""

TRIES = 2
"""A chunk that kills the decoder so often is a bad one."""


class Joined:
    """The chunks of one recording. Fulfils edged.pipeline.sources.Audible.

    Args:
        store: holds the chunks.
        recording_id: whose.
        audio_ms: of the session's clock, up to where it is heard.
        first_ms: from where on, a little more is given: whole windows.

    bad: where chunks lay that could not be decoded, found while the parts are read.
    """

    def __init__(
        self, store: Store, recording_id: str, *, audio_ms: int, first_ms: int = 0
    ) -> None:
        self._first_ms = first_ms
        self._store = store
        self._recording_id = recording_id
        self._audio_ms = audio_ms
        self.bad: list[Span] = []

    @asynccontextmanager
    async def open(self, decoders: Decoders, *, priority: int = 0) -> AsyncIterator[Media]:
        """The audio, from the first chunk on; each reading decodes anew."""
        yield _Reading(self, decoders, priority, self._audio_ms)

    async def read(self, decoders: Decoders, priority: int) -> AsyncGenerator[DecodedPart, None]:
        """Parts as Decoding.parts gives them, the last one final.

        Raises:
            NotKept: a chunk's bytes are gone. WorkerGone, Deadline: see edged.capture.files.
        """
        self.bad.clear()
        placing = Placing(ms_to_samples(self._first_ms) // WINDOW_SAMPLES * WINDOW_SAMPLES)
        async with aclosing(self._chunks()) as found:
            async for chunk, before in found:
                if self._is_before(chunk):
                    continue
                if chunk.start_ms is not None and chunk.start_ms >= self._audio_ms:
                    break
                parts = self._place(placing, chunk, before, decoders, priority)
                async with aclosing(parts):
                    async for part in parts:
                        yield part
        for part in placing.silence(ms_to_samples(self._audio_ms)):
            yield part
        yield placing.finish()

    def _is_before(self, chunk: Chunk) -> bool:
        """Whether all of a chunk lies before what is heard."""
        if chunk.start_ms is None:
            return False
        return chunk.start_ms + chunk.duration_ms + SLACK_MS < self._first_ms

    async def _chunks(self) -> AsyncGenerator[tuple[Chunk, int | None], None]:
        """Every chunk, with the sample at which the next one begins."""
        waiting: Chunk | None = None
        after = -1
        while page := await self._page(after):
            after = page[-1].number
            found = page if waiting is None else (waiting, *page)
            for one, following in pairwise(found):
                start_ms = following.start_ms
                yield one, None if start_ms is None else ms_to_samples(start_ms)
            waiting = found[-1]
        if waiting is not None:
            yield waiting, None

    async def _page(self, after: int) -> tuple[Chunk, ...]:
        return await self._store.read(
            lambda db: chunks.list_chunks(db, self._recording_id, after=after, limit=PAGE)
        )

    async def _place(
        self,
        placing: Placing,
        chunk: Chunk,
        before: int | None,
        decoders: Decoders,
        priority: int,
    ) -> AsyncGenerator[DecodedPart, None]:
        """The parts that a chunk completes; one that cannot be decoded leaves silence."""
        start = placing.end if chunk.start_ms is None else ms_to_samples(chunk.start_ms)
        last = start + ms_to_samples(chunk.duration_ms + SLACK_MS)
        limit = last if before is None else min(last, max(before, start))
        for attempt in range(TRIES):
            pieces = self._decode(chunk, decoders, priority)
            try:
                async with aclosing(pieces):
                    async for piece in pieces:
                        for part in placing.put(
                            piece.pcm, piece.rms, at=start + piece.start, before=limit
                        ):
                            yield part
            except BadMedia as error:
                self._note(chunk, start, error)
            except WorkerGone as error:
                if attempt + 1 < TRIES:
                    continue
                self._note(chunk, start, error)
            return

    def _note(self, chunk: Chunk, start: int, error: EdgedError) -> None:
        log.warning("chunk %d of %s: %s", chunk.number, self._recording_id, error.code)
        start_ms = samples_to_ms(start)
        self.bad.append(Span(start_ms=start_ms, end_ms=start_ms + chunk.duration_ms))

    async def _decode(
        self, chunk: Chunk, decoders: Decoders, priority: int
    ) -> AsyncGenerator[DecodedPart, None]:
        data = await self._store.read(
            lambda db: chunks.data(db, self._recording_id, number=chunk.number)
        )
        if not data:
            raise NotKept("the recording's audio is not in the store any more")
        fd = await files.memory_file([data])
        try:
            async with (
                decoders.open(fd, chunk.audio, priority=priority) as media,
                aclosing(media.parts()) as parts,
            ):
                async for part in parts:
                    yield part
        finally:
            os.close(fd)


class _Reading:
    """One way through the chunks; fulfils edged.pipeline.sources.Media."""

    def __init__(self, joined: Joined, decoders: Decoders, priority: int, audio_ms: int) -> None:
        self.audio_ms = audio_ms
        self._joined = joined
        self._decoders = decoders
        self._priority = priority

    def parts(self) -> AsyncGenerator[DecodedPart, None]:
        """See Joined.read."""
        return self._joined.read(self._decoders, self._priority)
