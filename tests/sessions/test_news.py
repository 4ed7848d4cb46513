"""What a slow client is told: every segment, of partial texts the newest."""

import asyncio

from edged.messages.records import Segment
from edged.messages.sessions import PartialText
from edged.sessions.news import News


def partial(text: str) -> PartialText:
    return PartialText(text=text, start_ms=0, end_ms=10)


def segment(seq: int) -> Segment:
    return Segment(seq=seq, start_ms=0, end_ms=10, text="a", confidence=0.5)


async def _all(news: News) -> list[PartialText | Segment | None]:
    return [one async for one in news.until_end(heartbeat_s=5)]


def test_a_partial_text_nobody_took_gives_way_to_what_replaces_it() -> None:
    news = News()

    for one in (partial("a"), partial("a b"), segment(0), partial("c"), segment(1), partial("d")):
        news.put(one)
    news.end()

    assert asyncio.run(_all(news)) == [segment(0), segment(1), partial("d")]


def test_without_news_there_are_signs_of_life_until_the_end() -> None:
    async def work() -> list[PartialText | Segment | None]:
        news = News()
        found: list[PartialText | Segment | None] = []
        async for one in news.until_end(heartbeat_s=0.001):
            found.append(one)
            if len(found) == 1:
                news.put(segment(0))
            elif one is not None:
                news.end()
        return found

    found = asyncio.run(work())

    assert (found[0], found[1]) == (None, segment(0))
