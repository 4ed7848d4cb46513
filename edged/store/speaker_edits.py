"""Renaming, splitting and merging speakers of a session, and taking that back, the last one first.

Every edit keeps what it takes to undo it. Claims are no edits: one made after an edit survives its
undo, as long as its speaker does.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from edged.errors import BadRequest, Conflict, NotFound
from edged.speech import spans, turns
from edged.speech.spans import Stretch
from edged.store import figures, people, sessions, speakers
from edged.store.clock import stamp
from edged.store.engine import Connection
from edged.store.speakers import Found

MOST_KEPT = 100
"""Edits of a session that can be undone; older ones stay as they are."""

_Turn = tuple[int, int, int]
"""Recording, start_ms, end_ms."""

_Sample = tuple[int | None, int | None, int | None]
"""Recording, start_ms, end_ms; all None without one."""


class _Rename(Struct, frozen=True, tag="rename"):
    """before: the label."""

    speaker: str
    before: str


class _Split(Struct, frozen=True, tag="split"):
    """made: the new speaker. turns, sample: what `speaker` had."""

    speaker: str
    made: str
    turns: tuple[_Turn, ...]
    sample: _Sample


class _Merge(Struct, frozen=True, tag="merge"):
    """other: taken into `speaker`, with segments and voices. turns, sample: what `speaker` had.

    inherited: the time of the claim that `speaker` took over; None when it kept its own.
    """

    speaker: str
    other: str
    turns: tuple[_Turn, ...]
    other_turns: tuple[_Turn, ...]
    sample: _Sample
    segments: tuple[int, ...]
    voices: tuple[int, ...]
    inherited: str | None = None


_Edit = _Rename | _Split | _Merge
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Edit).decode

_ASIDE = "speaker_id, session, label, claim_type, claimed_by, claimed_at, person, guest_name, "
_ASIDE += "sample_recording, sample_start_ms, sample_end_ms"


def rename(db: Connection, speaker_id: str, label: str) -> str:
    """Give a speaker another label; the session's id. The same one again changes nothing.

    Raises:
        NotFound: no such speaker.
        BadRequest: nothing of the label can be seen.
        Conflict: another speaker of the session has it, or the session is not done.
    """
    found = speakers.change(db, speaker_id)
    label = people.tidy(label)
    if label == found.label:
        return found.session_id
    _check_free(db, found.session, label)
    db.execute("UPDATE speakers SET label = ? WHERE id = ?", (label, found.row))
    _note(db, found.session, _Rename(speaker=speaker_id, before=found.label))
    speakers.tell(db, found.session_id)
    return found.session_id


def split(db: Connection, speaker_id: str, segments: Sequence[tuple[str, int]]) -> str:
    """Make a new, unclaimed speaker of some segments of one; the session's id.

    Args:
        db: the writing connection.
        speaker_id: whose segments.
        segments: (recording_id, seq) pairs; one given twice counts once.

    Raises:
        NotFound: no such speaker.
        BadRequest: a segment is not this speaker's, or none would be left.
        Conflict: the session is not done.
    """
    found = speakers.change(db, speaker_id)
    moved = _own_segments(db, found, segments)
    made = speakers.add(db, found.session, speakers.free_label(db, found.session))
    edit = _Split(
        speaker=speaker_id, made=made, turns=_turns(db, found.row), sample=_sample(db, found.row)
    )
    new = speakers.find(db, made).row
    _give(db, moved, found.row, new)
    _divide_turns(db, found.row, new)
    _choose_samples(db, found.session, (found.row, new))
    return _done(db, found, edit)


def merge(db: Connection, speaker_id: str, other_id: str) -> str:
    """Make one of two speakers: the first takes all of the other; the session's id.

    It keeps its label and claim; without a claim it takes the other's.

    Raises:
        NotFound: no such speaker.
        BadRequest: both are the same, or of different sessions.
        Conflict: the session is not done.
    """
    if speaker_id == other_id:
        raise BadRequest("a speaker cannot be merged with itself", speaker_id=speaker_id)
    found, other = speakers.change(db, speaker_id), speakers.find(db, other_id)
    if found.session != other.session:
        raise BadRequest("speakers of different sessions cannot be merged")
    inherits = found.claim_type is None and other.claim_type is not None
    edit = _Merge(
        speaker=speaker_id,
        other=other_id,
        turns=_turns(db, found.row),
        other_turns=_turns(db, other.row),
        sample=_sample(db, found.row),
        segments=_ids(db, "SELECT id FROM segments WHERE speaker = ? ORDER BY id", other.row),
        voices=_ids(db, "SELECT id FROM voices WHERE speaker = ? ORDER BY id", other.row),
        inherited=other.claimed_at if inherits else None,
    )
    _give(db, edit.segments, other.row, found.row)
    db.execute("UPDATE voices SET speaker = ? WHERE speaker = ?", (found.row, other.row))
    _set_turns(db, found.row, _joined((*edit.turns, *edit.other_turns)))
    if inherits:
        _copy_claim(db, other.row, found.row)
    if edit.sample[0] is None:
        _set_sample(db, found.row, _sample(db, other.row))
    _set_aside(db, other.row)
    return _done(db, found, edit)


def undo(db: Connection, session_id: str) -> str:
    """Take the last rename, split or merge of a session back; again, the one before. Its id.

    Raises:
        NotFound: no such session.
        Conflict: there is nothing to undo, or the session is not done.
    """
    session = sessions.row_id(db, session_id)
    speakers.check_done(db, session_id)
    newest = list(
        db.execute(
            "SELECT id, body FROM speaker_edits WHERE session = ? ORDER BY id DESC LIMIT 1",
            (session,),
        )
    )
    if not newest:
        raise Conflict(
            "there is nothing to undo in that session",
            fix="only splits, merges and renames can be undone",
            session_id=session_id,
        )
    number, body = newest[0]
    db.execute("DELETE FROM speaker_edits WHERE id = ?", (number,))
    edit = _decode(body)
    if isinstance(edit, _Rename):
        _undo_rename(db, session, edit)
        speakers.tell(db, session_id)
        return session_id
    if isinstance(edit, _Split):
        _undo_split(db, edit)
    else:
        _undo_merge(db, edit)
    figures.recount(db, session_id)
    speakers.settle(db, session_id)
    return session_id


def drop_name(db: Connection, session: int, name: str) -> None:
    """Forget a name as a label of a session, now and in what can be undone."""
    folded = name.casefold()
    for table in ("speakers", "merged_speakers"):
        labels = list(
            db.execute(
                f"SELECT speaker_id, label FROM {table} WHERE session = ?",  # noqa: S608 constants
                (session,),
            )
        )
        for speaker_id, label in labels:
            if str(label).casefold() == folded:
                db.execute(
                    f"UPDATE {table} SET label = ? WHERE speaker_id = ?",  # noqa: S608 constants
                    (speakers.free_label(db, session), speaker_id),
                )
    edits = list(db.execute("SELECT id, body FROM speaker_edits WHERE session = ?", (session,)))
    for number, body in edits:
        edit = _decode(body)
        if isinstance(edit, _Rename) and edit.before.casefold() == folded:
            db.execute("DELETE FROM speaker_edits WHERE id = ?", (number,))


def _undo_rename(db: Connection, session: int, edit: _Rename) -> None:
    taken = db.execute(
        "SELECT 1 FROM speakers WHERE session = ? AND label = ? AND speaker_id != ?",
        (session, edit.before, edit.speaker),
    ).get
    label = speakers.free_label(db, session) if taken else edit.before
    db.execute("UPDATE speakers SET label = ? WHERE speaker_id = ?", (label, edit.speaker))


def _undo_split(db: Connection, edit: _Split) -> None:
    row, made = speakers.find(db, edit.speaker).row, speakers.find(db, edit.made).row
    db.execute("UPDATE segments SET speaker = ? WHERE speaker = ?", (row, made))
    db.execute("DELETE FROM speakers WHERE id = ?", (made,))
    _set_turns(db, row, edit.turns)
    _set_sample(db, row, edit.sample)


def _undo_merge(db: Connection, edit: _Merge) -> None:
    found = speakers.find(db, edit.speaker)
    other = _bring_back(db, edit.other)
    _give(db, edit.segments, found.row, other)
    db.executemany(
        "UPDATE voices SET speaker = ? WHERE id = ? AND speaker = ?",
        [(other, voice, found.row) for voice in edit.voices],
    )
    _set_turns(db, found.row, edit.turns)
    _set_turns(db, other, edit.other_turns)
    _set_sample(db, found.row, edit.sample)
    if edit.inherited is not None and edit.inherited == found.claimed_at:
        db.execute(
            "UPDATE speakers SET claim_type = NULL, claimed_by = NULL, claimed_at = NULL, "
            "person = NULL, guest_name = NULL WHERE id = ?",
            (found.row,),
        )


def _done(db: Connection, found: Found, edit: _Edit) -> str:
    _note(db, found.session, edit)
    figures.recount(db, found.session_id)
    speakers.settle(db, found.session_id)
    return found.session_id


def _note(db: Connection, session: int, edit: _Edit) -> None:
    db.execute(
        "INSERT INTO speaker_edits(session, kind, body, made_at) VALUES(?, ?, ?, ?)",
        (session, str(edit.__struct_config__.tag), _encode(edit), stamp()),
    )
    db.execute(
        "DELETE FROM speaker_edits WHERE session = ?1 AND id NOT IN (SELECT id FROM speaker_edits "
        "WHERE session = ?1 ORDER BY id DESC LIMIT ?2)",
        (session, MOST_KEPT),
    )


def _check_free(db: Connection, session: int, label: str) -> None:
    if db.execute("SELECT 1 FROM speakers WHERE session = ? AND label = ?", (session, label)).get:
        raise Conflict(
            "another speaker of the session has that label",
            fix="merge them if they are the same, or take another label",
        )


def _own_segments(
    db: Connection, found: Found, segments: Sequence[tuple[str, int]]
) -> tuple[int, ...]:
    """The rows of segments that are all the speaker's, and not all of the speaker's."""
    own = {
        (recording_id, seq): segment
        for recording_id, seq, segment in db.execute(
            "SELECT r.recording_id, s.seq, s.id FROM segments s "
            "JOIN transcripts t ON t.id = s.transcript AND t.current "
            "JOIN recordings r ON r.id = t.recording WHERE s.speaker = ?",
            (found.row,),
        )
    }
    wanted = set(segments)
    if not wanted <= own.keys():
        raise BadRequest(
            f"{len(wanted - own.keys())} of the segments are not that speaker's",
            speaker_id=found.speaker_id,
        )
    if len(wanted) == len(own):
        raise BadRequest(
            "all segments of a speaker are no part of it",
            fix="leave at least one, or rename the speaker",
            speaker_id=found.speaker_id,
        )
    return tuple(sorted(own[name] for name in wanted))


def _give(db: Connection, segments: Iterable[int], giver: int, taker: int) -> None:
    """Only what is the giver's: a transcript made anew has other segments, perhaps on these rows."""
    db.executemany(
        "UPDATE segments SET speaker = ? WHERE id = ? AND speaker = ?",
        [(taker, segment, giver) for segment in segments],
    )


