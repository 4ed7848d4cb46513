"""Clients: who asked to be paired and what they were granted. Each decision is an event and in the audit."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from edged.errors import BadRequest, Busy, Conflict, NotFound
from edged.messages.access import SCOPES, AuditAct, ClientStatus, KnownClient, Scope
from edged.messages.events import ClientChanged
from edged.store import audit, events, people, sessions
from edged.store.clock import stamp
from edged.store.engine import Connection

_FIELDS = (
    "client_id", "kind", "identity", "name", "status", "fingerprint", "asked_at", "asked_scopes",
    "scopes", "decided_at", "expires_at", "last_seen_at", "pid", "program",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_FIELDS)} FROM clients "  # noqa: S608 constants


def list_clients(db: Connection, status: ClientStatus | None = None) -> tuple[KnownClient, ...]:
    """Clients, those that asked last first."""
    rows = db.execute(
        _SELECT + "WHERE status = coalesce(?, status) ORDER BY asked_at DESC, id DESC", (status,)
    )
    return tuple(_to_client(row) for row in rows)


def tokens(db: Connection) -> dict[bytes, str]:
    """The client_id of each hash of a token."""
    return dict(db.execute("SELECT token_hash, client_id FROM clients WHERE token_hash NOT NULL"))


def get(db: Connection, client_id: str) -> KnownClient:
    """One client.

    Raises:
        NotFound: no such client.
    """
    rows = db.execute(_SELECT + "WHERE client_id = ?", (client_id,)).fetchall()
    if not rows:
        raise NotFound("no such client", fix="`edged clients list` shows them")
    return _to_client(rows[0])


def ask(db: Connection, wish: KnownClient, *, most_pending: int) -> KnownClient:
    """Note that somebody asks to be paired; pending, or as it was decided before.

    A denied client stays denied. One whose grants ended or were revoked waits again. An approved
    one that asks for more keeps what it has.

    Args:
        db: the writing connection.
        wish: with an id of its own, which counts when the client is new.
        most_pending: so many may wait at once.

    Raises:
        Busy: too many wait.
        BadRequest: the name cannot be shown.
    """
    wish = msgspec.structs.replace(wish, name=people.tidy(wish.name))
    known = _with_identity(db, wish)
    if known is None:
        _check_room(db, most_pending)
        return _insert(db, wish, "asked")
    if known.status == "denied" or _has_all(known, wish):
        return known
    if known.status in ("revoked", "expired"):
        _check_room(db, most_pending)
        _make_pending(db, known.client_id)
        return _ask_again(db, known, wish)
    wish = _with_earlier_wishes(known, wish)
    if known.status == "pending" and wish.asked_scopes != known.asked_scopes:
        # Whoever read the old wishes approves by an id, which must not stand for more by now.
        _remove(db, known.client_id, "forgotten")
        return _insert(db, wish, "asked")
    return _ask_again(db, known, wish)


def _make_pending(db: Connection, client_id: str) -> None:
    db.execute(
        "UPDATE clients SET status = 'pending', scopes = '', decided_at = NULL, "
        "expires_at = NULL WHERE client_id = ?",
        (client_id,),
    )


def _with_earlier_wishes(known: KnownClient, wish: KnownClient) -> KnownClient:
    """What is asked for only grows until it is decided: wishing to and fro fills no audit."""
    if not _waits(known):
        return wish
    both = {*known.asked_scopes, *wish.asked_scopes}
    ordered = tuple(scope for scope in SCOPES if scope in both)
    return msgspec.structs.replace(wish, asked_scopes=ordered)


def _waits(known: KnownClient) -> bool:
    """Whether nobody has decided about what it asked for last."""
    return known.decided_at is None or known.decided_at < known.asked_at


def _with_identity(db: Connection, wish: KnownClient) -> KnownClient | None:
    """The same client as before; local programs share the user's name and are told apart by id."""
    key, value = (
        ("client_id", wish.client_id) if wish.kind == "local" else ("identity", wish.identity)
    )
    where = f"WHERE kind = ? AND {key} = ?"
    rows = db.execute(_SELECT + where, (wish.kind, value)).fetchall()
    return _to_client(rows[0]) if rows else None


