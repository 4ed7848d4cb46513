"""A store, the owner of sessions with fake microphones, and what tests ask them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from fake_microphones import FakeClock, FakeMicrophones
from fake_sights import FakeOnlooker, FakeSights

from edged.config import Sessions as Settings
from edged.events import Bus
from edged.jobs.work import order_of, queue_session
from edged.messages.sessions import LedgerEntry, Session, SessionsStart
from edged.sessions.appending import close_fed
from edged.sessions.equipment import Captions, Equipment
from edged.sessions.running import Sessions
from edged.store import ledger, sessions
from edged.store.database import Store
from edged.store.engine import Connection

KEY = bytes(range(32))

Scenario = Callable[["Rig"], Awaitable[None]]


class Rig:
    """The parts of one scenario."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.clock = FakeClock()
        self.microphones = FakeMicrophones(self.clock)
        self.sights = FakeSights(self.clock)
        self.onlooker = FakeOnlooker()
        self.bus = Bus()
        self.cancelled: list[str] = []
        self.woken = 0
        self.captions: Captions | None = None
        loop = asyncio.get_running_loop()
        self.store = Store.open(
            path / "edged.db",
            KEY,
            on_commit=lambda events: loop.call_soon_threadsafe(self.bus.committed, events),
        )
        self.sessions = Sessions(
            Equipment(
                store=self.store,
                bus=self.bus,
                microphones=self.microphones,
                captions=self._captions,
                queue=lambda db, session_id: queue_session(
                    db, order_of(db, session_id), attempts=3
                ),
                close_fed=close_fed,
                sights=self.sights,
                onlookers=lambda _options, _wish: (self.onlooker,),
                chunk_ms=30_000,
                reopen_s=0.001,
                room_s=0.01,
                clock=self.clock,
            ),
            settings,
            cancel_job=self._cancel,
            wake=self._wake,
        )

    async def _captions(self, *_: object) -> Captions | None:
        return self.captions

    async def _cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)

    def _wake(self) -> None:
        self.woken += 1

    async def start(self, request: SessionsStart = SessionsStart()) -> Session:  # noqa: B008 frozen
        return await self.sessions.start(request, started_by="a test")

    async def ledger(self, session_id: str) -> list[tuple[int, int, str, str]]:
        """Start, end, state and reason of every entry."""
        entries: tuple[LedgerEntry, ...] = await self.store.read(
            lambda db: ledger.of_session(db, session_id)
        )
        return [(one.start_ms, one.end_ms, one.state, one.reason) for one in entries]

    async def stored(self, session_id: str) -> Session:
        """As the store has it."""
        return await self.store.read(lambda db: sessions.get(db, session_id))

    async def until(self, holds: Callable[[Connection], object]) -> None:
        """Wait until a query gives something true."""
        async with asyncio.timeout(10):
            while not await self.store.read(holds):
                await asyncio.sleep(0.002)


def play(path: Path, scenario: Scenario, settings: Settings | None = None) -> None:
    """Run a scenario against a fresh or existing store in a folder."""

    async def main() -> None:
        rig = Rig(path, settings or Settings())
        try:
            async with asyncio.timeout(15), asyncio.TaskGroup() as tasks:
                serving = tasks.create_task(rig.sessions.run())
                try:
                    await scenario(rig)
                finally:
                    await rig.sessions.close()
                    serving.cancel()
        finally:
            rig.store.close()

    asyncio.run(main())
