"""Draws what was seen: onto a picture, into a movie, or of a camera onto a plain ground.

Needs the [vision] extra. Pictures and videos are read as the daemon's workers read them, so that
every point lies where it was seen; here they are read in the command's own process.
"""

import io
import os
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from fractions import Fraction
from pathlib import PurePath
from types import TracebackType
from typing import BinaryIO, Self

import av
import numpy as np
import numpy.typing as npt
from av.video import VideoStream
from PIL import Image

from edged.bridge.framing import Buffer
from edged.capture.sight_orders import Glimpse, VideoOrder
from edged.capture.video_frames import VideoFile
from edged.cli.new_file import Draft
from edged.cli.seeing.parts import Part, apart
from edged.cli.seeing.wanted import MOVIES
from edged.errors import BadRequest, Internal
from edged.media import Picture
from edged.messages.seeing import See, Seen
from edged.models.presets.pictures import FORMATS, pixels
from edged.vision.drawing import draw

Pixels = npt.NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""

KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
CODECS = ("libx264", "mpeg4")
"""The first one that FFmpeg was built with: mpeg4 always is, and every player knows it."""

OPTIONS = {"libx264": {"preset": "veryfast", "crf": "21"}, "mpeg4": {"q": "4"}}
""".. so that drawing does not take longer than looking."""

GROUND = (24, 27, 33)
_MILLISECONDS = Fraction(1, 1000)
_MASK = 255


@contextmanager
def opened(
    path: str, request: See | None, data: bytes, *, force: bool
) -> Generator["Still | Movie", None, None]:
    """A canvas for one command; without `keep` nothing is left of it.

    Args:
        path: where it will lie.
        request: about which file; None: frames of a camera or a screen.
        data: the picture's bytes, when they came on stdin.
        force: replace a file that is there.

    Raises:
        BadRequest: the file exists, cannot be made, or is of another kind than what is seen.
    """
    with ExitStack() as stack:
        source = _source(request, data, stack)
        is_movie = PurePath(path).suffix.lower() in MOVIES
        _check(source, is_movie=is_movie)
        draft = stack.enter_context(Draft(path, force=force))
        if isinstance(source, bytes):
            yield Still(source, draft)
        else:
            frames = None if source is None else _glimpses(source, request, stack)
            yield stack.enter_context(Movie(frames, draft))


