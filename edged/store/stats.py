"""Statistics: the counts of many speakers together, by person, session, group and time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from edged.messages.people import (
    ClaimType,
    Figures,
    Month,
    Person,
    SpeakerFigures,
    Statistics,
    Stats,
    WordCount,
    Wrapped,
)
from edged.speech import counting
from edged.store import people, sessions, speakers
from edged.store.engine import Connection

MOST_SINGLE = 1_000
"""Guests, and unclaimed speakers, that are listed one by one, the newest ones."""

TOP_WORDS = 10
MONTHS = range(1, 13)

_SPEAKERS = """
SELECT p.id, p.speaker_id, p.session, n.session_id, p.label, p.claim_type, p.guest_name, e.person_id,
  e.name, f.segments, f.turns, f.words, f.low_words, f.talk_ms, f.overlap_ms, f.favourite,
  iif(p.person IS NULL, '', f.said)
FROM sessions n JOIN speakers p ON p.session = n.id
JOIN speaker_figures f ON f.speaker = p.id LEFT JOIN people e ON e.id = p.person
"""


class _Speaker(Struct, frozen=True):
    """One row of _SPEAKERS. said: of persons only, the others stand alone."""

    row: int
    speaker_id: str
    session: int
    session_id: str
    label: str
    claim_type: ClaimType | None
    guest_name: str | None
    person_id: str | None
    person: str | None
    segments: int
    turns: int
    words: int
    low_words: int
    talk_ms: int
    overlap_ms: int
    favourite: str | None
    said: str


class _Speech(Struct):
    """How long was spoken in a session, and how much of that by nobody known."""

    all_ms: int
    unknown_ms: int


class _Scope(Struct, frozen=True):
    """What a request is about. targets: of each speaker's row, how often each target word."""

    speech: Mapping[int, _Speech]
    targets: Mapping[int, Mapping[str, int]]


def stats(db: Connection, wish: Stats, *, owner: str | None = None) -> Statistics:
    """Figures of everyone who speaks in the sessions that the filters leave.

    Persons come first, by talk time; then guests and unclaimed speakers, newest sessions first, one
    by one up to 1,000 of each; the rest in one entry named `others`, without ids and favourite.

    Args:
        db: any connection.
        wish: times are as `store.clock.stamp` writes them.
        owner: only sessions of this client; None: everybody's.

    Raises:
        NotFound: no such session, speaker or person.
    """
    _check(db, wish)
    where, values = _filter(wish, owner)
    found = _speakers(db, where, values)
    scope = _Scope(_speech(db, where, values, found), _targets(db, where, values))
    kept = [one for one in found if _is_wanted(one, wish)]
    persons = [one for one in kept if one.person_id is not None]
    guests = [one for one in kept if one.claim_type == "guest"]
    unclaimed = [one for one in kept if one.claim_type is None]
    counts = _word_counts(persons)
    total = counting.favourite(_sum(counts.values()))
    return Statistics(
        speakers=(
            *_by_person(scope, persons, counts),
            *_singly(scope, guests),
            *_singly(scope, unclaimed),
        ),
        totals=_figures(scope, persons, total, _sessions_of(kept, wish, scope)),
    )


def wrapped(db: Connection, person: Person, year: int, *, owner: str | None = None) -> Wrapped:
    """One person's year, in UTC; a year without a word has zeros.

    Args:
        db: any connection.
        person: whose.
        year: of the sessions' start.
        owner: only sessions of this client; None: everybody's.
    """
    where = (
        "WHERE n.started_at >= ?1 AND n.started_at < ?2 AND p.person = ?3 "
        "AND (?4 IS NULL OR n.owner = ?4)"
    )
    values = (f"{year:04}-", f"{year:04}~", people.row_id(db, person.id), owner)
    months = _months(db, where, values)
    words = _said(db, where, values)
    return Wrapped(
        year=year,
        person=person.name,
        sessions=sum(month.sessions for month in months),
        talk_ms=sum(month.talk_ms for month in months),
        words=sum(month.words for month in months),
        top_words=words,
        favourite_word=words[0].word if words else None,
        target_words=dict(_ordered(_sum(_targets(db, where, values).values()))),
        by_month=months,
    )


