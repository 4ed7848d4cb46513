"""One source of a session while it is captured: opened, read part by part, opened again when lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress

import msgspec

from edged.capture.source import Capture, CapturedPart, CaptureOptions, Gap, Microphones
from edged.errors import DeviceMissing, EdgedError
from edged.messages.sessions import SourceKind

log = logging.getLogger(__name__)

OPEN_S = 20.0
"""A device that gives no sound for so long after it was opened counts as missing."""

STOP_S = 10.0
"""A capture that does not end within that time is ended by force; its open chunk is lost."""

Take = Callable[["Track", CapturedPart], Awaitable[None]]


class Track:
    """A device and the recording that it fills. Loop thread only.

    Args:
        microphones: open devices.
        kind: microphone or loopback.
        options: how to capture; `first_chunk` is set anew at every opening.
        reopen_s: how long to wait before a capture that broke is tried again.

    recording_id is empty until the session has its rows. next_chunk: the number of the next one.
    hole: why there may be time before the next chunk of which nothing is known. gap: one that goes
    on. noted_ms: up to where the ledger was told of it.
    """

    def __init__(
        self,
        microphones: Microphones,
        kind: SourceKind,
        options: CaptureOptions,
        *,
        reopen_s: float,
    ) -> None:
        self.kind: SourceKind = kind
        self.recording_id = ""
        self.device = options.device
        self.next_chunk = 0
        self.hole = "opening"
        self.gap: Gap | None = None
        self.noted_ms = 0
        self._microphones = microphones
        self._options = options
        self._reopen_s = reopen_s
        self._capture: Capture | None = None
        self._task: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[None] | None = None
        self._released = asyncio.Event()
        self._stopping = asyncio.Event()
        self._discarding = False

    @property
    def lost(self) -> str:
        """Why it gives nothing now, as a ledger's reason; empty while it does."""
        if self.gap is not None:
            return self.gap.reason
        return "device_lost" if self._task is not None and self._capture is None else ""

    @property
    def origin_ns(self) -> int | None:
        """CLOCK_BOOTTIME at the session's 0; None while nobody knows."""
        return self._options.origin_ns

    def begin_at(self, origin_ns: int) -> None:
        """The session's clock begins there, for every capture that is opened from now on."""
        self._options = msgspec.structs.replace(self._options, origin_ns=origin_ns)

    async def open(self, tasks: asyncio.TaskGroup, take: Take) -> None:
        """Begin to capture; returns when the device gives sound. `release` lets it through.

        Where nobody knows the session's 0 yet, it is the first sound.

        Raises:
            DeviceMissing, DeviceBusy, PermissionDenied, ...: it cannot be captured.
        """
        self._released.clear()
        self._stopping.clear()
        self._discarding = False
        opened = asyncio.get_running_loop().create_future()
        self._opened = opened
        self._task = tasks.create_task(self._run(take), name=f"capture of a {self.kind}")
        try:
            async with asyncio.timeout(OPEN_S):
                await asyncio.shield(opened)
        except TimeoutError as error:
            await self.stop(discard=True)
            raise DeviceMissing(f"the {self.kind} gave no sound in {OPEN_S:.0f} s") from error

    def release(self) -> None:
        """What is captured may be taken from now on."""
        self._released.set()

    async def stop(self, *, discard: bool = False) -> None:
        """End the capture; its last parts are taken before this returns, unless they are discarded."""
        if self._task is None:
            return
        self._stopping.set()
        self._discarding = discard
        self._released.set()
        if self._capture is None:
            self._task.cancel()
        else:
            with suppress(EdgedError):
                await self._capture.stop(discard=discard)
        await asyncio.wait({self._task}, timeout=STOP_S)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=STOP_S)
        self._task = None

    async def _run(self, take: Take) -> None:
        """Capture until stopped. A capture that breaks after it was opened is tried again."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._capture_once(take)
                except EdgedError as error:
                    if self._refuse(error):
                        return
                    log.warning("a source of a session was lost: %s", error.code)
                    self.hole = "device_lost"
                else:
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), self._reopen_s)
        finally:
            self._refuse(DeviceMissing("the device was given up before it gave sound"))

    def _refuse(self, error: EdgedError) -> bool:
        """Tell whoever waits for the first sound that it does not come; whether anybody waited."""
        if self._opened is None or self._opened.done():
            return False
        self._opened.set_exception(error)
        self._opened.exception()  # seen, also when nobody waits any more
        return True

    def _is_open(self, part: CapturedPart) -> bool:
        """Whether the device gives sound; without a 0 of the clock, that has to come first."""
        if self._opened is None or self._opened.done():
            return True
        if self._options.origin_ns is None and part.origin_ns is not None:
            self.begin_at(part.origin_ns)
        if self._options.origin_ns is not None:
            self._opened.set_result(None)
        return self._opened.done()

    async def _capture_once(self, take: Take) -> None:
        options = msgspec.structs.replace(self._options, first_chunk=self.next_chunk)
        async with self._microphones.open(self.kind, options) as capture:
            self._capture = capture
            try:
                async with aclosing(capture.parts()) as parts:
                    async for part in parts:
                        if not self._is_open(part):
                            continue  # no sound yet: nothing to wait for
                        await self._released.wait()
                        if not self._discarding:
                            await take(self, part)
            finally:
                self._capture = None
