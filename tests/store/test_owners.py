"""Whose a thing is: written with it, kept through all that is made of it, and never mixed up."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conversations import claim, fresh_store, talk

from edged.jobs.work import order_of, queue_session
from edged.media import SPEECH
from edged.messages.people import Stats
from edged.messages.sessions import SessionsStart
from edged.pipeline.sources import Source
from edged.sessions import ending
from edged.store import (
    Connection,
    events,
    jobs,
    ownership,
    pending,
    people,
    recordings,
    search,
    sessions,
    stats,
    stems,
)
from edged.store.narrowing import Filters

SHA256 = "ab" * 32


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    with fresh_store(tmp_path) as opened:
        yield opened


def _ensure(db: Connection, owner: str) -> str:
    recording = recordings.ensure(
        db, name="a.wav", sha256=SHA256, size_bytes=5, audio=SPEECH, owner=owner
    )
    return recording.recording_id


def test_the_same_content_is_another_recording_for_another_owner(db: Connection) -> None:
    users, anns, bens = (_ensure(db, owner) for owner in ("", "ann", "ben"))

    assert len({users, anns, bens}) == 3
    assert [_ensure(db, owner) for owner in ("", "ann", "ben")] == [users, anns, bens]
    found = recordings.find(db, SHA256, SPEECH, owner="ann")
    assert found is not None
    assert found.recording_id == anns
    assert recordings.find(db, SHA256, SPEECH, owner="eve") is None
    assert recordings.facts(db, anns).owner == "ann"


@pytest.mark.parametrize("audio", [None, SPEECH])
def test_a_source_is_named_by_content_and_owner_as_the_store_names_it(
    db: Connection, audio: None
) -> None:
    for owner in ("", "ann"):
        source = Source(fd=-1, name="", sha256=SHA256, size_bytes=1, audio=audio, owner=owner)
        recordings.ensure(
            db, name="", sha256=SHA256, size_bytes=1, audio=source.audio, owner=source.owner
        )

        known = db.execute("SELECT 1 FROM recordings WHERE content = ?", (source.content,)).get

        assert known == 1


def test_a_recorded_session_and_the_work_after_it_are_the_owners(db: Connection) -> None:
    begun = ending.begin(
        db, SessionsStart(), started_by="Panel", devices=["Microphone"], owner="ann"
    )

    job = queue_session(db, order_of(db, begun.session.id), attempts=1)

    assert ownership.owner(db, "session", begun.session.id) == "ann"
    assert ownership.owner(db, "recording", begun.recordings[0]) == "ann"
    assert ownership.owner(db, "job", job.job_id) == "ann"


def test_stems_are_the_owners(db: Connection) -> None:
    kept = stems.begin(db, ("vocals", "music"), title="song", facts=SPEECH, owner="ann")

    assert {ownership.owner(db, "recording", one) for one in kept.recordings.values()} == {"ann"}


def test_what_does_not_exist_is_nobodys_and_what_the_user_made_is_the_users(
    db: Connection,
) -> None:
    made = talk(db, [(0, "walnuts")])

    assert ownership.owner(db, "speaker", made.speakers[0]) == ""
    for kind in ownership.KINDS:
        assert ownership.owner(db, kind, "unknown") is None


def test_a_search_for_one_owner_finds_only_theirs_in_every_way_of_searching(
    db: Connection,
) -> None:
    anns = talk(db, [(0, "walnuts 🥜 here")], owner="ann").recording_id
    talk(db, [(0, "walnuts 🥜 there")], owner="ben")
    talk(db, [(0, "walnuts 🥜 nowhere")])

    for query in ("walnuts", "🥜", "walnuts 🥜"):
        found = search.search(db, query, filters=Filters(owner="ann"))
        assert [one.recording_id for one in found] == [anns]
        assert len(search.search(db, query)) == 3


def test_what_is_not_heard_yet_is_told_to_its_owner(db: Connection) -> None:
    for owner in ("ann", "ben"):
        recording_id = _ensure(db, owner)
        db.execute("UPDATE recordings SET audio_ms = 5 WHERE recording_id = ?", (recording_id,))

    found = pending.pending(db, Filters(owner="ann"))

    assert [one.recording_id for one in found] == [_ensure(db, "ann")]


def test_figures_of_one_owner_leave_out_what_others_said(db: Connection) -> None:
    for owner, text in (("ann", "walnuts"), ("ben", "pears and figs")):
        claim(db, talk(db, [(0, text)], owner=owner).speakers[0], "Mia")
    wish = Stats()

    assert stats.stats(db, wish, owner="ann").totals.words == 1
    assert stats.stats(db, wish).totals.words == 4
    person = people.find(db, "Mia")
    assert person is not None
    year = int(sessions.list_sessions(db)[0].started_at[:4])
    assert stats.wrapped(db, person, year, owner="ann").words == 1
    assert stats.wrapped(db, person, year).words == 4
    assert stats.wrapped(db, person, year, owner="eve").words == 0


def test_events_of_deleted_things_are_still_their_owners(db: Connection) -> None:
    made = talk(db, [(0, "walnuts")], owner="ann")
    newest = events.newest(db)

    recordings.delete(db, made.recording_id)

    told = events.after(db, newest)
    assert [one.owner for one in told] == ["ann", "ann"]
    assert events.after(db, newest, owner="ann") == told
    assert events.after(db, newest, owner="ben") == ()


def test_pages_of_events_hold_only_the_owners_and_all_of_them(db: Connection) -> None:
    talk(db, [(0, "walnuts")])
    first = events.after(db, 0, limit=1)
    talk(db, [(0, "pears")], owner="ann")

    page = events.after(db, 0, limit=2, owner="ann")
    rest = events.after(db, page[-1].event_seq, owner="ann")

    assert {one.owner for one in (*page, *rest)} == {"ann"}
    assert len(page) == 2
    assert len(page) + len(rest) == len([one for one in events.after(db, 0) if one.owner])
    assert first[0].owner == ""


def test_jobs_are_listed_and_counted_for_their_owner(db: Connection) -> None:
    for number, owner in enumerate(("ann", "ann", "ben", "")):
        jobs.submit(
            db,
            key=str(number),
            kind="transcribe",
            payload=b"",
            priority="batch",
            max_attempts=1,
            owner=owner,
        )

    assert len(jobs.list_jobs(db, owner="ann")) == jobs.counts(db, owner="ann")["queued"] == 2
    assert len(jobs.list_jobs(db)) == jobs.counts(db)["queued"] == 4
