"""Pictures of one photograph that is in the public domain: whole, tiled, turned, spoilt."""

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image

Pixels = npt.NDArray[np.uint8]

ORIENTATION = 0x0112
"""EXIF's tag for how a picture is turned."""


def astronaut() -> Pixels:
    """The photograph, 512 x 512 RGB."""
    found: Pixels = np.ascontiguousarray(
        skimage.data.astronaut()  # type: ignore[no-untyped-call] # the package has no types
    )
    return found


def portrait() -> Pixels:
    """Head and shoulders, 400 pixels wide and 300 high: not as wide as high, so that turns are told."""
    return np.ascontiguousarray(astronaut()[:300, :400])


def face() -> Pixels:
    """The face alone, 160 x 160."""
    return np.ascontiguousarray(astronaut()[30:190, 145:305])


def ten_faces() -> Pixels:
    """Four columns and three rows, the last two places empty: 640 x 480."""
    tiled = np.tile(face(), (3, 4, 1))
    tiled[320:, 320:] = 255
    return tiled


def encoded(pixels: Pixels, kind: str, **options: object) -> bytes:
    """As a file of that kind."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def film(target: Path, frames: Sequence[Pixels], *, fps: int = 10) -> None:
    """Write frames of one even size as an MPEG-4 film."""
    height, width = frames[0].shape[:2]
    with av.open(str(target), "w") as out:
        stream = out.add_stream("mpeg4", rate=fps, options={"q": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = 8_000_000
        for pixels in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(stream.encode())


def turned(pixels: Pixels, orientation: int, quarters: int) -> bytes:
    """A JPEG whose pixels lie turned by so many quarters against the clock, and whose EXIF says so."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encoded(np.ascontiguousarray(np.rot90(pixels, quarters)), "JPEG", exif=exif, quality=95)


def white_png(width: int, height: int) -> bytes:
    """A PNG of one bit a pixel that is whole, however large."""
    row = b"\0" + b"\xff" * -(-width // 8)
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(row * 100) for _ in range(height // 100)) + packer.flush()
    return _png(width, height, 1, 0, _chunk(b"IDAT", data))


def promised_png(width: int, height: int) -> bytes:
    """A PNG that promises so many pixels and has almost none."""
    return _png(width, height, 8, 6, _chunk(b"IDAT", zlib.compress(bytes(1000))))


def png_with_swollen_text(size: int) -> bytes:
    """A PNG of one pixel with a text that unpacks to so many bytes."""
    text = b"note\0\0" + zlib.compress(bytes(size))
    return _png(1, 1, 8, 0, _chunk(b"zTXt", text) + _chunk(b"IDAT", zlib.compress(b"\0\0")))


def _png(width: int, height: int, depth: int, colour: int, chunks: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + chunks + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
