"""An extension becomes a client when the user says so, and ceases to be one at once."""

import os
import signal
from collections.abc import Iterator

import pytest
from cdp import Page
from rooms import Room

pytestmark = pytest.mark.timeout(150)

TELL = "(error) => ({code: error.code, fix: error.fix, details: error.details})"


@pytest.fixture
def stranger(strange: Room) -> Iterator[Page]:
    """A page of a probe that nobody knows, with `edged`, its client."""
    page = strange.probe_page()
    page.evaluate("void (globalThis.edged = new library.Edged({name: 'probe'}))")
    yield page
    page.close()


def _pair(page: Page, *scopes: str) -> None:
    """Ask; `pending` has what both sides show, `paired` will have the decision."""
    page.evaluate(
        "void (globalThis.pending = null, globalThis.paired = edged.pair({"
        f"scopes: {list(scopes)}, onPairing: (client, fingerprint) => "
        "{ pending = {client, fingerprint}; }}))"
    )


def test_a_stranger_is_paired_used_and_revoked(strange: Room, stranger: Page) -> None:
    refused = stranger.evaluate(f"edged.request({{type: 'recordings.list'}}).catch({TELL})")
    assert refused["code"] == "not_paired"

    _pair(stranger, "speech", "results.read")
    shown = stranger.wait("pending")
    (pending,) = strange.clients("pending")
    assert pending["fingerprint"] == shown["fingerprint"]
    assert len(shown["fingerprint"].split()) == 6

    strange.approve(strange.probe_origin, "results.read")
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
    strange.daemon.json("clients", "revoke", client["client_id"])
    assert stranger.wait("ended")["code"] == "not_paired"
    again = stranger.evaluate(f"edged.request({{type: 'recordings.list'}}).catch({TELL})")
    assert again["code"] == "not_paired"


def test_a_stranger_that_the_user_denies_is_told_so(strange: Room, stranger: Page) -> None:
    _pair(stranger, "speech")
    stranger.wait("pending")
    (pending,) = strange.clients("pending")

    strange.daemon.json("clients", "deny", pending["client_id"])

    assert stranger.evaluate(f"paired.catch({TELL})")["status"] == "denied"
    refused = stranger.evaluate(f"edged.request({{type: 'recordings.list'}}).catch({TELL})")
    assert refused["code"] in {"not_paired", "denied"}


def test_a_killed_daemon_is_told_and_another_is_started_by_the_next_request(
    strange: Room, stranger: Page
) -> None:
    _pair(stranger, "speech", "results.read")
    stranger.wait("pending")
    strange.approve(strange.probe_origin)
    stranger.evaluate("paired")
    stranger.evaluate(
        "void (globalThis.ended = null, globalThis.subscribed = false, (async () => {"
        "for await (const {body} of edged.stream({type: 'subscribe'})) "
        "subscribed ||= body.type === 'subscribed';"
        f"}})().catch({TELL}).then((error) => {{ ended = error; }}))"
    )
    stranger.wait("subscribed")

    first = strange.holder()
    assert first is not None
    os.kill(first, signal.SIGKILL)

    assert stranger.wait("ended")["code"] == "daemon_down"
    # A daemon that was found dying is an error of its own, which may be tried again: see `retryable`.
    stranger.wait(
        "edged.request({type: 'recordings.list'}).then((answer) => answer.type === 'recordings')"
    )
    assert strange.holder() not in {None, first}


def test_a_browser_starts_the_daemon_when_none_runs(strange: Room) -> None:
    strange.shut_down()
    page = strange.probe_page()

    answer = page.evaluate(
        "new library.Edged({name: 'probe'}).request({type: 'hello', client: 'probe'})"
    )

    assert answer["type"] == "welcome"
    assert strange.holder() is not None
