"""`recordings.*`, `segments.list`, `transcripts.search`: what has been transcribed."""

import secrets
from collections.abc import AsyncGenerator

from edged.jobs.orders import TranscribeFile
from edged.messages import requests
from edged.messages.replies import (
    AnyReply,
    Done,
    Hits,
    OneJob,
    OneRecording,
    Recordings,
    Segments,
)
from edged.service.house import House
from edged.service.ownership import without_files
from edged.service.transcribe import active
from edged.store import recordings, segments
from edged.store import search as index
from edged.store.narrowing import Filters, moment
from edged.store.pending import pending


async def list_recordings(
    house: House, request: requests.RecordingsList
) -> AsyncGenerator[AnyReply, None]:
    """A page of recordings, newest first."""
    found = await house.store.read(
        lambda db: recordings.list_recordings(
            db,
            limit=request.limit,
            before=request.before,
            status=request.status,
            owner=house.asker.sees,
        )
    )
    full = len(found) == request.limit
    shown = tuple(without_files(house.asker, one) for one in found)
    yield Recordings(recordings=shown, next=found[-1].recording_id if full else None)


async def get(house: House, request: requests.RecordingsGet) -> AsyncGenerator[AnyReply, None]:
    """One recording."""
    found = await house.store.read(lambda db: recordings.get(db, request.recording_id))
    yield OneRecording(recording=without_files(house.asker, found))


async def delete(
    house: House, request: requests.RecordingsDelete
) -> AsyncGenerator[AnyReply, None]:
    """Delete a recording and all that hangs on it."""
    await house.store.delete_recording(request.recording_id)
    house.note_deleted(request)
    yield Done()


async def reprocess(
    house: House, request: requests.RecordingsReprocess
) -> AsyncGenerator[AnyReply, None]:
    """Queue a recording to be transcribed again."""
    lexicons = await active(house, request.lexicons)
    plan = house.pipeline.plan(model=request.model, language=request.language)
    source = await house.pipeline.open_recording(request.recording_id)
    try:
        order = TranscribeFile(
            recording_id=request.recording_id,
            model=plan.model,
            language=plan.language,
            again=secrets.token_hex(8),
            diarize=request.diarize,
            speakers=request.speakers or 0,
            lexicons=lexicons,
        )
        job, existing = await house.work.submit(source, order, plan, priority="batch")
    finally:
        source.close()
    house.runner.wake()
    yield OneJob(job=job, existing=existing)


async def segments_of(
    house: House, request: requests.SegmentsList
) -> AsyncGenerator[AnyReply, None]:
    """A page of a recording's segments."""
    found = await house.store.read(
        lambda db: segments.list_segments(
            db, request.recording_id, after_seq=request.after_seq, limit=request.limit
        )
    )
    full = len(found) == request.limit
    yield Segments(segments=found, next=found[-1].seq if full else None)


async def search(
    house: House, request: requests.TranscriptsSearch
) -> AsyncGenerator[AnyReply, None]:
    """Segments that hold the words, newest first, and what nobody can have found yet."""
    filters = Filters(
        recording_id=request.recording_id,
        session_id=request.session_id,
        group=request.group,
        speaker=request.speaker,
        since=moment(request.since),
        until=moment(request.until),
        language=request.language,
        emotion=request.emotion,
        owner=house.asker.sees,
    )
    found = await house.store.read(
        lambda db: index.search(db, request.query, limit=request.limit, filters=filters)
    )
    yield Hits(hits=found, pending=await house.store.read(lambda db: pending(db, filters)))
