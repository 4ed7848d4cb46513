"""The decode worker's object: media of any kind to 16 kHz mono parts with their loudness.

Runs in a worker process only; the daemon sees edged.capture.parts.
"""

from collections.abc import Iterator

from edged.capture.container import MediaFile
from edged.capture.mono import PartCutter, Resampler
from edged.capture.parts import DecodedPart, DecodeOptions, MediaFacts
from edged.capture.raw import RawAudio
from edged.errors import BadMedia, BadRequest
from edged.media import samples_to_ms
from edged.workers.context import WorkerContext


def load(argument: bytes, context: WorkerContext) -> "Decoder":
    """The worker's entry; `argument` is not used."""
    del argument
    return Decoder(context)


class Decoder:
    """Fulfils edged.capture.parts.MediaDecoder."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context

    def probe(self, options: DecodeOptions) -> MediaFacts:
        """What the media says about its audio, without decoding it."""
        fd = self._descriptor(options)
        if options.audio is not None:
            return RawAudio(fd, options.audio).facts
        media = MediaFile(fd)
        media.close()
        return media.facts

    def decode(self, options: DecodeOptions) -> Iterator[DecodedPart]:
        """The audio in parts, in order; the last one is final."""
        fd = self._descriptor(options)
        if options.audio is not None:
            yield from self._parts(RawAudio(fd, options.audio), options.start)
            return
        media = MediaFile(fd)
        try:
            yield from self._parts(media, options.start)
        finally:
            media.close()

    def _parts(self, source: MediaFile | RawAudio, start: int) -> Iterator[DecodedPart]:
        resampler, cutter = Resampler(), PartCutter(start)
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
