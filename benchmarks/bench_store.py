"""What encryption and full-text search cost: `python benchmarks/bench_store.py [--quick] [--json]`.

Both sides run in one process, in interleaved rounds; figures are medians of rounds, ratios are
the median of each round's ratio. The plain side is the same engine without a key.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw

from edged.messages.records import Segment
from edged.store import (
    Connection,
    Store,
    engine,
    meta,
    recordings,
    schema,
    search,
    sessions,
    transcripts,
)
from edged.store import segments as stored
from edged.store.clock import stamp
from edged.store.narrowing import Filters
from edged.store.pending import pending

KEY = bytes(range(32))
WORDS = 14
SESSION_SEGMENTS = 1_000
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
EMOTIONS = {7: "fear", **dict.fromkeys(range(20, 60), "happy")}
"""By a segment's number modulo 500: one in 500 fearful, one in 12 happy, others neutral."""
BATCH = 1_000


def texts(count: int, *, seed: int) -> list[str]:
    """Sentences of 14 words from a Zipf-like vocabulary of 20,000: w0 is in most of them."""
    chance = random.Random(seed)  # noqa: S311 no secret
    return [
        " ".join(f"w{min(19_999, int(chance.paretovariate(0.6)) - 1)}" for _ in range(WORDS))
        for _ in range(count)
    ]


def open_side(folder: Path, side: str) -> Connection:
    """A database as the store makes it; `plain` has no key."""
    path = folder / f"{side}.db"
    path.touch()
    if side != "plain":
        db = engine.connect(path, KEY, "aegis" if side == "aegis" else "chacha20")
    else:
        db = Connection(path, apsw.SQLITE_OPEN_READWRITE, KEY)
        db.pragma("auto_vacuum", 2)
        for name, value in (
            ("journal_mode", "wal"),
            ("synchronous", "FULL"),
            ("secure_delete", 1),
            ("foreign_keys", 1),
            ("cache_size", -engine.WRITER_CACHE_KIB),
        ):
            db.pragma(name, value)
    schema.migrate(db)
    return db


def prepare(db: Connection, *, indexed: bool) -> int:
    """A transcript to insert into; without the word index if so asked."""
    if not indexed:
        db.execute("DROP TRIGGER segments_index; DROP TRIGGER segments_index_scripted")
    made = recordings.ensure(db, name="n", sha256="a", size_bytes=1)
    return transcripts.begin(db, made.recording_id, "p", model="m").transcript_id


def insert(db: Connection, transcript: int, first: int, rows: list[str]) -> float:
    """Seconds to insert and commit these sentences as segments."""
    started = time.perf_counter()
    db.execute("BEGIN IMMEDIATE")
    db.executemany(
        "INSERT INTO segments(transcript, seq, start_ms, end_ms, text, confidence) "
        "VALUES(?, ?, 0, 1, ?, 0.5)",
        [(transcript, first + number, text) for number, text in enumerate(rows)],
    )
    db.execute("COMMIT")
    return time.perf_counter() - started


def insert_round(rows: int, *, seed: int, indexed: bool) -> dict[str, float]:
    """Seconds by side; the sides take turns at every 1,000 rows, so that noise hits all."""
    sentences = texts(rows, seed=seed)
    order = ["plain", "aegis", "chacha20"]
    spent = dict.fromkeys(order, 0.0)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        sides = {side: open_side(Path(folder), side) for side in order}
        into = {side: prepare(db, indexed=indexed) for side, db in sides.items()}
        for start in range(0, rows, BATCH):
            random.Random(start).shuffle(order)  # noqa: S311 no secret
            batch = sentences[start : start + BATCH]
            for side in order:
                spent[side] += insert(sides[side], into[side], start, batch)
        for db in sides.values():
            db.close()
    return spent


def bench_insert(rows: int, rounds: int) -> dict[str, float]:
    """Encrypted against plain, with and without the word index."""
    found: dict[str, list[float]] = {}
    for turn in range(rounds):
        for indexed in (True, False):
            spent = insert_round(rows, seed=turn, indexed=indexed)
            kind = "fts" if indexed else "no_fts"
            found.setdefault(f"insert_{kind}_plain_s", []).append(spent["plain"])
            for side in ("aegis", "chacha20"):
                ratio = spent[side] / spent["plain"]
                found.setdefault(f"insert_{kind}_{side}_ratio", []).append(ratio)
    return {name: round(statistics.median(values), 3) for name, values in found.items()}


