"""Files and bytes as open descriptors, their hash, and their audio by way of the decode worker.

Daemon side: no codec and no array is imported here. Client bytes live in memory only.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import stat
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec import Struct

from edged.capture.parts import DecodedPart, DecodeOptions, MediaStream, OpenMedia
from edged.errors import (
    BadMedia,
    BadRequest,
    Busy,
    Conflict,
    Deadline,
    Denied,
    EdgedError,
    NotFound,
    Unsupported,
    WorkerGone,
)
from edged.workers.process import Answer, WorkerSpec

T = TypeVar("T")
Buffer = bytes | bytearray | memoryview

DECODE_WORKER = WorkerSpec(name="decode", module="edged.capture.decoder")
"""The process that hosts FFmpeg; descriptors come with its calls, so it may open no file."""

CALL_DEADLINE_S = 120.0
"""Seconds for one part. A part takes 0.1 s; 10 minutes of audio that are passed over, 2 s."""

_CLOSE_DEADLINE_S = 5.0
_HASHED_AT_ONCE = 2**20
_OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_FOLDER_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY

_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="edged-files")
"""Bounded; more work waits. A thread starts with the first use."""


class FileFacts(Struct, frozen=True):
    """Which file this is and in what state; two equal ones are the same content.

    mtime_ns: the file system's clock.
    """

    device: int
    inode: int
    size_bytes: int
    mtime_ns: int


class DecodeWorker(Protocol):
    """The part of edged.workers.process.Worker that decoding needs."""

    async def call(
        self,
        method: str,
        *arguments: Struct | None,
        deadline_s: float,
        target: str = "",
        fds: Sequence[int] = (),
        priority: int = 0,
    ) -> Answer:
        """Call a method of the hosted object and return its answer."""
        ...


def open_media(path: str | Path, *, beneath: str | Path | None = None) -> int:
    """Open a regular file for reading; the caller closes the descriptor.

    The last component may not be a symlink, and a FIFO cannot block.

    Args:
        path: absolute; symlinks in the folders before the name are followed, unless `beneath`.
        beneath: a folder that the path lies in; no component below it may be a symlink or `..`.

    Raises:
        NotFound: there is no such file. Denied: it may not be read, or is a symlink.
        BadMedia: a directory, FIFO, socket or device. BadRequest: not an absolute path.
        Busy: the process has no descriptor left.
    """
    if "\0" in str(path) or not Path(path).is_absolute():
        raise BadRequest("the path is not absolute", fix="give the file's absolute path")
    try:
        fd = os.open(path, _OPEN_FLAGS) if beneath is None else _open_beneath(beneath, path)
    except OSError as error:
        raise _refusal(error) from error
    try:
        _check_regular(fd)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _open_beneath(folder: str | Path, path: str | Path) -> int:
    """Walk down from the folder, so that no component can be swapped for a symlink meanwhile."""
    try:
        *folders, name = Path(path).relative_to(folder).parts
    except ValueError as error:
        raise Denied("the file lies outside its watched folder") from error
    if ".." in (*folders, name):
        raise Denied("the file lies outside its watched folder")
    at = os.open(folder, _FOLDER_FLAGS & ~os.O_NOFOLLOW)
    try:
        for part in folders:
            below = os.open(part, _FOLDER_FLAGS, dir_fd=at)
            os.close(at)
            at = below
        return os.open(name, _OPEN_FLAGS, dir_fd=at)
    finally:
        os.close(at)


def _refusal(error: OSError) -> EdgedError:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return NotFound("there is no such file", fix="check the path")
        case errno.ELOOP:
            return Denied("the path is a symlink", fix="give the path of the file itself")
        case errno.EACCES | errno.EPERM:
            return Denied(
                "the daemon may not read the file",
                fix="give the daemon's user the right to read it and its folders",
            )
        case errno.ENXIO:
            return _wrong_kind("a socket or device")
        case errno.EMFILE | errno.ENFILE:
            return Busy("no file descriptor is left", retry_after_ms=1_000)
        case _:
            return BadMedia(f"the file cannot be opened: {error.strerror}", fix="check the path")


def _check_regular(fd: int) -> None:
    mode = os.fstat(fd).st_mode
    if stat.S_ISDIR(mode):
        raise _wrong_kind("a directory")
    if stat.S_ISFIFO(mode):
        raise _wrong_kind("a FIFO")
    if not stat.S_ISREG(mode):
        raise _wrong_kind("a socket or device")


def _wrong_kind(kind: str) -> BadMedia:
    return BadMedia(f"the path is {kind}, not a file", fix="give the path of a media file")


def facts_of(fd: int) -> FileFacts:
    """Which file this is and in what state."""
    found = os.fstat(fd)
    return FileFacts(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


async def sha256(fd: int) -> str:
    """The hash of a file's content, in hex, computed in a thread with bounded memory.

    The descriptor must stay open until this returns; its offset is not moved.

    Raises:
        Conflict: the file changed meanwhile. BadMedia: it cannot be read.
    """
    stop = threading.Event()
    return await _in_thread(lambda: _hash(fd, stop), stop)


def _hash(fd: int, stop: threading.Event) -> str:
    before = facts_of(fd)
    digest = hashlib.sha256()
    at = 0
    while at < before.size_bytes and not stop.is_set():
        try:
            data = os.pread(fd, min(_HASHED_AT_ONCE, before.size_bytes - at), at)
        except OSError as error:
            raise BadMedia(f"the file cannot be read: {error.strerror}") from error
        if not data:
            break
        digest.update(data)
        at += len(data)
    if facts_of(fd) != before or at < before.size_bytes:
        raise Conflict(
            "the file changed while it was read", fix="send it when it is completely written"
        )
    return digest.hexdigest()


async def memory_file(parts: Iterable[Buffer]) -> int:
    """Bytes as a sealed file in memory, never on disk; the caller closes the descriptor.

    Raises:
        Unsupported: the platform has no such files.
    """
    fd = _blank()
    try:
        await _in_thread(lambda: _fill(fd, parts), threading.Event())
        _seal(fd)
    except BaseException:
        os.close(fd)
        raise
    return fd


async def poured_file(pieces: AsyncIterable[Sequence[Buffer]]) -> int:
    """As `memory_file`, of bytes that come one after another; never are all of them here twice.

    Raises:
        Unsupported: the platform has no such files.
    """
    fd = _blank()
    try:
        async for some in pieces:
            await _in_thread(lambda some=some: _fill(fd, some), threading.Event())  # type: ignore[misc] # a default
        _seal(fd)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _blank() -> int:
    if not hasattr(os, "memfd_create"):
        raise Unsupported("media as bytes need Linux", fix="pass a path instead of bytes")
    return os.memfd_create("edged-media", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def _fill(fd: int, parts: Iterable[Buffer]) -> None:
    for part in parts:
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(fd, rest) :]


def _seal(fd: int) -> None:
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)


async def _in_thread(function: Callable[[], T], stop: threading.Event) -> T:
    """Run in a thread of ours; a cancelled caller still waits until the thread lets go."""
    future = asyncio.get_running_loop().run_in_executor(_threads, function)
    try:
        return await asyncio.shield(future)
    finally:
        stop.set()
        if not future.done():
            await asyncio.wait([future])
            future.exception()  # looked at, for nobody else will


class Decoding:
    """Media that the decode worker holds open, made by `decoding`.

    facts: what the media says about its audio.
    """

    def __init__(
        self, worker: DecodeWorker, opened: OpenMedia, *, deadline_s: float, priority: int
    ) -> None:
        self.facts = opened.facts
        self._worker = worker
        self._stream = MediaStream(stream=opened.stream)
        self._deadline_s = deadline_s
        self._priority = priority
        self._open = True

    @property
    def audio_ms(self) -> int:
        """Its length as stated or estimated; 0: unknown."""
        return self.facts.audio_ms

    async def parts(self) -> AsyncGenerator[DecodedPart, None]:
        """The audio in parts, each decoded when it is asked for: the reader sets the pace.

        Raises:
            BadMedia: nothing can be decoded, or not to the end. WorkerGone: the worker died.
            Deadline: a part took too long.
        """
        while self._open:
            part = await self._next()
            if part.pcm or part.final:
                yield part

    async def _next(self) -> DecodedPart:
        try:
            answer = await self._worker.call(
                "next", self._stream, deadline_s=self._deadline_s, priority=self._priority
            )
        except EdgedError:
            self._open = False
            raise
        part = answer.to(DecodedPart)
        self._open = not part.final
        return part

    async def close(self) -> None:
        """Let the worker close the media, if it has not."""
        if self._open:
            self._open = False
            with suppress(WorkerGone, Deadline):
                await self._worker.call("close", self._stream, deadline_s=_CLOSE_DEADLINE_S)


@asynccontextmanager
async def decoding(
    worker: DecodeWorker,
    fd: int,
    options: DecodeOptions | None = None,
    *,
    deadline_s: float = CALL_DEADLINE_S,
    priority: int = 0,
) -> AsyncIterator[Decoding]:
    """Decode an open file in the worker; leaving the block closes it there.

    Several can be open on one worker: their parts are decoded in turns.

    Args:
        worker: hosts DECODE_WORKER, and lives as long as the block.
        fd: from `open_media` or `memory_file`; it stays the caller's, and may be closed as soon
            as the block is entered.
        options: raw PCM's format, and where to start.
        deadline_s: seconds for one part, from when the worker takes it up.
        priority: 0 is the most urgent.

    Raises:
        BadMedia: no audio in it that can be decoded. Busy: too many are open.
        WorkerGone: the worker died. Deadline: it took too long.
    """
    answer = await worker.call(
        "open", options or DecodeOptions(), deadline_s=deadline_s, fds=(fd,), priority=priority
    )
    media = Decoding(worker, answer.to(OpenMedia), deadline_s=deadline_s, priority=priority)
    try:
        yield media
    finally:
        await media.close()