def _ids(db: Connection, query: str, row: int) -> tuple[int, ...]:
    return tuple(int(str(number)) for (number,) in db.execute(query, (row,)))


def _turns(db: Connection, speaker: int) -> tuple[_Turn, ...]:
    found = db.execute(
        "SELECT recording, start_ms, end_ms FROM turns WHERE speaker = ? ORDER BY 1, 2", (speaker,)
    )
    return tuple((recording, start_ms, end_ms) for recording, start_ms, end_ms in found)


def _set_turns(db: Connection, speaker: int, found: Iterable[_Turn]) -> None:
    """Instead of those that the speaker has; recordings that are gone have none."""
    db.execute("DELETE FROM turns WHERE speaker = ?", (speaker,))
    db.executemany(
        "INSERT INTO turns(recording, start_ms, end_ms, speaker) "
        "SELECT id, ?, ?, ? FROM recordings WHERE id = ?",
        [(start_ms, end_ms, speaker, recording) for recording, start_ms, end_ms in found],
    )


def _by_recording(found: Iterable[_Turn]) -> dict[int, list[Stretch]]:
    several: dict[int, list[Stretch]] = defaultdict(list)
    for recording, start_ms, end_ms in found:
        several[recording].append((start_ms, end_ms))
    return {recording: spans.union(stretches) for recording, stretches in several.items()}


