import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import fill, segment

from edged.store import Connection, engine, recordings, schema, search, segments, transcripts

TEXTS = [
    "I don't know C++ AND more",
    'he said "hello" to NEAR(me)',
    "hello 世界你好 today",
    "what a party 🎉 time",
    "café in Zürich",
    "안녕하세요 여러분",
    "สวัสดีชาวโลก",
    "I 👩‍💻 code at 3-4 o'clock",
]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """A migrated connection."""
    opened = _open(tmp_path)
    yield opened
    opened.close()


def _open(folder: Path) -> Connection:
    path = folder / "edged.db"
    path.touch()
    opened = engine.connect(path, bytes(32), "aegis")
    schema.migrate(opened)
    opened.pragma("synchronous", "OFF")
    return opened


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("don't", 0),
        ("C++", 0),
        ("AND", 0),
        ("more know", 0),
        ('"hello"', 2),
        ("NEAR(me)", 1),
        ("世界", 2),
        ("世", 2),
        ("世界你好", 2),
        ("hello 世界", 2),
        ("🎉", 3),
        ("party 🎉", 3),
        ("CAFE", 4),
        ("zürich", 4),
        ("안녕", 5),
        ("여러분", 5),
        ("ชาว", 6),
        ("👩‍💻", 7),
        ("3-4", 7),
        ("o'clock", 7),
    ],
)
def test_what_users_type_finds_its_row(db: Connection, query: str, found: int) -> None:
    fill(db, TEXTS)

    hits = search.search(db, query)

    assert found in [hit.seq for hit in hits]
    assert all("[" in hit.snippet and "]" in hit.snippet for hit in hits)


@pytest.mark.parametrize(
    "query", ['"', '""', "*", "(", ")", "++", "-", "^", ":", "{}", "\0", "\ud800", " ", "text:x"]
)
def test_what_has_no_words_finds_nothing_and_is_no_error(db: Connection, query: str) -> None:
    fill(db, TEXTS)

    assert search.search(db, query) == ()


def test_the_newest_come_first_and_only_as_many_as_asked_for(db: Connection) -> None:
    for number in range(3):
        fill(db, [f"common word {n}" for n in range(5)], sha256=f"{number:064d}")

    hits = search.search(db, "common", limit=7)

    assert [hit.seq for hit in hits] == [4, 3, 2, 1, 0, 4, 3]


def test_a_search_in_one_recording_finds_only_its_own(db: Connection) -> None:
    first = fill(db, ["common one", "共通 one"], sha256="a")
    fill(db, ["common two", "共通 two"], sha256="b")

    for query in ("common", "共通", "共"):
        assert [h.recording_id for h in search.search(db, query, recording_id=first)] == [first]
    assert search.search(db, "common", recording_id="unknown") == ()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=6),
    query=st.text(max_size=30),
)
def test_any_text_comes_back_as_it_was_and_no_query_is_an_error(
    texts: list[str], query: str
) -> None:
    with TemporaryDirectory() as folder:
        db = _open(Path(folder))
        made = recordings.ensure(db, name="n", sha256="a", size_bytes=1)
        begun = transcripts.begin(db, made.recording_id, "p", model="m")
        rows = [segment(number, text) for number, text in enumerate(texts)]
        segments.add(db, begun.transcript_id, rows, done_ms=1, compute_ms=1)

        assert segments.list_segments(db, made.recording_id) == tuple(rows)
        search.search(db, query)
        search.search(db, query, recording_id=made.recording_id)
        for number, text in enumerate(texts):
            for word in text.replace("\0", " ").split()[:3]:
                if word.isascii() and word.isalnum():
                    assert number in [hit.seq for hit in search.search(db, word)]
        recordings.delete(db, made.recording_id)
        assert db.execute("SELECT count(*) FROM segments_words").get == 0
        db.close()


@pytest.mark.parametrize("query", ["a" * 1000, "a " * 500, "世" * 1000, '" ' * 500])
def test_long_queries_are_answered_in_time(db: Connection, query: str) -> None:
    fill(db, TEXTS)
    started = time.monotonic()

    search.search(db, query)

    assert time.monotonic() - started < 1
