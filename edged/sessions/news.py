"""What a stream's client is told next: segments in order, of partial texts only the newest."""

import asyncio
from collections import deque

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

    async def next(self) -> PartialText | Segment | None:
        """The next news; None after the last."""
        while not self._waiting:
            if self._ended:
                return None
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popleft()
