"""What a search is narrowed to: as conditions, and as the few stretches of rows where it can be.

Ids of segments grow with time, and the segments of one transcript mostly lie together. So a search
in some sessions among thousands looks through their stretches, and not through all there is.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct, to_builtins

from edged.errors import BadRequest
from edged.store.engine import Connection

SAID_MS = (
    "CAST(round(unixepoch(CASE n.kind WHEN 'file' THEN r.created_at ELSE n.started_at END, 'subsec') "
    "* 1000) AS INTEGER)"
)
"""When a recording began, ms since 1970; of a file: when it came. Its time of speech is unknown."""

_SPEAKERS = (
    "SELECT k.{column} FROM speakers k LEFT JOIN people p ON p.id = k.person "
    "WHERE k.speaker_id = :speaker OR k.label = :speaker OR p.name = :speaker "
    "OR k.guest_name = :speaker"
)
_OF_TRANSCRIPT = {
    "recording_id": "r.recording_id = :recording_id",
    "session_id": "n.session_id = :session_id",
    "group": "n.group_name = :group",
    "owner": "n.owner = :owner",
    "language": "(t.language = :language OR t.language GLOB :language || '-*')",
}
_OF_SEGMENT = {
    "speaker": f"s.speaker IN ({_SPEAKERS.format(column='id')})",
    "since": f"{SAID_MS} + CASE n.kind WHEN 'file' THEN 0 ELSE s.start_ms END >= :since",
    "until": f"{SAID_MS} + CASE n.kind WHEN 'file' THEN 0 ELSE s.start_ms END < :until",
    "emotion": "s.emotion = :emotion",
}
_LAST_MS = "(SELECT start_ms FROM segments WHERE transcript = t.id ORDER BY seq DESC LIMIT 1)"
_MAY_HOLD = {
    "speaker": f"n.id IN ({_SPEAKERS.format(column='session')})",
    "since": f"{SAID_MS} + CASE n.kind WHEN 'file' THEN 0 ELSE {_LAST_MS} END >= :since",
    "until": f"{SAID_MS} < :until",
    "emotion": "EXISTS(SELECT 1 FROM segments e WHERE e.emotion = :emotion AND e.transcript = t.id)",
}
RARE = "SELECT id FROM segments WHERE emotion = :emotion"
_ENDS = (
    "SELECT (SELECT id FROM segments WHERE transcript = t.id ORDER BY seq LIMIT 1) AS low, "
    "(SELECT id FROM segments WHERE transcript = t.id ORDER BY seq DESC LIMIT 1) AS high "
    "FROM transcripts t JOIN recordings r ON r.id = t.recording JOIN sessions n ON n.id = r.session "
    "WHERE t.current AND low IS NOT NULL{conditions} ORDER BY high DESC"
)


FEW_SEGMENTS = 10_000
"""Segments of an emotion whose ids are put together before a search begins: 5 ms."""

FEW_SESSIONS = 20
"""Sessions of a speaker that are gone through one after the other."""


class Filters(Struct, frozen=True, kw_only=True):
    """What a search is narrowed to; None narrows nothing.

    group: empty: sessions of no group. speaker: id or label of one, or a person's or guest's name.
    since, until: ms since 1970, as `moment` gives them; since itself included, until not.
    owner: only results of this client.
    """

    recording_id: str | None = None
    session_id: str | None = None
    group: str | None = None
    speaker: str | None = None
    since: int | None = None
    until: int | None = None
    language: str | None = None
    emotion: str | None = None
    owner: str | None = None

    @property
    def asked(self) -> dict[str, str | int]:
        """The ones that narrow, by name: what the conditions bind."""
        return {name: value for name, value in to_builtins(self).items() if value is not None}

    def conditions(self) -> str:
        """What a segment `s` of a transcript `t`, recording `r` and session `n` must fulfil."""
        return _joined(self.asked, _OF_TRANSCRIPT | _OF_SEGMENT)


def moment(timestamp: str | None) -> int | None:
    """A time of the wire as ms since 1970; one without a zone is UTC.

    Raises:
        BadRequest: it is no time.
    """
    if timestamp is None:
        return None
    try:
        found = datetime.fromisoformat(timestamp)
    except ValueError as error:
        fix = "write 2026-11-21 or 2026-11-21T08:00:00Z"
        raise BadRequest("since and until are times in ISO 8601", fix=fix) from error
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def stretches(db: Connection, filters: Filters) -> Iterator[tuple[int, int]]:
    """First and last ids of segments where there may be something, newest first, none overlapping."""
    sql = _ENDS.format(conditions=_joined(filters.asked, _OF_TRANSCRIPT | _MAY_HOLD))
    whole: tuple[int, int] | None = None
    for low, high in db.execute(sql, filters.asked):
        if whole is None or high < whole[0] - 1:
            if whole is not None:
                yield whole
            whole = low, high
        else:
            whole = min(low, whole[0]), whole[1]
    if whole is not None:
        yield whole


def is_near(db: Connection, filters: Filters) -> bool:
    """Whether the filters leave a few stretches only, because they name a session or a voice."""
    if filters.recording_id is not None or filters.session_id is not None:
        return True
    voices = f"SELECT count(*) FROM ({_SPEAKERS.format(column='id')})"  # noqa: S608 constants
    return filters.speaker is not None and db.execute(voices, filters.asked).get <= FEW_SESSIONS


def is_rare(db: Connection, filters: Filters) -> bool:
    """Whether few segments sound as the filters ask: then `RARE` gives their ids."""
    count = f"SELECT count(*) FROM ({RARE} LIMIT {FEW_SEGMENTS + 1})"  # noqa: S608 constants
    return filters.emotion is not None and db.execute(count, filters.asked).get <= FEW_SEGMENTS


def _joined(asked: dict[str, str | int], conditions: dict[str, str]) -> str:
    return "".join(f" AND {sql}" for name, sql in conditions.items() if name in asked)
