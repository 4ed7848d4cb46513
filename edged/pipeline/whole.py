"""A source as one piece of speech PCM, for models that have to hear it at once."""

from contextlib import aclosing

from edged.errors import BadRequest
from edged.media import AudioChunk, samples_to_ms
from edged.messages.wire import Priority
from edged.models.turns import urgency_of
from edged.pipeline.decoders import Decoders
from edged.pipeline.sources import Source


async def decoded(
    decoders: Decoders, source: Source, *, most_ms: int, priority: Priority = "interactive"
) -> AudioChunk:
    """All of a source, 16 kHz mono.

    Raises:
        BadRequest: it is longer than `most_ms`.
        BadMedia, Busy, WorkerGone, Deadline, EngineMissing: see Decoders.open.
    """
    pieces: list[bytes] = []
    urgency = urgency_of(priority)
    async with (
        decoders.open(source.fd, source.audio, priority=urgency) as media,
        aclosing(media.parts()) as parts,
    ):
        async for part in parts:
            pieces.append(part.pcm)
            if samples_to_ms(part.start + part.audio.samples) > most_ms:
                raise BadRequest(
                    f"the audio is longer than {most_ms // 1000} s", fix="send it in pieces"
                )
    return AudioChunk(data=b"".join(pieces))
