"""Clients that replay, forge, guess, flood, dawdle or never read; the user and the others are served."""

import resource
import secrets
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import zmq
from extensions import OTHER, Extension, approve, forget_all
from probes import descriptors
from real_daemon import Daemon

from edged.bridge.framing import read_reply
from edged.errors import BadRequest, Busy, Cancelled, Denied, EdgedError, NotFound, NotPaired
from edged.messages import access, replies, requests
from edged.messages.replies import EventReply, HealthReport, Jobs, Subscribed
from edged.workers import system

MIB = 2**20


@pytest.fixture(autouse=True)
def _still_serving(shared_daemon: Daemon) -> Iterator[None]:
    yield
    forget_all(shared_daemon)
    assert shared_daemon.health().status != "failing"


@pytest.fixture
def panel(shared_daemon: Daemon) -> Iterator[Extension]:
    with Extension(shared_daemon) as extension:
        yield extension


# --- replays and forgeries ---


def test_a_request_replayed_while_it_runs_does_not_disturb_it(
    shared_daemon: Daemon, panel: Extension
) -> None:
    panel.pair(shared_daemon, "results.read")
    recorded = panel.frame(requests.Subscribe(events=("session.",)), "subscribed")
    panel.socket.send(recorded)
    assert isinstance(panel.receive(), Subscribed)

    panel.socket.send(recorded)

    with pytest.raises(BadRequest):
        panel.receive()
    panel.send(requests.Cancel(request_id="subscribed"))
    assert isinstance(panel.receive(), replies.Done)


def test_what_was_recorded_before_a_revocation_opens_nothing_after_it(
    shared_daemon: Daemon, panel: Extension
) -> None:
    pairing = panel.frame(access.Pair(name="panel", scopes=("results.read",), nonce="0" * 32))
    listing = panel.frame(requests.JobsList())
    client = panel.pair(shared_daemon, "results.read")
    shared_daemon.ask(access.ClientsRevoke(client_id=client.client_id), access.OneClient)

    panel.socket.send(listing)
    with pytest.raises(NotPaired):
        panel.receive()
    panel.socket.send(pairing)
    waits = panel.receive()

    assert isinstance(waits, access.Pairing)
    assert waits.client.status == "pending"
    panel.socket.send(listing)
    with pytest.raises(NotPaired):
        panel.receive()


def test_an_extension_cannot_approve_itself(shared_daemon: Daemon, panel: Extension) -> None:
    client = panel.ask_to_pair("speech")
    approving = access.ClientsApprove(client_id=client.client_id, scopes=access.SCOPES, ttl_s=0)

    with pytest.raises(NotPaired):
        panel.ask(approving, access.OneClient)
    approve(shared_daemon, client, *access.SCOPES)
    assert isinstance(panel.receive(), access.Paired)
    with pytest.raises(Denied):
        panel.ask(approving, access.OneClient)


def test_the_ids_of_requests_are_each_connection_s_own(
    shared_daemon: Daemon, panel: Extension
) -> None:
    panel.pair(shared_daemon, "results.read")
    with Extension(shared_daemon, OTHER) as other:
        other.pair(shared_daemon, "results.read")
        panel.send(requests.Subscribe(), request_id="one")
        assert isinstance(panel.receive(), Subscribed)

        with pytest.raises(NotFound):
            other.ask(requests.Cancel(request_id="one"), replies.Done)
        other.send(requests.Health(), request_id="one")
        assert isinstance(other.receive(), HealthReport)

        panel.send(requests.Health(), request_id="two")
        while not isinstance(got := panel.receive(), HealthReport):
            assert isinstance(got, EventReply)


def test_who_takes_another_s_address_gets_none_of_its_replies(shared_daemon: Daemon) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with Extension(shared_daemon) as frames:
        honest, forger = context.socket(zmq.DEALER), context.socket(zmq.DEALER)
        for one in (honest, forger):
            one.setsockopt(zmq.ROUTING_ID, b"panel")
            one.connect(shared_daemon.paths.endpoint)
            one.send(frames.frame(requests.Hello(client="x"), "mine"))
            assert one is forger or one.poll(5_000)

        honest.recv_multipart()
        honest.send(frames.frame(requests.Hello(client="x"), "secret"))

        assert honest.poll(5_000)
        assert read_reply(honest.recv_multipart())[0].parent_id == "secret"
        assert not forger.poll(50)
    context.destroy(linger=0)


def test_nobody_guesses_what_others_were_given(shared_daemon: Daemon, panel: Extension) -> None:
    """A guess of a client or its request says nothing about what exists."""
    panel.pair(shared_daemon, *access.SCOPES)
    with Extension(shared_daemon, OTHER) as other:
        known = other.ask_to_pair("speech")

        for guess in (known.client_id, secrets.token_hex(8)):
            with pytest.raises(Denied) as refused:
                panel.ask(access.ClientsShow(client_id=guess), access.OneClient)
            assert "user" in refused.value.message


# --- too much ---


