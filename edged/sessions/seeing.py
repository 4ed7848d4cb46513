"""What a session sees: all of its sources of pictures, beside its sources of sound on one clock."""

import asyncio
from collections.abc import Sequence

from edged.capture.sight import SightOptions
from edged.config import Seeing as Settings
from edged.errors import BadRequest, Unsupported
from edged.messages.seeing import SessionFrameTaken, SessionsFrame, SightState
from edged.messages.sessions import SessionsStart, SourceWish
from edged.sessions.equipment import Equipment
from edged.sessions.fed_frames import Buffer, picture_of
from edged.sessions.onlooking import Place
from edged.sessions.sightline import Keeper, Sightline

SCREEN_FPS = 5.0
"""Looks at a screen of which key frames are kept, one a second at most."""


class Seeing:
    """The sources of pictures of one session. Loop thread only; its Recorder owns it.

    Args:
        equipment: the daemon's.
        options: what the session was started with.
        keeper: the session.

    Raises:
        Unsupported: nothing here can look. ModelMissing, ...: what was asked for cannot be found.
    """

    def __init__(self, equipment: Equipment, options: SessionsStart, keeper: Keeper) -> None:
        self._lines = [
            _line(equipment, options, wish, number=number, keeper=keeper)
            for number, wish in enumerate(options.seen)
        ]

    def __bool__(self) -> bool:
        return bool(self._lines)

    @property
    def lines(self) -> Sequence[Sightline]:
        """The sources, in order."""
        return self._lines

    @property
    def devices(self) -> tuple[str, ...]:
        """What watches people or a screen; not a video, nor what a client sends."""
        watching = [line for line in self._lines if line.kind in ("camera", "screen")]
        return tuple(line.device or line.kind for line in watching)

    @property
    def states(self) -> tuple[SightState, ...]:
        """Each of them, as it is now."""
        return tuple(line.state for line in self._lines)

    @property
    def first_ns(self) -> int | None:
        """CLOCK_BOOTTIME of the first frame, of a source that has no time of its own."""
        found = [line.first_ns for line in self._lines if line.first_ns is not None]
        return None if not found or self.is_video else min(found)

    @property
    def is_video(self) -> bool:
        """Whether the session's clock is a video's own; such a session has no other source."""
        return any(line.is_video for line in self._lines)

    @property
    def last_ms(self) -> int:
        """The newest frame that was looked at."""
        return max((line.last_ms for line in self._lines), default=-1)

    async def prepare(self) -> None:
        """Have every model ready.

        Raises:
            EdgedError: one of them cannot be had; all are let go then.
        """
        for number, line in enumerate(self._lines):
            try:
                await line.prepare()
            except BaseException:
                for before in self._lines[:number]:
                    await before.close(discard=True)
                raise

    async def open(self, tasks: asyncio.TaskGroup) -> None:
        """Open every source; what they give before `release` is not looked at.

        Raises:
            DeviceMissing, DeviceBusy, ...: one of them; the caller closes the others.
        """
        opening = [line.open(tasks) for line in self._lines]
        for outcome in await asyncio.gather(*opening, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    def release(self, origin_ns: int, places: Sequence[Place] = ()) -> None:
        """Look at frames from now on. places: of each source, the first time."""
        for number, line in enumerate(self._lines):
            if places:
                line.place = places[number]
            line.release(origin_ns)

    async def pause(self, at_ms: int, reason: str) -> None:
        """Capture nothing more until it is opened and released again."""
        await asyncio.gather(*(line.pause(at_ms, reason) for line in self._lines))

    async def close(self, *, discard: bool = False) -> None:
        """Capture nothing more."""
        await asyncio.gather(*(line.close(discard=discard) for line in self._lines))

    def note_gaps(self, until_ms: int, *, over: bool) -> None:
        """Have the gaps that go on committed with what is next."""
        for line in self._lines:
            line.note_gap(until_ms, over=over)

    def take(
        self, request: SessionsFrame, parts: Sequence[Buffer], *, origin_ns: int, now_ms: int
    ) -> SessionFrameTaken:
        """Take a client's frame; one that waits is replaced by it.

        Raises:
            BadRequest: no such source, wrong pixels, or a frame that is not newer than the last.
            TooLarge: more than 64 MiB.
        """
        fed = [line.fed for line in self._lines if line.fed is not None]
        if request.source >= len(fed):
            raise BadRequest(
                f"the session has {len(fed)} sources of frames, not {request.source + 1}",
                fix="start it with a source of kind frames",
            )
        source = fed[request.source]
        number = source.next_number if request.frame_id is None else request.frame_id
        at_ms = now_ms if request.captured_at_ms is None else request.captured_at_ms
        source.put(
            picture_of(request.image, parts),
            number=number,
            at_ns=origin_ns + at_ms * 1_000_000,
        )
        return SessionFrameTaken(
            session_id=request.session_id, frame_id=number, dropped=source.dropped
        )


def _line(
    equipment: Equipment, options: SessionsStart, wish: SourceWish, *, number: int, keeper: Keeper
) -> Sightline:
    if equipment.sights is None or equipment.onlookers is None:
        raise Unsupported("nothing here can look at pictures")
    return Sightline(
        equipment.sights,
        wish=wish,
        options=sight_options(equipment.seeing, wish, fps=_fps(options, wish)),
        number=number,
        onlookers=equipment.onlookers(options, wish),
        keeper=keeper,
        reopen_s=equipment.reopen_s,
        clock=equipment.clock,
    )


def _fps(options: SessionsStart, wish: SourceWish) -> float:
    """A screen that is not searched for people needs no more than its key frames do."""
    people = options.pose or options.face or options.hands or options.objects
    alone = all(one.kind == "screen" for one in options.seen)
    if wish.kind == "screen" and options.screen and not (people and alone):
        return min(options.target_fps, SCREEN_FPS)
    return options.target_fps


def sight_options(settings: Settings, wish: SourceWish, *, fps: float) -> SightOptions:
    """How a source is to be looked at; what the settings hide stays hidden, whatever is asked."""
    configured = (title.strip() for title in settings.deny.split(","))
    return SightOptions(
        device=wish.device or "",
        fps=fps,
        width=wish.width or 0,
        height=wish.height or 0,
        region=wish.region,
        window=wish.window or "",
        deny=(*(title for title in configured if title), *wish.deny),
        motion=wish.motion,
    )
