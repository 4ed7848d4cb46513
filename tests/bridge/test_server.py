"""The ROUTER with real sockets: what clients do to it, and what it does when they are gone."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager

import msgspec
import pytest
import zmq

from edged.bridge import endpoint
from edged.bridge.client import Client
from edged.bridge.framing import Buffer, read_reply
from edged.bridge.server import Caller, Outgoing, Server, Stream, credentials, listen
from edged.config import Paths
from edged.config import Server as Bounds
from edged.errors import (
    AlreadyRunning,
    BadRequest,
    Busy,
    Cancelled,
    ConfigError,
    DaemonDown,
    Deadline,
    NotFound,
)
from edged.messages import replies, requests
from edged.messages.requests import AnyRequest

encode = msgspec.msgpack.encode
HEALTH = {"type": "models.ps"}


class Rig:
    """A served endpoint whose handler answers in ways that the tests need."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.ended: list[str] = []
        self.callers: list[Caller] = []
        self.server: Server | None = None
        self.counts: Counter[str] = Counter()

    def handle(
        self, request: AnyRequest, parts: tuple[Buffer, ...], caller: Caller
    ) -> Outgoing | Stream:
        self.callers.append(caller)
        match request:
            case requests.ModelsPs():
                return replies.LoadedModels(models=())
            case requests.Hello():
                raise Busy("no")
            case requests.Describe():
                raise ZeroDivisionError
            case requests.Subscribe():
                return self.endless()
            case requests.RecordingsAudio():
                return self.flood()
            case requests.JobsPurge():
                return self.broken()
            case requests.Transcribe():
                return self.echo(parts)
            case _:
                raise BadRequest("not in this test")

    async def endless(self) -> AsyncGenerator[Outgoing, None]:
        try:
            yield replies.Progress(stage="first", fraction=0.0)
            await asyncio.Event().wait()
        finally:
            self.ended.append("endless")

    async def flood(self) -> AsyncGenerator[Outgoing, None]:
        part = bytes(100_000)
        try:
            while True:
                yield (
                    replies.Audio(recording_id="r", offset=0, size_bytes=100_000, total_bytes=0),
                    [part],
                )
                await asyncio.sleep(0)
        finally:
            self.ended.append("flood")

    async def broken(self) -> AsyncGenerator[Outgoing, None]:
        yield replies.Progress(stage="first", fraction=0.0)
        raise ZeroDivisionError

    async def echo(self, parts: tuple[Buffer, ...]) -> AsyncGenerator[Outgoing, None]:
        yield replies.Done(count=sum(len(part) for part in parts))


def serve(
    paths: Paths, test: Callable[[Rig], Awaitable[None]], bounds: Bounds | None = None
) -> None:
    """Run a test beside a server on its own loop, and stop everything afterwards."""

    async def main() -> None:
        rig = Rig(paths)
        lock = endpoint.Lock(paths)
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        settings = bounds or Bounds()
        router = endpoint.bind(context, paths, frame_bytes=settings.frame_bytes)
        async with asyncio.TaskGroup() as tasks:
            rig.server = Server(router, rig.handle, settings, tasks, rig.counts)
            try:
                async with asyncio.timeout(15):
                    await test(rig)
            finally:
                await rig.server.stop()
        router.close(0)
        context.term()
        lock.close()

    asyncio.run(main())


@contextmanager
def dealer(paths: Paths, **options: int | bytes) -> Iterator[zmq.Socket[bytes]]:
    """A bare socket, to send what no client of ours would."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    for name, value in options.items():
        socket.setsockopt(getattr(zmq, name), value)
    socket.connect(paths.endpoint)
    try:
        yield socket
    finally:
        context.destroy(linger=0)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that will happen; the test's own time limit bounds it."""
    while not condition():
        await asyncio.sleep(0.005)


async def receive(socket: zmq.Socket[bytes]) -> replies.AnyReply:
    """The next reply at a bare socket."""
    assert await asyncio.to_thread(socket.poll, 5000)
    return read_reply(socket.recv_multipart())[1]


