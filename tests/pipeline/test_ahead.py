"""Working ahead: bounded, in order, and closed with its reader."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from edged.pipeline.ahead import ahead


class Source:
    """Counts what was made and whether it was closed."""

    def __init__(self, count: int, *, fails: bool = False) -> None:
        self.made = 0
        self.closed = False
        self._count = count
        self._fails = fails

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self._count):
                self.made += 1
                yield number
            if self._fails:
                raise ZeroDivisionError
        finally:
            self.closed = True


async def _settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def test_items_come_in_order() -> None:
    async def main() -> list[int]:
        return [item async for item in ahead(Source(100).items(), depth=3)]

    assert asyncio.run(main()) == list(range(100))


def test_no_more_than_the_depth_is_made_ahead() -> None:
    async def main() -> int:
        source = Source(100)
        async with aclosing(ahead(source.items(), depth=3)) as items:
            await anext(items)
            await _settle()
            return source.made

    assert asyncio.run(main()) <= 6


def test_leaving_early_closes_the_source() -> None:
    async def main() -> bool:
        source = Source(100)
        async with aclosing(ahead(source.items(), depth=2)) as items:
            await anext(items)
        return source.closed

    assert asyncio.run(main())


def test_an_error_comes_after_the_items_before_it() -> None:
    async def main() -> None:
        seen: list[int] = []
        with pytest.raises(ZeroDivisionError):
            async for item in ahead(Source(5, fails=True).items(), depth=2):
                seen.append(item)
        assert seen == [0, 1, 2, 3, 4]

    asyncio.run(main())
