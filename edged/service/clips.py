"""`recordings.audio` and `speakers.sample`: a recording's audio, whole or a stretch of it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from edged.errors import BadRequest, NotKept
from edged.messages import people, requests
from edged.messages.replies import AnyReply, Audio, Done
from edged.pipeline.cuts import MEDIA_TYPES, CutFormat, cut
from edged.pipeline.joined import Joined
from edged.service.house import House
from edged.store import chunks, recordings, speakers
from edged.store.chunks import Chunk

Outgoing = AnyReply | tuple[AnyReply, Sequence[bytes]]

PART_BYTES = 2**20
PAGE = 500

_CHUNK_TYPES = {"opus": "audio/ogg", "flac": "audio/flac", "aac": "audio/mp4"}


async def audio(house: House, request: requests.RecordingsAudio) -> AsyncGenerator[Outgoing, None]:
    """The audio as it came in, or a stretch of it as a new file, part by part."""
    recording_id = request.recording_id
    in_chunks = bool(
        await house.store.read(lambda db: chunks.list_chunks(db, recording_id, limit=1))
    )
    if request.format != "original":
        replies = _cut(
            house, recording_id, request.format, request.from_ms, request.to_ms, in_chunks=in_chunks
        )
    elif in_chunks:
        replies = _chunks(house, recording_id, request.from_ms or 0, request.to_ms)
    elif request.from_ms is not None or request.to_ms is not None:
        raise BadRequest(
            "a file as it came in cannot be cut", fix="ask for wav, opus or flac with a stretch"
        )
    else:
        replies = _file(house, recording_id)
    async with aclosing(replies):
        async for reply in replies:
            yield reply
    yield Done()


async def sample(house: House, request: people.SpeakersSample) -> AsyncGenerator[Outgoing, None]:
    """A clip in which only one speaker is heard."""
    found = await house.store.read(lambda db: speakers.sample(db, request.speaker_id))
    asked = requests.RecordingsAudio(
        recording_id=found.recording_id,
        from_ms=found.span.start_ms,
        to_ms=found.span.end_ms,
        format=request.format,
    )
    async with aclosing(audio(house, asked)) as replies:
        async for reply in replies:
            yield reply


async def _file(house: House, recording_id: str) -> AsyncGenerator[Outgoing, None]:
    source = await house.pipeline.open_recording(recording_id)
    try:
        offset = 0
        while part := await asyncio.to_thread(source.read, offset, PART_BYTES):
            reply = Audio(
                recording_id=recording_id,
                offset=offset,
                size_bytes=len(part),
                total_bytes=source.size_bytes,
                audio=source.audio,
            )
            yield reply, [part]
            offset += len(part)
    finally:
        source.close()
    if offset != source.size_bytes:
        raise NotKept("the original file changed while it was read")


async def _chunks(
    house: House, recording_id: str, from_ms: int, to_ms: int | None
) -> AsyncGenerator[Outgoing, None]:
    """A session's chunks as they are kept, those that a stretch touches, one after the other."""
    wanted = [one async for one in _touched(house, recording_id, from_ms, to_ms)]
    total, offset = sum(one.size_bytes for one in wanted), 0
    for chunk in wanted:
        data = await house.store.read(
            lambda db, number=chunk.number: chunks.data(db, recording_id, number=number)  # type: ignore[misc] # a default
        )
        if len(data) != chunk.size_bytes:
            raise NotKept("the recording's audio is not in the store any more")
        for at in range(0, len(data), PART_BYTES):
            part = data[at : at + PART_BYTES]
            reply = Audio(
                recording_id=recording_id,
                offset=offset,
                size_bytes=len(part),
                total_bytes=total,
                audio=chunk.audio,
                media_type=_CHUNK_TYPES.get(chunk.codec, ""),
            )
            yield reply, [part]
            offset += len(part)


async def _touched(
    house: House, recording_id: str, from_ms: int, to_ms: int | None
) -> AsyncGenerator[Chunk, None]:
    after = -1
    while page := await _page(house, recording_id, after):
        after = page[-1].number
        for one in page:
            start_ms = one.start_ms or 0
            if start_ms + one.duration_ms > from_ms and (to_ms is None or start_ms < to_ms):
                yield one


async def _page(house: House, recording_id: str, after: int) -> tuple[Chunk, ...]:
    return await house.store.read(
        lambda db: chunks.list_chunks(db, recording_id, after=after, limit=PAGE)
    )


async def _cut(
    house: House,
    recording_id: str,
    into: CutFormat,
    from_ms: int | None,
    to_ms: int | None,
    *,
    in_chunks: bool,
) -> AsyncGenerator[Outgoing, None]:
    """A stretch as a new file; without an end, up to the recording's."""
    recording = await house.store.read(lambda db: recordings.get(db, recording_id))
    first = from_ms or 0
    last = min(recording.audio_ms if to_ms is None else to_ms, recording.audio_ms)
    if in_chunks:
        if not recording.audio_kept:
            raise NotKept("the recording's audio is not in the store any more")
        joined = Joined(house.store, recording_id, audio_ms=last, first_ms=first)
        made = cut(joined, from_ms=first, to_ms=last, into=into, decoders=house.decoders)
        close = None
    else:
        source = await house.pipeline.open_recording(recording_id)
        made = cut(source, from_ms=first, to_ms=last, into=into, decoders=house.decoders)
        close = source.close
    try:
        async with made as file, aclosing(file.pieces) as pieces:
            offset = 0
            async for piece in pieces:
                reply = Audio(
                    recording_id=recording_id,
                    offset=offset,
                    size_bytes=len(piece),
                    total_bytes=file.size_bytes,
                    media_type=MEDIA_TYPES[into],
                )
                yield reply, [piece]
                offset += len(piece)
    finally:
        if close is not None:
            close()
