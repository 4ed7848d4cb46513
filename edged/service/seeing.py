"""`see`: what a picture, or a video, shows."""

import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from edged.media import Picture
from edged.messages.replies import AnyReply
from edged.messages.seeing import Looked, See
from edged.pipeline.seeing.choosing import Plan, choose
from edged.pipeline.seeing.eyes import open_eyes
from edged.pipeline.seeing.showing import Facts, found, seen
from edged.pipeline.seeing.videos import look_through
from edged.service.chosen import loading
from edged.service.house import House
from edged.service.paths import absolute
from edged.service.pictures import is_picture, picture_of

Buffer = bytes | memoryview
Parts = tuple[Buffer, ...]

Replies = AsyncGenerator[AnyReply | tuple[AnyReply, Sequence[Buffer]], None]


async def see(house: House, request: See, parts: Parts) -> Replies:
    """What is to be seen, frame by frame, and what was seen in all."""
    plan = choose(house.pool, house.config.defaults, request.look)
    alone = request.path is None or bool(parts) or await is_picture(request.path)
    picture = await picture_of(request, parts) if alone else None
    if told := loading(house, plan.model):
        yield told
    replies = (
        _video(house, request, plan) if picture is None else _one(house, request, plan, picture)
    )
    async with aclosing(replies):
        async for reply in replies:
            yield reply


async def _one(house: House, request: See, plan: Plan, picture: Picture) -> Replies:
    opened = open_eyes(
        house.pool, plan, priority=request.priority, keep_alive_ms=request.keep_alive_ms
    )
    async with opened as eyes:
        began = time.monotonic()
        view = await eyes.look(picture)
        took_s = time.monotonic() - began
        facts = Facts(
            task=plan.look.task,
            model=plan.model,
            device=eyes.device,
            captured_at_ms=time.time_ns() // 1_000_000,
            points=plan.look.points,
        )
    yield seen(view, facts)
    yield Looked(frames=1, detected=int(found(view)), fps=round(1 / took_s, 1) if took_s else 0.0)


async def _video(house: House, request: See, plan: Plan) -> Replies:
    opened = open_eyes(
        house.pool,
        plan,
        stream=secrets.token_hex(8),
        priority=request.priority,
        keep_alive_ms=request.keep_alive_ms,
    )
    path = absolute(request.path or "")
    facts = Facts(task=plan.look.task, model=plan.model, device="", points=plan.look.points)
    async with opened as eyes:
        told = look_through(house.sights, eyes, path, fps=request.fps, facts=facts)
        async with aclosing(told):
            async for reply in told:
                yield reply
