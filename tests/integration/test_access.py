"""One ceremony for extensions and programs: asking, deciding, ending; through a real daemon."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from extensions import OTHER, PANEL, Extension, approve, forget_all
from real_daemon import Daemon

from edged.bridge.access.words import fingerprint
from edged.cli.main import main
from edged.errors import Busy, Cancelled, Conflict, Denied, NotPaired
from edged.messages import access, replies, requests, sessions
from edged.messages.events import ClientChanged
from edged.messages.replies import EventReply, HealthReport, Jobs, Subscribed, Welcome

FED = sessions.SessionsStart(sources=(sessions.SourceWish(kind="client"),))


@pytest.fixture(autouse=True)
def _nobody_is_left(shared_daemon: Daemon) -> Iterator[None]:
    yield
    forget_all(shared_daemon)
    assert shared_daemon.health().status != "failing"


@dataclass
class Done:
    """How a command ended."""

    status: int
    out: str
    said: str

    def json(self) -> Any:
        assert self.status == 0, self
        return json.loads(self.out)


Edged = Callable[..., Done]


@pytest.fixture
def edged(
    shared_daemon: Daemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Edged:
    """Runs `edged clients` in this process, in the home of the daemon."""
    monkeypatch.setenv("EDGED_HOME", str(shared_daemon.home))

    def run(*words: str) -> Done:
        status = main(["clients", *words])
        return Done(status, *capsys.readouterr())

    return run


@pytest.fixture
def panel(shared_daemon: Daemon) -> Iterator[Extension]:
    with Extension(shared_daemon) as extension:
        yield extension


# --- pairing ---


def test_a_stranger_may_say_hello_and_ask_to_be_paired_and_nothing_else(panel: Extension) -> None:
    assert isinstance(panel.ask(requests.Hello(client="panel"), Welcome), Welcome)
    for request in (requests.Health(), requests.Describe(), requests.JobsList()):
        with pytest.raises(NotPaired):
            panel.ask(request, replies.Done)
    with pytest.raises(NotPaired):
        panel.ask(access.ClientsSelf(), access.OneClient)


def test_both_sides_show_the_same_six_words(panel: Extension, edged: Edged) -> None:
    nonce = "00112233445566778899aabbccddeeff"

    client = panel.ask_to_pair("speech", nonce=nonce)

    shown = edged("list", "--status", "pending", "--json").json()["clients"]
    assert [one["fingerprint"] for one in shown] == [fingerprint(PANEL, nonce)]
    assert client.fingerprint == fingerprint(PANEL, nonce)


def test_once_approved_it_may_ask_what_was_granted(shared_daemon: Daemon, panel: Extension) -> None:
    client = panel.pair(shared_daemon, "speech", "results.read")

    assert isinstance(panel.ask(requests.Health(), HealthReport), HealthReport)
    assert panel.ask(requests.JobsList(), Jobs).jobs == ()
    assert panel.ask(access.ClientsSelf(), access.OneClient).client.scopes == client.scopes
    with pytest.raises(Denied) as refused:
        panel.ask(requests.ModelsList(), replies.Models)
    assert refused.value.details["missing"] == "models.read"
    with pytest.raises(Denied):
        panel.ask(requests.Shutdown(), replies.Done)


def test_the_grant_is_the_extension_s_and_not_the_connection_s(
    shared_daemon: Daemon, panel: Extension
) -> None:
    panel.pair(shared_daemon, "results.read")

    with Extension(shared_daemon) as page, Extension(shared_daemon, OTHER) as other:
        assert isinstance(page.ask(requests.JobsList(), Jobs), Jobs)
        with pytest.raises(NotPaired):
            other.ask(requests.JobsList(), Jobs)
    panel.origin = OTHER
    with pytest.raises(NotPaired):
        panel.ask(requests.JobsList(), Jobs)


def test_a_denied_client_is_told_at_once_however_often_it_asks(
    shared_daemon: Daemon, panel: Extension
) -> None:
    client = panel.ask_to_pair("speech")
    shared_daemon.ask(access.ClientsDeny(client_id=client.client_id), access.OneClient)

    first = panel.receive()
    again = panel.ask(
        access.Pair(name="another name", scopes=("vision",), nonce="1" * 32), access.Paired
    )

    assert isinstance(first, access.Paired)
    assert first.client.status == again.client.status == "denied"
    assert panel.ask(access.ClientsSelf(), access.OneClient).client.status == "denied"


def test_a_client_that_asks_for_more_keeps_what_it_has_until_it_is_decided(
    shared_daemon: Daemon, panel: Extension
) -> None:
    client = panel.pair(shared_daemon, "speech")

    more = panel.ask_to_pair("speech", "results.read")
    with Extension(shared_daemon) as page:
        assert isinstance(page.ask(requests.Health(), HealthReport), HealthReport)
    approve(shared_daemon, client)
    paired = panel.receive()

    assert more.status == "approved"
    assert isinstance(paired, access.Paired)
    assert paired.client.scopes == ("speech", "results.read")


def test_a_pairing_that_was_left_can_be_taken_up_again(
    shared_daemon: Daemon, panel: Extension
) -> None:
    client = panel.ask_to_pair("speech")
    panel.send(requests.Cancel(request_id="pairing"))
    assert isinstance(panel.receive(), replies.Done)
    with pytest.raises(Cancelled):
        panel.receive()
    approve(shared_daemon, client)

    paired = panel.ask(access.Pair(name="panel", scopes=("speech",), nonce="0" * 32), access.Paired)

    assert paired.client.client_id == client.client_id


def test_the_user_need_not_be_paired(shared_daemon: Daemon) -> None:
    wish = access.Pair(name="me", scopes=("speech",), nonce="0" * 32)

    for request in (wish, access.ClientsSelf()):
        with pytest.raises(Conflict):
            shared_daemon.ask(request, replies.Done)


# --- the end ---


def test_revoking_ends_what_runs_at_once(shared_daemon: Daemon, panel: Extension) -> None:
    client = panel.pair(shared_daemon, "results.read", "speech")
    panel.send(requests.Subscribe())
    assert isinstance(panel.receive(), Subscribed)

    shared_daemon.ask(access.ClientsRevoke(client_id=client.client_id), access.OneClient)

    with pytest.raises(NotPaired):
        while True:
            panel.receive()
    with pytest.raises(NotPaired):
        panel.ask(requests.Health(), HealthReport)
    assert panel.ask(access.ClientsSelf(), access.OneClient).client.status == "revoked"


def test_revoking_ends_the_sessions_of_the_client_alone(
    shared_daemon: Daemon, panel: Extension
) -> None:
    client = panel.pair(shared_daemon, "speech", "results.read")
    its_own = panel.ask(FED, sessions.OneSession).session
    mine = shared_daemon.ask(FED, sessions.OneSession).session

    shared_daemon.ask(access.ClientsRevoke(client_id=client.client_id), access.OneClient)

    assert _status(shared_daemon, its_own.id) != "recording"
    assert _status(shared_daemon, mine.id) == "recording"
    shared_daemon.ask(sessions.SessionsStop(session_id=mine.id), sessions.OneSession)


def _status(daemon: Daemon, session_id: str) -> str:
    request = sessions.SessionsGet(session_id=session_id)
    return str(daemon.ask(request, sessions.OneSession).session.status)


def test_a_grant_that_runs_out_ends_what_runs(shared_daemon: Daemon, panel: Extension) -> None:
    client = panel.pair(shared_daemon, "results.read", "speech")
    session = panel.ask(FED, sessions.OneSession).session
    panel.send(requests.Subscribe())
    assert isinstance(panel.receive(), Subscribed)

    approve(shared_daemon, client, ttl_s=1)

    with pytest.raises(NotPaired):
        while True:
            panel.receive()
    assert panel.ask(access.ClientsSelf(), access.OneClient).client.status == "expired"
    shared_daemon.wait(lambda: _status(shared_daemon, session.id) != "recording")


def test_fewer_scopes_end_what_needs_the_others(shared_daemon: Daemon, panel: Extension) -> None:
    client = panel.pair(shared_daemon, "results.read", "language")
    panel.send(requests.Subscribe())
    assert isinstance(panel.receive(), Subscribed)

    approve(shared_daemon, client, "language")

    with pytest.raises(Denied):
        while True:
            panel.receive()


def test_a_client_hears_nothing_of_other_clients(shared_daemon: Daemon, panel: Extension) -> None:
    panel.pair(shared_daemon, "results.read")
    panel.send(requests.Subscribe(after_event_seq=0))
    assert isinstance(panel.receive(), Subscribed)

    with Extension(shared_daemon, OTHER) as other:
        other.ask_to_pair("speech")
        panel.send(requests.Health())
        got = panel.receive()
        while not isinstance(got, HealthReport):
            assert isinstance(got, EventReply)
            assert not isinstance(got.body, ClientChanged) or got.body.client.identity == PANEL
            got = panel.receive()


def test_after_a_restart_the_grants_are_the_same(daemon: Daemon) -> None:
    daemon.start()
    with Extension(daemon) as panel:
        panel.pair(daemon, "results.read")
    with Extension(daemon, OTHER) as other:
        revoked = other.pair(daemon, "results.read")
        daemon.ask(access.ClientsRevoke(client_id=revoked.client_id), access.OneClient)
    daemon.kill()
    daemon.start()

    with Extension(daemon) as panel, Extension(daemon, OTHER) as other:
        assert isinstance(panel.ask(requests.JobsList(), Jobs), Jobs)
        with pytest.raises(NotPaired):
            other.ask(requests.JobsList(), Jobs)


# --- the command ---


def test_the_whole_ceremony_with_the_command(panel: Extension, edged: Edged) -> None:
    client = panel.ask_to_pair("speech", "results.read")

    granting = ("--scopes", "results.read", "--ttl", "2d", "--json")
    approved = edged("approve", client.client_id, *granting).json()
    assert isinstance(panel.receive(), access.Paired)
    with pytest.raises(Denied):
        panel.ask(requests.Infer(model="x"), replies.Done)
    shown = edged("show", client.client_id)
    assert edged("revoke", client.client_id, "--json").json()["status"] == "revoked"
    assert edged("deny", client.client_id, "--json").json()["status"] == "denied"
    audit = edged("audit", client.client_id, "--json").json()["entries"]
    forgotten = edged("forget", client.client_id, "--json").json()

    assert forgotten == {"forgotten": client.client_id}
    assert approved["scopes"] == ["results.read"]
    assert approved["expires_at"] > approved["decided_at"]
    assert PANEL in shown.out
    assert "results.read" in shown.out
    acts = ["asked", "approved", "refused", "revoked", "denied"]
    assert [entry["act"] for entry in reversed(audit)] == acts
    assert next(entry for entry in audit if entry["act"] == "refused")["what"] == "infer"


def test_without_an_id_the_one_that_waits_is_shown_and_confirmed(
    panel: Extension, edged: Edged, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = panel.ask_to_pair("results.read")

    _answer(monkeypatch, "n")
    refused = edged("approve")
    still = panel.ask(access.ClientsSelf(), access.OneClient).client.status
    _answer(monkeypatch, "y")
    agreed = edged("approve")

    assert (refused.status, agreed.status, still) == (2, 0, "pending")
    assert client.fingerprint in refused.out
    assert "same six words" in refused.said
    assert "approved" in agreed.out
    assert isinstance(panel.receive(), access.Paired)


def _answer(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    """Somebody sits at the terminal and answers so."""
    terminal = io.StringIO(f"{word}\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)


def test_nobody_is_approved_without_being_looked_at(
    shared_daemon: Daemon, panel: Extension, edged: Edged
) -> None:
    nobody_waits = edged("approve")
    client = panel.ask_to_pair("results.read")
    not_asked = edged("approve", "--json")
    with Extension(shared_daemon, OTHER) as other:
        other.ask_to_pair("results.read")
        several = edged("approve")

    assert [done.status for done in (nobody_waits, not_asked, several)] == [7, 2, 2]
    assert json.loads(not_asked.out)["error"]["code"] == "bad_request"
    shown = edged("show", client.client_id, "--json").json()
    assert shown["status"] == "pending"


@pytest.mark.parametrize(
    "words",
    [
        ("approve", "x", "--scopes", "everything"),
        ("approve", "x", "--scopes", ""),
        ("approve", "x", "--ttl", "soon"),
    ],
)
def test_what_is_no_scope_and_no_span_is_refused(edged: Edged, words: tuple[str, ...]) -> None:
    assert edged(*words).status == 2


def test_the_lists_are_tables_for_people(panel: Extension, edged: Edged) -> None:
    client = panel.ask_to_pair("speech")

    listed, audit = edged("list"), edged("audit")

    assert client.client_id in listed.out
    assert client.fingerprint in listed.out
    assert "asked" in audit.out
    assert "panel" in audit.out


# --- bounds ---


def test_a_flood_of_strangers_waits_and_the_user_is_answered(shared_daemon: Daemon) -> None:
    busy = 0
    for number in range(40):
        with Extension(shared_daemon, f"ext{number}@example") as stranger:
            try:
                stranger.ask_to_pair("speech")
            except Busy as error:
                assert error.details["retry_after_ms"]
                busy += 1

    waiting = shared_daemon.ask(access.ClientsList(status="pending"), access.Clients).clients
    assert (len(waiting), busy) == (20, 20)