def _joined(found: Iterable[_Turn]) -> list[_Turn]:
    """One speaker does not speak twice at once."""
    return [
        (recording, start_ms, end_ms)
        for recording, stretches in _by_recording(found).items()
        for start_ms, end_ms in stretches
    ]


def _divide_turns(db: Connection, speaker: int, made: int) -> None:
    """The new speaker has those parts of the turns that lie in its segments."""
    moved = _by_recording(
        (recording, start_ms, end_ms)
        for recording, start_ms, end_ms in db.execute(
            "SELECT t.recording, s.start_ms, s.end_ms FROM segments s "
            "JOIN transcripts t ON t.id = s.transcript WHERE s.speaker = ?",
            (made,),
        )
    )
    kept: list[_Turn] = []
    given: list[_Turn] = []
    for recording, stretches in _by_recording(_turns(db, speaker)).items():
        taken = moved.get(recording, [])
        kept += [(recording, *stretch) for stretch in spans.without(stretches, taken)]
        given += [(recording, *stretch) for stretch in spans.shared(stretches, taken)]
    _set_turns(db, speaker, kept)
    _set_turns(db, made, given)


def _sample(db: Connection, speaker: int) -> _Sample:
    found = list(
        db.execute(
            "SELECT sample_recording, sample_start_ms, sample_end_ms FROM speakers WHERE id = ?",
            (speaker,),
        )
    )
    recording, start_ms, end_ms = found[0]
    return recording, start_ms, end_ms


