"""TCP with real sockets: who is let in, and what strangers and floods do to it."""

import asyncio
import os
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import zmq

from edged.bridge import curve, curve_keys
from edged.bridge.client import Client
from edged.bridge.curve import Door
from edged.bridge.curve_keys import ClientKeys, ServerKeys
from edged.bridge.framing import Buffer, pack_request, read_reply
from edged.bridge.link import SyncClient
from edged.bridge.server import Caller, Outgoing, Stream
from edged.config import Server as Bounds
from edged.errors import ConfigError, DaemonDown, NotPaired
from edged.messages import requests
from edged.messages.replies import LoadedModels, Progress
from edged.messages.requests import AnyRequest

GREETING = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE"
"""The beginning of one. Source: rfc.zeromq.org/spec/23."""


class Rig:
    """A served door that knows some keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        public, secret = curve_keys.new_pair()
        self.keys = ServerKeys(public_key=public, secret_key=secret)
        self.known: set[str] = set()
        self.callers: list[Caller] = []
        self.counts: Counter[str] = Counter()
        self.ended = 0
        self.door: Door | None = None

    @property
    def endpoint(self) -> str:
        assert self.door is not None
        return self.door.endpoint

    @property
    def port(self) -> int:
        return int(self.endpoint.rsplit(":", 1)[1])

    def handle(
        self, request: AnyRequest, _parts: tuple[Buffer, ...], caller: Caller
    ) -> Outgoing | Stream:
        self.callers.append(caller)
        if isinstance(request, requests.Subscribe):
            return self.endless()
        return LoadedModels(models=())

    async def endless(self) -> AsyncGenerator[Outgoing, None]:
        try:
            yield Progress(stage="first", fraction=0.0)
            await asyncio.Event().wait()
        finally:
            self.ended += 1

    def client_keys(self, *, known: bool = True, server_key: str = "") -> ClientKeys:
        public, secret = curve_keys.new_pair()
        if known:
            self.known.add(public)
        return ClientKeys(
            endpoint=self.endpoint,
            server_key=server_key or self.keys.public_key,
            public_key=public,
            secret_key=secret,
        )

    def client(self, *, known: bool = True, server_key: str = "") -> Client:
        """A client with a key of its own, in a file as users have it."""
        file = self.folder / f"{len(os.listdir(self.folder))}.key"
        curve_keys.write_client(file, self.client_keys(known=known, server_key=server_key))
        return Client(keys=file, answer_within_s=10)

    @contextmanager
    def dealer(
        self, keys: ClientKeys | None, *, identity: bytes = b"", port: int = 0
    ) -> Iterator[zmq.Socket[bytes]]:
        """A bare socket; port: of what lies between it and the door."""
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        dealer = context.socket(zmq.DEALER)
        if identity:
            dealer.setsockopt(zmq.IDENTITY, identity)
        if keys is not None:
            dealer.setsockopt(zmq.CURVE_PUBLICKEY, keys.public_key.encode())
            dealer.setsockopt(zmq.CURVE_SECRETKEY, keys.secret_key.encode())
            dealer.setsockopt(zmq.CURVE_SERVERKEY, keys.server_key.encode())
        dealer.connect(f"tcp://127.0.0.1:{port or self.port}")
        try:
            yield dealer
        finally:
            context.destroy(linger=0)


def serve(folder: Path, test: Callable[[Rig], Awaitable[None]], *, most: int | None = None) -> Rig:
    """Run a test beside a door on its own loop, and close it afterwards."""
    rig = Rig(folder)

    async def main() -> None:
        rig.door = Door(
            "tcp://127.0.0.1:*",
            rig.keys,
            rig.known.__contains__,
            frame_bytes=2**20,
            counts=rig.counts,
            most=most,
        )
        try:
            async with asyncio.TaskGroup() as tasks, asyncio.timeout(15):
                async with rig.door.serve(rig.handle, Bounds(), tasks):
                    await test(rig)
        finally:
            rig.door.close()

    asyncio.run(main())
    return rig


def _ask(dealer: zmq.Socket[bytes], request_id: str = "1") -> None:
    dealer.send_multipart(pack_request(requests.ModelsPs(), request_id=request_id))


async def _answered(dealer: zmq.Socket[bytes], within_ms: int = 5_000) -> bool:
    return bool(await asyncio.to_thread(dealer.poll, within_ms))


async def _served(rig: Rig) -> None:
    async with rig.client() as client:
        await client.ask(requests.ModelsPs(), LoadedModels)


def test_a_known_key_is_answered_and_its_requests_carry_it(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await _served(rig)

    rig = serve(tmp_path, test)

    (caller,) = rig.callers
    assert {caller.key} == rig.known
    assert caller.uid == -1
    assert caller.link.startswith("tcp ")


def test_an_unknown_key_is_told_so_at_once_and_reaches_nobody(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        async with rig.client(known=False) as client:
            for _ in range(2):
                with pytest.raises(NotPaired, match="does not know this key"):
                    await client.ask(requests.ModelsPs(), LoadedModels)
        await _served(rig)

    rig = serve(tmp_path, test)

    assert len(rig.callers) == 1
    assert rig.counts["handshakes_refused"] == 1


def test_the_synchronous_client_is_told_as_well(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        for known in (True, False):
            file = tmp_path / f"{known}"
            curve_keys.write_client(file, rig.client_keys(known=known))
            await asyncio.to_thread(ask, file)

    def ask(file: Path) -> None:
        with SyncClient(keys=file) as client:
            answers.append(client.ask(requests.ModelsPs(), LoadedModels))

    answers: list[LoadedModels] = []
    with pytest.raises(ExceptionGroup) as refused:
        serve(tmp_path, test)

    assert refused.group_contains(NotPaired)
    assert answers == [LoadedModels(models=())]


def test_no_key_or_a_plain_socket_gets_no_answer(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        with rig.dealer(None) as plain:
            _ask(plain)
            assert not await _answered(plain, 200)
        await _served(rig)

    rig = serve(tmp_path, test)

    assert len(rig.callers) == 1
    with pytest.raises(ConfigError, match="needs keys"):
        SyncClient("tcp://127.0.0.1:1")


def test_a_daemon_with_another_key_is_not_taken_for_ours(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        other, _ = curve_keys.new_pair()
        async with rig.client(server_key=other) as client:
            with pytest.raises(DaemonDown, match="not the daemon that the key file names"):
                await client.ask(requests.ModelsPs(), LoadedModels)

    assert not serve(tmp_path, test).callers


def test_who_takes_the_routing_id_of_another_key_does_not_become_it(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        first, second = rig.client_keys(), rig.client_keys()
        with rig.dealer(first, identity=b"same") as one:
            one.send_multipart(pack_request(requests.Subscribe(), request_id="1"))
            assert await _answered(one)
        with rig.dealer(second, identity=b"same") as two:
            while not await _answered(two, 100):  # the door may not have seen the first one leave
                _ask(two, str(len(rig.callers) + 2))
            _, reply, _ = read_reply(two.recv_multipart())
            assert isinstance(reply, LoadedModels)
        assert [caller.key for caller in rig.callers[:2]] == [first.public_key, second.public_key]

    assert serve(tmp_path, test).ended == 1


def test_a_thousand_bad_handshakes_hinder_nobody_who_is_known(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        before = len(os.listdir("/proc/self/fd"))
        async with rig.client() as client:
            for _ in range(10):
                await asyncio.to_thread(_knock, rig, 100)
                await client.ask(requests.ModelsPs(), LoadedModels)
        async with asyncio.timeout(5):
            while len(os.listdir("/proc/self/fd")) > before + 5:
                await asyncio.sleep(0.02)

    rig = serve(tmp_path, test)

    assert len(rig.callers) == 10
    assert rig.counts["handshakes_refused"] == 0


def _knock(rig: Rig, count: int) -> None:
    """Connect so often with something that is no handshake, and leave when the door is shut."""
    with ExitStack() as stack:
        knocking = [
            stack.enter_context(socket.create_connection(("127.0.0.1", rig.port)))
            for _ in range(count)
        ]
        for number, one in enumerate(knocking):
            one.sendall((b"GET / HTTP/1.1\r\n\r\n" * 5, bytes(64), GREETING)[number % 3])


def test_strangers_with_keys_are_counted_and_let_in_nowhere(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        with ExitStack() as stack:
            for _ in range(30):
                dealer = stack.enter_context(rig.dealer(rig.client_keys(known=False)))
                _ask(dealer)
            while rig.counts["handshakes_refused"] < 30:
                await asyncio.sleep(0.01)
            await _served(rig)

    rig = serve(tmp_path, test)

    assert len(rig.callers) == 1


def test_who_never_ends_a_handshake_is_put_out_while_others_are_served(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        with ExitStack() as stack:
            slow = [
                stack.enter_context(socket.create_connection(("127.0.0.1", rig.port)))
                for _ in range(50)
            ]
            async with rig.client() as client:
                for at in range(len(GREETING)):
                    for one in slow:
                        one.sendall(GREETING[at : at + 1])
                    await client.ask(requests.ModelsPs(), LoadedModels)
                for one in slow:
                    one.settimeout(8)
                    await asyncio.to_thread(_until_closed, one)
                await client.ask(requests.ModelsPs(), LoadedModels)

    serve(tmp_path, test)


def _until_closed(one: socket.socket) -> None:
    while one.recv(1000):
        continue


def test_more_connections_than_there_is_room_for_are_ended_and_the_door_opens_again(
    tmp_path: Path,
) -> None:
    async def test(rig: Rig) -> None:
        assert rig.door is not None
        crowd = rig.door.crowd
        with ExitStack() as stack:
            held = [
                stack.enter_context(socket.create_connection(("127.0.0.1", rig.port)))
                for _ in range(21)
            ]
            while not crowd.shut:
                await asyncio.sleep(0.005)
            for one in held:
                one.settimeout(5)
                await asyncio.to_thread(_until_closed_or_reset, one)
        while crowd.shut:
            await asyncio.sleep(0.005)
        await _served(rig)
        assert crowd.inside <= 1

    assert len(serve(tmp_path, test, most=20).callers) == 1


def _until_closed_or_reset(one: socket.socket) -> None:
    try:
        _until_closed(one)
    except ConnectionResetError:
        return


@pytest.mark.parametrize(
    "asked",
    [
        [],
        [b"1.0"],
        [b"1.0", b"1", b"edged", b"", b"", b"CURVE", bytes(31)],
        [b"1.0", b"1", b"edged", b"", b"", b"CURVE"],
        [b"1.0", b"1", b"other", b"", b"", b"CURVE", bytes(32)],
        [b"2.0", b"1", b"edged", b"", b"", b"CURVE", bytes(32)],
        [b"1.0", b"1", b"edged", b"", b"", b"PLAIN", bytes(32)],
        [b"1.0", b"1", b"edged", b"", b"", b"PLAIN", b"user", b"password"],
    ],
)
def test_a_question_that_is_not_about_a_key_of_curve_is_answered_with_no(
    asked: list[bytes],
) -> None:
    assert curve._key_in(asked) == ""


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("ipc:///tmp/x", "not of the form"),
        ("tcp://127.0.0.1", "cannot be bound"),
        ("tcp://203.0.113.7:7077", "cannot be bound"),
    ],
)
def test_an_endpoint_that_is_none_is_refused_in_words(endpoint: str, words: str) -> None:
    async def scenario() -> None:
        public, secret = curve_keys.new_pair()
        keys = ServerKeys(public_key=public, secret_key=secret)
        Door(endpoint, keys, lambda _: True, frame_bytes=1, counts=Counter())

    with pytest.raises(ConfigError, match=words):
        asyncio.run(scenario())


def test_a_port_that_is_taken_is_said_to_be(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        with pytest.raises(ConfigError, match="in use"):
            Door(rig.endpoint, rig.keys, lambda _: True, frame_bytes=1, counts=Counter())

    serve(tmp_path, test)


def test_a_port_is_free_again_when_the_door_is_closed(tmp_path: Path) -> None:
    async def test(_: Rig) -> None:
        await asyncio.sleep(0)

    rig = serve(tmp_path, test)

    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", rig.port))


def test_nothing_that_is_sent_can_be_read_on_the_way(tmp_path: Path) -> None:
    """A relay between client and door sees neither the request nor the reply."""

    async def test(rig: Rig) -> None:
        seen, over = bytearray(), asyncio.Event()

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(2**16):
                seen.extend(data)
                target.write(data)
            target.write_eof()

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            from_door, to_door = await asyncio.open_connection("127.0.0.1", rig.port)
            await asyncio.gather(copy(reader, to_door), copy(from_door, writer))
            for end in (writer, to_door):
                end.close()
                await end.wait_closed()
            over.set()

        server = await asyncio.start_server(relay, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with rig.dealer(rig.client_keys(), port=port) as dealer:
            _ask(dealer)
            assert await _answered(dealer)
            _, reply, _ = read_reply(dealer.recv_multipart())
        await over.wait()
        server.close()
        await server.wait_closed()
        assert isinstance(reply, LoadedModels)
        assert b"CURVE" in seen
        assert b"models" not in seen

    serve(tmp_path, test)