def test_it_answers_at_once_and_in_streams(paths: Paths) -> None:
    async def test(rig: Rig) -> None:
        async with Client(paths.endpoint) as client:
            loaded = await client.ask(requests.ModelsPs(), replies.LoadedModels)
            done = await client.ask(requests.Transcribe(), replies.Done, [b"ab", b"c"])

        assert loaded.models == ()
        assert done.count == 3
        assert rig.callers[0].pid == os.getpid()
        assert rig.callers[0].uid == os.geteuid()

    serve(paths, test)


def test_a_hundred_requests_at_once_are_all_answered(paths: Paths) -> None:
    async def test(_: Rig) -> None:
        async with Client(paths.endpoint) as client, asyncio.TaskGroup() as group:
            asked = [
                group.create_task(client.ask(requests.ModelsPs(), replies.LoadedModels))
                for _ in range(1000)
            ]
        assert [task.result().models for task in asked] == [()] * 1000

    serve(paths, test)


def test_a_failing_handler_costs_its_own_request_only(paths: Paths) -> None:
    async def test(rig: Rig) -> None:
        async with Client(paths.endpoint) as client:
            with pytest.raises(Busy):
                await client.ask(requests.Hello(client="x"), replies.Welcome)
            for request in (requests.Describe(), requests.JobsPurge()):
                with pytest.raises(Exception, match="failed to answer"):
                    await client.ask(request, replies.Done)
            await client.ask(requests.ModelsPs(), replies.LoadedModels)
        assert rig.server is not None
        assert rig.counts["requests_failed"] == 3

    serve(paths, test)


def test_cancel_ends_the_request_and_says_so(paths: Paths) -> None:
    async def test(rig: Rig) -> None:
        async with Client(paths.endpoint) as client:
            stream = client.stream(requests.Subscribe())
            await anext(stream)
            await client.ask(requests.Cancel(request_id="1"), replies.Done)
            with pytest.raises(Cancelled):
                await anext(stream)
            with pytest.raises(NotFound):
                await client.ask(requests.Cancel(request_id="1"), replies.Done)
        assert rig.ended == ["endless"]

    serve(paths, test)


def test_a_stream_left_by_its_reader_is_cancelled(paths: Paths) -> None:
    async def test(rig: Rig) -> None:
        async with Client(paths.endpoint) as client:
            async with aclosing(client.stream(requests.Subscribe())) as stream:
                await anext(stream)
            await until(lambda: rig.ended == ["endless"])

    serve(paths, test)


def test_a_deadline_ends_a_stream(paths: Paths) -> None:
    async def test(rig: Rig) -> None:
        async with Client(paths.endpoint) as client:
            with pytest.raises(Deadline):
                await client.ask(requests.Subscribe(), replies.Done, deadline_ms=50)
        assert rig.ended == ["endless"]

    serve(paths, test)


def test_an_id_in_use_is_refused_and_the_first_request_goes_on(paths: Paths) -> None:
    async def test(rig: Rig) -> None:
        with dealer(paths) as socket:
            subscribe = encode({"v": 1, "id": "7", "body": {"type": "subscribe"}})
            socket.send(subscribe)
            await receive(socket)
            socket.send(subscribe)
            assert await asyncio.to_thread(socket.poll, 5000)
            envelope, reply, _ = read_reply(socket.recv_multipart())
            assert isinstance(reply, replies.Error)
            assert (envelope.parent_id, reply.details) == ("", {"id": "7"})
            assert rig.ended == []

    serve(paths, test)


