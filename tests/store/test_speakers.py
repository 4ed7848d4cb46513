import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from conversations import claim, everything, fresh_store, guest, talk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edged.errors import BadRequest, Conflict, EdgedError, NotFound, NotKept
from edged.messages.events import SessionChanged, SpeakersChanged
from edged.messages.people import SpeakersClaim, Stats
from edged.messages.records import Problem
from edged.store import (
    Connection,
    claims,
    people,
    sessions,
    speaker_edits,
    speakers,
    stats,
    voices,
)

SAID = [
    (0, "walnuts are fine"),
    (1, "pears are better"),
    (0, "walnuts lah"),
    (2, "figs lah"),
    (1, "pears"),
    (None, "who was that"),
]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    with fresh_store(tmp_path) as opened:
        yield opened


def _words(db: Connection, kind: str) -> dict[str, int]:
    found = stats.stats(db, Stats()).speakers
    return {one.name: one.figures.words for one in found if one.kind == kind}


def _status(db: Connection, session_id: str) -> str:
    return sessions.status(db, session_id)


# --- claims ---


def test_speakers_are_listed_as_the_issue_says(db: Connection) -> None:
    made = talk(db, SAID)
    claim(db, made.speakers[1], "Anna")

    _, second, third = speakers.list_speakers(db, made.session_id)

    assert (second.claim_type, second.attributed_to, second.claimed_by) == ("user", "Anna", "test")
    assert second.claimed_at is not None
    assert (third.claim_type, third.attributed_to, third.claimed_at) == (None, None, None)


def test_self_is_me_of_this_store_named_after_the_system_user(db: Connection) -> None:
    made = talk(db, SAID)

    claim(db, made.speakers[0])

    first = speakers.list_speakers(db, made.session_id)[0]
    assert (first.claim_type, first.attributed_to) == ("self", "Owner")
    assert people.list_people(db)[0].is_me


def test_a_user_who_is_the_owner_is_self(db: Connection) -> None:
    made = talk(db, SAID)
    people.me(db, owner="Owner")

    claim(db, made.speakers[0], "owner")

    assert speakers.list_speakers(db, made.session_id)[0].claim_type == "self"


def test_when_all_are_claimed_the_session_is_completed_and_unclaim_moves_it_back(
    db: Connection,
) -> None:
    made = talk(db, SAID)
    before = _status(db, made.session_id)
    claim(db, made.speakers[0])
    claim(db, made.speakers[1], "Anna")
    guest(db, made.speakers[2], "the plumber")

    assert (before, _status(db, made.session_id)) == ("ready_for_claiming", "completed")
    claims.unclaim(db, made.speakers[2])
    assert _status(db, made.session_id) == "ready_for_claiming"


def test_a_claim_is_told_with_what_it_makes_of_the_session(db: Connection) -> None:
    made = talk(db, [(0, "walnuts")])
    db.recorded.clear()

    claim(db, made.speakers[0])

    speakers_changed, session_changed = (event.body for event in db.recorded)
    assert speakers_changed == SpeakersChanged(session_id=made.session_id)
    assert isinstance(session_changed, SessionChanged)
    assert session_changed.session.status == "completed"


def test_a_claimed_speaker_cannot_be_claimed_again(db: Connection) -> None:
    made = talk(db, SAID)
    claim(db, made.speakers[0])

    with pytest.raises(Conflict, match="claimed already, as self"):
        claim(db, made.speakers[0], "Anna")
    assert people.find(db, "Anna") is None


def test_an_unclaimed_speaker_cannot_be_unclaimed(db: Connection) -> None:
    made = talk(db, SAID)

    with pytest.raises(Conflict):
        claims.unclaim(db, made.speakers[0])


@pytest.mark.parametrize(
    "wish",
    [
        SpeakersClaim(speaker_id="?", claim_type="user"),
        SpeakersClaim(speaker_id="?", claim_type="user", name="A", person_id="b"),
        SpeakersClaim(speaker_id="?", claim_type="user", name=" \u200b\t"),
        SpeakersClaim(speaker_id="?", claim_type="self", name="A"),
        SpeakersClaim(speaker_id="?", claim_type="self", person_id="a"),
        SpeakersClaim(speaker_id="?", claim_type="guest", person_id="a"),
    ],
)
def test_a_claim_that_says_too_much_or_too_little_is_refused(
    db: Connection, wish: SpeakersClaim
) -> None:
    made = talk(db, SAID)
    wish = SpeakersClaim(
        speaker_id=made.speakers[0],
        claim_type=wish.claim_type,
        name=wish.name,
        person_id=wish.person_id,
    )

    with pytest.raises(BadRequest):
        claims.claim(db, wish, claimed_by="", owner="Owner")


