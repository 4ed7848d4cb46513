import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from store_samples import fill, segment

from edged.errors import BadRequest
from edged.messages.sessions import SessionsStart
from edged.store import (
    Connection,
    chunks,
    engine,
    recordings,
    schema,
    search,
    segments,
    sessions,
    transcripts,
)
from edged.store.narrowing import Filters, moment
from edged.store.pending import pending

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
        assert [
            h.recording_id for h in search.search(db, query, filters=Filters(recording_id=first))
        ] == [first]
    assert search.search(db, "common", filters=Filters(recording_id="unknown")) == ()


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
        search.search(db, query, filters=Filters(recording_id=made.recording_id))
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


SPEAKER = "5" * 16


@pytest.fixture
def talks(db: Connection) -> Connection:
    """Two sessions that say `hello`: one live of a group, with a speaker; one of a file."""
    live = _live(db, "team")
    session = recordings.get(db, live).session_id
    db.execute(
        "UPDATE sessions SET started_at = '2026-03-01T10:00:00.000Z' WHERE session_id = ?",
        (session,),
    )
    row = sessions.row_id(db, session)
    db.execute(
        "INSERT INTO speakers(speaker_id, session, label) VALUES(?, ?, 'SPEAKER_00')",
        (SPEAKER, row),
    )
    begun = transcripts.begin(db, live, "plan", model="m", language="en-US")
    heard = [
        replace(segment(0, "hello one"), speaker_id=SPEAKER, emotion="happy"),
        replace(segment(1, "walao hello"), raw="while up hello"),
    ]
    segments.add(db, begun.transcript_id, heard, done_ms=2000, compute_ms=1)
    fill(db, ["hello file", "你好 hello"])
    db.execute(
        "UPDATE recordings SET created_at = '2026-05-01T10:00:00.000Z' WHERE recording_id != ?",
        (live,),
    )
    return db


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(), ["你好 hello", "hello file", "walao hello", "hello one"]),
        (Filters(group="team"), ["walao hello", "hello one"]),
        (Filters(group=""), ["你好 hello", "hello file"]),
        (Filters(speaker=SPEAKER), ["hello one"]),
        (Filters(speaker="SPEAKER_00"), ["hello one"]),
        (Filters(speaker="nobody"), []),
        (Filters(emotion="happy"), ["hello one"]),
        (Filters(emotion="sad"), []),
        (Filters(language="en"), ["walao hello", "hello one"]),
        (Filters(language="e"), []),
        (Filters(since=moment("2026-03-01T10:00:01Z")), ["你好 hello", "hello file", "walao hello"]),
        (Filters(until=moment("2026-03-01T11:00:01+01:00")), ["hello one"]),
        (Filters(since=moment("2026-03-01"), until=moment("2026-03-02")), ["walao hello", "hello one"]),
        (Filters(group="team", emotion="happy", speaker="SPEAKER_00"), ["hello one"]),
        (Filters(group="team", language="de"), []),
    ],
)  # fmt: skip
def test_a_filter_leaves_only_what_it_names(
    talks: Connection, filters: Filters, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways: from the newest matches, and from the filter's own stretches of rows."""
    for window in (search.WINDOW, 1):
        monkeypatch.setattr(search, "WINDOW", window)

        hits = search.search(talks, "hello", filters=filters)

        assert [hit.text for hit in hits] == found


def test_filters_narrow_a_search_in_scripts_without_spaces(talks: Connection) -> None:
    for query in ("你好", "你好 hello"):
        assert len(search.search(talks, query, filters=Filters(group=""))) == 1
        assert search.search(talks, query, filters=Filters(group="team")) == ()


def test_corrected_text_is_found_by_what_was_heard_too(talks: Connection) -> None:
    (corrected,) = search.search(talks, "walao")
    (raw,) = search.search(talks, '"while up"')
    (both,) = search.search(talks, "walao while")

    assert corrected.text == raw.text == both.text == "walao hello"
    assert corrected.snippet == "[walao] hello"
    assert raw.snippet == "[while] [up] hello"


def test_raw_text_in_scripts_without_spaces_is_found_and_forgotten(db: Connection) -> None:
    made = recordings.ensure(db, name="n", sha256="a", size_bytes=1)
    begun = transcripts.begin(db, made.recording_id, "p", model="m")
    heard = [replace(segment(0, "nihao friend"), raw="你好吗 friend")]
    segments.add(db, begun.transcript_id, heard, done_ms=1, compute_ms=1)

    for query in ("你好吗", "好"):
        (hit,) = search.search(db, query)
        assert (hit.text, "[" in hit.snippet) == ("nihao friend", True)
    recordings.delete(db, made.recording_id)
    assert search.search(db, "你好吗") == ()


def test_a_hit_says_whose_it_is_and_when_it_was_said(talks: Connection) -> None:
    (hit,) = search.search(talks, "one")

    assert (hit.speaker, hit.speaker_id, hit.emotion) == ("SPEAKER_00", SPEAKER, "happy")
    assert (hit.group, hit.at) == ("team", "2026-03-01T10:00:00.000Z")
    (later,) = search.search(talks, "walao")
    assert later.at == "2026-03-01T10:00:01.000Z"
    (file,) = search.search(talks, "file")
    assert file.at == "2026-05-01T10:00:00.000Z"


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "12"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="ISO 8601"):
        moment(text)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    turns=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=30),
    limit=st.integers(1, 8),
)
def test_filters_find_what_sorting_by_hand_finds(
    db: Connection, turns: list[tuple[int, bool]], limit: int
) -> None:
    """Whatever the order in which sessions write, with the smallest window."""
    db.execute("SAVEPOINT example")
    begun = [_session_of(db, group) for group in "aabb"]
    rows = [0] * 4
    said: list[tuple[str, str]] = []
    for which, match in turns:
        text = f"{'word' if match else 'other'} {len(said)}"
        new = [segment(rows[which], text)]
        segments.add(db, begun[which], new, done_ms=rows[which] + 1, compute_ms=1)
        rows[which] += 1
        said.append(("aabb"[which], text))
    window, search.WINDOW = search.WINDOW, 2

    hits = search.search(db, "word", filters=Filters(group="a"), limit=limit)

    search.WINDOW = window
    expected = [text for group, text in reversed(said) if group == "a" and "word" in text]
    assert [hit.text for hit in hits] == expected[:limit]
    db.execute("ROLLBACK TO example; RELEASE example")


