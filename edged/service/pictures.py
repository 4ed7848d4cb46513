"""The one picture that a request names: by its path, or in the parts behind it."""

import asyncio
import os
from collections.abc import Sequence
from typing import Protocol

from edged.capture import files
from edged.errors import BadRequest, TooLarge
from edged.media import ImageFormat, Picture, wrong_size
from edged.service.paths import absolute

Buffer = bytes | memoryview

LARGEST_FILE = 64 * 2**20
"""Bytes of a picture file; the pixels that may come out of one are bounded in the worker."""

_MAGIC_BYTES = 12
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")
"""How files begin that a worker reads as a picture; WebP is a RIFF file of its own kind."""


class NamesPicture(Protocol):
    """What all requests about a picture have."""

    @property
    def path(self) -> str | None:
        """Of its file."""
        ...

    @property
    def image(self) -> ImageFormat | None:
        """How the parts are to be read, when they are raw pixels."""
        ...


async def picture_of(request: NamesPicture, parts: Sequence[Buffer]) -> Picture:
    """The picture that a request names.

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


async def is_picture(path: str) -> bool:
    """Whether a file begins as pictures do; what else it is, its decoder finds out.

    Raises:
        BadRequest, NotFound, Denied, BadMedia: it cannot be opened.
    """
    head = await asyncio.to_thread(_head, absolute(path))
    return head.startswith(_BEGINNINGS) or (head[:4], head[8:]) == (b"RIFF", b"WEBP")


def _check_size(size: int, image: ImageFormat | None) -> None:
    if image is None and size > LARGEST_FILE:
        raise _too_large(size)
    stride = 0 if image is None else max(image.stride, image.row_bytes)
    if image is not None and size not in {image.size_bytes, stride * image.height}:
        raise wrong_size(image, size)


def _head(path: str) -> bytes:
    """The first bytes. Blocking, for a thread."""
    with os.fdopen(files.open_media(path), "rb", buffering=0) as file:
        return file.read(_MAGIC_BYTES) or b""


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