def test_unknown_ids_are_not_found(db: Connection) -> None:
    made = talk(db, SAID)
    unknown = SpeakersClaim(speaker_id=made.speakers[0], claim_type="user", person_id="nobody")

    with pytest.raises(NotFound):
        claims.claim(db, unknown, claimed_by="", owner="Owner")
    with pytest.raises(NotFound):
        claim(db, "nobody")
    with pytest.raises(NotFound):
        claims.unclaim(db, "nobody")
    with pytest.raises(NotFound):
        speakers.list_speakers(db, "nothing")
    with pytest.raises(NotFound):
        speaker_edits.merge(db, made.speakers[0], "nobody")
    with pytest.raises(NotFound):
        speaker_edits.undo(db, "nothing")


def test_speakers_of_a_session_that_is_worked_on_cannot_be_changed(db: Connection) -> None:
    made = talk(db, SAID)
    sessions.move(db, made.session_id, to="processing")

    with pytest.raises(Conflict, match="processing"):
        claim(db, made.speakers[0])
    with pytest.raises(Conflict, match="processing"):
        speaker_edits.undo(db, made.session_id)


def test_persons_are_counted_by_claim_guests_and_unclaimed_apart(db: Connection) -> None:
    made = talk(db, SAID)
    claim(db, made.speakers[0], "Anna")
    guest(db, made.speakers[1], "plumber")

    assert _words(db, "person") == {"Anna": 5}
    assert _words(db, "guest") == {"plumber": 4}
    assert _words(db, "unclaimed") == {"SPEAKER_02": 2}
    assert stats.stats(db, Stats()).totals.words == 5
    claims.unclaim(db, made.speakers[0])
    assert _words(db, "person") == {}


def test_speakers_of_a_failed_session_can_be_claimed_and_it_stays_failed(db: Connection) -> None:
    made = talk(db, [(0, "walnuts")])
    sessions.move(db, made.session_id, to="processing")
    sessions.move(db, made.session_id, to="failed", error=Problem(code="internal", message="x"))

    claim(db, made.speakers[0])

    assert _status(db, made.session_id) == "failed"
    assert speakers.list_speakers(db, made.session_id)[0].claim_type == "self"


# --- edits ---


def test_a_split_moves_segments_turns_and_counts(db: Connection) -> None:
    made = talk(db, SAID)
    claim(db, made.speakers[0], "Anna")

    speaker_edits.split(db, made.speakers[0], [(made.recording_id, 2), (made.recording_id, 2)])

    found = speakers.list_speakers(db, made.session_id)
    assert [one.label for one in found] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_03", "SPEAKER_02"]
    assert [one.segment_count for one in found] == [1, 2, 1, 1]
    assert _words(db, "person") == {"Anna": 3}
    assert _words(db, "unclaimed")["SPEAKER_03"] == 2
    turns = everything(db, made.session_id)["turns"]
    assert {turn[1:] for turn in turns if turn[3] == found[2].id} == {(2000, 3000, found[2].id)}
    assert speakers.sample(db, found[2].id).span.start_ms == 2000


def test_a_split_makes_a_completed_session_ready_again(db: Connection) -> None:
    made = talk(db, [(0, "walnuts"), (0, "pears")])
    claim(db, made.speakers[0])

    speaker_edits.split(db, made.speakers[0], [(made.recording_id, 0)])

    assert _status(db, made.session_id) == "ready_for_claiming"


@pytest.mark.parametrize(
    "segments",
    [[(0, 1)], [(0, 0), (0, 1)], [(0, 99)], [(1, 0)], [(0, 0), (0, 2)], [(0, 5)]],
    ids=["another's", "one another's", "unknown", "of another recording", "all", "nobody's"],
)
def test_a_split_of_what_is_not_a_part_is_refused(
    db: Connection, segments: list[tuple[int, int]]
) -> None:
    made, other = talk(db, SAID), talk(db, SAID)
    names = (made.recording_id, other.recording_id)
    before = everything(db, made.session_id)

    with pytest.raises(BadRequest):
        speaker_edits.split(db, made.speakers[0], [(names[place], seq) for place, seq in segments])
    assert everything(db, made.session_id) == before