def _check(db: Connection, wish: Stats) -> None:
    if wish.session_id is not None:
        sessions.row_id(db, wish.session_id)
    if wish.speaker_id is not None:
        speakers.find(db, wish.speaker_id)
    if wish.person_id is not None:
        people.row_id(db, wish.person_id)


def _filter(wish: Stats, owner: str | None) -> tuple[str, tuple[str, ...]]:
    """Which sessions: those of a speaker or person whole, for the shares beside their figures."""
    filters = {
        "n.session_id = ?": wish.session_id,
        "n.group_name = ?": wish.group,
        "n.started_at >= ?": wish.since,
        "n.started_at < ?": wish.until,
        "n.owner = ?": owner,
        "n.id = (SELECT session FROM speakers WHERE speaker_id = ?)": wish.speaker_id,
        "n.id IN (SELECT s.session FROM speakers s JOIN people o ON o.id = s.person "
        "WHERE o.person_id = ?)": wish.person_id,
    }
    given = {clause: value for clause, value in filters.items() if value is not None}
    where = "WHERE " + " AND ".join(given) if given else ""
    return where, tuple(given.values())


def _speakers(db: Connection, where: str, values: Sequence[str | int | None]) -> list[_Speaker]:
    rows = db.execute(f"{_SPEAKERS} {where} ORDER BY n.id DESC, p.id", tuple(values))
    return [_Speaker(*row) for row in rows]


def _speech(
    db: Connection, where: str, values: Sequence[str | int | None], found: Iterable[_Speaker]
) -> dict[int, _Speech]:
    """Of each session: all its speech, and that of no speaker or of one whom nobody claimed."""
    speech = {
        session: _Speech(speech_ms, unknown_ms)
        for session, speech_ms, unknown_ms in db.execute(
            "SELECT n.id, g.speech_ms, g.unknown_ms FROM sessions n "  # noqa: S608 constants
            f"JOIN session_figures g ON g.session = n.id {where}",
            tuple(values),
        )
    }
    for one in found:
        if one.claim_type is None:
            speech[one.session].unknown_ms += one.talk_ms
    return speech


