"""Full-text search, newest first. What a user types is words, never a query language.

Two ways: the word index (unicode61), and, for queries with scripts without spaces or emoji, the
trigram index with a check by substring. Both hold what was heard beside what a lexicon made of it.
Newest first costs the same for every word: ranking by bm25 takes 174 ms for a very common one among
a million segments. Measured: facts, 2026-10.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from edged.messages.records import Hit
from edged.store import script
from edged.store.clock import stamp
from edged.store.engine import Connection
from edged.store.narrowing import RARE, SAID_MS, Filters, is_near, is_rare, stretches

SCANNED = 20_000
"""Rows that a query of one or two characters looks through at most, the newest ones."""

WINDOW = 2_000
"""Newest rows with the words that are looked through before a filter's own stretches are sought."""

SNIPPET_TOKENS = 16
SNIPPET_CHARACTERS = 48
TRIGRAM = 3
MOST_TERMS = 32
EVERYWHERE = (0, 2**62)

_COLUMNS = (
    "r.recording_id, s.seq, s.start_ms, s.end_ms, s.text, s.raw, r.name, n.session_id, n.group_name, "  # noqa: S608 constants
    "(SELECT label FROM speakers WHERE id = s.speaker), "
    f"(SELECT speaker_id FROM speakers WHERE id = s.speaker), s.emotion, n.kind, {SAID_MS}"
)
_JOINS = (
    "CROSS JOIN segments s ON s.id = f.rowid CROSS JOIN transcripts t ON t.id = s.transcript "
    "AND t.current CROSS JOIN recordings r ON r.id = t.recording "
    "CROSS JOIN sessions n ON n.id = r.session"
)
_WORDS = (
    f"SELECT {_COLUMNS}, snippet(segments_words, -1, '[', ']', '…', {SNIPPET_TOKENS}) "  # noqa: S608 constants
    f"FROM segments_words f {_JOINS} WHERE segments_words MATCH :match "
    "AND f.rowid BETWEEN :low AND :high{conditions} ORDER BY f.rowid DESC LIMIT :limit"
)
_WINDOW = (
    "SELECT min(id), count(*) FROM (SELECT rowid AS id FROM segments_words "
    "WHERE segments_words MATCH :match ORDER BY rowid DESC LIMIT :window)"
)
_OF_RARE = f" AND +f.rowid IN ({RARE})"
"""Goes before all other conditions: an index of words is gone through at 0.04 us a row while only
ids are looked at, and at 2 us when each row's segment is. Measured: 2026-11, 2 cores, x86-64."""

_TRIGRAMS = (
    f"SELECT {_COLUMNS} FROM segments_trigrams f {_JOINS} "  # noqa: S608 constants
    "WHERE segments_trigrams MATCH :match AND f.rowid BETWEEN :low AND :high{conditions} "
    "ORDER BY f.rowid DESC LIMIT :scanned"
)
_SCAN = (
    f"SELECT {_COLUMNS} FROM (SELECT id AS rowid FROM segments "  # noqa: S608 constants
    "WHERE scripted AND id BETWEEN :low AND :high ORDER BY id DESC LIMIT :scanned) f "
    f"{_JOINS} WHERE (instr(s.text, :part) OR instr(s.raw, :part))"
)


def search(
    db: Connection, query: str, *, limit: int = 20, filters: Filters | None = None
) -> tuple[Hit, ...]:
    """Segments of current transcripts that hold every word of the query, newest first.

    Args:
        db: any connection.
        query: plain words; one that the tokenizer splits (don't, 3-4) is searched as a phrase. Each
            is found in the corrected text or in the raw one.
        limit: how many at most.
        filters: only there; an unknown recording, session or speaker finds nothing.
    """
    terms = _terms(query)
    narrowed = filters or Filters()
    if not terms:
        return ()
    if script.needs_trigrams(query):
        return tuple(islice(_search_scripted(db, terms, narrowed), limit))
    return tuple(islice(_search_words(db, terms, narrowed, limit), limit))


def _terms(query: str) -> list[str]:
    """The words between spaces, without what no index can hold."""
    clean = query.encode("utf-8", "replace").decode().replace("\0", " ")
    return clean.split()[:MOST_TERMS]


