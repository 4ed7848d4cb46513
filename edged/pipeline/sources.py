"""Where a transcription's audio comes from: opened once, identified by its content."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from msgspec import Struct

from edged.capture import files
from edged.capture.parts import DecodedPart
from edged.errors import BadRequest
from edged.media import AudioFormat
from edged.pipeline.decoders import Decoders

Buffer = bytes | memoryview


class Media(Protocol):
    """Audio that is being decoded."""

    @property
    def audio_ms(self) -> int:
        """Its length as stated; 0: unknown."""
        ...

    def parts(self) -> AsyncGenerator[DecodedPart, None]:
        """Parts of at most 30 s, in order; the last one is final."""
        ...


class Audible(Protocol):
    """What can be heard from its start, as often as one likes: a Source, or chunks joined."""

    def open(self, decoders: Decoders, *, priority: int = 0) -> AbstractAsyncContextManager[Media]:
        """Begin to decode; leaving the block stops it."""
        ...


class Source(Struct, kw_only=True):
    """An open piece of media; fulfils Audible. Whoever opened it closes it.

    fd: a regular file or a memory file.
    sha256: over the bytes. audio: the format of raw PCM, a part of its identity.
    path: None for bytes that a client sent.
    owner: the client_id for whom it is worked on; empty: the user. What is made of it is theirs.
    """

    fd: int
    name: str
    sha256: str
    size_bytes: int
    path: str | None = None
    audio: AudioFormat | None = None
    owner: str = ""

    @property
    def content(self) -> str:
        """Names what is to be heard, and for whom: the same bytes in another format are something else."""
        facts = self.audio
        read_as = f" {facts.sample_format} {facts.sample_rate} {facts.channels}" if facts else ""
        return f"{self.sha256}{read_as}" + (f" of {self.owner}" if self.owner else "")

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from an offset; blocking, for a thread."""
        return os.pread(self.fd, size, offset)

    @asynccontextmanager
    async def open(self, decoders: Decoders, *, priority: int = 0) -> AsyncIterator[Media]:
        """Begin to decode it; see Decoders.open."""
        async with decoders.open(self.fd, self.audio, priority=priority) as media:
            yield media

    def close(self) -> None:
        """Give the descriptor back."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


async def from_path(path: str, *, beneath: str | None = None) -> Source:
    """A file, opened safely and hashed in a thread.

    Args:
        path: absolute.
        beneath: a watched folder that it must lie in, with no link on the way.

    Raises:
        NotFound, Denied, BadMedia: absent, unreadable, or no regular file.
        Conflict: it changed while it was read.
    """
    return await _identified(files.open_media(path, beneath=beneath), path=path, audio=None)


async def from_bytes(parts: Sequence[Buffer], *, audio: AudioFormat | None, name: str) -> Source:
    """Bytes that a client sent, in memory only.

    Raises:
        BadRequest: no bytes, or PCM that ends within a sample.
    """
    size = sum(len(part) for part in parts)
    if not size:
        raise BadRequest("no audio came with the request", fix="send it as binary frames")
    if audio is not None and size % audio.frame_bytes:
        raise BadRequest(f"{size} bytes are no whole number of {audio.frame_bytes}-byte samples")
    source = await _identified(await files.memory_file(parts), path=None, audio=audio)
    source.name = name
    return source


async def _identified(fd: int, *, path: str | None, audio: AudioFormat | None) -> Source:
    try:
        digest = await files.sha256(fd)
        size = os.fstat(fd).st_size
    except BaseException:
        os.close(fd)
        raise
    name = os.path.basename(path) if path else ""
    return Source(fd=fd, name=name, sha256=digest, size_bytes=size, path=path, audio=audio)
