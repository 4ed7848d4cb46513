"""The daemon's findings about itself, made in the background so that asking costs nothing.

Green must mean that work is possible: a durable commit is tried at the start and every few
minutes, the writer thread is asked to answer every few seconds, and so are the workers (by the
pool, through their process state and canaries).
"""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterable

from edged import __version__
from edged.config import Paths
from edged.errors import DiskFull, EdgedError
from edged.events import Bus, now
from edged.messages.events import HealthChanged
from edged.messages.records import HealthStatus, Listening
from edged.messages.replies import HealthReport, Reason
from edged.messages.seeing import SightState
from edged.store import meta
from edged.store.database import Store

CHECK_S = 2.0
SELF_TEST_S = 300.0
WRITER_WITHIN_S = 10.0
LATE_S = 2.0
"""A loop that wakes so much too late is overloaded, or something blocks it."""

LOW_DISK_BYTES = 200 * 2**20

FAILING = frozenset({"store_stuck", "disk_full", "store_corrupt", "wrong_key", "internal"})
"""Reasons with which requests cannot be served; any other one only degrades."""

Finder = Callable[[], Iterable[Reason]]


class Vitals:
    """Collects findings. Loop thread only.

    Args:
        store: whose writer is asked to answer.
        paths: whose disk is looked at.
        bus: hears when the status changes.
        finders: ask the pool, the watched folders and the like; they answer from memory.
        slow_finders: asked in the background only, because they look at files.
    """

    def __init__(
        self,
        store: Store,
        paths: Paths,
        bus: Bus,
        finders: Iterable[Finder],
        slow_finders: Iterable[Finder] = (),
    ) -> None:
        self._store = store
        self._paths = paths
        self._bus = bus
        self._finders = tuple(finders)
        self._slow_finders = tuple(slow_finders)
        self._slow_found: tuple[Reason, ...] = ()
        self._started = time.monotonic()
        self._own: dict[str, Reason] = {}
        self._disk_free = shutil.disk_usage(paths.state).free
        self._status: HealthStatus = "ok"

    async def run(self) -> None:
        """Look every two seconds, until cancelled."""
        tested = -SELF_TEST_S
        while True:
            if time.monotonic() - tested >= SELF_TEST_S:
                tested = time.monotonic()
                await self._commit()
            await self._look()
            self._tell()
            due = time.monotonic() + CHECK_S
            await asyncio.sleep(CHECK_S)
            self._note("overloaded", _late(time.monotonic() - due))

    def reasons(self) -> tuple[Reason, ...]:
        """Everything that is not well, newest findings."""
        found = [*self._own.values(), *self._slow_found]
        for finder in self._finders:
            found.extend(finder())
        return tuple(found)

    def report(
        self,
        *,
        models_loaded: tuple[str, ...],
        queue_depth: int,
        recording: tuple[Listening, ...] = (),
        watching: tuple[SightState, ...] = (),
    ) -> HealthReport:
        """The stored findings as a reply."""
        reasons = self.reasons()
        committed = self._store.last_commit
        moment = time.monotonic()
        return HealthReport(
            status=status_of(reasons),
            reasons=reasons,
            pid=os.getpid(),
            version=__version__,
            uptime_s=round(moment - self._started, 3),
            models_loaded=models_loaded,
            queue_depth=queue_depth,
            last_commit_age_ms=None if committed is None else int((moment - committed) * 1000),
            disk_free_bytes=self._disk_free,
            sqlite_version=self._store.sqlite_version,
            timestamp=now(),
            recording=recording,
            watching=watching,
        )

    async def _commit(self) -> None:
        """Prove that a commit reaches the disk."""
        stuck = f"the store's writer does not answer within {WRITER_WITHIN_S:.0f} s"
        problem: Reason | None = None
        try:
            async with asyncio.timeout(WRITER_WITHIN_S):
                await self._store.write(meta.self_test)
        except TimeoutError:
            problem = Reason(code="store_stuck", message=stuck, fix="look at the disk; restart")
        except EdgedError as error:
            problem = Reason(code=error.code, message=error.message, fix=error.fix)
        self._note("self_test", problem)

    async def _look(self) -> None:
        self._slow_found = tuple(one for finder in self._slow_finders for one in finder())
        free = await asyncio.to_thread(shutil.disk_usage, self._paths.state)
        self._disk_free = free.free
        low = free.free < LOW_DISK_BYTES
        self._note("disk_low", _disk_low(free.free) if low else None)
        if "self_test" in self._own or self._store.disk_full:
            await self._commit()  # it may be over
        full = Reason(code=DiskFull.code, message="the disk is full", fix=DiskFull.advice)
        self._note("disk_full", full if self._store.disk_full else None)

    def _note(self, name: str, problem: Reason | None) -> None:
        if problem is None:
            self._own.pop(name, None)
        else:
            self._own[name] = problem

    def _tell(self) -> None:
        reasons = self.reasons()
        status = status_of(reasons)
        if status != self._status:
            self._status = status
            codes = tuple(reason.code for reason in reasons)
            self._bus.hint(HealthChanged(status=status, reasons=codes))


def status_of(reasons: Iterable[Reason]) -> HealthStatus:
    """The worst that the reasons amount to."""
    codes = {reason.code for reason in reasons}
    if codes & FAILING:
        return "failing"
    return "degraded" if codes else "ok"


def _late(seconds: float) -> Reason | None:
    if seconds < LATE_S:
        return None
    return Reason(
        code="overloaded",
        message=f"the daemon woke {seconds:.1f} s too late",
        fix="the machine is overloaded or was asleep; it should pass",
    )


def _disk_low(free: int) -> Reason:
    return Reason(
        code="disk_low",
        message=f"{free // 2**20} MB of disk are left",
        fix="free space before it is full; writing stops then, reading goes on",
    )