def test_a_merge_moves_segments_turns_and_counts(db: Connection) -> None:
    made = talk(db, SAID)
    claim(db, made.speakers[0], "Anna")
    claim(db, made.speakers[1], "Ben")

    speaker_edits.merge(db, made.speakers[0], made.speakers[1])

    assert _words(db, "person") == {"Anna": 9}
    assert [one.segment_count for one in speakers.list_speakers(db, made.session_id)] == [4, 1]


def test_turns_that_overlap_are_one_after_a_merge(db: Connection) -> None:
    made = talk(db, [(0, "walnuts", 0, 3000), (1, "pears", 0, 4000), (1, "figs", 5000, 6000)])

    speaker_edits.merge(db, made.speakers[0], made.speakers[1])

    turns = everything(db, made.session_id)["turns"]
    assert [turn[1:3] for turn in turns] == [(0, 4000), (5000, 6000)]
    assert speakers.list_speakers(db, made.session_id)[0].overlap_ms == 0


def test_an_unclaimed_speaker_takes_the_others_claim_and_gives_it_back(db: Connection) -> None:
    made = talk(db, SAID)
    claim(db, made.speakers[1], "Ben")
    before = everything(db, made.session_id)

    speaker_edits.merge(db, made.speakers[0], made.speakers[1])
    merged = speakers.list_speakers(db, made.session_id)[0].attributed_to
    speaker_edits.undo(db, made.session_id)

    assert merged == "Ben"
    assert everything(db, made.session_id) == before


def test_a_speaker_is_not_merged_with_itself_or_across_sessions(db: Connection) -> None:
    made, other = talk(db, SAID), talk(db, SAID)

    with pytest.raises(BadRequest):
        speaker_edits.merge(db, made.speakers[0], made.speakers[0])
    with pytest.raises(BadRequest):
        speaker_edits.merge(db, made.speakers[0], other.speakers[0])


def test_a_label_is_free_after_its_speaker_was_merged(db: Connection) -> None:
    made = talk(db, SAID)
    speaker_edits.merge(db, made.speakers[0], made.speakers[1])
    speaker_edits.rename(db, made.speakers[0], "SPEAKER_01")
    taken = speakers.list_speakers(db, made.session_id)[0].label

    speaker_edits.undo(db, made.session_id)
    speaker_edits.undo(db, made.session_id)

    assert taken == "SPEAKER_01"
    labels = [one.label for one in speakers.list_speakers(db, made.session_id)]
    assert labels == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]


def test_a_label_is_used_once_in_a_session(db: Connection) -> None:
    made = talk(db, SAID)
    speaker_edits.rename(db, made.speakers[0], " the  host ")

    with pytest.raises(Conflict):
        speaker_edits.rename(db, made.speakers[1], "the host")
    with pytest.raises(BadRequest):
        speaker_edits.rename(db, made.speakers[1], " \t")
    assert speakers.list_speakers(db, made.session_id)[0].label == "the host"


def test_renaming_to_the_same_label_leaves_nothing_to_undo(db: Connection) -> None:
    made = talk(db, SAID)

    speaker_edits.rename(db, made.speakers[0], "SPEAKER_00")

    with pytest.raises(Conflict, match="nothing to undo"):
        speaker_edits.undo(db, made.session_id)


def test_several_undos_in_a_row_lead_back_to_the_start(db: Connection) -> None:
    made = talk(db, SAID)
    voices.keep(db, made.speakers[1], model="m", vector=struct.pack("<2f", 1, 0), days=1)
    before = everything(db, made.session_id)
    speaker_edits.split(db, made.speakers[0], [(made.recording_id, 0)])
    speaker_edits.merge(db, made.speakers[2], made.speakers[1])
    speaker_edits.rename(db, made.speakers[2], "both")
    speaker_edits.merge(db, made.speakers[0], made.speakers[2])

    for _ in range(4):
        speaker_edits.undo(db, made.session_id)

    assert everything(db, made.session_id) == before
    with pytest.raises(Conflict, match="nothing to undo"):
        speaker_edits.undo(db, made.session_id)


