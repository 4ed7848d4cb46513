"""Live PCM of any format to 16 kHz mono, piece by piece; worker side only."""

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from edged.capture.mono import Resampler, downmix
from edged.capture.parts import ConvertOptions, PcmPiece, check_bounds
from edged.errors import BadRequest
from edged.media import AudioChunk, AudioFormat

MAX_STREAMS = 64
"""Streams whose resampler is kept; the one unused for longest is dropped first."""


@dataclass(slots=True)
class _Stream:
    """given: samples that it gave so far."""

    audio: AudioFormat
    resampler: Resampler = field(default_factory=Resampler)
    given: int = 0


class LivePcm:
    """The streams of one worker."""

    def __init__(self) -> None:
        self._streams: OrderedDict[str, _Stream] = OrderedDict()

    def convert(self, piece: PcmPiece, options: ConvertOptions) -> AudioChunk:
        """What can be given of all that came; see MediaDecoder.convert for what it raises."""
        stream = self._stream(options)
        blocks = list(stream.resampler.feed(_mono(piece, options.audio), options.audio.sample_rate))
        rest = stream.resampler.finish() if options.final else stream.resampler.ready()
        data = np.concatenate([*blocks, *rest, np.zeros(0, np.int16)]).astype("<i2").tobytes()
        chunk = AudioChunk(data=data, start=stream.given)
        stream.given += chunk.samples
        if options.final:
            del self._streams[options.stream]
        return chunk

    def _stream(self, options: ConvertOptions) -> _Stream:
        found = self._streams.pop(options.stream, None)
        if found is None or found.audio != options.audio:
            check_bounds(options.audio.sample_rate, options.audio.channels)
            found = _Stream(options.audio)
        self._streams[options.stream] = found
        if len(self._streams) > MAX_STREAMS:
            self._streams.popitem(last=False)
        return found


def _mono(piece: PcmPiece, audio: AudioFormat) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    if len(piece.data) % audio.frame_bytes:
        raise BadRequest("PCM that ends within a sample")
    kind = "<i2" if audio.sample_format == "s16le" else "<f4"
    return downmix(np.frombuffer(piece.data, kind).reshape(-1, audio.channels))
