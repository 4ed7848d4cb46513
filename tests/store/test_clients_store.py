"""Clients in the store: asking, deciding, and that nothing decided is undone by asking again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import msgspec
import pytest
from conversations import fresh_store
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edged.errors import BadRequest, Busy, Conflict, EdgedError, NotFound
from edged.messages.access import SCOPES, ClientKind, KnownClient, Scope
from edged.messages.events import ClientChanged
from edged.messages.sessions import SessionsStart, SourceWish
from edged.store import audit, clients, events, sessions
from edged.store.clock import later, stamp
from edged.store.engine import Connection

_ids = (f"id{number}" for number in count())
ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    with fresh_store(tmp_path) as opened:
        yield opened


def _wish(
    *scopes: Scope, identity: str = ORIGIN, kind: ClientKind = "browser", name: str = "panel"
) -> KnownClient:
    return KnownClient(
        client_id=next(_ids),
        kind=kind,
        identity=identity,
        name=name,
        status="pending",
        fingerprint="six words",
        asked_at=stamp(),
        asked_scopes=scopes or ("speech",),
    )


def _asked(db: Connection, *scopes: Scope, identity: str = ORIGIN, most: int = 20) -> KnownClient:
    return clients.ask(db, _wish(*scopes, identity=identity), most_pending=most)


def _approved(db: Connection, *scopes: Scope, expires_at: str | None = None) -> KnownClient:
    client = _asked(db, *scopes)
    return clients.approve(db, client.client_id, scopes=None, expires_at=expires_at)


def _acts(db: Connection) -> list[str]:
    return [entry.act for entry in reversed(audit.page(db, limit=1000))]


def test_a_stranger_waits_and_is_told_of(db: Connection) -> None:
    client = _asked(db, "speech", "vision")

    assert client.status == "pending"
    assert clients.list_clients(db, "pending") == (client,)
    assert events.after(db, 0)[0].body == ClientChanged(client=client)
    assert audit.page(db)[0].what == "vision speech"


def test_who_asks_again_is_the_same_client_with_new_words(db: Connection) -> None:
    first = _asked(db)
    again = msgspec.structs.replace(_wish(), fingerprint="other words")

    second = clients.ask(db, again, most_pending=1)

    assert (second.client_id, second.fingerprint) == (first.client_id, "other words")
    assert _acts(db) == ["asked"]


def test_who_asks_for_more_while_it_waits_is_another_entry(db: Connection) -> None:
    """Else somebody would approve by its id what it never showed."""
    first = _asked(db, "speech")

    second = _asked(db, "speech", "capture.microphone", most=1)

    assert second.client_id != first.client_id
    assert clients.list_clients(db) == (second,)
    with pytest.raises(NotFound):
        clients.approve(db, first.client_id, scopes=None, expires_at=None)


def test_wishing_to_and_fro_fills_no_audit(db: Connection) -> None:
    asked = _wish_to_and_fro(db, "2026-01-01T00:00:00.000Z")
    clients.approve(db, asked.client_id, scopes=("models.read",), expires_at=None)
    more = _wish_to_and_fro(db, "2999-01-01T00:00:00.000Z")

    assert asked.asked_scopes == more.asked_scopes == ("vision", "speech", "language")
    assert (more.client_id, more.scopes) == (asked.client_id, ("models.read",))
    assert _acts(db).count("asked") == 6


def _wish_to_and_fro(db: Connection, asked_at: str) -> KnownClient:
    wishes: tuple[Scope, ...] = ("speech", "vision", "language")
    found = [
        clients.ask(db, msgspec.structs.replace(_wish(scope), asked_at=asked_at), most_pending=9)
        for scope in wishes * 5
    ]
    return found[-1]


def test_so_many_strangers_may_wait(db: Connection) -> None:
    for number in range(3):
        _asked(db, identity=f"{number}@x", most=3)

    with pytest.raises(Busy) as refused:
        _asked(db, identity="4@x", most=3)

    assert refused.value.details["retry_after_ms"]
    _asked(db, identity="2@x", most=3)


def test_local_programs_share_a_name_and_are_told_apart(db: Connection) -> None:
    one = clients.ask(db, _wish(kind="local", identity="me"), most_pending=9)
    two = clients.ask(db, _wish(kind="local", identity="me"), most_pending=9)

    assert one.client_id != two.client_id


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "\x1b\x07"])
def test_a_name_that_shows_nothing_is_refused(db: Connection, name: str) -> None:
    with pytest.raises(BadRequest):
        clients.ask(db, _wish(name=name), most_pending=9)


def test_a_name_hides_nothing(db: Connection) -> None:
    client = clients.ask(db, _wish(name="edged\x1b[2K\r panel\u202e"), most_pending=9)

    assert client.name == "edged[2K panel"


def test_approving_grants_what_was_asked_for_or_what_is_named(db: Connection) -> None:
    client = _approved(db, "results.read", "speech")
    narrower = clients.approve(
        db, client.client_id, scopes=("speech",), expires_at="2099-01-01T00:00:00.000Z"
    )

    assert client.scopes == ("speech", "results.read")
    assert (narrower.scopes, narrower.expires_at) == (("speech",), "2099-01-01T00:00:00.000Z")
    assert _acts(db) == ["asked", "approved", "approved"]


def test_nothing_is_not_granted(db: Connection) -> None:
    client = _asked(db)

    with pytest.raises(BadRequest):
        clients.approve(db, client.client_id, scopes=(), expires_at=None)

    assert clients.get(db, client.client_id).status == "pending"


def test_an_approved_client_that_asks_for_no_more_is_left_alone(db: Connection) -> None:
    client = _approved(db, "speech", "vision")

    assert _asked(db, "speech") == client


def test_one_that_asks_for_more_keeps_what_it_has(db: Connection) -> None:
    client = _approved(db, "speech")

    more = _asked(db, "speech", "vision")

    assert (more.status, more.scopes) == ("approved", ("speech",))
    assert more.asked_scopes == ("vision", "speech")
    assert more.decided_at == client.decided_at


def test_a_denied_client_stays_denied_however_often_it_asks(db: Connection) -> None:
    denied = clients.deny(db, _asked(db).client_id)

    assert _asked(db, *SCOPES) == denied
    assert _acts(db) == ["asked", "denied"]


@pytest.mark.parametrize("end", [clients.revoke, clients.deny])
def test_what_was_taken_back_is_gone_with_its_token(
    db: Connection, end: Callable[[Connection, str], KnownClient]
) -> None:
    client = _approved(db)
    clients.set_token(db, client.client_id, b"hash")

    ended = end(db, client.client_id)

    assert isinstance(ended, KnownClient)
    assert (ended.scopes, ended.expires_at) == ((), None)
    assert clients.tokens(db) == {}


def test_a_revoked_client_may_ask_anew_and_has_nothing_until_then(db: Connection) -> None:
    client = _approved(db, "speech", "vision")
    clients.revoke(db, client.client_id)

    again = _asked(db, "speech")

    assert (again.client_id, again.status, again.scopes) == (client.client_id, "pending", ())


def test_who_was_granted_nothing_is_not_revoked(db: Connection) -> None:
    client = _asked(db)

    with pytest.raises(Conflict):
        clients.revoke(db, client.client_id)


def test_the_results_of_a_forgotten_client_become_the_user_s(db: Connection) -> None:
    client = _approved(db)
    session_id = _session_of(db, client.client_id)

    gone = clients.forget(db, client.client_id)

    assert gone.status == "forgotten"
    assert clients.list_clients(db) == ()
    assert _owner(db, session_id) == ""
    assert isinstance(events.after(db, 0)[-1].body, ClientChanged)


def test_a_forgotten_client_that_comes_back_is_another_one(db: Connection) -> None:
    first = _approved(db)
    clients.forget(db, first.client_id)

    assert _asked(db).client_id != first.client_id


def test_grants_end_and_strangers_are_forgotten_when_their_time_is_over(db: Connection) -> None:
    granted = _approved(db, expires_at=later(None, 1000))
    kept = _asked(db, identity="kept@x")
    clients.approve(db, kept.client_id, scopes=None, expires_at=None)
    waiting = _asked(db, identity="waits@x")
    soon = datetime.now(UTC) + timedelta(seconds=2)

    nothing = clients.expire(db, pending_ms=1500)
    over = clients.expire(db, pending_ms=1500, now=soon)

    assert nothing == ()
    assert {(one.client_id, one.status) for one in over} == {
        (granted.client_id, "expired"),
        (waiting.client_id, "forgotten"),
    }
    assert {one.client_id for one in clients.list_clients(db)} == {
        granted.client_id,
        kept.client_id,
    }


def test_a_key_is_added_approved_and_added_again_it_is_the_same(db: Connection) -> None:
    one = clients.add_key(db, public_key="K", name="box", scopes=("speech",), expires_at=None)
    two = clients.add_key(db, public_key="K", name="box", scopes=("vision",), expires_at=None)

    assert (one.kind, one.status, one.scopes) == ("key", "approved", ("speech",))
    assert (two.client_id, two.scopes) == (one.client_id, ("vision",))


def test_what_a_client_records_is_found_until_it_ended(db: Connection) -> None:
    session_id = _session_of(db, "mine")
    _session_of(db, "another's")

    assert clients.recording(db, "mine") == (session_id,)
    sessions.move(db, session_id, to="processing")
    assert clients.recording(db, "mine") == ()


def test_who_was_seen_is_no_event(db: Connection) -> None:
    client = _approved(db)
    before = events.newest(db)

    clients.seen(db, client.client_id, at="2026-11-21T08:00:00.000Z", pid=7, program="/bin/x")
    clients.seen(db, "gone", at="2026-11-21T08:00:00.000Z", pid=7, program="/bin/x")

    assert clients.get(db, client.client_id).pid == 7
    assert events.newest(db) == before


def test_the_audit_cannot_be_changed(db: Connection) -> None:
    audit.add(db, "refused", "c", "health", count=3)

    for statement in ("UPDATE audit SET act = 'approved'", "DELETE FROM audit"):
        with pytest.raises(apsw.ConstraintError):
            db.execute(statement)


def test_the_audit_is_paged_newest_first(db: Connection) -> None:
    for number in range(5):
        audit.add(db, "refused", "a" if number % 2 else "b", str(number))

    first = audit.page(db, limit=2)
    rest = audit.page(db, before=first[-1].number, limit=10)

    assert [entry.what for entry in (*first, *rest)] == ["4", "3", "2", "1", "0"]
    assert [entry.what for entry in audit.page(db, client_id="a")] == ["3", "1"]


def _session_of(db: Connection, owner: str) -> str:
    options = SessionsStart(sources=(SourceWish(kind="microphone"),))
    return sessions.create(db, kind="live", owner=owner, options=options).id


def _owner(db: Connection, session_id: str) -> str:
    found = db.execute("SELECT owner FROM sessions WHERE session_id = ?", (session_id,)).get
    return str(found)


class Deciding(RuleBasedStateMachine):
    """Whatever is asked and decided in whatever order: what is granted is what a person granted."""

    def __init__(self) -> None:
        super().__init__()
        self._closing = ExitStack()
        folder = self._closing.enter_context(TemporaryDirectory())
        self.db = self._closing.enter_context(fresh_store(Path(folder)))
        self.granted: dict[str, set[str]] = {}
        self.denied: set[str] = set()

    def teardown(self) -> None:  # type: ignore[explicit-override]  # typing.override is 3.12
        self._closing.close()

    def _id(self, identity: str) -> str:
        known = [one for one in clients.list_clients(self.db) if one.identity == identity]
        return known[0].client_id if known else "nobody"

    _identities = st.sampled_from(["a@x", "b@x", "c@x"])
    _wishes = st.sets(st.sampled_from(SCOPES), min_size=1, max_size=3)

    @rule(identity=_identities, scopes=_wishes)
    def ask(self, identity: str, scopes: set[Scope]) -> None:
        wish = _wish(*sorted(scopes), identity=identity)
        try:
            clients.ask(self.db, wish, most_pending=2)
        except Busy:
            assert len(clients.list_clients(self.db, "pending")) == 2

    @rule(identity=_identities, scopes=_wishes)
    def approve(self, identity: str, scopes: set[Scope]) -> None:
        try:
            clients.approve(self.db, self._id(identity), scopes=scopes, expires_at=None)
        except NotFound:
            return
        self.granted[identity] = set(scopes)
        self.denied.discard(identity)

    @rule(identity=_identities, end=st.sampled_from([clients.revoke, clients.deny, clients.forget]))
    def end(self, identity: str, end: Callable[[Connection, str], KnownClient]) -> None:
        try:
            end(self.db, self._id(identity))
        except EdgedError:
            return
        self.granted.pop(identity, None)
        self.denied.discard(identity)
        if end is clients.deny:
            self.denied.add(identity)

    @invariant()
    def only_what_a_person_granted_is_granted(self) -> None:
        found = clients.list_clients(self.db)
        assert {
            one.identity: set(one.scopes) for one in found if one.status == "approved"
        } == self.granted
        assert {one.identity for one in found if one.status == "denied"} == self.denied
        assert all(not one.scopes for one in found if one.status != "approved")
        assert len(clients.list_clients(self.db, "pending")) <= 2


Deciding.TestCase.settings = hypothesis_settings(
    max_examples=25, stateful_step_count=20, deadline=None
)
TestDeciding = Deciding.TestCase
