"""Eyes that see what a test says; fulfils edged.pipeline.seeing.eyes.Eyes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from edged.capture.sight import CapturedFrame
from edged.errors import EdgedError
from edged.media import ImageFormat, Picture
from edged.models.seeing import Sight
from edged.pipeline.seeing.eyes import View
from edged.sessions.onlooking import Place

PICTURE = Picture(data=bytes(3 * 4 * 4), raw=ImageFormat(width=4, height=4))
PLACE = Place(
    session_id="session",
    number=0,
    sight=1,
    tracks={"hands": 2, "pose": 3, "objects": 4, "screen": 5},
)


def frame(*, moved: float = 1.0) -> CapturedFrame:
    return CapturedFrame(picture=PICTURE, number=0, at_ns=0, moved=moved)


class FakeEyes:
    """Gives `views` one after the other; the last one again and again."""

    def __init__(self, *views: View | EdgedError, rest: Sight | EdgedError | None = None) -> None:
        self.views = list(views)
        self.rest = rest
        self.hangs = False
        self.refusal: EdgedError | None = None
        self.streams: list[str] = []
        self.looked: list[int] = []
        self.closed = 0

    @property
    def device(self) -> str:
        return "cpu"

    async def look(self, picture: Picture, at_ms: int = 0) -> View:
        assert picture is PICTURE
        self.looked.append(at_ms)
        view = self.views.pop(0) if len(self.views) > 1 else self.views[0]
        if isinstance(view, EdgedError):
            raise view
        return view

    async def finish(self) -> Sight:
        if self.hangs:
            await asyncio.Event().wait()
        if isinstance(self.rest, EdgedError):
            raise self.rest
        return self.rest or Sight()

    @asynccontextmanager
    async def open(self, stream: str = "") -> AsyncGenerator["FakeEyes", None]:
        if self.refusal is not None:
            raise self.refusal
        self.streams.append(stream)
        yield self
        self.closed += 1
