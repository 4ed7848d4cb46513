"""`frames.*` and `tracks.derive`: what sessions kept of what they saw, read again."""

import heapq
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial

from msgspec import Struct

from edged.capture.kept.orders import NEEDED, SCREEN_VALUES, ReadWish
from edged.errors import BadRequest
from edged.messages.replies import AnyReply, Done, Progress
from edged.messages.seeing import (
    DerivedTracks,
    Frames,
    FramesExport,
    FramesImage,
    FramesList,
    FramesPart,
    FramesSearch,
    LandmarkKind,
    Sightings,
    TracksDerive,
)
from edged.models.runtime import EmbedOptions, ImageEmbedder
from edged.pipeline.seeing.reading import DerivedStretches, FilePiece, Stretch
from edged.service.chosen import chosen
from edged.service.house import House
from edged.service.pictures import picture_of
from edged.store import key_frames, object_sightings, sessions, sights
from edged.store.engine import Connection
from edged.store.landmark_blocks import EVER
from edged.vision.names import LANDMARK_VALUES

Buffer = bytes | memoryview
Parts = tuple[Buffer, ...]
Outgoing = AnyReply | tuple[AnyReply, Sequence[Buffer]]
Replies = AsyncGenerator[Outgoing, None]

PART_BYTES = 2**20
VECTORS_AT_ONCE = 500

TOLD_EVERY_S = 1.0
"""How often a client hears how far what takes long has come."""

_MEDIA_TYPES = {"csv": "text/csv", "npz": "application/zip", "json": "application/json"}


class _Facts(Struct, frozen=True):
    """What is known of a session before its landmarks are read."""

    began_ms: int
    models: dict[str, str]


async def list_frames(house: House, request: FramesList) -> Replies:
    """A page of landmarks, as numbers or as arrays."""
    facts = await house.store.read(partial(_facts, session_id=request.session_id))
    shift_ms = facts.began_ms if request.wall else 0
    stretch = Stretch(
        session_id=request.session_id,
        kinds=request.kinds,
        source=request.source,
        from_ms=max(request.from_ms - shift_ms, 0),
        to_ms=_end(request.to_ms, shift_ms),
    )
    wish = ReadWish(
        into=request.points,
        from_ms=stretch.from_ms,
        to_ms=stretch.to_ms,
        fps=request.fps,
        smooth=request.smooth,
        shift_ms=shift_ms,
        limit=request.limit,
    )
    page = await house.reading.page(stretch, wish)
    kinds = [kind for kind in LANDMARK_VALUES if not request.kinds or kind in request.kinds]
    reply = Frames(
        session_id=request.session_id,
        frames=page.frames,
        parts=page.parts,
        values={kind: _values(kind, request.points) for kind in kinds if kind in facts.models},
        models={kind: facts.models[kind] for kind in kinds if kind in facts.models},
        next_ms=page.next_ms,
    )
    yield reply, [piece for data in page.data for piece in _pieces(data)]


async def export(house: House, request: FramesExport) -> Replies:
    """Landmarks as a file, piece by piece."""
    facts = await house.store.read(partial(_facts, session_id=request.session_id))
    stretch = Stretch(
        session_id=request.session_id,
        kinds=request.kinds,
        source=request.source,
        from_ms=request.from_ms,
        to_ms=_end(request.to_ms),
    )
    wish = ReadWish(
        into=request.format,
        from_ms=stretch.from_ms,
        to_ms=stretch.to_ms,
        fps=request.fps,
        smooth=request.smooth,
        session_id=request.session_id,
        models={kind: model for kind, model in facts.models.items() if kind in LANDMARK_VALUES},
    )
    async with aclosing(house.reading.file(stretch, wish)) as pieces:
        async for reply in file_replies(pieces, request):
            yield reply


async def file_replies(
    pieces: AsyncGenerator[FilePiece, None], request: FramesExport
) -> AsyncGenerator[Outgoing, None]:
    """The pieces of a file as replies; while none comes the client hears how far the work is."""
    offset, pace = 0, _Pace()
    async for piece in pieces:
        size = len(piece.data)
        if size:
            yield _part(request, offset, piece), [piece.data]
            offset += size
        elif pace.due():
            yield Progress(stage="export", fraction=piece.progress)
    yield Done()


def _part(request: FramesExport, offset: int, piece: FilePiece) -> FramesPart:
    return FramesPart(
        session_id=request.session_id,
        format=request.format,
        media_type=_MEDIA_TYPES[request.format],
        offset=offset,
        size_bytes=len(piece.data),
        progress=piece.progress,
    )