def _set_sample(db: Connection, speaker: int, sample: _Sample) -> None:
    recording, start_ms, end_ms = sample
    db.execute(
        "UPDATE speakers SET sample_recording = (SELECT id FROM recordings WHERE id = ?), "
        "sample_start_ms = ?, sample_end_ms = ? WHERE id = ?",
        (recording, start_ms, end_ms, speaker),
    )


class _HeardTurn(Struct, frozen=True):
    """One row of turns, as `speech.turns` takes it."""

    start_ms: int
    end_ms: int
    speaker: int


def _choose_samples(db: Connection, session: int, wanted: Sequence[int]) -> None:
    """The longest stretch in which each of these speakers is alone, in any recording."""
    heard: dict[int, list[_HeardTurn]] = defaultdict(list)
    for recording, start_ms, end_ms, speaker in db.execute(
        "SELECT u.recording, u.start_ms, u.end_ms, u.speaker FROM turns u "
        "JOIN recordings r ON r.id = u.recording WHERE r.session = ? ORDER BY 1, 2, 4",
        (session,),
    ):
        heard[recording].append(_HeardTurn(start_ms, end_ms, speaker))
    best: dict[int, tuple[int, int, int]] = {}
    for recording, found in heard.items():
        for speaker, span in turns.samples(found).items():
            known = best.get(speaker, (0, 0, 0))
            if span.end_ms - span.start_ms > known[2] - known[1]:
                best[speaker] = (recording, span.start_ms, span.end_ms)
    for speaker in wanted:
        _set_sample(db, speaker, best.get(speaker, (None, None, None)))


def _copy_claim(db: Connection, giver: int, taker: int) -> None:
    db.execute(
        "UPDATE speakers SET (claim_type, claimed_by, claimed_at, person, guest_name) = "
        "(SELECT claim_type, claimed_by, claimed_at, person, guest_name FROM speakers WHERE id = ?) "
        "WHERE id = ?",
        (giver, taker),
    )


def _set_aside(db: Connection, speaker: int) -> None:
    db.execute(
        f"INSERT INTO merged_speakers({_ASIDE}) SELECT {_ASIDE} FROM speakers WHERE id = ?",  # noqa: S608 constants
        (speaker,),
    )
    db.execute("DELETE FROM speakers WHERE id = ?", (speaker,))


def _bring_back(db: Connection, speaker_id: str) -> int:
    """The row of a merged speaker, which is there again; its label may have been taken."""
    found = list(
        db.execute(
            "SELECT m.session, EXISTS (SELECT 1 FROM speakers p WHERE p.session = m.session "
            "AND p.label = m.label) FROM merged_speakers m WHERE m.speaker_id = ?",
            (speaker_id,),
        )
    )
    if not found:
        raise NotFound("the merged speaker is gone", speaker_id=speaker_id)
    session, taken = int(str(found[0][0])), bool(found[0][1])
    if taken:
        db.execute(
            "UPDATE merged_speakers SET label = ? WHERE speaker_id = ?",
            (speakers.free_label(db, session), speaker_id),
        )
    db.execute(
        f"INSERT INTO speakers({_ASIDE}) SELECT {_ASIDE} FROM merged_speakers WHERE speaker_id = ?",  # noqa: S608 constants
        (speaker_id,),
    )
    db.execute("DELETE FROM merged_speakers WHERE speaker_id = ?", (speaker_id,))
    return speakers.find(db, speaker_id).row
