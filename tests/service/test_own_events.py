"""What clients are told by `subscribe`: facts and hints about their own results."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from belongings import FOLDER, Belongings, client, house_at, keep

from edged.config import Paths
from edged.messages.access import OWNER, SCOPES, Asker, KnownClient
from edged.messages.events import AnyEvent, ClientChanged, JobProgress, ModelChanged
from edged.messages.replies import EventReply, Subscribed
from edged.messages.requests import Subscribe
from edged.service import events
from edged.service.house import House
from edged.store import Connection
from edged.store import events as stored

ANN = client("ann", "results.read")
EVE = client("eve", *SCOPES)
LAST = ModelChanged(model="last", state="ready")
WITHIN_S = 10.0


class Listener:
    """Somebody who subscribed, and what was told."""

    def __init__(self, house: House, asker: Asker, *, after: int | None = None) -> None:
        request = Subscribe(after_event_seq=after)
        self._replies: AsyncGenerator[object, None] = events.subscribe(
            house.seen_by(asker), request
        )
        self.heard: list[AnyEvent] = []

    async def begin(self) -> None:
        assert isinstance(await anext(self._replies), Subscribed)

    async def until(self, last: AnyEvent) -> "Listener":
        """Listen until this was told; it is the last thing in `heard`."""
        async with asyncio.timeout(WITHIN_S):
            while not self.heard or self.heard[-1] != last:
                reply = await anext(self._replies)
                assert isinstance(reply, EventReply)
                self.heard.append(reply.body)
        await self._replies.aclose()
        return self

    def traces(self, things: Belongings) -> set[str]:
        """What of somebody's things was told."""
        told = repr(self.heard)
        return {trace for trace in things.traces if trace in told}


def _run(paths: Paths, scenario: Callable[[House], Awaitable[None]]) -> None:
    async def main() -> None:
        async with house_at(paths) as house:
            await scenario(house)

    asyncio.run(main())


async def _keep(house: House, asker: Asker, word: str) -> Belongings:
    return await house.store.write(lambda db: keep(db, asker.client_id, word))


async def _progress_of(house: House, things: Belongings) -> JobProgress:
    hint = JobProgress(job_id=things.job, stage="transcribe", progress=0.5)
    house.bus.hint(hint)
    return hint


def test_stored_and_live_events_of_others_are_not_told(paths: Paths) -> None:
    async def scenario(house: House) -> None:
        users, anns = await _keep(house, OWNER, "zebra"), await _keep(house, ANN, "apricot")
        listener = Listener(house, ANN, after=0)
        await listener.begin()
        later, own = await _keep(house, OWNER, "yak"), await _keep(house, ANN, "almond")
        hidden, last = await _progress_of(house, later), await _progress_of(house, own)

        heard = await listener.until(last)

        assert not heard.traces(users) | heard.traces(later)
        assert heard.traces(anns) >= {anns.session, anns.recording, anns.job, "apricot"}
        assert heard.traces(own) >= {own.session, own.recording, own.job, "almond"}
        assert hidden not in heard.heard

    _run(paths, scenario)


def test_the_user_and_who_reads_everything_hear_of_all(paths: Paths) -> None:
    async def scenario(house: House) -> None:
        users, anns = await _keep(house, OWNER, "zebra"), await _keep(house, ANN, "apricot")
        for asker in (OWNER, EVE):
            listener = Listener(house, asker, after=0)
            await listener.begin()
            house.bus.hint(LAST)

            heard = await listener.until(LAST)

            assert heard.traces(users)
            assert heard.traces(anns)
            assert (FOLDER in repr(heard.heard)) == (asker is OWNER)

    _run(paths, scenario)


def test_what_was_deleted_is_told_to_whom_it_belonged(paths: Paths) -> None:
    async def scenario(house: House) -> None:
        users, anns = await _keep(house, OWNER, "zebra"), await _keep(house, ANN, "apricot")
        listener = Listener(house, ANN)
        await listener.begin()

        await house.sessions.delete(users.session)
        await house.sessions.delete(anns.session)
        own = await _keep(house, ANN, "almond")
        heard = await listener.until(await _progress_of(house, own))

        assert {anns.session, anns.recording} <= heard.traces(anns)
        assert not heard.traces(users)

    _run(paths, scenario)


def test_a_client_hears_of_itself_and_of_no_other_client(paths: Paths) -> None:
    async def scenario(house: House) -> None:
        for asker in (ANN, EVE):
            listener = Listener(house, asker)
            await listener.begin()
            for client_id in ("client-ben", asker.client_id):
                event = ClientChanged(client=_known(client_id))
                await house.store.write(lambda db, event=event: stored.record(db, event))  # type: ignore[misc] # a default

            heard = await listener.until(ClientChanged(client=_known(asker.client_id)))

            assert len(heard.heard) == 1

    _run(paths, scenario)


def test_models_are_told_to_who_may_read_them(paths: Paths) -> None:
    async def scenario(house: House) -> None:
        mute, told = Listener(house, ANN), Listener(house, EVE)
        await mute.begin()
        await told.begin()
        house.bus.hint(LAST)
        own = await _keep(house, ANN, "almond")
        progress = await _progress_of(house, own)

        assert LAST in (await told.until(progress)).heard
        assert LAST not in (await mute.until(progress)).heard

    _run(paths, scenario)


def test_an_event_says_whose_result_it_tells_of(paths: Paths) -> None:
    def owners(db: Connection) -> dict[str, int]:
        return dict(db.execute("SELECT owner, count(*) FROM events GROUP BY owner"))

    async def scenario(house: House) -> None:
        await _keep(house, OWNER, "zebra")
        await _keep(house, ANN, "apricot")

        found = await house.store.read(owners)

        assert found.keys() == {"", ANN.client_id}
        assert found[""] == found[ANN.client_id]

    _run(paths, scenario)


def _known(client_id: str) -> KnownClient:
    return KnownClient(
        client_id=client_id,
        kind="browser",
        identity=f"{client_id}@example.org",
        name=client_id,
        status="approved",
        fingerprint="",
        asked_at="2026-11-21T08:00:00.000Z",
    )
