"""An extension becomes a client when the user says so, and ceases to be one at once."""

import os
import signal
from collections.abc import Iterator

import pytest
from cdp import Page
from rooms import Room

from edged.bridge import endpoint

pytestmark = pytest.mark.timeout(60)

TELL = "(error) => ({code: error.code, fix: error.fix, details: error.details})"


@pytest.fixture
def stranger(own_room: Room) -> Iterator[Page]:
    """A page of a probe that nobody knows, with `edged`, its client."""
    own_room.daemon.start()
    page = own_room.probe_page()
    page.evaluate("void (globalThis.edged = new library.Edged({name: 'probe'}))")
    yield page
    page.evaluate("edged.close()")


def _pair(page: Page, *scopes: str) -> None:
    """Ask; `pending` has what both sides show, `paired` will have the decision."""
    page.evaluate(
        "void (globalThis.pending = null, globalThis.paired = edged.pair({"
        f"scopes: {list(scopes)}, onPairing: (client, fingerprint) => "
        "{ pending = {client, fingerprint}; }}))"
    )


def test_a_stranger_is_paired_used_and_revoked(own_room: Room, stranger: Page) -> None:
    refused = stranger.evaluate(f"edged.request({{type: 'recordings.list'}}).catch({TELL})")
    assert refused["code"] == "not_paired"

    _pair(stranger, "speech", "results.read")
    shown = stranger.wait("pending")
    (pending,) = own_room.clients("pending")
    assert pending["fingerprint"] == shown["fingerprint"]
    assert len(shown["fingerprint"].split()) == 6

    own_room.approve(own_room.probe_origin, "results.read")
    client = stranger.evaluate("paired")
    assert client["status"] == "approved"
    assert client["scopes"] == ["results.read"]
    listed = stranger.evaluate("edged.request({type: 'recordings.list'})")
    assert listed["type"] == "recordings"
    beyond = stranger.evaluate(f"edged.request({{type: 'models.list'}}).catch({TELL})")
    assert beyond["code"] == "denied"
    assert "models.read" in str(beyond["details"])

    stranger.evaluate(
        "void (globalThis.ended = null, globalThis.subscribed = false, (async () => {"
        "for await (const {body} of edged.stream({type: 'subscribe'})) "
        "subscribed ||= body.type === 'subscribed';"
        f"}})().catch({TELL}).then((error) => {{ ended = error; }}))"
    )
    stranger.wait("subscribed")
    own_room.daemon.json("clients", "revoke", client["client_id"])
    assert stranger.wait("ended")["code"] == "not_paired"
    again = stranger.evaluate(f"edged.request({{type: 'recordings.list'}}).catch({TELL})")
    assert again["code"] == "not_paired"


def test_a_stranger_that_the_user_denies_is_told_so(own_room: Room, stranger: Page) -> None:
    _pair(stranger, "speech")
    stranger.wait("pending")
    (pending,) = own_room.clients("pending")

    own_room.daemon.json("clients", "deny", pending["client_id"])

    assert stranger.evaluate(f"paired.catch({TELL})")["status"] == "denied"
    refused = stranger.evaluate(f"edged.request({{type: 'recordings.list'}}).catch({TELL})")
    assert refused["code"] in {"not_paired", "denied"}


def test_a_killed_daemon_is_told_and_another_is_started_by_the_next_request(
    own_room: Room, stranger: Page
) -> None:
    _pair(stranger, "speech", "results.read")
    stranger.wait("pending")
    own_room.approve(own_room.probe_origin)
    stranger.evaluate("paired")
    stranger.evaluate(
        "void (globalThis.ended = null, globalThis.subscribed = false, (async () => {"
        "for await (const {body} of edged.stream({type: 'subscribe'})) "
        "subscribed ||= body.type === 'subscribed';"
        f"}})().catch({TELL}).then((error) => {{ ended = error; }}))"
    )
    stranger.wait("subscribed")

    os.kill(own_room.daemon.pid, signal.SIGKILL)
    own_room.daemon.kill()

    assert stranger.wait("ended")["code"] == "daemon_down"
    answer = stranger.evaluate("edged.request({type: 'recordings.list'})")
    assert answer["type"] == "recordings"
    assert endpoint.holder(own_room.daemon.paths) not in {None, own_room.daemon.pid}


def test_a_browser_starts_the_daemon_when_none_runs(own_room: Room) -> None:
    page = own_room.probe_page()

    answer = page.evaluate(
        "new library.Edged({name: 'probe'}).request({type: 'hello', client: 'probe'})"
    )

    assert answer["type"] == "welcome"
    assert endpoint.holder(own_room.daemon.paths) is not None
