"""Frames of a video file by FFmpeg (PyAV); in workers only. Its errors are translated here."""

from collections.abc import Iterator

import av
import av.logging
from av.container import InputContainer
from av.video import VideoStream

from edged.capture.container import Descriptor, opened, translated
from edged.capture.motion import Motion
from edged.capture.pacing import Pace
from edged.capture.pixels import Developer
from edged.capture.sight_orders import Glimpse, VideoOrder
from edged.capture.y4m import LARGEST_PIXELS
from edged.errors import BadMedia, Internal

_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,mpegvideo,ogg,asf,mjpeg,h264,hevc,"
    "yuv4mpegpipe,gif,mxf,dv,ivf"
)
_THREADS = 2
"""Measured: 2026-11, 2 vCPU: more gain nothing beside a model."""


class VideoFile:
    """The video track of an open file.

    Args:
        fd: an open regular file or memfd; it stays the caller's.

    Raises:
        BadMedia: empty, no video, or out of bounds.
    """

    def __init__(self, fd: int) -> None:
        av.logging.set_level(None)
        source = Descriptor(fd)
        if not source.size_bytes:
            raise BadMedia("the file is empty (0 bytes)")
        with translated("this is no video file that can be read"):
            self._container = opened(source, _FORMATS)
        try:
            self._stream = _video_track(self._container)
        except BaseException:
            self._container.close()
            raise
        self._first: av.VideoFrame | None = None

    def close(self) -> None:
        """Free the demuxer and the decoder; the descriptor stays open."""
        self._container.close()

    def glimpses(self, order: VideoOrder) -> Iterator[Glimpse]:
        """The wished frames in order, to the video's end; those that cannot be decoded are left out.

        Raises:
            BadMedia: none can be decoded.
        """
        pace, motion, developer = Pace(order.fps), Motion(), Developer()
        of_ms = _duration_ms(self._container, self._stream)
        captured = still = 0
        for at_ns, frame in _timed(self._frames(), self._stream):
            if not pace.takes(at_ns):
                continue
            moved = motion.moved(frame)
            captured += 1
            if captured > 1 and moved < order.still_below:
                still += 1
                continue
            motion.keep()
            pixels = developer.rgb(frame)
            yield Glimpse(
                data=pixels.data.cast("B"),
                width=pixels.shape[1],
                height=pixels.shape[0],
                number=captured - 1,
                at_ns=at_ns,
                captured=captured,
                still=still,
                moved=moved,
                of_ms=of_ms,
            )
        if not captured:
            raise BadMedia("no frame of the video can be decoded")
        yield Glimpse(captured=captured, still=still, ended="end")

    def _frames(self) -> Iterator[av.VideoFrame]:
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                _check_memory(error)
                continue
            for frame in frames:
                if frame.width * frame.height > LARGEST_PIXELS:
                    raise BadMedia(f"the video's frames are larger than {LARGEST_PIXELS} pixels")
                yield frame

    def _packets(self) -> "Iterator[av.Packet[VideoStream]]":
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError as error:
                _check_memory(error)
                return
            yield packet


def _timed(
    frames: Iterator[av.VideoFrame], stream: VideoStream
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Frames with their times from the first one on, in nanoseconds; they always grow.

    Time stamps that are missing or go back are made up by the video's rate.
    """
    pause_ns = int(1e9 / float(stream.average_rate or stream.guessed_rate or 25))
    first_s: float | None = None
    last_ns = -pause_ns
    for frame in frames:
        at_ns = last_ns + pause_ns
        if frame.time is not None:
            first_s = frame.time if first_s is None else first_s
            at_ns = round((frame.time - first_s) * 1e9)
        if at_ns <= last_ns:
            at_ns = last_ns + pause_ns
        last_ns = at_ns
        yield at_ns, frame


def _video_track(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise BadMedia("the file has no video track", fix="give a video file, or a picture")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise BadMedia("the file's video is in a codec that is not known")
    if stream.codec_context.width * stream.codec_context.height > LARGEST_PIXELS:
        raise BadMedia(f"the video's frames are larger than {LARGEST_PIXELS} pixels")
    stream.codec_context.thread_count = _THREADS
    stream.thread_type = "AUTO"
    return stream


def _duration_ms(container: InputContainer, stream: VideoStream) -> int:
    if stream.duration and stream.time_base:
        return max(0, int(stream.duration * stream.time_base * 1000))
    return max(0, (container.duration or 0) * 1000 // av.time_base)


def _check_memory(error: av.FFmpegError) -> None:
    if isinstance(error, MemoryError):
        raise Internal("out of memory while decoding") from error