def _targets(
    db: Connection, where: str, values: Sequence[str | int | None]
) -> dict[int, dict[str, int]]:
    """By speaker; a word that stands in two lexicons was said once."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for speaker, word, count in db.execute(
        "SELECT t.speaker, t.word, max(t.count) FROM sessions n JOIN speakers p ON p.session = n.id "  # noqa: S608 constants
        f"JOIN speaker_targets t ON t.speaker = p.id {where} GROUP BY t.speaker, t.word",
        tuple(values),
    ):
        found[speaker][word] = count
    return found


def _is_wanted(one: _Speaker, wish: Stats) -> bool:
    if wish.speaker_id is not None and one.speaker_id != wish.speaker_id:
        return False
    return wish.person_id is None or one.person_id == wish.person_id


def _sessions_of(kept: Iterable[_Speaker], wish: Stats, scope: _Scope) -> set[int]:
    """Totals stand for all sessions of the filters, also for those in which no person spoke."""
    if wish.speaker_id is None and wish.person_id is None:
        return set(scope.speech)
    return {one.session for one in kept}


def _groups(persons: Iterable[_Speaker]) -> dict[str, list[_Speaker]]:
    groups: dict[str, list[_Speaker]] = defaultdict(list)
    for one in persons:
        groups[one.person_id or ""].append(one)
    return groups


def _word_counts(persons: Iterable[_Speaker]) -> dict[str, Mapping[str, int]]:
    """By person: how often each word was said that says something."""
    return {
        person_id: counting.count(one.said for one in several)
        for person_id, several in _groups(persons).items()
    }


def _by_person(
    scope: _Scope, persons: Iterable[_Speaker], counts: Mapping[str, Mapping[str, int]]
) -> list[SpeakerFigures]:
    found = [
        SpeakerFigures(
            kind="person",
            name=several[0].person or "",
            person_id=person_id,
            figures=_figures(scope, several, counting.favourite(counts[person_id])),
        )
        for person_id, several in _groups(persons).items()
    ]
    return sorted(found, key=lambda one: (-one.figures.talk_ms, one.name))


def _singly(scope: _Scope, found: Sequence[_Speaker]) -> list[SpeakerFigures]:
    """Guests, or unclaimed speakers."""
    singles = [
        SpeakerFigures(
            kind="unclaimed" if one.claim_type is None else "guest",
            name=one.guest_name or one.label,
            speaker_id=one.speaker_id,
            session_id=one.session_id,
            figures=_figures(scope, [one], one.favourite),
        )
        for one in found[:MOST_SINGLE]
    ]
    rest = found[MOST_SINGLE:]
    if rest:
        kind = singles[0].kind
        singles.append(
            SpeakerFigures(kind=kind, name="others", figures=_figures(scope, rest, None))
        )
    return singles


def _figures(
    scope: _Scope,
    several: Sequence[_Speaker],
    favourite: str | None,
    within: set[int] | None = None,
) -> Figures:
    """Of several speakers together. within: the sessions to judge by, by default theirs."""
    words = sum(one.words for one in several)
    talk_ms = sum(one.talk_ms for one in several)
    spoke_in = {one.session for one in several} if within is None else within
    speech = [scope.speech[session] for session in spoke_in]
    return Figures(
        words=words,
        turns=sum(one.turns for one in several),
        segments=sum(one.segments for one in several),
        talk_ms=talk_ms,
        overlap_ms=sum(one.overlap_ms for one in several),
        words_per_minute=round(words * 60_000 / talk_ms, 1) if talk_ms else 0.0,
        target_words=dict(_ordered(_sum(scope.targets.get(one.row, {}) for one in several))),
        favourite_word=favourite,
        unknown_speech=_share(sum(s.unknown_ms for s in speech), sum(s.all_ms for s in speech)),
        low_confidence_words=_share(sum(one.low_words for one in several), words),
        sessions=len(spoke_in),
    )


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    known = total.get
    for one in counts:
        if not total:
            total.update(one)
            continue
        for word, count in one.items():
            total[word] = known(word, 0) + count
    return total


def _ordered(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _months(db: Connection, where: str, values: Sequence[str | int | None]) -> tuple[Month, ...]:
    spoken = {
        month: (count, talk_ms, words)
        for month, count, talk_ms, words in db.execute(
            "SELECT CAST(substr(n.started_at, 6, 2) AS INTEGER), count(DISTINCT n.id), "  # noqa: S608 constants
            "sum(f.talk_ms), sum(f.words) FROM speakers p JOIN sessions n ON n.id = p.session "
            f"JOIN speaker_figures f ON f.speaker = p.id {where} GROUP BY 1",
            tuple(values),
        )
    }
    months = [(month, *spoken.get(month, (0, 0, 0))) for month in MONTHS]
    return tuple(
        Month(month=month, sessions=count, talk_ms=talk_ms, words=words)
        for month, count, talk_ms, words in months
    )


def _said(db: Connection, where: str, values: Sequence[str | int | None]) -> tuple[WordCount, ...]:
    texts = db.execute(
        "SELECT f.said FROM speakers p JOIN sessions n ON n.id = p.session "  # noqa: S608 constants
        f"JOIN speaker_figures f ON f.speaker = p.id {where}",
        tuple(values),
    )
    found = counting.most_said(counting.count(text for (text,) in texts), TOP_WORDS)
    return tuple(WordCount(word=word, count=count) for word, count in found)
