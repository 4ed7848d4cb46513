"""Reads media files with FFmpeg (PyAV): the one place that imports it for decoding.

Every error of PyAV is translated here. What the bytes are is found out from the bytes alone: the
format list keeps playlists and scripts, which would open other files, out.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import av
import av.logging
import numpy as np
from av.audio import AudioStream
from av.container import InputContainer

from edged.capture.mono import Frames, Samples, downmix
from edged.capture.parts import MediaFacts, check_bounds
from edged.errors import BadMedia, Internal

_FORMATS = (
    "wav,w64,flac,mp3,ogg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,aiff,caf,amr,amrnb,amrwb,au"
)
_STATED_LENGTH = frozenset({"flac", "mov", "matroska"})
"""Formats whose header states the length. The others' is an estimate or the last time stamp; a
wav's is so often wrong (a recorder that was killed) that a wav just ends where it ends."""

_MISSING_MS = 500
"""So much less than stated is truncation; encoders' delay and padding stay below."""

_GAP_S = (0.1, 3600.0)
"""Silence is put into gaps of the time stamps in this range (silence that was not sent, damaged
packets), so that times stay right; a greater jump is a clock that was set, not a pause."""

_SILENCE_SAMPLES = 65_536


class Descriptor:
    """A seekable file that reads an open descriptor without moving its offset, and never closes it.

    Args:
        fd: an open regular file or memfd, readable; it stays the caller's.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._at = 0
        self.size_bytes = os.fstat(fd).st_size

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        data = os.pread(self._fd, size, self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, and return the new position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size_bytes}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """The present position."""
        return self._at


class MediaFile:
    """The audio track of an open media file.

    Args:
        fd: an open regular file or memfd; it stays the caller's.

    Raises:
        BadMedia: empty, not a media file, without audio, or out of bounds.
    """

    def __init__(self, fd: int) -> None:
        av.logging.set_level(None)
        self._source = Descriptor(fd)
        if not self._source.size_bytes:
            raise BadMedia("the file is empty (0 bytes)")
        with translated("this is no media file that can be read"):
            self._container = opened(self._source, _FORMATS)
        try:
            self._stream = _audio_track(self._container)
            self.facts = self._read_facts()
        except BaseException:
            self._container.close()
            raise
        self.damaged = False

    def close(self) -> None:
        """Free the demuxer and the decoder; the descriptor stays open."""
        self._container.close()

    def blocks(self) -> Iterator[tuple[Samples, int]]:
        """Mono samples and their rate, in order; as `frames`.

        Raises:
            BadMedia: samples are not finite numbers, or a rate or channel count is out of bounds.
        """
        for frames, rate in self.frames():
            yield downmix(frames), rate

    def frames(self) -> Iterator[tuple[Frames, int]]:
        """Samples of all channels and their rate, in order, with silence where time stamps leave a gap.

        What cannot be decoded is left out and noted in `damaged`.

        Raises:
            BadMedia: a rate or channel count is out of bounds.
        """
        expected_s: float | None = None
        for frame in self._frames():
            samples, rate = _shaped(frame)
            if expected_s is not None and frame.time is not None:
                yield from _silence(frame.time - expected_s, rate, samples.shape[1])
            expected_s = None if frame.time is None else frame.time + len(samples) / rate
            yield samples, rate

    def is_short(self, audio_ms: int) -> bool:
        """Whether so much audio is clearly less than the header states."""
        stated_ms = _length_ms(self._container, self._stream)
        return self.facts.container in _STATED_LENGTH and audio_ms + _MISSING_MS < stated_ms

    def _frames(self) -> Iterator[av.AudioFrame]:
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                self._note(error)
                continue
            for frame in frames:
                if frame.samples:
                    yield frame

    def _packets(self) -> "Iterator[av.Packet[AudioStream]]":
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError as error:
                self._note(error)
                return
            yield packet

    def _note(self, error: av.FFmpegError) -> None:
        if isinstance(error, MemoryError):
            raise Internal("out of memory while decoding") from error
        self.damaged = True

    def _read_facts(self) -> MediaFacts:
        context = self._stream.codec_context
        check_bounds(context.sample_rate, context.channels)
        return MediaFacts(
            audio_ms=min(
                _length_ms(self._container, self._stream),
                _possible_ms(self._stream, self._source.size_bytes),
            ),
            sample_rate=context.sample_rate,
            channels=context.channels,
            container=self._container.format.name.split(",")[0],
            codec=context.name,
        )


@contextmanager
def translated(problem: str) -> Iterator[None]:
    """Turn PyAV's errors into ours.

    Raises:
        BadMedia: FFmpeg does not understand the content.
        Internal: FFmpeg lacks memory.
    """
    try:
        yield
    except av.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise Internal("out of memory while decoding") from error
        raise BadMedia(f"{problem}: {error.strerror}") from error
    except (ValueError, UnicodeError) as error:
        raise BadMedia(problem) from error


def opened(source: Descriptor, formats: str) -> InputContainer:
    """Media of these formats alone (FFmpeg's names, with commas); it may lead to no other file or address.

    Raises:
        av.FFmpegError: FFmpeg does not understand it; `translated` makes it ours.
    """
    return av.open(
        source,
        mode="r",
        metadata_errors="replace",
        container_options={"format_whitelist": formats, "protocol_whitelist": "none"},
    )


def _audio_track(container: InputContainer) -> AudioStream:
    if not container.streams.audio:
        raise BadMedia("the file has no audio track")
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise BadMedia("the file's audio is in a codec that is not known")
    if not stream.codec_context.sample_rate:
        raise BadMedia("the file's audio track cannot be read; the file may be truncated")
    stream.codec_context.thread_count = 1
    return stream


def _length_ms(container: InputContainer, stream: AudioStream) -> int:
    """The stated or estimated length; 0: unknown."""
    if stream.duration and stream.time_base:
        return max(0, int(stream.duration * stream.time_base * 1000))
    return max(0, (container.duration or 0) * 1000 // av.time_base)


def _possible_ms(stream: AudioStream, size_bytes: int) -> int:
    """The longest that PCM in a file of this size can be, whatever the header says."""
    context = stream.codec_context
    if context.name.startswith("pcm_") and context.bit_rate:
        return size_bytes * 8000 // context.bit_rate
    return 2**53


def _shaped(frame: av.AudioFrame) -> tuple[Frames, int]:
    channels = frame.layout.nb_channels
    check_bounds(frame.sample_rate, channels)
    try:
        samples: Frames = frame.to_ndarray()
    except ValueError as error:
        raise BadMedia(f"samples of the kind {frame.format.name} cannot be read") from error
    shaped: Frames = samples.T if frame.format.is_planar else samples.reshape(-1, channels)
    return shaped, frame.sample_rate


def _silence(gap_s: float, rate: int, channels: int) -> Iterator[tuple[Frames, int]]:
    """Silence for a gap between time stamps, in blocks."""
    if not _GAP_S[0] <= gap_s <= _GAP_S[1]:
        return
    left = round(gap_s * rate)
    while left > 0:
        size = min(left, _SILENCE_SAMPLES)
        left -= size
        yield np.zeros((size, channels), np.float32), rate


logging.getLogger("libav").setLevel(logging.CRITICAL)  # its messages quote the file's metadata
