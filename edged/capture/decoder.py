"""The decode worker's object: media of any kind to 16 kHz mono parts with their loudness.

Runs in a worker process only; the daemon sees edged.capture.parts.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager

from edged.capture.clips import Clips
from edged.capture.container import MediaFile
from edged.capture.cutting import ClipBytes, ClipOptions, ClipPiece, ClipSize
from edged.capture.live_pcm import LivePcm
from edged.capture.mono import PartCutter, Resampler
from edged.capture.parts import (
    MAX_OPEN,
    ConvertOptions,
    DecodedPart,
    DecodeOptions,
    MediaFacts,
    MediaStream,
    OpenMedia,
    PcmPiece,
)
from edged.capture.raw import RawAudio
from edged.capture.sound import sound_parts
from edged.errors import BadMedia, BadRequest, Busy, NotFound
from edged.media import AudioChunk, samples_to_ms
from edged.workers.context import WorkerContext

_Source = MediaFile | RawAudio


def load(argument: bytes, context: WorkerContext) -> "Decoder":
    """The worker's entry; `argument` is not used."""
    del argument
    return Decoder(context)


class Decoder:
    """Fulfils edged.capture.parts.MediaDecoder."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._streams: dict[int, Generator[DecodedPart, None, None]] = {}
        self._opened = 0
        self._live = LivePcm()
        self._clips = Clips()

    def clip(self, audio: AudioChunk, options: ClipOptions) -> ClipSize:
        """Add samples to a file, begun with its first ones; see edged.capture.cutting."""
        return self._clips.clip(audio, options)

    def clipped(self, piece: ClipPiece) -> ClipBytes:
        """A piece of a finished file."""
        return self._clips.clipped(piece)

    def forget_clip(self, piece: ClipPiece) -> ClipSize:
        """Drop a file that nobody wants any more."""
        return self._clips.forget(piece)

    def probe(self, options: DecodeOptions) -> MediaFacts:
        """What the media says about its audio, without decoding it."""
        with _source(self._descriptor(options), options) as source:
            return source.facts

    def decode(self, options: DecodeOptions) -> Iterator[DecodedPart]:
        """The audio in parts, in order; the last one is final."""
        with _source(self._descriptor(options), options) as source:
            for part in self._parts(source, options):
                if part.pcm or part.final:
                    yield part

    def open(self, options: DecodeOptions) -> OpenMedia:
        """Begin to decode; the descriptor is copied, since the call's own is closed after it."""
        if len(self._streams) >= MAX_OPEN:
            raise Busy(f"{MAX_OPEN} media are open in the decode worker", retry_after_ms=1_000)
        with ExitStack() as stack:
            fd = os.dup(self._descriptor(options))
            stack.callback(os.close, fd)
            source = stack.enter_context(_source(fd, options))
            self._opened += 1
            self._streams[self._opened] = self._kept(source, options, stack.pop_all())
        return OpenMedia(stream=self._opened, facts=source.facts)

    def next(self, stream: MediaStream) -> DecodedPart:
        """The next part; after the final one, or an error, the media is closed."""
        parts = self._streams.pop(stream.stream, None)
        if parts is None:
            raise NotFound("the media is not open in the decode worker")
        part = next(parts)
        if part.final:
            parts.close()
        else:
            self._streams[stream.stream] = parts
        return part

    def close(self, stream: MediaStream) -> MediaStream:
        """Stop decoding; does nothing when it is closed already."""
        if parts := self._streams.pop(stream.stream, None):
            parts.close()
        return stream

    def convert(self, piece: PcmPiece, options: ConvertOptions) -> AudioChunk:
        """A piece of live PCM as models take it."""
        return self._live.convert(piece, options)

    def _kept(
        self, source: _Source, options: DecodeOptions, resources: ExitStack
    ) -> Generator[DecodedPart, None, None]:
        parts = self._until_closed(source, options, resources)
        next(parts)  # a generator that was never started would not free what it holds
        return parts

    def _until_closed(
        self, source: _Source, options: DecodeOptions, resources: ExitStack
    ) -> Generator[DecodedPart, None, None]:
        with resources:
            yield DecodedPart(pcm=b"", rms=b"", start=options.start)
            yield from self._parts(source, options)

    def _parts(self, source: _Source, options: DecodeOptions) -> Iterator[DecodedPart]:
        if options.wanted is not None:
            for part in sound_parts(source, options.wanted):
                self._context.give_way(yieldable=False)
                yield part
            return
        resampler, cutter = Resampler(), PartCutter(options.start)
        for samples, rate in source.blocks():
            for block in resampler.feed(samples, rate):
                self._context.give_way(yieldable=False)
                yield from cutter.feed(block)
        for block in resampler.finish():
            yield from cutter.feed(block)
        if not cutter.seen:
            raise BadMedia("nothing of the audio can be decoded; the file is damaged or truncated")
        short = source.is_short(samples_to_ms(cutter.seen))
        yield cutter.finish(truncated=source.damaged or short)

    def _descriptor(self, options: DecodeOptions) -> int:
        descriptors = self._context.descriptors()
        if options.fd >= len(descriptors):
            raise BadRequest("the call brought no descriptor for the media")
        return descriptors[options.fd]


@contextmanager
def _source(fd: int, options: DecodeOptions) -> Iterator[_Source]:
    """The samples in a descriptor; it stays the caller's."""
    if options.audio is not None:
        yield RawAudio(fd, options.audio)
        return
    with closing(MediaFile(fd)) as media:
        yield media
