"""The decode worker, lent to whoever has media to be decoded, converted or cut."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from edged.capture.cutting import ClipBytes, ClipCodec, ClipOptions, ClipPiece, ClipSize
from edged.capture.files import CALL_DEADLINE_S, DECODE_WORKER, Decoding, decoding
from edged.capture.parts import ConvertOptions, DecodeOptions, PcmPiece
from edged.errors import Deadline, WorkerGone
from edged.media import AudioChunk, AudioFormat
from edged.workers.process import Worker
from edged.workers.shared import SharedWorker

CONVERT_DEADLINE_S = 10.0


class Decoders:
    """Lends the decode worker. Loop thread only."""

    def __init__(self) -> None:
        self._shared = SharedWorker(DECODE_WORKER)

    @asynccontextmanager
    async def open(
        self,
        fd: int,
        audio: AudioFormat | None = None,
        *,
        priority: int = 0,
        wanted: AudioFormat | None = None,
    ) -> AsyncIterator[Decoding]:
        """Decode an open file, several at once if need be; to 16 kHz mono, or as it is wanted.

        Raises:
            BadMedia, Busy, WorkerGone, Deadline, EngineMissing: see edged.capture.files.decoding.
        """
        options = DecodeOptions(audio=audio, wanted=wanted)
        async with (
            self._shared.lent() as worker,
            decoding(worker, fd, options, priority=priority) as media,
        ):
            yield media

    async def convert(self, data: bytes | memoryview, options: ConvertOptions) -> AudioChunk:
        """A piece of live PCM as mono s16le at 16 kHz.

        A worker that died has forgotten what it held back, a few samples; its successor goes on.

        Raises:
            BadRequest, BadMedia: see edged.capture.parts.MediaDecoder.convert.
            WorkerGone, Deadline, EngineMissing: see edged.capture.files.decoding.
        """
        async with self._shared.lent() as worker:
            answer = await worker.call(
                "convert", PcmPiece(data=data), options, deadline_s=CONVERT_DEADLINE_S
            )
        return answer.to(AudioChunk)

    @asynccontextmanager
    async def clipping(self, codec: ClipCodec) -> AsyncIterator["Clipping"]:
        """Make a new file of 16 kHz mono samples.

        Raises:
            Busy, WorkerGone, Deadline, EngineMissing: see edged.capture.cutting.
        """
        async with self._shared.lent() as worker:
            clipping = Clipping(worker, codec)
            try:
                yield clipping
            finally:
                await clipping.forget()

    async def close(self) -> None:
        """End the worker now."""
        await self._shared.close()


class Clipping:
    """One new file, made by Decoders.clipping: first all samples, then its bytes."""

    def __init__(self, worker: Worker, codec: ClipCodec) -> None:
        self._worker = worker
        self._codec: ClipCodec = codec
        self._name = secrets.token_hex(8)

    async def feed(self, pcm: bytes, *, final: bool) -> int:
        """Add s16le samples; the size of the file in bytes, once they were the last ones."""
        options = ClipOptions(clip=self._name, codec=self._codec, final=final)
        answer = await self._worker.call(
            "clip", AudioChunk(data=pcm), options, deadline_s=CALL_DEADLINE_S
        )
        return answer.to(ClipSize).size_bytes

    async def piece(self, offset: int) -> bytes:
        """At most 1 MiB of the finished file."""
        wanted = ClipPiece(clip=self._name, offset=offset)
        answer = await self._worker.call("clipped", wanted, deadline_s=CALL_DEADLINE_S)
        return answer.to(ClipBytes).data

    async def forget(self) -> None:
        """Let the worker drop what nobody fetched."""
        with suppress(WorkerGone, Deadline):
            await self._worker.call(
                "forget_clip", ClipPiece(clip=self._name), deadline_s=CALL_DEADLINE_S
            )