class _Pace:
    """Says once in TOLD_EVERY_S that a client should hear something."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._told_at < TOLD_EVERY_S:
            return False
        self._told_at = now
        return True


async def search(house: House, request: FramesSearch, parts: Parts) -> Replies:
    """Where something was seen."""
    pictured = request.path is not None or request.image is not None or bool(parts)
    labelled = request.label is not None
    whole = request.session_id is not None and not labelled and not pictured
    if pictured == labelled and not whole:
        raise BadRequest(
            "give either a label or a picture", fix="`label`, or `path`, or a picture in parts"
        )
    if request.session_id is not None:
        await house.store.read(partial(sessions.row_id, session_id=request.session_id))
    yield await (_alike(house, request, parts) if pictured else _labelled(house, request))


async def image(house: House, request: FramesImage) -> Replies:
    """A key frame's picture."""
    reply, body = await house.store.read(partial(key_frames.get, frame_id=request.frame_id))
    yield reply, _pieces(body)


async def derive(house: House, request: TracksDerive) -> Replies:
    """What follows from landmarks."""
    aspects = await house.store.read(partial(sights.aspects, session_id=request.session_id))
    stretch = Stretch(
        session_id=request.session_id,
        kinds=tuple(sorted({NEEDED[track] for track in request.tracks})),
        from_ms=request.from_ms,
        to_ms=_end(request.to_ms),
    )
    wish = ReadWish(
        into="tracks",
        from_ms=stretch.from_ms,
        to_ms=stretch.to_ms,
        tracks=request.tracks,
        aspects=aspects,
    )
    pace = _Pace()
    async with aclosing(house.reading.derive(stretch, wish)) as steps:
        async for step in steps:
            if isinstance(step, DerivedStretches):
                yield DerivedTracks(
                    session_id=request.session_id,
                    derived=step.derived,
                    definitions=step.definitions,
                )
            elif pace.due():
                yield Progress(stage="derive", fraction=step)


def _pieces(data: bytes) -> list[memoryview]:
    view = memoryview(data)
    return [view[at : at + PART_BYTES] for at in range(0, len(view), PART_BYTES)]


def _facts(db: Connection, session_id: str) -> _Facts:
    began = datetime.fromisoformat(sessions.get(db, session_id).started_at)
    return _Facts(round(began.timestamp() * 1_000), sights.models(db, session_id))


def _end(to_ms: int | None, shift_ms: int = 0) -> int:
    return EVER if to_ms is None else max(to_ms - shift_ms, 0)


def _values(kind: LandmarkKind, points: str) -> tuple[str, ...]:
    """Names of a point's numbers; in a reply of numbers the world has its own list."""
    names = LANDMARK_VALUES[kind]
    return names if points == "parts" else names[:SCREEN_VALUES]


async def _labelled(house: House, request: FramesSearch) -> Sightings:
    session_id = request.session_id
    if request.label is None and session_id is not None:
        every = partial(
            object_sightings.of_session,
            session_id=session_id,
            min_score=request.min_score,
            limit=request.limit,
        )
        return Sightings(sightings=await house.store.read(every))
    found = await house.store.read(
        partial(
            object_sightings.search,
            label=request.label or "",
            session_id=session_id,
            owner=house.asker.sees,
            min_score=request.min_score,
            limit=request.limit,
        )
    )
    return Sightings(sightings=found)


async def _alike(house: House, request: FramesSearch, parts: Parts) -> Sightings:
    """Key frames that are similar to a picture, by the model that most of them were kept with."""
    known = await house.store.read(
        partial(key_frames.models, session_id=request.session_id, owner=house.asker.sees)
    )
    picture = await picture_of(request, parts)
    if not known:
        return Sightings(sightings=())
    model = chosen(house, "image_embed", known[0]).id
    async with house.pool.borrow(model, ImageEmbedder) as lease:
        query = bytes((await lease.call(lease.model.embed, picture, EmbedOptions())).data)
    best = await _best(house, model, query, request)
    found = await house.store.read(partial(key_frames.sightings, scored=best))
    return Sightings(sightings=found, model=model)


async def _best(
    house: House, model: str, query: bytes, request: FramesSearch
) -> list[tuple[int, float]]:
    """Rows of key frames with their scores, the best first."""
    best: list[tuple[int, float]] = []
    after = 0
    while page := await house.store.read(
        partial(
            key_frames.vectors,
            model=model,
            session_id=request.session_id,
            owner=house.asker.sees,
            after=after,
            limit=VECTORS_AT_ONCE,
        )
    ):
        after = page[-1].row
        scores = await house.reading.rank(query, [one.vector for one in page])
        scored = [
            (one.row, score)
            for one, score in zip(page, scores, strict=True)
            if score >= request.min_score
        ]
        best = heapq.nlargest(request.limit, best + scored, key=lambda one: one[1])
    return best
