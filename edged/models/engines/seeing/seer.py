"""Looks at frames for one kind of thing, or for several at once, alone or in streams."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import msgspec

from edged.errors import BadRequest, Busy, EdgedError
from edged.media import Picture
from edged.messages.seeing import LandmarkKind
from edged.models.engines.drawn_face import drawn_face
from edged.models.engines.seeing import closing, signs
from edged.models.engines.seeing.found import (
    MOST_THINGS,
    SEEN,
    Finder,
    Found,
    Frame,
    Part,
    Settings,
)
from edged.models.engines.seeing.keeping import Keeper, Places, Sealed
from edged.models.runtime import ModelSpec
from edged.models.seeing import Group, SeeOptions, SeeStream, Sight

MOST_STREAMS = 8
"""Open at once: each has graphs of its own, of 20 to 60 MB."""

HANDS_OF_A_BODY = 2


class _Eye:
    """The finders of a stream, or of single pictures, in the order of their parts."""

    def __init__(self, spec: ModelSpec, parts: Sequence[Part], settings: Settings) -> None:
        self._finders: dict[Part, Finder] = {}
        alone = len(parts) == 1
        try:
            for part in parts:
                own = settings if alone else _own(part, settings)
                self._finders[part] = part.opener(spec, part.file, own)
        except EdgedError:
            self.close()
            raise

    def look(
        self, threads: ThreadPoolExecutor, frame: Frame, at_ms: int
    ) -> dict[LandmarkKind, Found]:
        """What each finder finds; they look at the same time.

        Measured: 2026-11, 2 shared vCPU, 640 x 480 in a stream: 22 ms, and 32 ms one after the other.
        """
        (first, own), *others = self._finders.items()
        waiting = [
            (part.kind, threads.submit(finder.find, frame, at_ms)) for part, finder in others
        ]
        try:
            found = {first.kind: own.find(frame, at_ms)}
        finally:
            wait([each for _, each in waiting])  # none may be closed while it looks
        return found | {kind: each.result() for kind, each in waiting}

    def close(self) -> None:
        """Free everything; a graph that hangs ends the process."""
        finders, self._finders = list(self._finders.values()), {}
        closing.close_all(finders)


def _own(part: Part, settings: Settings) -> Settings:
    """Of one of several kinds: `most` counts bodies, which have two hands each."""
    if part.kind != "hands":
        return settings
    return msgspec.structs.replace(settings, most=settings.most * HANDS_OF_A_BODY)


def _checked(settings: Settings) -> Settings:
    """Settings that make sense; raises BadRequest."""
    if not (0 <= settings.detection <= 1 and 0 <= settings.tracking <= 1):
        raise BadRequest("a confidence is not in [0, 1]")
    if not 0 <= settings.most <= MOST_THINGS:
        raise BadRequest(f"most is not from 0 to {MOST_THINGS}")
    return settings


class _Stream:
    """One stream: its finders, its clock, and what is kept of it."""

    def __init__(self, eye: _Eye, kinds: Sequence[LandmarkKind], *, keep: bool) -> None:
        self.eye = eye
        self.last_ms = -1
        self._places = {kind: Places(kind) for kind in kinds} if keep else {}
        self._keepers = {kind: Keeper(kind) for kind in kinds} if keep else {}

    def place(
        self, found: dict[LandmarkKind, Found], at_ms: int
    ) -> tuple[dict[LandmarkKind, tuple[int, ...]], list[Sealed]]:
        """The places of everything that was found, and the seconds that are over, of a kept stream."""
        if not self._keepers:
            return {}, []
        places = {kind: self._places[kind].of(each, at_ms) for kind, each in found.items()}
        kept = [self._keepers[kind].add(each, places[kind], at_ms) for kind, each in found.items()]
        return places, [one for one in kept if one is not None]

    def finish(self) -> list[Sealed]:
        """What is not sealed yet."""
        kept = [keeper.finish() for keeper in self._keepers.values()]
        return [one for one in kept if one is not None]


class FrameSeer:
    """Fulfils Seer. One thread.

    Args:
        spec: of the model.
        parts: the kinds of things that it sees.
        frame_of: a picture as the parts' finders take it.

    Raises:
        ModelMissing: a file is not there. CorruptModel: the library refuses one, or a parameter is wrong.
    """

    def __init__(
        self, spec: ModelSpec, parts: Sequence[Part], frame_of: Callable[[Picture], Frame]
    ) -> None:
        self._spec = spec
        self._frame_of = frame_of
        self._parts = tuple(parts)
        self._threads = ThreadPoolExecutor(max(1, len(parts) - 1), thread_name_prefix="finder")
        self._streams: dict[str, _Stream] = {}
        self._alone: tuple[tuple[object, ...], _Eye] | None = None
        for part in self._parts[1:]:  # what is wrong with a file shows at the load
            _Eye(spec, (part,), Settings()).close()
        self._eye_for_pictures(SeeOptions(kinds=(self._parts[0].kind,)))

    def see(self, picture: Picture, options: SeeOptions) -> Sight:
        """What a frame shows; see the Protocol."""
        frame = self._frame_of(picture)
        began = time.perf_counter_ns()
        if not options.stream:
            found = self._eye_for_pictures(options).look(self._threads, frame, 0)
            return _sight(frame, found, began)
        fresh = options.stream not in self._streams
        stream = self._stream(options)
        if options.at_ms <= stream.last_ms:
            raise BadRequest("the frame is not newer than the last one of its stream")
        found = self._looked(options.stream, stream, frame, options.at_ms)
        places, sealed = stream.place(found, options.at_ms)
        sight = _sight(frame, found, began, places=places, sealed=sealed)
        return msgspec.structs.replace(sight, fresh=True) if fresh else sight

    def finish(self, stream: SeeStream) -> Sight:
        """End a stream; see the Protocol."""
        ended = self._streams.pop(stream.stream, None)
        if ended is None:
            return Sight()
        left = ended.finish()
        ended.eye.close()
        return Sight(
            sealed=tuple(one.facts for one in left), blocks=tuple(one.block for one in left)
        )

    def canary(self) -> str:
        """How many there are in a drawn face of the first kind, and where its nose is, in tenths."""
        kept = self._alone is not None or not self._streams
        look = SeeOptions(kinds=(self._parts[0].kind,))
        found = self._eye_for_pictures(look).look(self._threads, self._frame_of(drawn_face()), 0)
        if not kept:
            self._let_go()
        return _told(self._parts[0], found[self._parts[0].kind])

    # --- finders ---

    def _eye_for_pictures(self, options: SeeOptions) -> _Eye:
        """Finders for single pictures: those of the last one, when they were asked alike."""
        settings = _checked(Settings(most=options.most, detection=options.min_detection))
        parts = self._wanted(options.kinds)
        key = (parts, settings)
        if self._alone is None or self._alone[0] != key:
            self._let_go()
            self._alone = (key, _Eye(self._spec, parts, settings))
        return self._alone[1]

    def _let_go(self) -> None:
        if self._alone is not None:
            alone, self._alone = self._alone[1], None
            alone.close()

    def _stream(self, options: SeeOptions) -> _Stream:
        if options.stream in self._streams:
            return self._streams[options.stream]
        if options.at_ms < 0:
            raise BadRequest("a frame's time is not negative")
        if len(self._streams) >= MOST_STREAMS:
            raise Busy(
                f"{self._spec.id} follows {MOST_STREAMS} streams already",
                fix="close one of them",
            )
        settings = Settings(
            video=True,
            most=options.most,
            detection=options.min_detection,
            tracking=options.min_tracking,
        )
        parts = self._wanted(options.kinds)
        self._let_go()  # its memory is not needed beside a stream's
        eye = _Eye(self._spec, parts, _checked(settings))
        stream = _Stream(eye, [part.kind for part in parts], keep=options.keep)
        self._streams[options.stream] = stream
        return stream

    def _wanted(self, kinds: Sequence[LandmarkKind]) -> tuple[Part, ...]:
        parts = tuple(part for part in self._parts if not kinds or part.kind in kinds)
        if not parts:
            raise BadRequest(f"{self._spec.id} sees none of {', '.join(kinds)}")
        return parts

    def _looked(
        self, name: str, stream: _Stream, frame: Frame, at_ms: int
    ) -> dict[LandmarkKind, Found]:
        """What a stream's finders find; a graph that failed is broken, so the stream starts anew."""
        try:
            found = stream.eye.look(self._threads, frame, at_ms)
        except EdgedError:
            del self._streams[name]
            stream.eye.close()
            raise
        stream.last_ms = at_ms
        return found


