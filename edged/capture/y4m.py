"""YUV4MPEG2, the simplest of all video forms: a line of facts, then frames of raw planes.

Without any I/O: bytes are fed as they come, and frames taken when they are whole. In workers only.
Source: yuv4mpeg(5) of the MJPEG tools: https://linux.die.net/man/5/yuv4mpeg
"""

from collections.abc import Iterator

import av
import numpy as np
from av.video.reformatter import ColorRange

from edged.errors import BadMedia

LARGEST_PIXELS = 2**25
"""8192 x 4096: as RGB it is 100 MB."""

FIX = "feed it with: ffmpeg ... -pix_fmt yuv420p -f yuv4mpegpipe PIPE"

_LONGEST_LINE = 4_096
_LARGEST_SIDE = 16_384
_MAGIC = b"YUV4MPEG2"
_FRAME = b"FRAME"

_FORMATS = {
    "420": "yuv420p", "420jpeg": "yuv420p", "420paldv": "yuv420p", "420mpeg2": "yuv420p",
    "422": "yuv422p", "444": "yuv444p", "411": "yuv411p", "mono": "gray",
}  # fmt: skip
"""FFmpeg's name by the file's: 8 bits a sample. They differ by where colour is sampled, by less than a pixel."""


class Y4mReader:
    """Frames of one stream, from its first byte on.

    width, height: 0 until the first line is whole.
    """

    def __init__(self) -> None:
        self.width = 0
        self.height = 0
        self._format = ""
        self._range = ColorRange.MPEG
        self._buffer = bytearray()
        self._planes: tuple[tuple[int, int], ...] = ()
        self._in_frame = False

    def feed(self, data: bytes | memoryview) -> Iterator[av.VideoFrame]:
        """Add bytes, and give the frames that are whole now.

        Raises:
            BadMedia: it is no such stream, or one that is not supported.
        """
        self._buffer += data
        while frame := self._next():
            yield frame

    @property
    def amid(self) -> bool:
        """Whether a frame, or the first line, has begun and is not whole."""
        return bool(self._buffer) or self._in_frame

    def _next(self) -> av.VideoFrame | None:
        if not self.width and not self._read_facts():
            return None
        if not self._in_frame and not self._read_mark():
            return None
        size = sum(width * height for width, height in self._planes)
        if len(self._buffer) < size:
            return None
        self._in_frame = False
        frame = self._frame(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return frame

    def _read_facts(self) -> bool:
        line = self._line(_MAGIC)
        if line is None:
            return False
        words = line.split()[1:]
        facts = {word[:1]: word[1:] for word in words if word[:1] != "X"}
        self._format = _FORMATS.get(facts.get("C", "420"), "")
        if not self._format:
            raise BadMedia("the pipe's pixels are of a kind that is not known", fix=FIX)
        if "XCOLORRANGE=FULL" in words:
            self._range = ColorRange.JPEG
        width, height = _side(facts.get("W", "")), _side(facts.get("H", ""))
        if width * height > LARGEST_PIXELS:
            raise BadMedia(f"the pipe's frames are larger than {LARGEST_PIXELS} pixels", fix=FIX)
        self._planes = _planes(self._format, width, height)
        self.width, self.height = width, height
        return True

    def _read_mark(self) -> bool:
        if self._line(_FRAME) is None:
            return False
        self._in_frame = True
        return True

    def _line(self, start: bytes) -> str | None:
        """The next line, which has to start so; None while it is not whole."""
        shown = bytes(self._buffer[: len(start)])
        if not start.startswith(shown):
            raise BadMedia("what comes from the pipe is not YUV4MPEG2", fix=FIX, out_of_step=True)
        end = self._buffer.find(b"\n", 0, _LONGEST_LINE)
        if end < 0:
            if len(self._buffer) >= _LONGEST_LINE:
                raise BadMedia("a line in the pipe's YUV4MPEG2 does not end", fix=FIX)
            return None
        line = bytes(self._buffer[:end]).decode("ascii", errors="replace")
        del self._buffer[: end + 1]
        return line

    def _frame(self, data: memoryview) -> av.VideoFrame:
        frame = av.VideoFrame(self.width, self.height, self._format)
        frame.color_range = self._range
        at = 0
        for plane, (width, height) in zip(frame.planes, self._planes, strict=True):
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            pixels = np.frombuffer(data[at : at + width * height], np.uint8)
            rows[:height, :width] = pixels.reshape(height, width)
            at += width * height
        return frame


def _side(word: str) -> int:
    """A width or height.

    Raises:
        BadMedia: it is none.
    """
    if not (word.isascii() and word.isdigit() and len(word) <= len(str(_LARGEST_SIDE))):
        raise BadMedia("the pipe's YUV4MPEG2 does not say how large its frames are", fix=FIX)
    side = int(word)
    if not 1 <= side <= _LARGEST_SIDE:
        raise BadMedia(f"the pipe's frames are not 1 to {_LARGEST_SIDE} pixels wide and high")
    return side


def _planes(kind: str, width: int, height: int) -> tuple[tuple[int, int], ...]:
    """Width and height of each plane, in samples."""
    across = {"yuv420p": 2, "yuv422p": 2, "yuv411p": 4, "yuv444p": 1}.get(kind, 0)
    if not across:
        return ((width, height),)
    down = 2 if kind == "yuv420p" else 1
    colour = (-(-width // across), -(-height // down))
    return ((width, height), colour, colour)
