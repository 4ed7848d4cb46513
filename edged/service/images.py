"""`images.*`: what a picture shows, where, how alike, and which pixels."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from edged.capture import files
from edged.errors import BadRequest, TooLarge
from edged.media import ImageFormat, Picture, wrong_size
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
from edged.service.paths import absolute

Buffer = bytes | memoryview
Parts = tuple[Buffer, ...]
Replies = AsyncGenerator[AnyReply | tuple[AnyReply, Sequence[Buffer]], None]
M = TypeVar("M")

LARGEST_FILE = 64 * 2**20
"""Bytes of a picture file; the pixels that may come out of one are bounded in the worker."""

PART_BYTES = 4 * 2**20

_FLOAT_BYTES = 4


class _Request(Protocol):
    """What all requests about a picture have."""

    @property
    def path(self) -> str | None: ...
    @property
    def image(self) -> ImageFormat | None: ...
    @property
    def priority(self) -> Priority: ...
    @property
    def keep_alive_ms(self) -> int | None: ...


async def classify(house: House, request: requests.ImagesClassify, parts: Parts) -> Replies:
    """What a picture shows."""
    model = chosen(house, "image_classify", request.model).id
    picture = await _picture(request, parts)
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
    picture = await _picture(request, parts)
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
    picture = await _picture(request, parts)
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
    picture = await _picture(request, parts)
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


async def _picture(request: _Request, parts: Parts) -> Picture:
    """The one picture that a request names.

    Raises:
        BadRequest: none, more than one, or another number of bytes than width and height say.
        TooLarge: a file of more than LARGEST_FILE. NotFound, Denied, BadMedia: see open_media.
    """
    if request.path is not None:
        if parts or request.image is not None:
            raise BadRequest("give either a path or a picture", fix="leave one of them out")
        return Picture(data=await asyncio.to_thread(_read, absolute(request.path)))
    size = sum(len(part) for part in parts)
    if not size:
        raise BadRequest("no picture came with the request", fix="send it as binary frames")
    _check_size(size, request.image)
    return Picture(data=parts[0] if len(parts) == 1 else b"".join(parts), raw=request.image)


def _check_size(size: int, image: ImageFormat | None) -> None:
    if image is None and size > LARGEST_FILE:
        raise _too_large(size)
    stride = 0 if image is None else max(image.stride, image.row_bytes)
    if image is not None and size not in {image.size_bytes, stride * image.height}:
        raise wrong_size(image, size)


def _read(path: str) -> bytes:
    """The whole file. Blocking, for a thread; it closes what it opens."""
    descriptor = files.open_media(path)
    with os.fdopen(descriptor, "rb") as file:
        size = os.fstat(descriptor).st_size
        if size > LARGEST_FILE:
            raise _too_large(size)
        return file.read(LARGEST_FILE)


def _too_large(size: int) -> TooLarge:
    return TooLarge(
        f"the picture file has {size} bytes, more than {LARGEST_FILE}",
        fix="make it smaller",
        limit=LARGEST_FILE,
    )