def test_a_killed_client_ends_its_requests(paths: Paths) -> None:
    async def test(rig: Rig) -> None:
        code = (
            "import sys, msgspec, zmq; s = zmq.Context().socket(zmq.DEALER); s.connect(sys.argv[1]);"
            "s.send(msgspec.msgpack.encode({'v': 1, 'id': '1', 'body': {'type': sys.argv[2],"
            "**({'recording_id': 'r'} if 'audio' in sys.argv[2] else {})}}));"
            "s.poll(); print('ok', flush=True); sys.stdin.read()"
        )
        for name, ended in (("subscribe", "endless"), ("recordings.audio", "flood")):
            child = subprocess.Popen(
                [sys.executable, "-c", code, paths.endpoint, name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            assert child.stdout is not None
            await asyncio.to_thread(child.stdout.readline)

            child.kill()
            child.communicate()

            await until(lambda ended=ended: ended in rig.ended)  # type: ignore[misc]
        assert rig.server is not None
        await until(lambda: rig.server is not None and rig.server.running == 0)

    serve(paths, test)


def test_a_client_that_reads_nothing_is_given_up_and_others_are_served(paths: Paths) -> None:
    async def test(rig: Rig) -> None:
        with dealer(paths, RCVHWM=2) as stuck:
            body = {"type": "recordings.audio", "recording_id": "r"}
            stuck.send(encode({"v": 1, "id": "1", "body": body}))
            async with Client(paths.endpoint) as client:
                await client.ask(requests.ModelsPs(), replies.LoadedModels)
                await until(lambda: rig.ended == ["flood"])
                await client.ask(requests.ModelsPs(), replies.LoadedModels)

    serve(paths, test, Bounds(stall_ms=300))


def test_a_slow_client_gets_everything(paths: Paths) -> None:
    async def test(rig: Rig) -> None:
        async with Client(paths.endpoint) as client:
            stream = client.stream(requests.RecordingsAudio(recording_id="r"))
            async with aclosing(stream):
                for count in range(600):
                    await anext(stream)
                    if count % 100 == 0:
                        await asyncio.sleep(0.02)
            await until(lambda: rig.ended == ["flood"])

    serve(paths, test)


def test_too_many_running_requests_are_busy(paths: Paths) -> None:
    async def test(_: Rig) -> None:
        async with Client(paths.endpoint) as client:
            streams = [client.stream(requests.Subscribe()) for _ in range(2)]
            for stream in streams:
                await anext(stream)
            with pytest.raises(Busy):
                await client.ask(requests.Subscribe(), replies.Done)
            for stream in streams:
                await stream.aclose()

    serve(paths, test, Bounds(requests_per_client=2))


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"\xc1\xc1"],
        [b"\x91" * 100_000],
        [encode({"v": 1, "id": "1", "body": {"type": "nonsense"}})],
        [encode({"v": 1, "id": "1", "body": {"type": "models.ps"}}), *[b"x"] * 100],
        [b"\x82\xa1v\x01\xa2id\xa2\xff\xfe"],
    ],
    ids=["empty", "garbage", "depth bomb", "unknown", "frames", "utf-8"],
)
def test_bad_frames_get_an_error_and_the_next_client_is_served(
    paths: Paths, frames: list[bytes]
) -> None:
    async def test(_: Rig) -> None:
        with dealer(paths) as socket:
            socket.send_multipart(frames)
            assert isinstance(await receive(socket), replies.Error)
        async with Client(paths.endpoint) as client:
            await client.ask(requests.ModelsPs(), replies.LoadedModels)

    serve(paths, test)


def test_a_frame_above_the_limit_ends_only_its_connection(paths: Paths) -> None:
    async def test(_: Rig) -> None:
        with dealer(paths) as socket:
            health = encode({"v": 1, "id": "1", "body": HEALTH})
            socket.send_multipart([health, bytes(70_000)])
            assert not await asyncio.to_thread(socket.poll, 200)
        async with Client(paths.endpoint) as client:
            await client.ask(requests.ModelsPs(), replies.LoadedModels)

    serve(paths, test, Bounds(frame_bytes=65_536))


def test_a_reused_routing_id_does_not_disturb_its_first_owner(paths: Paths) -> None:
    async def test(_: Rig) -> None:
        health = encode({"v": 1, "id": "1", "body": HEALTH})
        with dealer(paths, ROUTING_ID=b"same") as first:
            first.send(health)
            await receive(first)  # the id is taken when the link is made, not when it is used
            with dealer(paths, ROUTING_ID=b"same") as second:
                second.send(health)
                assert not await asyncio.to_thread(second.poll, 100)
                first.send(health)
                await receive(first)

    serve(paths, test)