def _quoted(terms: list[str]) -> str:
    """Terms as strings of the index's language, in which nothing has a meaning."""
    return " ".join('"' + term.replace('"', '""') + '"' for term in terms)


def _search_words(db: Connection, terms: list[str], filters: Filters, limit: int) -> Iterator[Hit]:
    """Hits of the word index; a few more than the limit may come."""
    bindings: dict[str, Any] = {**filters.asked, "match": _quoted(terms), "limit": limit}
    if not filters.asked or is_near(db, filters):
        places, first = stretches(db, filters) if filters.asked else (EVERYWHERE,), ""
    elif is_rare(db, filters):
        places, first = (EVERYWHERE,), _OF_RARE
    else:
        places, first = _newest_first(db, bindings["match"], filters), ""
    sql = _WORDS.format(conditions=first + filters.conditions())
    for low, high in places:
        for *row, snippet in db.execute(sql, {**bindings, "low": low, "high": high}):
            yield _to_hit(row, snippet)


def _newest_first(db: Connection, match: str, filters: Filters) -> Iterator[tuple[int, int]]:
    """Where to look, one after the other; whoever has found enough stops asking.

    A filter that leaves much is fulfilled by some of the newest matches. For one that leaves
    little, and words that are everywhere, only its own stretches are looked through.
    """
    low, count = db.execute(_WINDOW, {"match": match, "window": WINDOW}).get
    yield low or 0, EVERYWHERE[1]
    if count < WINDOW:
        return
    for start, end in stretches(db, filters):
        if start < low:
            yield start, min(end, low - 1)


def _search_scripted(db: Connection, terms: list[str], filters: Filters) -> Iterator[Hit]:
    """Rows that hold every term as a part of their text, corrected or raw."""
    patterns = [re.compile(re.escape(term), re.IGNORECASE) for term in terms]
    for row in _candidates(db, terms, filters):
        text, raw = row[4], row[5] or ""
        if all(pattern.search(text) for pattern in patterns):
            yield _to_hit(row, _snippet(text, terms))
        elif all(pattern.search(text) or pattern.search(raw) for pattern in patterns):
            yield _to_hit(row, _snippet(raw, terms))


def _candidates(db: Connection, terms: list[str], filters: Filters) -> Iterator[tuple[Any, ...]]:
    """Rows that may match, newest first; a bounded number."""
    long = [term for term in terms if len(term) >= TRIGRAM]
    conditions = filters.conditions()
    bindings: dict[str, Any] = {**filters.asked, "scanned": SCANNED}
    if long:
        bindings["match"] = _quoted(long)
        sql = _TRIGRAMS.format(conditions=conditions)
    else:
        bindings["part"] = max(filter(script.needs_trigrams, terms), key=len)
        sql = _SCAN + conditions
    for low, high in stretches(db, filters) if filters.asked else (EVERYWHERE,):
        yield from db.execute(sql, {**bindings, "low": low, "high": high})


def _snippet(text: str, terms: list[str]) -> str:
    """The surroundings of the first match, with [ and ] around every one."""
    pattern = re.compile("|".join(map(re.escape, terms)), re.IGNORECASE)
    first = pattern.search(text)
    start = max(0, first.start() - SNIPPET_CHARACTERS // 3) if first else 0
    piece = text[start : start + SNIPPET_CHARACTERS]
    marked = pattern.sub(lambda match: f"[{match[0]}]", piece)
    before = "…" if start else ""
    after = "…" if start + SNIPPET_CHARACTERS < len(text) else ""
    return f"{before}{marked}{after}"


def _to_hit(row: Sequence[Any], snippet: str) -> Hit:
    recording_id, seq, start_ms, end_ms, text, _, name, session_id, group, *rest = row
    speaker, speaker_id, emotion, kind, began_ms = rest
    return Hit(
        recording_id=recording_id,
        seq=seq,
        start_ms=start_ms,
        end_ms=end_ms,
        text=text,
        snippet=snippet,
        name=name,
        session_id=session_id,
        group=group,
        speaker=speaker or "",
        speaker_id=speaker_id,
        emotion=emotion or "",
        at=_stamp(began_ms if kind == "file" else began_ms + start_ms),
    )


def _stamp(milliseconds: int) -> str:
    return stamp(datetime.fromtimestamp(milliseconds / 1000, UTC))
