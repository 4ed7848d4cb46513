"""Clients that send too much, too fast or nothing at all; the others are served."""

import os
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import zmq
from probes import Dealer, descriptors, write_wav
from real_daemon import Daemon, unmeasured

from edged.errors import DaemonDown
from edged.messages import replies, requests
from edged.messages.replies import EventReply, Overflow, Subscribed
from edged.workers import system

MIB = 2**20


Connect = Callable[[Daemon], Dealer]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes clients without manners, and closes them."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    clients: list[Dealer] = []

    def connect(daemon: Daemon) -> Dealer:
        clients.append(Dealer(context, daemon))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()
    context.term()


@pytest.fixture(autouse=True)
def _still_serving(shared_daemon: Daemon) -> Iterator[None]:
    yield
    assert shared_daemon.health().status == "ok"


# --- too much ---


def test_sixty_frames_of_8_mb_are_refused_and_their_memory_is_given_back(
    shared_daemon: Daemon,
    connect: Connect,
    record_property: Callable[[str, object], None],
) -> None:
    before = system.pss_bytes(shared_daemon.pid)
    part = bytes(8_000_000)
    client = connect(shared_daemon)

    client.send(requests.Transcribe(), *[part] * 60)
    most = before
    while not client.socket.poll(20):
        most = max(most, system.pss_bytes(shared_daemon.pid))
    _, reply = client.receive()

    assert isinstance(reply, replies.Error)
    assert reply.code == "too_large"
    assert shared_daemon.health().status == "ok"
    record_property("mb_while_it_came", (most - before) // MIB)
    print("MB more while it came:", (most - before) // MIB)
    shared_daemon.wait(lambda: system.pss_bytes(shared_daemon.pid) < before + 16 * MIB, 4)


def test_a_frame_beyond_the_limit_ends_the_connection_before_it_is_read(
    shared_daemon: Daemon,
) -> None:
    before = system.pss_bytes(shared_daemon.pid)
    with _shaken_hands(shared_daemon) as raw:
        raw.sendall(b"\x02" + struct.pack(">Q", 2**30))  # a long frame of 1 GiB

        assert _ended(raw)

    assert system.pss_bytes(shared_daemon.pid) < before + 16 * MIB


def test_a_length_of_all_ones_ends_the_connection(shared_daemon: Daemon) -> None:
    with _shaken_hands(shared_daemon) as raw:
        raw.sendall(b"\x02" + b"\xff" * 8)

        assert _ended(raw)


def test_what_is_no_zmtp_at_all_is_never_answered(shared_daemon: Daemon) -> None:
    before = descriptors(shared_daemon)
    with _raw(shared_daemon) as raw:  # libzmq takes it for a peer of version 1
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 10)
        assert shared_daemon.health().status == "ok"

    shared_daemon.wait(lambda: descriptors(shared_daemon) <= before + 1)


def _raw(daemon: Daemon) -> socket.socket:
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(6)
    raw.connect(str(daemon.paths.socket))
    return raw


def _shaken_hands(daemon: Daemon) -> socket.socket:
    """A connection after ZMTP 3.0's greeting and READY. Source: rfc.zeromq.org/spec/23."""
    raw = _raw(daemon)
    raw.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
    ready = b"\x05READY" + _property(b"Socket-Type", b"DEALER") + _property(b"Identity", b"")
    raw.sendall(b"\x04" + bytes([len(ready)]) + ready)
    greeting = b""
    while len(greeting) < 64 + 2:
        greeting += raw.recv(4096)
    return raw


def _property(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def _ended(raw: socket.socket) -> bool:
    """Whether the daemon closes the connection, whatever it still sends before."""
    try:
        while raw.recv(4096):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


# --- many ---


def test_two_hundred_clients_that_come_and_go_leave_no_descriptor(
    shared_daemon: Daemon, connect: Connect
) -> None:
    shared_daemon.health()
    before = descriptors(shared_daemon)

    for _ in range(2):
        clients = [connect(shared_daemon) for _ in range(200)]
        for client in clients:
            client.send(requests.Health())
        assert {type(client.receive()[1]) for client in clients} == {replies.HealthReport}
        for client in clients:
            client.close()

    shared_daemon.wait(lambda: descriptors(shared_daemon) <= before + 2)


def test_subscribers_that_leave_without_a_word_are_forgotten_at_the_next_event(
    shared_daemon: Daemon, connect: Connect
) -> None:
    shared_daemon.health()
    before = descriptors(shared_daemon)
    clients = [connect(shared_daemon) for _ in range(50)]
    for client in clients:
        client.send(requests.Subscribe(after_event_seq=0))
    # Sockets and pidfds; some of those before may have been of clients that were just leaving.
    shared_daemon.wait(lambda: descriptors(shared_daemon) >= before + 90)

    for client in clients:
        client.close()

    def forgotten() -> bool:
        """An event may come before libzmq knows that a client is gone; the next one finds out."""
        shared_daemon.ask(requests.ModelsLoad(model="silero-v6"), replies.Done)
        shared_daemon.ask(requests.ModelsUnload(model="silero-v6"), replies.Done)
        return descriptors(shared_daemon) <= before + 2

    shared_daemon.wait(forgotten)


def test_connections_that_say_nothing_are_ended(shared_daemon: Daemon) -> None:
    before = descriptors(shared_daemon)
    with ExitStack() as stack:
        silent = [stack.enter_context(_raw(shared_daemon)) for _ in range(100)]

        assert shared_daemon.health().status == "ok"
        assert all(_ended(one) for one in silent)

    shared_daemon.wait(lambda: descriptors(shared_daemon) <= before + 2)


def test_an_id_may_be_used_again_as_soon_as_its_last_reply_is_there(
    shared_daemon: Daemon, connect: Connect
) -> None:
    client = connect(shared_daemon)

    for _ in range(50):
        for request_id in "abcdefgh":
            client.send(requests.RecordingsList(), request_id=request_id)
        answers = [client.receive() for _ in "abcdefgh"]

        assert {request_id for request_id, _ in answers} == set("abcdefgh")


# --- other users ---

AS_NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


@pytest.fixture
def open_daemon(daemon: Daemon) -> Daemon:
    """A daemon whose folders let others look in, as no daemon's ought to."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be someone else")
    if subprocess.run([*AS_NOBODY, sys.executable, "-c", "import edged"], check=False).returncode:
        pytest.skip("another user cannot read this environment")
    daemon.start()
    daemon.home.chmod(0o755)
    daemon.paths.runtime.chmod(0o755)
    daemon.paths.socket.chmod(0o777)
    return daemon


ASK = """
import sys
from edged.bridge.link import SyncClient
from edged.messages import replies, requests
try:
    with SyncClient(sys.argv[1], answer_within_s=1) as client:
        print(client.ask(requests.Health(), replies.HealthReport).status)
except Exception as error:
    print(type(error).__name__)
"""


def _as_nobody(*command: str, home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*AS_NOBODY, sys.executable, "-P", *command],
        env={**unmeasured(dict(os.environ)), "EDGED_HOME": str(home), **environ},
        capture_output=True,
        text=True,
        timeout=15,
        cwd="/",
        check=False,
    )


def test_another_user_who_reaches_the_socket_is_never_answered(open_daemon: Daemon) -> None:
    done = _as_nobody("-c", ASK, open_daemon.paths.endpoint, home=open_daemon.home)

    assert done.stdout.strip() == DaemonDown.__name__
    assert open_daemon.health().status == "ok"


def test_the_cli_tells_another_user_how_to_act_as_the_owner(open_daemon: Daemon) -> None:
    done = _as_nobody("-m", "edged", "status", home=open_daemon.home)

    assert done.returncode == 18
    assert "another user" in done.stderr
    assert "sudo -u root edged" in done.stderr


def test_the_cli_says_denied_where_it_may_not_even_look(open_daemon: Daemon) -> None:
    open_daemon.home.chmod(0o700)

    done = _as_nobody("-m", "edged", "status", home=open_daemon.home)

    assert "Traceback" not in done.stderr
    assert done.returncode == 18
    assert "sudo -u root edged" in done.stderr


def test_root_is_dropped_too_and_told_to_act_as_the_owner(open_daemon: Daemon) -> None:
    with tempfile.TemporaryDirectory(prefix="edged-", dir="/tmp") as folder:
        home = Path(folder)
        os.chown(home, 65534, 65534)
        theirs = Daemon(home)
        process = subprocess.Popen(
            [*AS_NOBODY, sys.executable, "-P", "-m", "edged", "serve"],
            env=theirs.environ,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            open_daemon.wait(theirs.paths.socket.exists)
            done = theirs.run("status")
            with theirs.client() as client:
                client._answer_within_s = 0.5
                with pytest.raises(DaemonDown):
                    client.ask(requests.Health(), replies.HealthReport)
        finally:
            process.terminate()
            process.wait(10)

    assert done.returncode == 18
    assert b"sudo -u nobody edged" in done.stderr


def test_the_socket_and_its_folder_are_private(shared_daemon: Daemon) -> None:
    assert stat.S_IMODE(shared_daemon.paths.runtime.stat().st_mode) == 0o700
    assert stat.S_IMODE(shared_daemon.paths.socket.stat().st_mode) == 0o600


# --- events ---


def test_a_slow_subscriber_is_told_what_it_missed_and_can_refill_it(
    daemon: Daemon, connect: Connect, tmp_path: Path
) -> None:
    daemon.start()
    events = ("job.changed", "segment.", "recording.", "session.")
    slow, quick = connect(daemon), connect(daemon)
    quick.socket.setsockopt(zmq.RCVHWM, 0)
    for one in (slow, quick):
        one.send(requests.Subscribe(events=events, after_event_seq=0))
    heard = _follow(quick, _make_events(daemon, connect, tmp_path, rounds=140))

    missed: list[tuple[int, int]] = []
    numbers: list[int] = []
    dropped = 0
    while not numbers or numbers[-1] < heard[-1]:
        _, reply = slow.receive()
        if isinstance(reply, Overflow):
            dropped += reply.dropped
            missed.append((numbers[-1], numbers[-1] + reply.dropped))
            if numbers[-1] + reply.dropped >= heard[-1]:
                break
        else:
            if isinstance(reply, Subscribed):
                continue
            assert isinstance(reply, EventReply)
            numbers.append(reply.event_seq or 0)

    assert missed, "it was not slow enough for this machine"
    assert dropped + len(numbers) == len(heard)
    for after, last in missed:
        numbers += _refill(connect, daemon, events, after, last)
    assert sorted(numbers) == heard == list(range(heard[0], heard[-1] + 1))


def _make_events(daemon: Daemon, connect: Connect, folder: Path, *, rounds: int) -> int:
    """Cancel and retry jobs that never get their turn; returns the number of the last event."""
    client = connect(daemon)
    client.socket.setsockopt(zmq.RCVHWM, 0)
    first = write_wav(folder / "long.wav", os.urandom(2 * 16_000 * 120))
    daemon.ask(requests.JobsSubmit(path=str(first), priority="interactive"), replies.OneJob)
    jobs = []
    for number in range(16):
        path = write_wav(folder / f"{number}.wav", bytes([number]) * 32_000)
        found = daemon.ask(requests.JobsSubmit(path=str(path)), replies.OneJob)
        jobs.append(found.job.job_id)
    for _ in range(rounds):
        for kind in (requests.JobsCancel, requests.JobsRetry):
            for job in jobs:
                client.send(kind(job_id=job), request_id=job)
            for _ in jobs:
                _, reply = client.receive()
                assert isinstance(reply, replies.OneJob), reply
    daemon.ask(requests.JobsCancel(job_id=jobs[-1]), replies.OneJob)
    return _last_event(daemon)


def _last_event(daemon: Daemon) -> int:
    """The newest stored event's number."""
    newest = 0
    with daemon.client() as client:
        stream: Any = client.stream(requests.Subscribe(after_event_seq=0))
        deadline = time.monotonic() + 5
        for reply, _ in stream:
            newest = max(newest, reply.event_seq or 0)
            if not client._socket.poll(200) or time.monotonic() > deadline:
                return newest
    return newest


def _follow(client: Dealer, until: int) -> list[int]:
    """Numbers of the events up to one."""
    numbers: list[int] = []
    while not numbers or numbers[-1] < until:
        _, reply = client.receive()
        if isinstance(reply, Subscribed):
            continue
        assert isinstance(reply, EventReply), reply
        numbers.append(reply.event_seq or 0)
    return numbers


def _refill(
    connect: Connect,
    daemon: Daemon,
    events: tuple[str, ...],
    after: int,
    last: int,
) -> list[int]:
    again = connect(daemon)
    again.send(requests.Subscribe(events=events, after_event_seq=after))
    return [one for one in _follow(again, last) if one <= last]