def fill(store: Store, rows: int) -> None:
    """Put many sentences into a store."""

    async def write() -> None:
        for part in range(rows // SESSION_SEGMENTS):
            await store.write(lambda db, part=part: fill_session(db, part))  # type: ignore[misc]  # the default binds this turn's value

    asyncio.run(write())


def fill_session(db: Connection, part: int) -> None:
    """One of the sessions: a day, one of 20 groups, one language of 100 German, two speakers."""
    made = recordings.ensure(
        db, name="n", sha256=str(part), size_bytes=1, kind="live", group_name=f"g{part % 20}"
    )
    row = sessions.row_id(db, made.session_id)
    started = stamp(FIRST_DAY + timedelta(days=part))
    db.execute("UPDATE sessions SET started_at = ? WHERE id = ?", (started, row))
    for label in ("SPEAKER_00", "SPEAKER_01"):
        speaker_id = f"{part:08}{label[-8:]}"
        db.execute(
            "INSERT INTO speakers(speaker_id, session, label) VALUES(?, ?, ?)",
            (speaker_id, row, label),
        )
    language = "de" if part % 100 == 50 else "en"
    begun = transcripts.begin(db, made.recording_id, "p", model="m", language=language)
    second = int(db.execute("SELECT max(id) FROM speakers").get)
    db.executemany(
        "INSERT INTO segments(transcript, seq, start_ms, end_ms, text, confidence, speaker, emotion) "
        "VALUES(?, ?, ?, ?, ?, 0.5, ?, ?)",
        [
            (
                begun.transcript_id,
                number,
                number * 1000,
                number * 1000 + 900,
                text,
                second - number % 2,
                EMOTIONS.get(number % 500, "neutral"),
            )
            for number, text in enumerate(texts(SESSION_SEGMENTS, seed=part))
        ],
    )
    db.execute(
        "UPDATE transcripts SET status = 'completed', segment_count = ? WHERE id = ?",
        (SESSION_SEGMENTS, begun.transcript_id),
    )
    db.execute("UPDATE sessions SET status = 'completed' WHERE id = ?", (row,))


QUERIES = {
    "rare": ["w19000", "w15321", "w12345", "w17777"],
    "mid": ["w300", "w511", "w700", "w900"],
    "common": ["w0", "w1", "w2", "w3"],
    "two_common": ["w0 w1", "w1 w2", "w3 w0", "w4 w5"],
    "phrase": ["w0-w1", "w2-w3", "w10-w20", "w100-w200"],
    "rare_phrase": ["w300-w400", "w511-w613", "w700-w801", "w150-w250"],
    "nothing": ["absent", "w0 absent", "zebra", "w1-absent"],
}


def _moment(day: int) -> int:
    """The start of a session's day, ms since 1970."""
    return round((FIRST_DAY + timedelta(days=day)).timestamp() * 1000)


FILTERS = {
    "speaker": Filters(speaker="00000033EAKER_01"),
    "label": Filters(speaker="SPEAKER_00"),
    "group": Filters(group="g7"),
    "days": Filters(since=_moment(40), until=_moment(45)),
    "since": Filters(since=_moment(90)),
    "language": Filters(language="de"),
    "emotion": Filters(emotion="fear"),
    "several": Filters(group="g7", speaker="SPEAKER_01", emotion="happy", language="en"),
}


def bench_filters(store: Store, rounds: int) -> dict[str, float]:
    """Milliseconds of a search by filter, over words of every frequency, and what is pending."""
    spent: dict[str, list[float]] = {kind: [] for kind in FILTERS}

    async def run() -> None:
        for _ in range(rounds):
            for kind, filters in FILTERS.items():
                for query in (query for queries in QUERIES.values() for query in queries):
                    started = time.perf_counter()
                    await store.read(
                        lambda db, q=query, f=filters: search.search(db, q, filters=f)  # type: ignore[misc]  # the default binds this turn's value
                    )
                    await store.read(lambda db, f=filters: pending(db, f))  # type: ignore[misc]  # likewise
                    spent[kind].append((time.perf_counter() - started) * 1000)

    asyncio.run(run())
    found: dict[str, float] = {}
    for kind, values in spent.items():
        found[f"filter_{kind}_p50_ms"] = round(statistics.median(values), 3)
        found[f"filter_{kind}_p95_ms"] = round(_percentile(values, 0.95), 3)
    return found


def bench_search(store: Store, rounds: int) -> dict[str, float]:
    """Milliseconds of a search, from the loop to a reading thread and back."""
    spent: dict[str, list[float]] = {kind: [] for kind in QUERIES}

    async def run() -> None:
        for _ in range(rounds):
            for kind, queries in QUERIES.items():
                for query in queries:
                    started = time.perf_counter()
                    await store.read(
                        lambda db, q=query: search.search(db, q)  # type: ignore[misc]  # the default binds this turn's value
                    )
                    spent[kind].append((time.perf_counter() - started) * 1000)

    asyncio.run(run())
    found: dict[str, float] = {}
    for kind, values in spent.items():
        found[f"search_{kind}_p50_ms"] = round(statistics.median(values), 3)
        found[f"search_{kind}_p95_ms"] = round(_percentile(values, 0.95), 3)
    return found


def bench_commit(store: Store, count: int) -> dict[str, float]:
    """Milliseconds until a one-row write is acknowledged, alone and with one search running."""
    found: dict[str, list[float]] = {"commit_alone": [], "commit_searching": []}

    async def commits(name: str) -> None:
        for _ in range(count):
            started = time.perf_counter()
            await store.write(meta.self_test)
            found[name].append((time.perf_counter() - started) * 1000)

    async def searching(stop: threading.Event) -> None:
        def search_on(db: Connection) -> None:
            while not stop.is_set():
                db.execute(
                    "SELECT rowid FROM segments_words WHERE segments_words MATCH 'w0' "
                    "ORDER BY rank LIMIT 20"
                ).fetchall()

        await store.read(search_on)

    async def run() -> None:
        for _ in range(3):
            await commits("commit_alone")
            stop = threading.Event()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(searching(stop))
                await commits("commit_searching")
                stop.set()

    asyncio.run(run())
    figures: dict[str, float] = {}
    for name, values in found.items():
        figures[f"{name}_p50_ms"] = round(statistics.median(values), 3)
        figures[f"{name}_p99_ms"] = round(_percentile(values, 0.99), 3)
    return figures


def bench_added(store: Store, count: int) -> dict[str, float]:
    """Segments a second through the store's own functions, events included, ten a commit."""

    def begin(db: Connection) -> int:
        made = recordings.ensure(db, name="n", sha256="through", size_bytes=1)
        return transcripts.begin(db, made.recording_id, "p", model="m").transcript_id

    async def run() -> float:
        transcript = await store.write(begin)
        rows = [
            Segment(seq=n, start_ms=n, end_ms=n + 1, text=text, confidence=0.5)
            for n, text in enumerate(texts(count, seed=99))
        ]
        started = time.perf_counter()
        for at in range(0, count, 10):
            await store.write(
                lambda db, at=at: stored.add(  # type: ignore[misc]  # the default binds this turn's value
                    db, transcript, rows[at : at + 10], done_ms=at, compute_ms=at
                )
            )
        return count / (time.perf_counter() - started)

    return {"add_segments_per_s": round(asyncio.run(run()))}


def _percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


TARGETS: dict[str, float] = {
    "insert_fts_aegis_ratio": 1.15,
    "insert_no_fts_aegis_ratio": 1.3,
    "commit_searching_p99_ms": 10,
    **{f"search_{kind}_p95_ms": 20 for kind in QUERIES},
    **{f"filter_{kind}_p95_ms": 20 for kind in FILTERS},
}


def main() -> int:
    """Measure, print a table to stderr and JSON to stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds")
    quick = parser.parse_args().quick
    figures: dict[str, float] = {"sqlite_segments": 100_000 if quick else 1_000_000}
    figures |= bench_insert(20_000 if quick else 100_000, 3 if quick else 5)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        store = Store.open(Path(folder) / "edged.db", KEY)
        built = _timed(lambda: fill(store, int(figures["sqlite_segments"])))
        figures |= {"build_s": round(built, 1)}
        figures |= bench_search(store, 5 if quick else 15)
        figures |= bench_filters(store, 3 if quick else 10)
        figures |= bench_commit(store, 100 if quick else 500)
        figures |= bench_added(store, 2_000 if quick else 10_000)
        store.close()
        figures["database_mb"] = round(os.path.getsize(Path(folder) / "edged.db") / 2**20)
    for name, value in figures.items():
        target = TARGETS.get(name)
        verdict = (
            "" if target is None else f"  target {target}  {'ok' if value <= target else 'MISS'}"
        )
        print(f"{name:36} {value:>12}{verdict}", file=sys.stderr)
    print(json.dumps(figures))
    return 0


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
