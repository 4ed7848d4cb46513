"""Transcripts: what one pipeline made of a recording; one of them is the current one.

The first becomes current at once, a later one when it completes: then the replaced one is deleted
in the same transaction.
"""

import msgspec
from msgspec import Struct

from edged.errors import NotFound
from edged.messages.records import LanguageSource, Problem, RecordingStatus
from edged.store import recordings, sessions
from edged.store.clock import stamp
from edged.store.engine import Connection
from edged.store.rows import problem_columns

_COLUMNS = (
    "t.id, r.recording_id, t.fingerprint, t.model, t.language, t.language_source, t.status, "
    "t.done_ms, t.compute_ms, t.segment_count, r.audio_ms, t.current"
)


class Begun(Struct, frozen=True, kw_only=True):
    """A transcript and how far it is; the next segment takes `segment_count` as its `seq`.

    compute_ms: time spent in the models so far. audio_ms: the recording's; 0 while unknown.
    """

    transcript_id: int
    recording_id: str
    fingerprint: str
    model: str
    language: str
    language_source: LanguageSource
    status: RecordingStatus
    done_ms: int
    compute_ms: int
    segment_count: int
    audio_ms: int
    current: bool

    @property
    def completed(self) -> bool:
        """There is nothing left to do."""
        return self.status == "completed"


def begin(
    db: Connection,
    recording_id: str,
    fingerprint: str,
    *,
    model: str,
    language: str | None = None,
    fresh: bool = False,
) -> Begun:
    """Start a transcript, or take up the one with this fingerprint where it stopped.

    A completed one is returned as it is; a failed one is processing again.

    Args:
        db: the writing connection.
        recording_id: of what.
        fingerprint: of the pipeline that makes it.
        model: the recogniser's id.
        language: as asked for; None when the model is to find out.
        fresh: start anew even so; the old one stays current until this one completes.

    Raises:
        NotFound: no such recording.
    """
    recording = recordings.row_id(db, recording_id)
    if fresh:
        _set_aside(db, recording, fingerprint)
    known = _find(db, recording, fingerprint)
    if known is None:
        _drop_failed(db, recording)
        db.execute(
            "INSERT INTO transcripts(recording, fingerprint, model, language, language_source, "
            "current, created_at) SELECT :recording, :fingerprint, :model, :language, :source, "
            "NOT EXISTS (SELECT 1 FROM transcripts WHERE recording = :recording AND current), :at",
            {
                "recording": recording,
                "fingerprint": fingerprint,
                "model": model,
                "language": language or "",
                "source": "asked" if language else "assumed",
                "at": stamp(),
            },
        )
        _goes_on(db, recording)
        recordings.tell(db, recording_id)
        return get(db, db.execute("SELECT max(id) FROM transcripts").get)
    return _take_up(db, known) if known.status == "failed" else known


def get(db: Connection, transcript_id: int) -> Begun:
    """One transcript.

    Raises:
        NotFound: it does not exist, or its recording was deleted.
    """
    for row in db.execute(
        f"SELECT {_COLUMNS} FROM transcripts t JOIN recordings r ON r.id = t.recording "  # noqa: S608 constants
        "WHERE t.id = ?",
        (transcript_id,),
    ):
        return _to_transcript(row)
    raise NotFound("no such transcript", transcript_id=transcript_id)


def current(db: Connection, recording_id: str) -> Begun | None:
    """The transcript that search and lists show; None before the first begins.

    Raises:
        NotFound: no such recording.
    """
    recording = recordings.row_id(db, recording_id)
    row = db.execute("SELECT id FROM transcripts WHERE recording = ? AND current", (recording,)).get
    return None if row is None else get(db, row)


def finish(  # noqa: PLR0913 the facts of an end, all by keyword
    db: Connection,
    transcript_id: int,
    *,
    audio_ms: int,
    compute_ms: int,
    language: str | None = None,
    language_source: LanguageSource | None = None,
    settles: bool = True,
) -> Begun:
    """Complete a transcript; it becomes the current one and the others are deleted.

    Args:
        db: the writing connection.
        transcript_id: which.
        audio_ms: the recording's length, now known.
        compute_ms: time spent in the models, summed over all runs.
        language: as found in the end; None keeps what is there.
        language_source: how the language came about; None keeps what is there.
        settles: with it a file's session is done; False when there is more work.

    Raises:
        NotFound: it does not exist, or its recording was deleted.
    """
    transcript = get(db, transcript_id)
    recording = recordings.row_id(db, transcript.recording_id)
    _drop_others(db, recording, transcript_id)
    db.execute(
        "UPDATE transcripts SET status = 'completed', current = 1, done_ms = :audio_ms, "
        "compute_ms = :compute_ms, language = coalesce(:language, language), "
        "language_source = coalesce(:source, language_source), ended_at = :at, "
        "error_code = NULL, error_message = NULL, error_fix = NULL WHERE id = :id",
        {
            "id": transcript_id,
            "audio_ms": audio_ms,
            "compute_ms": compute_ms,
            "language": language,
            "source": language_source,
            "at": stamp(),
        },
    )
    db.execute("UPDATE recordings SET audio_ms = ? WHERE id = ?", (audio_ms, recording))
    if settles:
        _follow(db, recording, "completed")
    recordings.tell(db, transcript.recording_id)
    return get(db, transcript_id)