def _session_of(db: Connection, group: str) -> int:
    return transcripts.begin(db, _live(db, group), "p", model="m").transcript_id


def _live(db: Connection, group: str) -> str:
    """The recording of a session that is recording."""
    made = sessions.create(
        db, kind="live", group_name=group, started_by="t", name=group, options=SessionsStart()
    )
    return recordings.add_source(db, made.id, source="microphone").recording_id


def test_what_is_captured_and_not_recognised_is_pending(talks: Connection) -> None:
    (session,) = (one for one in sessions.list_sessions(talks) if one.group == "team")
    recording = session.sources[0].recording_id
    chunks.add(
        talks, recording, number=0, start_ms=0, duration_ms=30_000, codec="opus", data=b"sound"
    )

    (found,) = pending(talks, Filters(group="team", speaker="nobody"))

    assert (found.session_id, found.recording_id) == (session.id, recording)
    assert (found.start_ms, found.end_ms) == (2000, 30_000)
    assert pending(talks, Filters(group="other")) == ()
    assert pending(talks) == (found,)


def test_nothing_is_pending_once_a_session_is_over(talks: Connection) -> None:
    (session,) = (one for one in sessions.list_sessions(talks) if one.group == "team")
    recording = session.sources[0].recording_id
    chunks.add(talks, recording, number=0, start_ms=0, duration_ms=9_000, codec="opus", data=b"s")
    talks.execute("UPDATE sessions SET status = 'completed'")

    assert pending(talks) == ()