def _has_all(known: KnownClient, wish: KnownClient) -> bool:
    return known.status == "approved" and set(wish.asked_scopes) <= set(known.scopes)


def _check_room(db: Connection, most_pending: int) -> None:
    waiting = db.execute("SELECT count(*) FROM clients WHERE status = 'pending'").get
    if int(waiting) >= most_pending:
        raise Busy(
            "too many clients wait to be approved",
            fix="decide about them: `edged clients list`",
            limit=most_pending,
            retry_after_ms=60_000,
        )


def _ask_again(db: Connection, known: KnownClient, wish: KnownClient) -> KnownClient:
    db.execute(
        "UPDATE clients SET name = ?, fingerprint = ?, asked_at = ?, asked_scopes = ?, pid = ?, "
        "program = ? WHERE client_id = ?",
        (
            wish.name, wish.fingerprint, wish.asked_at, _text(wish.asked_scopes), wish.pid,
            wish.program, known.client_id,
        ),
    )  # fmt: skip
    if not _waits(known) or known.asked_scopes != wish.asked_scopes:
        audit.add(db, "asked", known.client_id, _text(wish.asked_scopes))
    return _tell(db, known.client_id)


def _insert(db: Connection, client: KnownClient, act: AuditAct) -> KnownClient:
    client_id = client.client_id or sessions.new_id()
    row = msgspec.structs.asdict(msgspec.structs.replace(client, client_id=client_id))
    row |= {"asked_scopes": _text(client.asked_scopes), "scopes": _text(client.scopes)}
    marks = ", ".join("?" for _ in _FIELDS)
    db.execute(
        f"INSERT INTO clients({', '.join(_FIELDS)}) VALUES({marks})",
        tuple(row[field] for field in _FIELDS),
    )
    audit.add(db, act, client_id, _text(client.scopes or client.asked_scopes))
    return _tell(db, client_id)


def approve(
    db: Connection, client_id: str, *, scopes: Iterable[Scope] | None, expires_at: str | None
) -> KnownClient:
    """Grant scopes, instead of those that it had.

    Args:
        db: the writing connection.
        client_id: whom.
        scopes: what; None: what it asked for.
        expires_at: when the grant ends; None: never.

    Raises:
        NotFound: no such client.
        BadRequest: nothing would be granted.
    """
    client = get(db, client_id)
    granted = _text(client.asked_scopes if scopes is None else scopes)
    if not granted:
        raise BadRequest("no scope is granted", fix="name some: --scopes speech,results.read")
    db.execute(
        "UPDATE clients SET status = 'approved', scopes = ?, decided_at = ?, expires_at = ? "
        "WHERE client_id = ?",
        (granted, stamp(), expires_at, client_id),
    )
    audit.add(db, "approved", client_id, granted)
    return _tell(db, client_id)


def add_key(
    db: Connection, *, public_key: str, name: str, scopes: Iterable[Scope], expires_at: str | None
) -> KnownClient:
    """Make a CURVE key a client, approved; one that is known gets a new grant.

    Raises:
        BadRequest: the name cannot be shown, or nothing would be granted.
    """
    asked = tuple(scopes)
    wish = KnownClient(
        client_id=sessions.new_id(),
        kind="key",
        identity=public_key,
        name=people.tidy(name),
        status="pending",
        fingerprint="",
        asked_at=stamp(),
        asked_scopes=asked,
    )
    known = _with_identity(db, wish) or _insert(db, wish, "asked")
    return approve(db, known.client_id, scopes=asked, expires_at=expires_at)


def deny(db: Connection, client_id: str) -> KnownClient:
    """Refuse a client for good; what it had is taken back.

    Raises:
        NotFound: no such client.
    """
    return _end(db, client_id, "denied")


def revoke(db: Connection, client_id: str) -> KnownClient:
    """Take back what a client was granted.

    Raises:
        NotFound: no such client.
        Conflict: nothing was ever granted to it.
    """
    client = get(db, client_id)
    if client.status in ("pending", "denied"):
        raise Conflict(
            f"the client is {client.status} and has nothing that could be revoked",
            fix="refuse it with `edged clients deny`, or remove it with `edged clients forget`",
        )
    return _end(db, client_id, "revoked")