def fail(db: Connection, transcript_id: int, problem: Problem) -> Begun:
    """Note why a transcript ended; what is committed stays, and `begin` takes it up again.

    Raises:
        NotFound: it does not exist, or its recording was deleted.
    """
    db.execute(
        "UPDATE transcripts SET status = 'failed', ended_at = ?, error_code = ?, "
        "error_message = ?, error_fix = ? WHERE id = ? AND status != 'completed'",
        (stamp(), *problem_columns(problem), transcript_id),
    )
    transcript = get(db, transcript_id)
    if transcript.current and transcript.status == "failed":
        _follow(db, recordings.row_id(db, transcript.recording_id), "failed", problem)
    recordings.tell(db, transcript.recording_id)
    return transcript


def interrupt(db: Connection) -> int:
    """Note that the daemon that worked on transcripts is gone; how many there were.

    A job takes its transcript up again by itself, a client by asking again. The captions of a
    session stay as they are until the work after its end replaces them; those of a client's stream
    are complete with what there is, for the stream has ended.
    """
    problem = Problem(
        code="cancelled",
        message="the daemon ended before its end",
        fix="transcribe it again: it goes on where it stopped",
    )
    rows = db.execute(
        "SELECT t.id, t.fingerprint LIKE 'live %', n.kind, t.done_ms, t.compute_ms "
        "FROM transcripts t JOIN recordings r ON r.id = t.recording "
        "JOIN sessions n ON n.id = r.session WHERE t.status = 'processing'"
    ).fetchall()
    for transcript, live, kind, done_ms, compute_ms in rows:
        row = int(str(transcript))
        if not live:
            fail(db, row, problem)
        elif kind == "fed":
            finish(db, row, audio_ms=int(str(done_ms)), compute_ms=int(str(compute_ms)))
    _give_up_left(db, problem)
    return len(rows)


def _give_up_left(db: Connection, problem: Problem) -> None:
    """Files' sessions that a request worked on beside a finished transcript: it is gone too."""
    left = db.execute(
        "SELECT n.session_id FROM sessions n WHERE n.kind != 'live' AND n.status = 'processing' "
        "AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.job_id = n.job "
        "AND j.state IN ('queued', 'running'))"
    )
    for (session_id,) in list(left):
        sessions.move(db, str(session_id), to="failed", error=problem)


def _find(db: Connection, recording: int, fingerprint: str) -> Begun | None:
    row = db.execute(
        "SELECT id FROM transcripts WHERE recording = ? AND fingerprint = ?",
        (recording, fingerprint),
    ).get
    return None if row is None else get(db, row)


def _take_up(db: Connection, known: Begun) -> Begun:
    db.execute(
        "UPDATE transcripts SET status = 'processing', ended_at = NULL, error_code = NULL, "
        "error_message = NULL, error_fix = NULL WHERE id = ?",
        (known.transcript_id,),
    )
    _goes_on(db, recordings.row_id(db, known.recording_id))
    recordings.tell(db, known.recording_id)
    return get(db, known.transcript_id)


def _set_aside(db: Connection, recording: int, fingerprint: str) -> None:
    """Free the fingerprint: keep what is current under another one, drop what is not."""
    row = db.execute(
        "SELECT id FROM transcripts WHERE recording = ? AND fingerprint = ? AND NOT current",
        (recording, fingerprint),
    ).get
    if row is not None:
        _drop(db, recording, row)
    db.execute(
        "UPDATE transcripts SET fingerprint = fingerprint || ' replaced ' || id "
        "WHERE recording = ? AND fingerprint = ?",
        (recording, fingerprint),
    )


def _drop_failed(db: Connection, recording: int) -> None:
    """A failed transcript makes way at once for another pipeline's."""
    failed = "SELECT id FROM transcripts WHERE recording = ? AND status = 'failed'"
    for (row,) in list(db.execute(failed, (recording,))):
        _drop(db, recording, row)


def _drop_others(db: Connection, recording: int, transcript_id: int) -> None:
    """All that is replaced: the current one, and runs that ended; not one still on its way."""
    others = (
        "SELECT id FROM transcripts WHERE recording = ? AND id != ? "
        "AND (current OR status != 'processing')"
    )
    for (row,) in list(db.execute(others, (recording, transcript_id))):
        _drop(db, recording, row)


def _drop(db: Connection, recording: int, transcript: int) -> None:
    """A transcript with its segments and their events."""
    db.execute(
        "DELETE FROM events WHERE recording = ? "
        "AND segment IN (SELECT id FROM segments WHERE transcript = ?)",
        (recording, transcript),
    )
    db.execute("DELETE FROM transcripts WHERE id = ?", (transcript,))


def _goes_on(db: Connection, recording: int) -> None:
    """A session whose transcript failed is at work again; one that is completed stays so."""
    shown = "SELECT status FROM transcripts WHERE recording = ? AND current"
    if db.execute(shown, (recording,)).get == "processing":
        _follow(db, recording, "processing")


def _follow(
    db: Connection, recording: int, status: RecordingStatus, error: Problem | None = None
) -> None:
    """Let the session of a file do what its current transcript does."""
    session = db.execute("SELECT session FROM recordings WHERE id = ?", (recording,)).get
    sessions.follow(db, int(session), status, error)


def _to_transcript(row: tuple[object, ...]) -> Begun:
    facts = dict(zip(Begun.__struct_fields__, _in_order(row), strict=True))
    return msgspec.convert(facts, Begun)


def _in_order(row: tuple[object, ...]) -> tuple[object, ...]:
    return (*row[:-1], bool(row[-1]))
