"""`infer`: tensors into a graph, tensors out of it."""

import time
from collections.abc import AsyncGenerator, Iterator, Sequence

from edged.messages import requests
from edged.messages.replies import AnyReply, Loading, Tensors
from edged.models import runtime
from edged.models.signatures import check_is_graph
from edged.service.house import House

Buffer = bytes | memoryview
Parts = tuple[Buffer, ...]


async def infer(
    house: House, request: requests.Infer, parts: Parts
) -> AsyncGenerator[AnyReply | tuple[AnyReply, Sequence[Buffer]], None]:
    """The outputs of a graph, a part for each, or several for one that passes a frame."""
    check_is_graph(house.pool.manifest(request.model))
    if expected_ms := house.pool.expected_load_ms(request.model):
        yield Loading(model=request.model, expected_ms=expected_ms)
    began = time.monotonic_ns()
    found = await house.batching.infer(
        request.model,
        runtime.Tensors(tensors=request.tensors, parts=parts),
        runtime.InferOptions(real=request.real, outputs=request.outputs),
        priority=request.priority,
        keep_alive_ms=request.keep_alive_ms,
    )
    took_us = (time.monotonic_ns() - began) // 1000
    reply = Tensors(
        model=request.model,
        tensors=found.tensors.tensors,
        device=found.device,
        waited_us=max(0, took_us - found.tensors.computed_us),
        computed_us=found.tensors.computed_us,
        batch=found.together,
    )
    yield reply, list(_frames(found.tensors.parts, house.config.server.frame_bytes))


def _frames(parts: Sequence[Buffer], most: int) -> Iterator[Buffer]:
    """The parts, those that are larger than a frame may be in pieces; copies nothing."""
    for part in parts:
        if len(part) <= most:
            yield part
            continue
        view = memoryview(part)
        for at in range(0, len(view), most):
            yield view[at : at + most]
