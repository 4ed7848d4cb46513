"""`lexicon.*`: what lexicons there are, and what they make of a text."""

import asyncio
from collections.abc import AsyncGenerator

from edged.messages.people import (
    Corrected,
    LexiconApply,
    LexiconList,
    LexiconsFound,
    LexiconShow,
    OneLexicon,
)
from edged.messages.replies import AnyReply
from edged.service.house import House


async def list_lexicons(house: House, _: LexiconList) -> AsyncGenerator[AnyReply, None]:
    """Every lexicon, also those that are wrong."""
    yield LexiconsFound(lexicons=await house.lexicons.summaries())


async def show(house: House, request: LexiconShow) -> AsyncGenerator[AnyReply, None]:
    """One lexicon in full."""
    lexicon, own = await house.lexicons.get(request.name)
    yield OneLexicon(
        name=lexicon.name,
        description=lexicon.description,
        language=lexicon.language,
        corrections=dict(lexicon.corrections),
        categories=dict(lexicon.categories),
        own=own,
    )


async def apply(house: House, request: LexiconApply) -> AsyncGenerator[AnyReply, None]:
    """What the named lexicons make of a text, and what they count in it."""
    active = await house.lexicons.active(request.lexicons)
    corrected = await asyncio.to_thread(active.correct, request.text)
    counts = await asyncio.to_thread(active.said, corrected)
    yield Corrected(text=request.text, corrected=corrected, counts=counts)
