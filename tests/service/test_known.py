"""The clients in memory: always what was committed, and what happens by itself when time passes."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from edged.bridge.access.words import fingerprint
from edged.config import Access as Settings
from edged.errors import Busy
from edged.events import Bus
from edged.messages.access import OWNER, STRANGER, Asker, AuditEntry, KnownClient, Pair
from edged.service import known as known_module
from edged.service.known import Known
from edged.store import Store, audit, clients
from edged.store.clock import later

KEY = bytes(range(32))
ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"
PANEL = Asker(client_id=STRANGER, kind="browser", identity=ORIGIN, pid=-1)
LOCAL = Asker(client_id=STRANGER, kind="local")
WISH = Pair(name="panel", scopes=("speech",), nonce="0" * 32)


class Rig:
    """A store, and the clients in memory as daemon.py makes them."""

    def __init__(self, path: Path, settings: Settings) -> None:
        loop = asyncio.get_running_loop()
        self.bus = Bus()
        self.store = Store.open(
            path,
            KEY,
            ballast_bytes=0,
            on_commit=lambda told: loop.call_soon_threadsafe(self.bus.committed, told),
        )
        self.settings = settings
        self.known = self.fresh()

    def fresh(self) -> Known:
        """Another one beside it, as after a restart."""
        return Known(self.store, self.bus, self.settings, fingerprint=fingerprint)

    async def approve(self, client: KnownClient, *, ttl_ms: float | None = None) -> KnownClient:
        expires_at = None if ttl_ms is None else later(None, ttl_ms)
        return await self.store.write(
            partial(clients.approve, client_id=client.client_id, scopes=None, expires_at=expires_at)
        )

    async def audit(self) -> list[tuple[str, str, int]]:
        entries: tuple[AuditEntry, ...] = await self.store.read(audit.page)
        return [(entry.act, entry.what, entry.count) for entry in reversed(entries)]


def _serve(
    folder: Path, test: Callable[[Rig], Awaitable[None]], settings: Settings | None = None
) -> None:
    async def scenario() -> None:
        rig = Rig(folder / "edged.db", settings or Settings())
        try:
            async with asyncio.timeout(10):
                await test(rig)
        finally:
            await asyncio.to_thread(rig.store.close)

    asyncio.run(scenario())


def test_what_was_decided_is_known_before_whoever_decided_goes_on(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        client = await rig.known.ask(PANEL, WISH)
        assert rig.known.known("browser", ORIGIN) == client

        approved = await rig.approve(client)
        assert rig.known.known("browser", ORIGIN) == approved

        await rig.store.write(lambda db: clients.forget(db, client.client_id))
        assert rig.known.known("browser", ORIGIN) is None

    _serve(tmp_path, test)


def test_a_decision_whose_maker_left_counts_all_the_same(tmp_path: Path) -> None:
    """A revocation that was committed must not be lost because Ctrl-C came in between."""

    async def test(rig: Rig) -> None:
        client = await rig.approve(await rig.known.ask(PANEL, WISH))
        changed = asyncio.Event()
        rig.known.watch(lambda _client, _before: changed.set())
        revoke = partial(clients.revoke, client_id=client.client_id)
        async with asyncio.TaskGroup() as tasks:
            revoking = tasks.create_task(rig.store.write(revoke))
            await asyncio.sleep(0)
            revoking.cancel()
        await rig.store.write(revoke)  # cancelled before or after the writer began
        await changed.wait()
        found = rig.known.known("browser", ORIGIN)
        assert found is not None
        assert found.status == "revoked"

    _serve(tmp_path, test)


def test_after_a_restart_the_same_is_known(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        panel = await rig.approve(await rig.known.ask(PANEL, WISH))
        local = await rig.approve(await rig.known.ask(LOCAL, WISH))
        token = await rig.known.token(local)

        restarted = rig.fresh()
        await restarted.load()

        assert restarted.known("browser", ORIGIN) == panel
        assert restarted.with_token(token) == local
        assert restarted.with_token("guessed") is None

    _serve(tmp_path, test)


def test_watchers_hear_what_it_was_before(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        heard: list[tuple[str, str]] = []
        rig.known.watch(lambda now, was: heard.append((was.status if was else "", now.status)))
        client = await rig.approve(await rig.known.ask(PANEL, WISH))
        await rig.store.write(lambda db: clients.revoke(db, client.client_id))

        assert heard == [("", "pending"), ("pending", "approved"), ("approved", "revoked")]

    _serve(tmp_path, test)


def test_the_words_are_those_that_the_client_makes_itself(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        client = await rig.known.ask(PANEL, WISH)

        assert client.fingerprint == fingerprint(ORIGIN, WISH.nonce)

    _serve(tmp_path, test)


def test_a_grant_that_ran_out_opens_nothing_before_anyone_looked(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        client = await rig.approve(await rig.known.ask(PANEL, WISH), ttl_ms=-1)
        found = rig.known.with_id(client.client_id)

        assert client.status == "approved"
        assert found is not None
        assert found.status == "expired"

    _serve(tmp_path, test)


def test_a_grant_ends_in_time_though_nobody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_module, "SWEEP_S", 60.0)

    async def test(rig: Rig) -> None:
        over = asyncio.Event()

        def heard(now: KnownClient, _: KnownClient | None) -> None:
            if now.status == "expired":
                over.set()

        rig.known.watch(heard)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(rig.known.run())
            await rig.approve(await rig.known.ask(PANEL, WISH), ttl_ms=100)
            await over.wait()
            running.cancel()

    _serve(tmp_path, test)


def test_strangers_who_waited_too_long_are_forgotten_and_make_room(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.known.ask(PANEL, WISH)
        other = Asker(client_id=STRANGER, kind="browser", identity="other@x")
        with pytest.raises(Busy):
            await rig.known.ask(other, WISH)

        await rig.known.expire()

        assert rig.known.known("browser", ORIGIN) is None
        await rig.known.ask(other, WISH)

    _serve(tmp_path, test, Settings(pending=1, pending_ms=1))


def test_a_local_program_is_told_its_token_once(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        asked = await rig.known.ask(LOCAL, WISH)
        again = await rig.known.ask(LOCAL, WISH)
        client = await rig.approve(asked)
        tokens = [await rig.known.token(client), await rig.known.token(client)]

        assert again.client_id == asked.client_id
        assert len(tokens[0]) >= 32
        assert tokens[1] == ""
        assert rig.known.with_token(tokens[0]) == client
        assert (await rig.known.ask(LOCAL, WISH)).client_id != client.client_id

    _serve(tmp_path, test)


def test_a_token_that_was_taken_back_opens_nothing(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        client = await rig.approve(await rig.known.ask(LOCAL, WISH))
        token = await rig.known.token(client)
        await rig.store.write(lambda db: clients.revoke(db, client.client_id))

        assert rig.known.with_token(token) is None

    _serve(tmp_path, test)


def test_a_local_program_that_asks_for_more_keeps_its_token(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        client = await rig.approve(await rig.known.ask(LOCAL, WISH))
        token = await rig.known.token(client)
        asker = Asker(client_id=client.client_id, kind="local", identity=client.identity)
        wish = Pair(name="panel", scopes=("speech", "vision"), nonce="1" * 32)

        more = await rig.approve(await rig.known.ask(asker, wish))

        assert (more.client_id, len(more.scopes)) == (client.client_id, 2)
        assert rig.known.with_token(token) == more
        assert await rig.known.token(more) == ""

    _serve(tmp_path, test)


def test_what_happens_often_is_written_at_once_and_then_counted(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        noted = rig.known.noted
        rig.known.note("refused", PANEL, "health")
        await noted.write_due()
        for _ in range(1000):
            rig.known.note("refused", PANEL, "health")
        await noted.write_due()
        assert await rig.audit() == [("refused", "health", 1)]

        await noted.write()
        assert await rig.audit() == [("refused", "health", 1), ("refused", "health", 1000)]

    _serve(tmp_path, test)


def test_who_asks_for_everything_fills_no_audit(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        for number in range(10_000):
            rig.known.note("refused", PANEL, f"request {number}")
        await rig.known.noted.write()

        entries = await rig.audit()
        assert len(entries) <= 17
        assert sum(count for _, _, count in entries) == 10_000

    _serve(tmp_path, test)


def test_notes_are_written_soon_without_being_asked_for(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(rig.known.run())
            await asyncio.sleep(0)
            rig.known.note("captured", OWNER, "sessions.start")
            while not await rig.audit():
                await asyncio.sleep(0.005)
            running.cancel()

    _serve(tmp_path, test)


def test_it_is_remembered_when_and_as_which_program_a_client_asked(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        client = await rig.approve(await rig.known.ask(LOCAL, WISH))
        rig.known.seen(client, pid=1)
        await rig.known.noted.write()

        found = await rig.store.read(lambda db: clients.get(db, client.client_id))
        assert found.pid == 1
        assert found.last_seen_at is not None

    _serve(tmp_path, test)
