"""A host between a browser's pipes and a real daemon: paired, killed, started, cut off."""

import base64
import hashlib
import os
from typing import Any

import pytest
from native_port import ORIGIN, HostProcess
from real_daemon import Daemon, unmeasured

from edged.bridge import endpoint
from edged.messages import replies, requests
from edged.messages.access import ClientsApprove, OneClient

PAIR = {"type": "pair", "name": "test", "scopes": ["speech", "results.read"], "nonce": "0" * 32}


def _open(daemon: Daemon) -> HostProcess:
    """A port whose host said that it is ready."""
    port = HostProcess(environ=unmeasured(daemon.environ))
    assert port.next()["host"]["type"] == "ready"
    return port


def _ask(port: HostProcess, request_id: str, body: Any, *parts: bytes) -> Any:
    """The last reply to a request."""
    _post(port, request_id, body, *parts)
    while True:
        reply = port.whole()
        if reply["parent_id"] == request_id and not reply.get("more"):
            return reply["body"]


def _post(port: HostProcess, request_id: str, body: Any, *parts: bytes) -> None:
    encoded = [base64.b64encode(one).decode() for one in parts]
    port.post({"v": 1, "id": request_id, "body": body, "parts": encoded})


def _paired(daemon: Daemon) -> HostProcess:
    """A port of an extension that the user approved."""
    port = _open(daemon)
    _post(port, "pair", PAIR)
    pairing = port.next()["body"]
    if pairing["type"] == "pairing":
        request = ClientsApprove(client_id=pairing["client"]["client_id"])
        daemon.ask(request, OneClient)
        assert port.next()["body"]["type"] == "paired"
    return port


def test_a_stranger_is_told_to_pair_and_a_paired_extension_is_answered(
    shared_daemon: Daemon,
) -> None:
    with _open(shared_daemon) as port:
        hello = _ask(port, "1", {"type": "hello", "client": "test", "version": "1"})
        refused = _ask(port, "2", {"type": "health"})
    with _paired(shared_daemon) as port:
        itself = _ask(port, "3", {"type": "clients.self"})
        health = _ask(port, "4", {"type": "health"})
        owner = _ask(port, "5", {"type": "clients.list"})

    assert hello["type"] == "welcome"
    assert refused["code"] == "not_paired"
    assert itself["client"]["identity"] == ORIGIN
    assert health["type"] == "health"
    assert owner["code"] == "denied"


def test_an_upload_goes_on_through_another_host_when_the_first_was_killed(
    shared_daemon: Daemon,
) -> None:
    content = os.urandom(2_000_000)
    opening = {"type": "upload.open", "size_bytes": len(content)}
    with _paired(shared_daemon) as port:
        opened = _ask(port, "o", opening)
        for offset in range(0, len(content) // 2, opened["part_bytes"]):
            _part(port, opened, offset, content)
        _post(port, "lost", {"type": "upload.part", "upload_id": opened["upload_id"], "offset": 0})
        port.process.kill()
    with _open(shared_daemon) as port:
        again = _ask(port, "o", {**opening, "upload_id": opened["upload_id"]})
        for offset in range(again["received"], len(content), opened["part_bytes"]):
            _part(port, opened, offset, content)
        done = _ask(port, "c", {"type": "upload.close", "upload_id": opened["upload_id"]})

    assert again["received"] >= len(content) // 2
    assert done["sha256"] == hashlib.sha256(content).hexdigest()


def _part(port: HostProcess, opened: Any, offset: int, content: bytes) -> None:
    body = {"type": "upload.part", "upload_id": opened["upload_id"], "offset": offset}
    part = content[offset : offset + opened["part_bytes"]]
    taken = _ask(port, f"p{offset}", body, part)
    assert taken["received"] >= offset + len(part)


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_what_a_host_asked_is_cancelled_when_it_goes(how: str, shared_daemon: Daemon) -> None:
    with _paired(shared_daemon) as port:
        _post(port, "s", {"type": "subscribe"})
        assert port.next()["body"]["type"] == "subscribed"
        before = _cancelled(shared_daemon)
        if how == "closed":
            assert port.end() == 0
        else:
            port.process.kill()

        shared_daemon.wait(lambda: _cancelled(shared_daemon) == before + 1)


def _cancelled(daemon: Daemon) -> float:
    """How many requests ended with an error: an event stream does so only when it is cut off."""
    report: replies.MetricsReport = daemon.ask(requests.Metrics(), replies.MetricsReport)
    return report.counters["requests_failed"]


def test_a_killed_daemon_ends_what_runs_and_is_started_again_by_the_next_request(
    daemon: Daemon,
) -> None:
    daemon.start()
    with _open(daemon) as port:
        _post(port, "p", PAIR)
        assert port.next()["body"]["type"] == "pairing"
        daemon.kill()
        ended = port.next()
        hello = _ask(port, "h", {"type": "hello", "client": "test", "version": "1"})
        holder = endpoint.holder(daemon.paths)
    stopped = daemon.run("shutdown")

    assert (ended["parent_id"], ended["body"]["code"]) == ("p", "daemon_down")
    assert hello["type"] == "welcome"
    assert hello["pid"] == holder != daemon.pid
    assert stopped.returncode == 0


def test_two_hosts_start_one_daemon(daemon: Daemon) -> None:
    environ = unmeasured(daemon.environ)
    with HostProcess(environ=environ) as one, HostProcess(environ=environ) as other:
        said = [one.next(), other.next()]
        holder = endpoint.holder(daemon.paths)
        hello = {"type": "hello", "client": "test", "version": "1"}
        pids = {_ask(port, "h", hello)["pid"] for port in (one, other)}
        session = os.getsid(holder or 0)
    daemon.run("shutdown")

    assert [found["host"]["type"] for found in said] == ["ready", "ready"]
    assert pids == {holder}
    assert session == holder  # what the browser does to its hosts does not reach it


def test_a_daemon_that_cannot_start_is_told_before_the_host_ends(daemon: Daemon) -> None:
    environ = {**unmeasured(daemon.environ), "EDGED_SERVER_FRAMES": "nonsense"}
    with HostProcess(environ=environ) as port:
        said = port.next()

        assert said["host"]["type"] == "refused"
        assert said["host"]["error"]["code"] == "config_error"
        assert port.process.wait(10) == 0