def test_a_claim_made_after_a_merge_survives_its_undo(db: Connection) -> None:
    made = talk(db, SAID)
    claim(db, made.speakers[1], "Ben")
    claims.unclaim(db, made.speakers[1])
    speaker_edits.merge(db, made.speakers[0], made.speakers[1])
    claim(db, made.speakers[0], "Anna")

    speaker_edits.undo(db, made.session_id)

    first, second, _ = speakers.list_speakers(db, made.session_id)
    assert (first.attributed_to, second.attributed_to) == ("Anna", None)
    assert _words(db, "person") == {"Anna": 5}


def test_undoing_a_split_takes_the_claim_of_the_new_speaker_along(db: Connection) -> None:
    made = talk(db, [(0, "walnuts"), (0, "pears")])
    claim(db, made.speakers[0], "Anna")
    speaker_edits.split(db, made.speakers[0], [(made.recording_id, 1)])
    new = speakers.list_speakers(db, made.session_id)[1].id
    claim(db, new, "Ben")

    speaker_edits.undo(db, made.session_id)

    assert _words(db, "person") == {"Anna": 2}
    assert _status(db, made.session_id) == "completed"


def test_only_so_many_edits_can_be_undone(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    made = talk(db, SAID)
    monkeypatch.setattr(speaker_edits, "MOST_KEPT", 2)
    for label in ("one", "two", "three"):
        speaker_edits.rename(db, made.speakers[0], label)

    speaker_edits.undo(db, made.session_id)
    speaker_edits.undo(db, made.session_id)

    assert speakers.list_speakers(db, made.session_id)[0].label == "one"
    with pytest.raises(Conflict):
        speaker_edits.undo(db, made.session_id)


def test_work_done_again_leaves_nothing_of_the_old_speakers(db: Connection) -> None:
    made = talk(db, SAID)
    speaker_edits.merge(db, made.speakers[0], made.speakers[1])

    speakers.create(db, sessions.row_id(db, made.session_id), ["SPEAKER_00"])

    assert len(speakers.list_speakers(db, made.session_id)) == 1
    for table in ("speaker_edits", "merged_speakers", "turns"):
        assert db.execute(f"SELECT count(*) FROM {table}").get == 0  # noqa: S608 constants


def test_a_speaker_who_is_never_alone_has_no_sample(db: Connection) -> None:
    made = talk(db, SAID)

    with pytest.raises(NotKept):
        speakers.sample(db, made.speakers[0])


_EDITS = st.lists(
    st.tuples(st.sampled_from(["split", "merge", "rename", "claim", "unclaim"]),
              st.integers(0, 5), st.integers(0, 5)),
    max_size=8,
)  # fmt: skip


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_EDITS)
def test_whatever_was_edited_undo_leads_back_and_no_word_is_lost(
    db: Connection, steps: list[tuple[str, int, int]]
) -> None:
    made = talk(db, SAID)
    start = everything(db, made.session_id)
    for step in steps:
        _take(db, made.session_id, made.recording_id, *step)
        rows = everything(db, made.session_id)
        assert sum(int(str(row[3])) for row in rows["figures"]) == 11
        assert rows["totals"] == start["totals"]

    while db.execute("SELECT count(*) FROM speaker_edits").get:
        speaker_edits.undo(db, made.session_id)

    for one in speakers.list_speakers(db, made.session_id):
        if one.claim_type is not None:
            claims.unclaim(db, one.id)
    end = everything(db, made.session_id)
    samples = slice(0, 6)
    assert [row[samples] for row in end["speakers"]] == [row[samples] for row in start["speakers"]]
    for name in ("segments", "turns", "figures", "targets", "totals", "session"):
        assert end[name] == start[name]


def _take(
    db: Connection, session_id: str, recording_id: str, verb: str, one: int, other: int
) -> None:
    found = speakers.list_speakers(db, session_id)
    first, second = found[one % len(found)].id, found[other % len(found)].id
    db.execute("SAVEPOINT step")
    try:
        if verb == "split":
            speaker_edits.split(db, first, [(recording_id, other)])
        elif verb == "merge":
            speaker_edits.merge(db, first, second)
        elif verb == "rename":
            speaker_edits.rename(db, first, f"name {other}")
        elif verb == "claim":
            claim(db, first, f"Person {other}")
        else:
            claims.unclaim(db, first)
    except EdgedError:
        db.execute("ROLLBACK TO step")
    db.execute("RELEASE step")
