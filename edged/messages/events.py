"""Events: facts already committed (with an `event_seq`), and hints that may be lost."""

from edged.messages.access import KnownClient
from edged.messages.records import HealthStatus, Job, ModelState, Recording, Segment
from edged.messages.seeing import FrameCounts, SightGap, TrackKind
from edged.messages.sessions import LedgerEntry, Session
from edged.messages.wire import Count, Fraction, Id, Milliseconds, Record, Timestamp


class Event(Record, frozen=True, tag_field="event"):
    """What happened; `event` names it."""


class SegmentAdded(Event, frozen=True, tag="segment.added"):
    """A segment was committed."""

    recording_id: Id
    segment: Segment


class RecordingChanged(Event, frozen=True, tag="recording.changed"):
    """A recording was added, or its status or audio length changed."""

    recording: Recording


class RecordingDeleted(Event, frozen=True, tag="recording.deleted"):
    """A recording and all that hung on it is gone."""

    recording_id: Id


class JobChanged(Event, frozen=True, tag="job.changed"):
    """A job changed its state."""

    job: Job


class JobProgress(Event, frozen=True, tag="job.progress"):
    """Hint: how far a running job is."""

    job_id: Id
    stage: str
    progress: Fraction
    done_ms: Milliseconds = 0
    audio_ms: Milliseconds = 0


class ModelChanged(Event, frozen=True, tag="model.changed"):
    """Hint: a model's worker changed its state."""

    model: str
    state: ModelState
    reason: str = ""


class HealthChanged(Event, frozen=True, tag="health.changed"):
    """Hint: the daemon's health changed."""

    status: HealthStatus
    reasons: tuple[str, ...] = ()


class SegmentPartial(Event, frozen=True, tag="segment.partial"):
    """Hint: what is heard so far of an utterance that goes on."""

    recording_id: Id
    text: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    session_id: Id | None = None


class TranscriptReplaced(Event, frozen=True, tag="transcript.replaced"):
    """Segments that were added before are replaced as a whole; `segments.list` has the new ones."""

    recording_id: Id
    session_id: Id


class SessionChanged(Event, frozen=True, tag="session.changed"):
    """A session began, or its status, stage or a fact of it changed: what shows that it records."""

    session: Session


class SessionDeleted(Event, frozen=True, tag="session.deleted"):
    """A session and all that hung on it is gone."""

    session_id: Id


class SessionGap(Event, frozen=True, tag="session.gap"):
    """Time of a session was lost; the entry is in its ledger."""

    session_id: Id
    entry: LedgerEntry


class SessionLevel(Event, frozen=True, tag="session.level"):
    """Hint, a few times a second: how loud a source is and how much is not recognised yet.

    level_db: of full scale, -100 to 0.
    """

    session_id: Id
    recording_id: Id
    level_db: float
    duration_ms: Milliseconds
    backlog_ms: Milliseconds = 0
    eta_ms: Milliseconds | None = None


class SpeakersChanged(Event, frozen=True, tag="speakers.changed"):
    """Speakers of a session came, or were claimed, renamed, split or merged."""

    session_id: Id


class LandmarksAdded(Event, frozen=True, tag="landmarks.added"):
    """A second of one kind of track was committed; `frames.list` has it."""

    session_id: Id
    kind: TrackKind
    start_ms: Milliseconds
    end_ms: Milliseconds
    frames: Count


class GestureChanged(Event, frozen=True, tag="gesture.changed"):
    """A hand of a session made another gesture, or none any more; only where it was asked for."""

    session_id: Id
    at_ms: Milliseconds
    hand: str
    gesture: str
    before: str = ""


class FrameAdded(Event, frozen=True, tag="frame.added"):
    """A key frame of a session's screen was committed."""

    session_id: Id
    frame_id: Id
    at_ms: Milliseconds


class SightGapEvent(Event, frozen=True, tag="sight.gap"):
    """Time of a source of pictures was lost."""

    session_id: Id
    gap: SightGap


class SightRate(Event, frozen=True, tag="sight.rate"):
    """Hint, about once a second: how many frames a source of pictures gives. source: from 0."""

    session_id: Id
    source: Count
    counts: FrameCounts


class ClientChanged(Event, frozen=True, tag="client.changed"):
    """A client asked to be paired, or something was decided about it."""

    client: KnownClient


AnyEvent = (
    SegmentAdded
    | RecordingChanged
    | RecordingDeleted
    | JobChanged
    | JobProgress
    | ModelChanged
    | HealthChanged
    | SegmentPartial
    | TranscriptReplaced
    | SessionChanged
    | SessionDeleted
    | SessionGap
    | SessionLevel
    | SpeakersChanged
    | LandmarksAdded
    | GestureChanged
    | FrameAdded
    | SightGapEvent
    | SightRate
    | ClientChanged
)


class StoredEvent(Record, frozen=True):
    """A committed event with its place in the store-wide order.

    owner: the client_id whose result it tells of; empty: the user's, or of the daemon.
    """

    event_seq: Count
    at: Timestamp
    body: AnyEvent
    owner: str = ""
