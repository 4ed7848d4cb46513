"""The client's side of an upload, against a daemon that answers as the tests want."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from edged.bridge import uploading
from edged.bridge.framing import Buffer
from edged.errors import BadMedia, Busy, Conflict, DaemonDown, DiskFull, EdgedError
from edged.messages.replies import AnyReply
from edged.messages.requests import AnyRequest
from edged.messages.uploads import (
    UploadClose,
    Uploaded,
    UploadOpen,
    UploadOpened,
    UploadPart,
    UploadTaken,
)

R = TypeVar("R", bound=AnyReply)
PART = 10
WINDOW = 3


class Daemon:
    """Keeps what comes in order; `refuse` may say no to a part."""

    def __init__(self, refuse: Callable[[int], EdgedError | None] = lambda _: None) -> None:
        self.held = bytearray()
        self.opened: list[UploadOpen] = []
        self.on_their_way = 0
        self.most_on_their_way = 0
        self.answers_from = 0
        self.parts = 0
        self._refuse = refuse

    async def ask(
        self,
        request: AnyRequest,
        reply: type[R],
        parts: Sequence[Buffer] = (),
        *,
        deadline_ms: int = 0,
    ) -> R:
        assert not deadline_ms
        answer = await self._answer(request, parts)
        assert isinstance(answer, reply)
        return answer

    async def _answer(self, request: AnyRequest, parts: Sequence[Buffer]) -> AnyReply:
        if isinstance(request, UploadOpen):
            self.opened.append(request)
            return UploadOpened(
                upload_id="u",
                received=len(self.held),
                size_bytes=request.size_bytes,
                part_bytes=PART,
                window=WINDOW,
                expires_at="",
            )
        if isinstance(request, UploadPart):
            return await self._take(request, parts)
        assert isinstance(request, UploadClose)
        sha256 = hashlib.sha256(self.held).hexdigest()
        return Uploaded(upload_id="u", size_bytes=len(self.held), sha256=sha256)

    async def _take(self, request: UploadPart, parts: Sequence[Buffer]) -> UploadTaken:
        self.on_their_way += 1
        self.most_on_their_way = max(self.most_on_their_way, self.on_their_way)
        while self.most_on_their_way < self.answers_from or (
            self.answers_from and request.offset > len(self.held)
        ):
            await asyncio.sleep(0)
        self.on_their_way -= 1
        self.parts += 1
        if error := self._refuse(self.parts):
            raise error
        if request.offset != len(self.held):
            raise Conflict("a gap", received=len(self.held))
        self.held += b"".join(parts)
        return UploadTaken(upload_id="u", received=len(self.held))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of ten parts and a bit."""
    path = tmp_path / "file"
    path.write_bytes(bytes(range(103)))
    return path


def _upload(daemon: Daemon, file: Path, upload_id: str | None = None) -> list[int]:
    told: list[int] = []

    def note(_: str, received: int, size_bytes: int) -> None:
        assert size_bytes == file.stat().st_size
        told.append(received)

    sent = asyncio.run(uploading.upload(daemon, file, upload_id=upload_id, told=note))

    assert sent.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    return told


def test_all_parts_are_sent_in_order_and_never_more_at_once_than_the_window(file: Path) -> None:
    daemon = Daemon()
    daemon.answers_from = WINDOW  # the first part is answered when so many have come

    told = _upload(daemon, file)

    assert told == [*range(0, 101, PART), 103]
    assert daemon.most_on_their_way == WINDOW


def test_an_upload_goes_on_where_the_daemon_has_it(file: Path) -> None:
    daemon = Daemon()
    daemon.held += file.read_bytes()[:42]

    told = _upload(daemon, file, "u")

    assert told[0] == 42
    assert daemon.opened[0].upload_id == "u"
    assert daemon.parts == 7


def test_a_busy_daemon_is_asked_again_after_the_time_that_it_said(file: Path) -> None:
    busy = Busy("too much", retry_after_ms=1)
    daemon = Daemon(lambda part: busy if part % 4 == 0 else None)

    _upload(daemon, file)

    assert len(daemon.opened) > 2
    assert {one.upload_id for one in daemon.opened[1:]} == {"u"}


def test_a_daemon_that_stays_busy_is_given_up(file: Path) -> None:
    daemon = Daemon(lambda _: Busy("too much", retry_after_ms=1))

    with pytest.raises(Busy):
        _upload(daemon, file)

    assert len(daemon.opened) == uploading.TRIES


@pytest.mark.parametrize("error", [DiskFull("full"), DaemonDown("gone")])
def test_any_other_failure_is_the_callers(file: Path, error: EdgedError) -> None:
    daemon = Daemon(lambda part: error if part == 4 else None)

    with pytest.raises(type(error)):
        _upload(daemon, file)

    assert len(daemon.opened) == 1


def test_a_file_that_changed_meanwhile_is_no_success(file: Path) -> None:
    daemon = Daemon()
    daemon.held += b"other"

    with pytest.raises(Conflict, match="changed"):
        asyncio.run(uploading.upload(daemon, file))


def test_a_file_that_is_absent_or_empty_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    daemon = Daemon()
    (tmp_path / "empty").touch()

    for name, words in (("absent", "cannot be opened"), ("empty", "is empty")):
        with pytest.raises(BadMedia, match=words):
            asyncio.run(uploading.upload(daemon, tmp_path / name))

    assert not daemon.opened