def test_a_raw_stream_of_garbage_at_the_socket_does_no_harm(paths: Paths) -> None:
    import socket as plain

    async def test(_: Rig) -> None:
        # a ZMTP greeting, then a frame that announces 1 GiB
        greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48)
        for data in (b"GET / HTTP/1.1\r\n\r\n", greeting + b"\x02" + (2**30).to_bytes(8, "big")):
            with plain.socket(plain.AF_UNIX) as raw:
                raw.connect(str(paths.socket))
                raw.send(data)
        async with Client(paths.endpoint) as client:
            await client.ask(requests.ModelsPs(), replies.LoadedModels)

    serve(paths, test)


def test_a_flooding_client_leaves_the_loop_free(paths: Paths) -> None:
    async def test(rig: Rig) -> None:
        with dealer(paths, SNDHWM=0) as socket:
            health = encode({"v": 1, "id": "1", "body": HEALTH})
            for _ in range(5000):
                socket.send(health)
            turns = 0
            while len(rig.callers) < 1000:
                await asyncio.sleep(0)
                turns += 1
        assert turns >= 4  # without a bound it is one

    serve(paths, test)


def test_a_second_daemon_cannot_take_the_home(paths: Paths) -> None:
    first = endpoint.Lock(paths)
    with pytest.raises(AlreadyRunning):
        endpoint.Lock(paths)
    assert endpoint.holder(paths) == os.getpid()
    first.close()

    endpoint.Lock(paths).close()
    assert endpoint.holder(paths) is None


def test_a_second_daemon_cannot_take_the_store_by_another_socket(paths: Paths) -> None:
    elsewhere = msgspec.structs.replace(paths, runtime=paths.runtime / "other")
    first = endpoint.Lock(paths)

    with pytest.raises(AlreadyRunning, match="store"):
        endpoint.Lock(elsewhere)

    assert endpoint.holder(elsewhere) is None
    first.close()
    endpoint.Lock(elsewhere).close()


def test_only_the_owner_can_enter_the_runtime_folder(paths: Paths) -> None:
    paths.runtime.mkdir(parents=True, mode=0o755)

    endpoint.Lock(paths).close()

    assert paths.runtime.stat().st_mode & 0o777 == 0o700


def test_the_socket_is_for_the_owner_only(paths: Paths) -> None:
    async def test(_: Rig) -> None:
        assert paths.socket.stat().st_mode & 0o777 == 0o600

    serve(paths, test)


def test_a_path_too_long_for_a_socket_is_refused_with_the_fix(paths: Paths) -> None:
    long = Paths(
        config=paths.config,
        state=paths.state,
        cache=paths.cache,
        runtime=paths.runtime / ("x" * 100),
    )

    with pytest.raises(ConfigError, match="107"):
        endpoint.check_length(long)


def test_an_async_client_notices_at_once_that_the_daemon_is_gone(paths: Paths) -> None:
    async def main() -> None:
        lock = endpoint.Lock(paths)
        async with Client(paths.endpoint) as client:
            rig = Rig(paths)
            async with (
                asyncio.TaskGroup() as tasks,
                listen(paths, rig.handle, Bounds(), tasks, rig.counts),
            ):
                stream = client.stream(requests.Subscribe())
                await anext(stream)
            with pytest.raises((DaemonDown, Cancelled)):
                await anext(stream)
        lock.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("localhost:1000:1000:77", (1000, 77)),
        ("localhost:501:20:", (501, -1)),  # macOS says no pid
        ("localhost", (-1, -1)),
        ("127.0.0.1", (-1, -1)),
        ("fe80:0:1:2", (-1, -1)),
        ("localhost:x:1:2", (-1, 2)),
        ("", (-1, -1)),
    ],
)
def test_who_the_kernel_does_not_name_is_nobody(address: str, expected: tuple[int, int]) -> None:
    assert credentials(address) == expected