def _end(db: Connection, client_id: str, status: AuditAct) -> KnownClient:
    client = get(db, client_id)
    if client.status == status:
        return client
    db.execute(
        "UPDATE clients SET status = ?, scopes = '', decided_at = ?, expires_at = NULL, "
        "token_hash = NULL WHERE client_id = ?",
        (status, stamp(), client_id),
    )
    audit.add(db, status, client_id, _text(client.scopes))
    return _tell(db, client_id)


def forget(db: Connection, client_id: str) -> KnownClient:
    """Remove a client from the list; its results become the owner's.

    Raises:
        NotFound: no such client.
    """
    gone = _remove(db, client_id, "forgotten")
    for table in ("sessions", "jobs", "uploads"):
        db.execute(f"UPDATE {table} SET owner = '' WHERE owner = ?", (client_id,))  # noqa: S608 constants
    return gone


def _remove(db: Connection, client_id: str, act: AuditAct) -> KnownClient:
    gone = msgspec.structs.replace(get(db, client_id), status="forgotten", scopes=())
    db.execute("DELETE FROM clients WHERE client_id = ?", (client_id,))
    audit.add(db, act, client_id)
    events.record(db, ClientChanged(client=gone))
    return gone


def set_token(db: Connection, client_id: str, token_hash: bytes) -> None:
    """Remember by which token a local client is known from now on."""
    db.execute("UPDATE clients SET token_hash = ? WHERE client_id = ?", (token_hash, client_id))


def expire(
    db: Connection, *, pending_ms: float, now: datetime | None = None
) -> tuple[KnownClient, ...]:
    """End grants whose time is over, and remove strangers who waited too long; all these.

    Args:
        db: the writing connection.
        pending_ms: how long a stranger may wait.
        now: UTC; the present when absent.
    """
    moment = now or datetime.now(UTC)
    ended = _ids(db, "status = 'approved' AND expires_at <= ?", stamp(moment))
    asked_by = stamp(moment - timedelta(milliseconds=pending_ms))
    left = _ids(db, "status = 'pending' AND asked_at <= ?", asked_by)
    return (
        *(_run_out(db, client_id) for client_id in ended),
        *(_remove(db, client_id, "expired") for client_id in left),
    )


def _ids(db: Connection, condition: str, value: str) -> list[str]:
    rows = db.execute(f"SELECT client_id FROM clients WHERE {condition}", (value,))  # noqa: S608 constants
    return [str(client_id) for (client_id,) in rows]


def _run_out(db: Connection, client_id: str) -> KnownClient:
    client = get(db, client_id)
    db.execute("UPDATE clients SET status = 'expired' WHERE client_id = ?", (client_id,))
    audit.add(db, "expired", client_id, _text(client.scopes))
    return _tell(db, client_id)


def seen(db: Connection, client_id: str, *, at: str, pid: int, program: str) -> None:
    """Note when and as which process a client asked last; no event, and nothing when it is gone."""
    db.execute(
        "UPDATE clients SET last_seen_at = ?, pid = ?, program = ? WHERE client_id = ?",
        (at, pid, program, client_id),
    )


def recording(db: Connection, client_id: str) -> tuple[str, ...]:
    """The sessions of a client that have not ended."""
    rows = db.execute(
        "SELECT session_id FROM sessions WHERE owner = ? AND status IN ('recording', 'paused')",
        (client_id,),
    )
    return tuple(session_id for (session_id,) in rows)


def _tell(db: Connection, client_id: str) -> KnownClient:
    client = get(db, client_id)
    events.record(db, ClientChanged(client=client))
    return client


def _text(scopes: Iterable[Scope]) -> str:
    """Scopes as a column: in the order of the list, each once."""
    wanted = set(scopes)
    return " ".join(scope for scope in SCOPES if scope in wanted)


def _to_client(row: tuple) -> KnownClient:  # type: ignore[type-arg]  # a row as apsw types it
    facts = dict(zip(_FIELDS, row, strict=True))
    for field in ("asked_scopes", "scopes"):
        facts[field] = tuple(str(facts[field]).split())
    return msgspec.convert(facts, KnownClient)
