"""Lets a generator work ahead of its reader, by a bounded number of items."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def ahead(source: AsyncGenerator[T, None], *, depth: int) -> AsyncGenerator[T, None]:
    """The items of a generator, of which up to `depth` are made before they are asked for.

    The source's error is raised at its place; leaving early stops and closes the source.
    """
    items: deque[T] = deque()
    room = asyncio.Semaphore(depth)
    news = asyncio.Event()

    async def fill() -> None:
        try:
            async with aclosing(source):
                async for item in source:
                    await room.acquire()
                    items.append(item)
                    news.set()
        finally:
            news.set()

    # Owned here, not by a TaskGroup: a generator closed early would leave the group with an error.
    task = asyncio.get_running_loop().create_task(fill(), name="work ahead")
    try:
        while True:
            if items:
                yield items.popleft()
                room.release()
            elif task.done():
                task.result()
                return
            else:
                news.clear()
                await news.wait()
    finally:
        task.cancel()
        await asyncio.wait({task})