def _source(request: See | None, data: bytes, stack: ExitStack) -> bytes | int | None:
    """A picture's bytes, the descriptor of a video, or None where there are no pixels to be had."""
    if request is None:
        return None
    if request.path is None:
        return data
    try:
        fd = os.open(request.path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise BadRequest(f"the file cannot be read: {error.strerror}") from error
    stack.callback(os.close, fd)
    with open(fd, "rb", closefd=False) as file:
        return file.read() if is_picture(file) else fd


def is_picture(file: BinaryIO) -> bool:
    """Whether it is a picture, and not a video; afterwards it is at its start again."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes: whoever reads it whole knows a bound
            Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        return True
    except (OSError, SyntaxError, ValueError):
        return False
    finally:
        file.seek(0)
    return True


def _check(source: bytes | int | None, *, is_movie: bool) -> None:
    if isinstance(source, bytes) and is_movie:
        raise BadRequest("a picture is no movie", fix="let --draw end in .png")
    if isinstance(source, int) and not is_movie:
        raise BadRequest("a video is drawn as a movie", fix="let --draw end in .mp4")


def _glimpses(fd: int, request: See | None, stack: ExitStack) -> Iterator[Glimpse]:
    fps = request.fps if request is not None else None
    video = stack.enter_context(closing(VideoFile(fd)))
    return video.glimpses(VideoOrder(fps=fps or 0.0))


class Still:
    """One picture.

    Args:
        data: the whole file that was looked at.
        draft: where it is drawn.
    """

    def __init__(self, data: bytes, draft: Draft) -> None:
        self._data = data
        self._draft = draft

    def add(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """Draw it."""
        kind = KINDS[self._draft.path.suffix.lower()]
        there = apart(seen, parts)
        made = there.get("picture")
        if made is not None and seen.masks and seen.masks[0].media_type == f"image/{kind.lower()}":
            self._draft.file.write(made.data)
            return
        image = _effect(there, seen)
        if image is None:
            image = Image.fromarray(draw(pixels(Picture(data=self._data)), seen))
        opaque = _flat(image) if kind == "JPEG" else image
        try:
            opaque.save(self._draft.file, kind, **({"quality": 92} if kind == "JPEG" else {}))
        except (OSError, ValueError) as error:
            raise _undrawable(kind) from error

    def keep(self) -> None:
        """Give the file its name."""
        self._draft.keep()


class Movie:
    """Frames as MP4, each at its time. A context manager.

    Args:
        frames: of the video, in order; None: nothing but what is drawn can be seen.
        draft: where it is drawn.
    """

    def __init__(self, frames: Iterator[Glimpse] | None, draft: Draft) -> None:
        self._frames = frames
        self._draft = draft
        self._stream = Mp4(draft.file)
        self._first_ms: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(BadRequest):  # what is wrong was said, or nobody wants the movie
            self._stream.close()

    def add(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """Draw the frame that was looked at; one that cannot be had again is left out."""
        image = _effect(apart(seen, parts), seen)
        ground = self._ground(seen)
        if self._first_ms is None:
            self._first_ms = seen.captured_at_ms
        if image is not None:
            drawn = np.asarray(_flat(image))
        elif ground is not None:
            drawn = draw(ground, seen)
        else:
            return
        self._stream.add(drawn, seen.captured_at_ms - self._first_ms)

    def keep(self) -> None:
        """Give the file its name.

        Raises:
            BadRequest: no frame was drawn.
        """
        if self._stream.is_empty:
            raise BadRequest("there was no frame to be drawn")
        self._stream.close()
        self._draft.keep()

    def _ground(self, seen: Seen) -> Pixels | None:
        if self._frames is None:
            return np.full((seen.height, seen.width, 3), GROUND, np.uint8)
        for glimpse in self._frames:
            if glimpse.data and glimpse.number >= seen.frame_id:
                shape = (glimpse.height, glimpse.width, 3)
                return np.frombuffer(glimpse.data, np.uint8).reshape(shape)
        return None


class Mp4:
    """An MP4 file with one video track, whose size is that of its first frame.

    Args:
        file: open for writing, and seekable; it stays the caller's.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._container = av.open(file, "w", format="mp4")
        self._track: VideoStream | None = None
        self._last_ms = -1

    @property
    def is_empty(self) -> bool:
        """Whether there is no frame in it."""
        return self._track is None

    def add(self, picture: Pixels, at_ms: int) -> None:
        """Append a frame; times grow."""
        if self._track is None:
            self._track = self._opened(picture)
        track = self._track
        frame = av.VideoFrame.from_ndarray(_sized(picture, track.width, track.height), "rgb24")
        self._last_ms = max(at_ms, self._last_ms + 1)
        frame.pts, frame.time_base = self._last_ms, _MILLISECONDS
        try:
            self._container.mux(track.encode(frame))
        except (av.FFmpegError, OSError) as error:
            raise _undrawable("MP4") from error

    def close(self) -> None:
        """Write what is left; a second time nothing happens.

        Raises:
            BadRequest: the disk is full.
        """
        track, self._track = self._track, None
        try:
            if track is not None:
                self._container.mux(track.encode(None))
            self._container.close()
        except (av.FFmpegError, OSError) as error:
            raise _undrawable("MP4") from error

    def _opened(self, picture: Pixels) -> VideoStream:
        codec = next(one for one in CODECS if one in av.codecs_available)
        height, width = picture.shape[:2]
        track = self._container.add_stream(codec, rate=25)
        if not isinstance(track, VideoStream):
            raise Internal(f"{codec} is no codec of pictures")
        track.width, track.height = _even(width), _even(height)
        track.pix_fmt = "yuv420p"
        track.time_base = track.codec_context.time_base = _MILLISECONDS
        track.codec_context.options = OPTIONS[codec]
        return track


def _undrawable(kind: str) -> BadRequest:
    return BadRequest(
        f"it cannot be written as {kind}: too large, or the disk is full",
        fix="choose another kind of file, or make room",
    )


def _even(length: int) -> int:
    """Colours are kept for two pixels together."""
    return length + length % 2


def _sized(picture: Pixels, width: int, height: int) -> Pixels:
    """In the movie's size: the last row or column twice, or scaled where a camera changed its own."""
    rows, columns = picture.shape[:2]
    if (_even(columns), _even(rows)) != (width, height):
        return np.asarray(Image.fromarray(picture).resize((width, height)))
    padding = ((0, height - rows), (0, width - columns), (0, 0))
    return np.ascontiguousarray(np.pad(picture, padding, mode="edge"))


def _effect(there: dict[str, Part], seen: Seen) -> Image.Image | None:
    """What `segment` gave instead of points: the changed picture, or the mask in grey."""
    if "picture" in there:
        return Image.open(io.BytesIO(there["picture"].data))
    if "mask" not in there:
        return None
    facts, data = there["mask"]
    height, width = facts.shape
    mask = np.frombuffer(data, np.uint8).reshape(height, width)
    if seen.masks and seen.masks[0].kind == "category":
        mask = (mask * (_MASK // max(1, int(mask.max())))).astype(np.uint8)
    return Image.fromarray(mask)


def _flat(image: Image.Image) -> Image.Image:
    """In RGB, over white where it is transparent."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper
