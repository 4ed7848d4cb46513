"""Pictures as pixels: raw or a file, decoded by Pillow in the worker, upright, in RGB.

What lies behind a transparent part is white, as on paper. Of an animation the first frame counts.
"""

import io
import struct
import warnings
import zlib

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from PIL import Image, UnidentifiedImageError

from edged.errors import BadMedia, BadRequest
from edged.media import BYTES_PER_PIXEL, ImageFormat, Picture, wrong_size

Pixels = npt.NDArray[np.uint8]
"""RGB, rows from the top, shape (height, width, 3)."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
"""The only decoders of Pillow that ever see a picture."""

MEGAPIXELS = 64
"""A larger picture is refused: 64 take 192 MB, and no camera of a phone makes more at once."""

MOST_MEGAPIXELS = 150
"""No manifest may allow more: Pillow itself refuses from 179 on."""

_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, struct.error,
    zlib.error, OverflowError, Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow's decoders raise for damaged files; it has no class of its own for them."""

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the value of EXIF's orientation. Source: EXIF 2.32, tag 274."""

_ON_SIDE = frozenset(_TURNS[orientation] for orientation in (5, 6, 7, 8))


class Seen(Struct, frozen=True):
    """A picture, in mode RGB and upright; width and height: of the original, in pixels.

    image: as large, or reduced to no less than was said to be enough.
    """

    image: Image.Image
    width: int
    height: int


def pixels(picture: Picture, *, megapixels: int = MEGAPIXELS) -> Pixels:
    """The picture as it is meant to be seen.

    Raises:
        BadRequest, BadMedia: as `image_of`.
    """
    if picture.raw is not None and picture.raw.pixel_format == "rgb":
        _check_size(picture.raw.width, picture.raw.height, megapixels)
        return _rows(picture.data, picture.raw)  # a view: frames come by the dozen each second
    return np.asarray(image_of(picture, megapixels=megapixels).image)


def image_of(picture: Picture, *, megapixels: int = MEGAPIXELS, enough: int = 0) -> Seen:
    """The picture in mode RGB, upright.

    Args:
        picture: raw, or a file.
        megapixels: no more than so many.
        enough: a JPEG may be reduced while it is decoded, to sides of at least so many pixels; 0:
            it is not. Measured: 2026-11, 2 vCPU: 12 megapixels for 224 x 224 take 14 ms of a core
            instead of 66.

    Raises:
        BadRequest: raw pixels of another number of bytes than width and height say.
        BadMedia: no picture that can be read to its end, or one with too many pixels.
    """
    if picture.raw is not None:
        raw = _raw(picture, megapixels)
        return Seen(raw, *raw.size)
    found = _opened(picture.data, megapixels)
    width, height = found.size
    try:
        if enough:
            found.draft(None, (enough, enough))
        found.load()
        turn = _turn(found)
        upright = _rgb(found) if turn is None else _rgb(found).transpose(turn)
        return Seen(upright, height, width) if turn in _ON_SIDE else Seen(upright, width, height)
    except _BROKEN as error:
        raise _unreadable("the picture is damaged or ends early") from error


def _raw(picture: Picture, megapixels: int) -> Image.Image:
    facts = picture.raw
    if facts is None:
        raise BadRequest("no facts about the pixels")
    _check_size(facts.width, facts.height, megapixels)
    rows = _rows(picture.data, facts)
    if facts.pixel_format == "rgb":
        return Image.fromarray(rows)
    if facts.pixel_format == "bgr":
        return Image.fromarray(np.ascontiguousarray(rows[:, :, ::-1]))
    if facts.pixel_format == "grey":
        return Image.fromarray(rows[:, :, 0]).convert("RGB")
    order = [2, 1, 0, 3] if facts.pixel_format == "bgra" else [0, 1, 2, 3]
    return _rgb(Image.fromarray(np.ascontiguousarray(rows[:, :, order])))


def _rows(data: bytes | memoryview, facts: ImageFormat) -> Pixels:
    """The pixels of raw bytes, shape (height, width, channels), without the gaps between rows."""
    size = memoryview(data).nbytes
    stride = max(facts.stride, facts.row_bytes)
    if size not in {facts.size_bytes, stride * facts.height} or 0 < facts.stride < facts.row_bytes:
        raise wrong_size(facts, size)
    flat = np.frombuffer(data, np.uint8)
    shape = (facts.height, facts.width, BYTES_PER_PIXEL[facts.pixel_format])
    if stride == facts.row_bytes:
        return flat.reshape(shape)
    rows = np.lib.stride_tricks.as_strided(flat, shape, (stride, shape[2], 1), writeable=False)
    return np.ascontiguousarray(rows)


def _opened(data: bytes | memoryview, megapixels: int) -> Image.Image:
    """The file's head, read; its pixels are not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes: the next line knows a smaller bound
            found = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_large("the picture has", megapixels) from error
    except UnidentifiedImageError as error:
        raise _unreadable("the bytes are no picture that can be read") from error
    except _BROKEN as error:
        raise _unreadable("the picture's head is damaged") from error
    _check_size(*found.size, megapixels)
    return found


def _check_size(width: int, height: int, megapixels: int) -> None:
    if width * height > megapixels * 10**6:
        raise _too_large(f"{width} x {height} are", megapixels)


def _too_large(what: str, megapixels: int) -> BadMedia:
    return BadMedia(
        f"{what} more than {megapixels} million pixels",
        fix="make the picture smaller, or raise `max_megapixels` in the model's manifest",
    )


def _unreadable(what: str) -> BadMedia:
    return BadMedia(what, fix="give a whole JPEG, PNG, WebP, BMP or GIF file, or raw pixels")


def _rgb(image: Image.Image) -> Image.Image:
    """In mode RGB, over white where it is transparent."""
    if image.mode.startswith("I"):
        return _from_16_bit(image)
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        upper = image.convert("RGBA")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(upper, mask=upper.getchannel("A"))
        return paper
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_16_bit(image: Image.Image) -> Image.Image:
    """Grey of 16 bits by its upper eight; Pillow itself would cut everything above 255."""
    grey = np.clip(np.asarray(image, np.int64), 0, 2**16 - 1) >> 8
    return Image.fromarray(grey.astype(np.uint8)).convert("RGB")


def _turn(image: Image.Image) -> Image.Transpose | None:
    """How its EXIF wants it turned; a damaged EXIF says nothing."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except _BROKEN:
        return None
