"""Events: facts already committed (with an `event_seq`), and hints that may be lost."""

from edged.messages.records import HealthStatus, Job, ModelState, Recording, Segment
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


AnyEvent = (
    SegmentAdded
    | RecordingChanged
    | RecordingDeleted
    | JobChanged
    | JobProgress
    | ModelChanged
    | HealthChanged
)


class StoredEvent(Record, frozen=True):
    """A committed event with its place in the store-wide order."""

    event_seq: Count
    at: Timestamp
    body: AnyEvent
