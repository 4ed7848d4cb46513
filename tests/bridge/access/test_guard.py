"""What runs in the name of a client: bounded in number, and over when its grant is."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import pytest
from grant_samples import ASKS, LIST, Book, client

from edged.bridge.access.admission import STRANGERS_RUNNING, Access
from edged.bridge.server import Outgoing, Stream
from edged.config import Access as Settings
from edged.errors import Busy, Denied, EdgedError, NotPaired
from edged.messages import requests
from edged.messages.access import OWNER, KnownClient
from edged.messages.replies import Done, Progress

BEGUN = Progress(stage="wait", fraction=0.0)


class Work:
    """Streams that begin, wait until they are let go, and note their end."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.go_on = asyncio.Event()

    async def stream(self) -> AsyncGenerator[Outgoing, None]:
        self.begun += 1
        try:
            yield BEGUN
            await self.go_on.wait()
            yield Done()
        finally:
            self.ended += 1


async def _all(stream: Stream) -> list[Outgoing]:
    async with aclosing(stream):
        return [outgoing async for outgoing in stream]


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


def _asked(admitting: Access, work: Work) -> Stream:
    return admitting.guard(admitting.admit(ASKS, LIST), LIST, work.stream())


async def _ended_by(after: KnownClient, before: KnownClient | None = None) -> EdgedError | None:
    """What a running request ends with when the client becomes this one; None: it does not end."""
    before = before or client("results.read")
    admitting, work = Access(Book(before), Settings()), Work()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_answered(_asked(admitting, work)))
        await _until(lambda: work.begun == 1)
        admitting.changed(after)
        work.go_on.set()
        error = await running
    assert work.ended == 1
    return error


async def _answered(stream: Stream) -> EdgedError | None:
    try:
        assert await _all(stream) == [BEGUN, Done()]
    except EdgedError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (client(status="revoked"), NotPaired),
        (client(status="denied"), NotPaired),
        (client("results.read", status="expired"), NotPaired),
        (client("results.read", status="forgotten"), NotPaired),
        (client("speech"), Denied),
    ],
    ids=["revoked", "denied", "expired", "forgotten", "another scope"],
)
def test_what_runs_ends_at_once_with_the_grant(after: KnownClient, kind: type[EdgedError]) -> None:
    error = asyncio.run(_ended_by(after))

    assert type(error) is kind


def test_what_is_still_granted_goes_on() -> None:
    assert asyncio.run(_ended_by(client("results.read", "speech"))) is None


def test_what_shows_more_than_it_may_from_now_on_ends() -> None:
    """A subscription would go on to tell of everybody's results."""
    everything = client("results.read", "results.read:all", "speech")

    fewer = asyncio.run(_ended_by(client("results.read", "speech"), everything))
    as_many = asyncio.run(_ended_by(client("results.read", "results.read:all"), everything))

    assert isinstance(fewer, Denied)
    assert fewer.details["missing"] == "results.read:all"
    assert as_many is None


def test_what_runs_for_another_client_goes_on() -> None:
    other = KnownClient(
        client_id="c2", kind="browser", identity="x@y", name="", status="revoked",
        fingerprint="", asked_at="",
    )  # fmt: skip

    assert asyncio.run(_ended_by(other)) is None


def test_a_request_that_has_not_begun_ends_as_one_that_runs() -> None:
    async def scenario() -> int:
        admitting, work = Access(Book(client("results.read")), Settings()), Work()
        stream = _asked(admitting, work)
        admitting.changed(client(status="revoked"))
        with pytest.raises(NotPaired):
            await _all(stream)
        return work.begun

    assert asyncio.run(scenario()) == 0


def test_a_client_that_takes_no_replies_is_told_why_it_ended() -> None:
    """The server closes the stream while it waits for the socket: no error is raised inside it."""

    async def scenario() -> None:
        admitting, work = Access(Book(client("results.read")), Settings()), Work()
        slow, taken = asyncio.Event(), asyncio.Event()

        async def pump() -> None:
            stream = _asked(admitting, work)
            async with aclosing(stream):
                async for _ in stream:
                    taken.set()
                    await slow.wait()

        async with asyncio.TaskGroup() as tasks:
            pumping = tasks.create_task(_raised(pump()))
            await taken.wait()
            admitting.changed(client(status="revoked"))
            assert isinstance(await pumping, NotPaired)

    asyncio.run(scenario())


async def _raised(work: Awaitable[None]) -> EdgedError | None:
    try:
        await work
    except EdgedError as error:
        return error
    return None


def test_a_cancelled_request_stays_a_cancelled_one() -> None:
    async def scenario() -> None:
        admitting, work = Access(Book(client("results.read")), Settings()), Work()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(_all(_asked(admitting, work)))
            await _until(lambda: work.begun == 1)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        assert work.ended == 1

    asyncio.run(scenario())


def test_only_so_many_run_at_once_and_an_end_makes_room() -> None:
    async def scenario() -> None:
        admitting, work = Access(Book(client("results.read")), Settings(running=3)), Work()
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(_all(_asked(admitting, work))) for _ in range(3)]
            await _until(lambda: work.begun == 3)
            with pytest.raises(Busy) as refused:
                _asked(admitting, work)
            work.go_on.set()
            for one in running:
                await one
            assert await _all(_asked(admitting, work)) == [BEGUN, Done()]
        assert refused.value.details["retry_after_ms"]

    asyncio.run(scenario())


def test_a_stream_that_nobody_began_takes_no_place() -> None:
    """A request and its cancel in one turn: the task never runs, and closes nothing."""

    async def scenario() -> None:
        admitting, work = Access(Book(client("results.read")), Settings(running=1)), Work()
        for _ in range(10):
            stream = _asked(admitting, work)
            del stream
            gc.collect()

    asyncio.run(scenario())


def test_a_stranger_waits_but_a_few_times_at_once() -> None:
    async def scenario() -> None:
        admitting, work = Access(Book(), Settings()), Work()
        hello = requests.Hello(client="x")
        streams = [
            admitting.guard(admitting.admit(ASKS, hello), hello, work.stream())
            for _ in range(STRANGERS_RUNNING)
        ]
        with pytest.raises(Busy):
            admitting.admit(ASKS, hello)
        for stream in streams:
            await anext(stream)
            await stream.aclose()
        admitting.admit(ASKS, hello)

    asyncio.run(scenario())


def test_the_owner_s_requests_are_not_wrapped() -> None:
    async def scenario() -> None:
        work = Work()
        stream = work.stream()
        assert Access(Book(), Settings()).guard(OWNER, LIST, stream) is stream
        await stream.aclose()

    asyncio.run(scenario())
