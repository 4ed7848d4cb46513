"""What a stream's client is told next: segments in order, of partial texts only the newest."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from edged.messages.records import Segment
from edged.messages.sessions import PartialText

MOST = 1_000
"""Segments that wait for a slow client; then the oldest go. The server gives such a client up long before."""


class News:
    """A bounded queue with an end. Loop thread only."""

    def __init__(self) -> None:
        self._waiting: deque[PartialText | Segment] = deque(maxlen=MOST)
        self._wake = asyncio.Event()
        self._ended = False

    def put(self, news: PartialText | Segment) -> None:
        """Add news; they replace a partial text that nobody has taken yet."""
        if self._waiting and isinstance(self._waiting[-1], PartialText):
            self._waiting.pop()
        self._waiting.append(news)
        self._wake.set()

    def end(self) -> None:
        """Nothing follows."""
        self._ended = True
        self._wake.set()

    async def until_end(
        self, *, heartbeat_s: float
    ) -> AsyncGenerator[PartialText | Segment | None, None]:
        """All news as they come; None whenever there were none for so many seconds."""
        while self._waiting or not self._ended:
            if self._waiting:
                yield self._waiting.popleft()
            elif not await self._more(heartbeat_s):
                yield None

    async def _more(self, within_s: float) -> bool:
        """Wait for news or the end; whether anything came."""
        self._wake.clear()
        try:
            async with asyncio.timeout(within_s):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True