def test_a_flood_of_one_client_costs_the_user_little(
    shared_daemon: Daemon, panel: Extension
) -> None:
    panel.pair(shared_daemon, "results.read")
    frame = panel.frame(requests.Health(), "same")
    before = system.pss_bytes(shared_daemon.pid)
    codes: Counter[str] = Counter()
    waits: list[float] = []
    with shared_daemon.client() as user:
        for _ in range(20):
            for _ in range(200):
                panel.socket.send(frame)
            began = time.perf_counter()
            user.ask(requests.Health(), HealthReport)
            waits.append(time.perf_counter() - began)
            codes.update(_code(panel) for _ in range(200))

    assert codes["busy"] > 2_000
    assert sorted(waits)[len(waits) // 2] < 0.5
    assert system.pss_bytes(shared_daemon.pid) < before + 16 * MIB
    audit = shared_daemon.ask(access.ClientsAudit(limit=1000), access.Audit).entries
    assert len(audit) < 100
    print(f"the user waited {max(waits) * 1000:.1f} ms at most, {codes}")


def _code(extension: Extension) -> str:
    try:
        extension.receive()
    except EdgedError as error:
        return error.code
    return "answered"


def test_a_flood_of_strangers_leaves_a_client_its_share(daemon: Daemon) -> None:
    """In a daemon of its own: what all strangers may ask together is used up afterwards."""
    daemon.start()
    codes: Counter[str] = Counter()
    with Extension(daemon) as panel, Extension(daemon) as flood:
        panel.pair(daemon, "results.read")
        for number in range(2_000):
            flood.origin = f"ext{number}@example"
            flood.send(requests.JobsList())
            codes[_code(flood)] += 1

        assert codes["busy"] > 500
        assert codes.keys() == {"not_paired", "busy"}
        assert isinstance(panel.ask(requests.JobsList(), Jobs), Jobs)


def test_only_so_much_of_a_client_runs_at_once(shared_daemon: Daemon, panel: Extension) -> None:
    """Also over several connections: each page of an extension has its own."""
    panel.pair(shared_daemon, "results.read")
    with ExitStack() as stack:
        pages = [stack.enter_context(Extension(shared_daemon)) for _ in range(4)]
        for page in pages:
            for _ in range(8):
                page.ask(requests.Subscribe(), Subscribed)

        with pytest.raises(Busy):
            panel.ask(requests.Subscribe(), Subscribed)
        pages[0].send(requests.Cancel(request_id="n1"))
        with pytest.raises(Cancelled):
            while True:
                pages[0].receive()
        assert isinstance(panel.ask(requests.Subscribe(), Subscribed), Subscribed)


def test_ten_thousand_connections_come_and_go(shared_daemon: Daemon) -> None:
    before = descriptors(shared_daemon)
    memory = system.pss_bytes(shared_daemon.pid)

    for number in range(10_000):
        with _connected(shared_daemon) as raw:
            if number % 3 == 0:
                raw.send(b"\xff" + bytes(8))

    assert shared_daemon.health().status != "failing"
    shared_daemon.wait(lambda: descriptors(shared_daemon) <= before + 2)
    assert system.pss_bytes(shared_daemon.pid) < memory + 16 * MIB


def test_who_never_finishes_its_handshake_is_put_out(shared_daemon: Daemon) -> None:
    """Slow loris: hundreds that say a byte now and then hold no place for long."""
    before = descriptors(shared_daemon)
    many = min(300, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
    with ExitStack() as stack:
        slow = [stack.enter_context(_connected(shared_daemon)) for _ in range(many)]
        for raw in slow:
            raw.send(b"\xff")
        shared_daemon.wait(lambda: descriptors(shared_daemon) >= before + many - 2)

        assert shared_daemon.health().status != "failing"
        with Extension(shared_daemon) as panel:
            panel.ask_to_pair("speech")
        shared_daemon.wait(lambda: descriptors(shared_daemon) <= before + 4)


def _connected(daemon: Daemon) -> socket.socket:
    raw = socket.socket(socket.AF_UNIX)  # without a timeout it waits while the backlog is full
    raw.connect(str(daemon.paths.socket))
    return raw


def test_a_client_that_never_reads_is_given_up_and_leaves_nothing(
    shared_daemon: Daemon, panel: Extension
) -> None:
    panel.pair(shared_daemon, "results.read")
    before = system.pss_bytes(shared_daemon.pid)
    with Extension(shared_daemon, OTHER) as deaf:
        deaf.pair(shared_daemon, "results.read")
        deaf.socket.setsockopt(zmq.RCVHWM, 1)
        frame = deaf.frame(requests.Health(), "same")
        for _ in range(5_000):
            if not deaf.socket.poll(200, zmq.POLLOUT):
                break
            deaf.socket.send(frame)

        assert isinstance(panel.ask(requests.Health(), HealthReport), HealthReport)
        shared_daemon.wait(lambda: "given up" in shared_daemon.log())
        assert system.pss_bytes(shared_daemon.pid) < before + 32 * MIB
