"""Cameras and videos whose frames a test decides, and onlookers that find what it says."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from fake_microphones import FakeClock

from edged.capture.sight import CapturedFrame, SightKind, SightLost, SightOptions
from edged.errors import EdgedError
from edged.media import ImageFormat, Picture
from edged.messages.seeing import LandmarkKind, TrackKind
from edged.models.seeing import SealedBlock
from edged.sessions.onlooking import Noticed, Place
from edged.store import landmark_blocks

PICTURE = Picture(data=bytes(3 * 16 * 16), raw=ImageFormat(width=16, height=16))


class FakeSource:
    """One open source; fulfils edged.capture.sight.FrameSource."""

    def __init__(self, kind: SightKind, options: SightOptions, clock: FakeClock) -> None:
        self.kind = kind
        self.options = options
        self.stopped = False
        self._clock = clock
        self._captured = self._late = 0
        self._queue: asyncio.Queue[CapturedFrame | SightLost | EdgedError | None] = asyncio.Queue()
        self.give(0)

    def give(self, after_ms: int = 67, *, late: int = 0) -> None:
        """Time passes, then there is a frame; of a video it is the frame's own time."""
        self._clock.ns += after_ms * 1_000_000
        self._captured += 1 + late
        self._late += late
        at_ns = self._clock.ns - 77_000_000_000 if self.kind == "video" else self._clock.ns
        self._queue.put_nowait(
            CapturedFrame(
                picture=PICTURE,
                number=self._captured - 1,
                at_ns=at_ns,
                captured=self._captured,
                late=self._late,
                device="Fake camera",
            )
        )

    def lose(self, reason: str) -> None:
        """From now on there is nothing to see."""
        self._queue.put_nowait(SightLost(since_ns=self._clock.ns, reason=reason))

    def fail(self, error: EdgedError) -> None:
        """The source itself breaks."""
        self._queue.put_nowait(error)

    def end(self) -> None:
        """There are no more frames."""
        self._queue.put_nowait(None)

    async def frames(self) -> AsyncGenerator[CapturedFrame | SightLost, None]:
        while (news := await self._queue.get()) is not None and not self.stopped:
            if isinstance(news, EdgedError):
                raise news
            yield news

    async def stop(self) -> None:
        self.stopped = True
        self._queue.put_nowait(None)


class FakeSights:
    """Opens FakeSources, or refuses as `refusals` say, first come first served."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.sources: list[FakeSource] = []
        self.refusals: list[EdgedError | None] = []
        self.closed = 0

    @asynccontextmanager
    async def open(
        self, kind: SightKind, options: SightOptions
    ) -> AsyncGenerator[FakeSource, None]:
        if self.refusals and (refusal := self.refusals.pop(0)) is not None:
            raise refusal
        source = FakeSource(kind, options, self.clock)
        self.sources.append(source)
        try:
            yield source
        finally:
            self.closed += 1


class FakeOnlooker:
    """Sees a body in every frame, and seals a block of every second; fulfils Onlooker."""

    def __init__(self, kind: LandmarkKind = "pose") -> None:
        self.kind: LandmarkKind = kind
        self.seen: list[int] = []
        self.refusal: EdgedError | None = None
        self.failures: list[EdgedError] = []
        self.forgot = False
        self.defect: Exception | None = None
        self.begun = 0
        self.ended = 0
        self.discarded = False
        self.looking = asyncio.Event()
        self.may_look = asyncio.Event()
        self.may_look.set()
        self._open: list[int] = []

    @property
    def models(self) -> dict[TrackKind, str]:
        return {self.kind: "fake-pose"}

    async def begin(self) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.begun += 1

    async def see(self, frame: CapturedFrame, at_ms: int, place: Place) -> Noticed:
        assert len(frame.picture.data)
        self.looking.set()
        await self.may_look.wait()
        if self.defect is not None:
            raise self.defect
        if self.failures:
            self._open.clear()
            raise self.failures.pop(0)
        self.seen.append(at_ms)
        noticed = Noticed(detected=True, forgot=self.forgot)
        if self.forgot:
            self.forgot = False
            self._open.clear()
        if self._open and self._open[0] // 1000 != at_ms // 1000:
            noticed = self._seal(place)
        self._open.append(at_ms)
        return noticed

    async def end(self, place: Place | None, *, discard: bool) -> Noticed:
        self.ended += 1
        self.discarded = discard
        return self._seal(place) if self._open and place is not None else Noticed()

    def _seal(self, place: Place) -> Noticed:
        times, self._open = self._open, []
        block = SealedBlock(
            kind=self.kind,
            second=times[0] // 1000,
            start_ms=times[0],
            end_ms=times[-1],
            frames=len(times),
            detected=len(times),
        )
        write = partial(
            landmark_blocks.add,
            session_id=place.session_id,
            track=place.tracks[self.kind],
            sealed=block,
            body=b"points",
        )
        return Noticed(detected=True, writes=(write,), kept_ms=times[-1])
