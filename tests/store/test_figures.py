from collections.abc import Iterator
from pathlib import Path

import pytest
from conversations import claim, everything, fresh_store, talk

from edged.errors import NotFound
from edged.messages.people import Stats
from edged.store import Connection, figures, recordings, speakers, stats


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    with fresh_store(tmp_path) as opened:
        yield opened


def test_a_speaker_has_words_turns_and_talk_time(db: Connection) -> None:
    made = talk(db, [(0, "walnuts lah"), (0, "walnuts"), (1, "pears"), (0, "figs lah")])

    first, second = speakers.list_speakers(db, made.session_id)

    assert (first.label, first.segment_count, first.total_duration_ms) == ("SPEAKER_00", 3, 3000)
    assert (second.label, second.segment_count, second.total_duration_ms) == ("SPEAKER_01", 1, 1000)
    assert (first.word_counts, second.word_counts) == ({"lah": 2}, {})
    one, other = stats.stats(db, Stats(session_id=made.session_id)).speakers
    assert (one.figures.words, one.figures.turns, one.figures.favourite_word) == (5, 2, "lah")
    assert (other.figures.words, other.figures.turns) == (1, 1)


def test_counting_again_gives_the_same_rows(db: Connection) -> None:
    made = talk(db, [(0, "walnuts lah"), (1, "pears"), (None, "who knows")])
    before = everything(db, made.session_id)

    figures.recount(db, made.session_id)

    assert everything(db, made.session_id) == before


def test_target_words_are_counted_anew_only_when_a_lexicon_is_given(db: Connection) -> None:
    made = talk(db, [(0, "walnuts lah")])

    figures.recount(db, made.session_id, count=lambda _: {("own", "nuts", "walnuts"): 1})
    figures.recount(db, made.session_id)

    (speaker,) = speakers.list_speakers(db, made.session_id)
    assert speaker.word_counts == {"walnuts": 1}


def test_a_word_of_two_lexicons_was_said_once(db: Connection) -> None:
    made = talk(db, [(0, "lah lah")])

    figures.recount(
        db, made.session_id, count=lambda _: {("a", "x", "lah"): 2, ("b", "y", "lah"): 2}
    )

    (speaker,) = speakers.list_speakers(db, made.session_id)
    assert speaker.word_counts == {"lah": 2}
    (found,) = stats.stats(db, Stats()).speakers
    assert found.figures.target_words == {"lah": 2}


def test_overlap_is_the_time_in_which_both_speak(db: Connection) -> None:
    made = talk(db, [(0, "walnuts", 0, 4000), (1, "pears", 3000, 5000), (2, "figs", 8000, 9000)])

    found = speakers.list_speakers(db, made.session_id)

    assert [one.overlap_ms for one in found] == [1000, 1000, 0]


def test_doubtful_words_are_counted_by_their_own_confidence(db: Connection) -> None:
    talk(db, [(0, "walnuts pears")], confidence=0.4)

    (found,) = stats.stats(db, Stats()).speakers

    assert found.figures.low_confidence_words == 1


def test_a_session_without_a_word_has_zeros(db: Connection) -> None:
    made = talk(db, [])

    found = stats.stats(db, Stats(session_id=made.session_id))

    assert speakers.list_speakers(db, made.session_id) == ()
    assert found.speakers == ()
    assert (found.totals.words, found.totals.unknown_speech, found.totals.sessions) == (0, 0, 1)


def test_a_speaker_without_a_word_has_zeros(db: Connection) -> None:
    made = talk(db, [], labels=["SPEAKER_00"])

    (found,) = stats.stats(db, Stats(session_id=made.session_id)).speakers

    assert (found.figures.words, found.figures.words_per_minute) == (0, 0)
    assert found.figures.favourite_word is None


def test_three_hundred_speakers_are_counted(db: Connection) -> None:
    made = talk(db, [(number, f"fruit{number}") for number in range(300)])

    found = speakers.list_speakers(db, made.session_id)

    assert len(found) == 300
    assert found[299].label == "SPEAKER_299"
    assert {one.segment_count for one in found} == {1}


def test_a_session_that_is_not_there_cannot_be_counted(db: Connection) -> None:
    with pytest.raises(NotFound):
        figures.recount(db, "nothing")


def test_deleting_the_recording_takes_speakers_and_counts_along(db: Connection) -> None:
    made = talk(db, [(0, "walnuts lah"), (1, "pears")])
    claim(db, made.speakers[0])

    while not recordings.delete(db, recording_id=made.recording_id, at_most=1000):
        continue

    for table in (
        "speakers",
        "turns",
        "speaker_figures",
        "speaker_targets",
        "segment_targets",
        "session_figures",
    ):
        assert db.execute(f"SELECT count(*) FROM {table}").get == 0  # noqa: S608 constants
