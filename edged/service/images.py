"""`images.*`: what a picture shows, where, how alike, and which pixels."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from edged.messages import requests
from edged.messages.replies import AnyReply, Classes, Embedding, Mask, Objects
from edged.messages.wire import Priority
from edged.models.lease import Lease
from edged.models.runtime import (
    ClassifyOptions,
    EmbedOptions,
    ImageClassifier,
    ImageEmbedder,
    ImageSegmenter,
    ObjectDetector,
)
from edged.service.chosen import chosen, loading
from edged.service.house import House
from edged.service.pictures import NamesPicture, picture_of

Buffer = bytes | memoryview
Parts = tuple[Buffer, ...]
Replies = AsyncGenerator[AnyReply | tuple[AnyReply, Sequence[Buffer]], None]
M = TypeVar("M")

PART_BYTES = 4 * 2**20

_FLOAT_BYTES = 4


class _Request(NamesPicture, Protocol):
    """What all of these requests have."""

    @property
    def priority(self) -> Priority: ...
    @property
    def keep_alive_ms(self) -> int | None: ...


async def classify(house: House, request: requests.ImagesClassify, parts: Parts) -> Replies:
    """What a picture shows."""
    model = chosen(house, "image_classify", request.model).id
    picture = await picture_of(request, parts)
    if told := loading(house, model):
        yield told
    options = ClassifyOptions(top_k=request.top_k, min_score=request.min_score)
    async with _borrow(house, model, ImageClassifier, request) as lease:
        found = await lease.call(lease.model.classify, picture, options)
        yield Classes(
            model=model,
            device=lease.device,
            classes=found.classes,
            computed_us=found.computed_us,
        )


async def detect(house: House, request: requests.ImagesDetect, parts: Parts) -> Replies:
    """The things in a picture."""
    model = chosen(house, "image_detect", request.model).id
    picture = await picture_of(request, parts)
    if told := loading(house, model):
        yield told
    options = ClassifyOptions(top_k=request.max_results, min_score=request.min_score)
    async with _borrow(house, model, ObjectDetector, request) as lease:
        found = await lease.call(lease.model.detect, picture, options)
        yield Objects(
            model=model,
            device=lease.device,
            objects=found.objects,
            width=found.width,
            height=found.height,
            computed_us=found.computed_us,
        )


async def embed(house: House, request: requests.ImagesEmbed, parts: Parts) -> Replies:
    """A picture as a vector."""
    model = chosen(house, "image_embed", request.model).id
    picture = await picture_of(request, parts)
    if told := loading(house, model):
        yield told
    async with _borrow(house, model, ImageEmbedder, request) as lease:
        found = await lease.call(lease.model.embed, picture, EmbedOptions(unit=request.unit))
        reply = Embedding(
            model=model,
            device=lease.device,
            dimensions=len(found.data) // _FLOAT_BYTES,
            computed_us=found.computed_us,
        )
        yield reply, (found.data,)


async def segment(house: House, request: requests.ImagesSegment, parts: Parts) -> Replies:
    """The mask of a picture."""
    model = chosen(house, "image_segment", request.model).id
    picture = await picture_of(request, parts)
    if told := loading(house, model):
        yield told
    async with _borrow(house, model, ImageSegmenter, request) as lease:
        found = await lease.call(lease.model.segment, picture)
        reply = Mask(
            model=model,
            device=lease.device,
            kind=found.kind,
            width=found.width,
            height=found.height,
            labels=found.labels,
            computed_us=found.computed_us,
        )
        yield reply, _cut(found.data)


def _borrow(
    house: House, model: str, protocol: Callable[..., M], request: _Request
) -> AbstractAsyncContextManager[Lease[M]]:
    return house.pool.borrow(
        model, protocol, priority=request.priority, keep_alive_ms=request.keep_alive_ms
    )


def _cut(data: Buffer) -> list[Buffer]:
    view = memoryview(data)
    return [view[at : at + PART_BYTES] for at in range(0, len(view), PART_BYTES)]