def _sight(
    frame: Frame,
    found: dict[LandmarkKind, Found],
    began: int,
    *,
    places: dict[LandmarkKind, tuple[int, ...]] | None = None,
    sealed: Sequence[Sealed] = (),
) -> Sight:
    aspect = frame.width / frame.height
    hands, faces, bodies = found.get("hands"), found.get("face"), found.get("pose")
    meshes = faces is not None and faces.points.shape[2] == len(SEEN) - 1
    return Sight(
        groups=tuple(
            _group(kind, each, (places or {}).get(kind, ())) for kind, each in found.items()
        ),
        points=b"".join(each.points.tobytes() for each in found.values()),
        world=b"".join(each.world.tobytes() for each in found.values()),
        width=frame.width,
        height=frame.height,
        hands=signs.of_hands(hands, bodies, aspect) if hands is not None else (),
        faces=signs.of_faces(faces, aspect, frame.height) if meshes and faces is not None else (),
        bodies=signs.of_bodies(bodies) if bodies is not None else (),
        sealed=tuple(one.facts for one in sealed),
        blocks=tuple(one.block for one in sealed),
        computed_us=(time.perf_counter_ns() - began) // 1000,
    )


def _group(kind: LandmarkKind, found: Found, places: tuple[int, ...]) -> Group:
    return Group(
        kind=kind,
        count=len(found.points),
        points=found.points.shape[1],
        values=SEEN[: found.points.shape[2]],
        world_points=found.world.shape[1] if len(found.world) else 0,
        scores=found.scores,
        labels=found.labels,
        boxes=found.boxes,
        slots=places,
    )


def _told(part: Part, found: Found) -> str:
    """How many there are, and where a point of the first one is."""
    if not len(found.points):
        return "0"
    place = found.points[0, part.nose, :2]
    return f"{len(found.points)}" + "".join(f" {value:.1f}" for value in place)
