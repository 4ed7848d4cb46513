"""Events: facts already committed (with an `event_seq`), and hints that may be lost."""

from edged.messages.records import HealthStatus, Job, ModelState, Recording, Segment
from edged.messages.wire import Count, Fraction, Id, Milliseconds, Record, Timestamp


class Event(Record, tag_field="event"):
    """What happened; `event` names it."""


class SegmentAdded(Event, tag="segment.added"):
    """A segment was committed."""

    recording_id: Id
    segment: Segment


class RecordingChanged(Event, tag="recording.changed"):
    """A recording was added, or its status or audio length changed."""

    recording: Recording


class RecordingDeleted(Event, tag="recording.deleted"):
    """A recording and all that hung on it is gone."""

    recording_id: Id


class JobChanged(Event, tag="job.changed"):
    """A job changed its state."""

    job: Job


class JobProgress(Event, tag="job.progress"):
    """Hint: how far a running job is."""

    job_id: Id
    stage: str
    progress: Fraction
    done_ms: Milliseconds = 0
    audio_ms: Milliseconds = 0


class ModelChanged(Event, tag="model.changed"):
    """Hint: a model's worker changed its state."""

    model: str
    state: ModelState
    reason: str = ""


class HealthChanged(Event, tag="health.changed"):
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


class StoredEvent(Record):
    """A committed event with its place in the store-wide order."""

    event_seq: Count
    at: Timestamp
    body: AnyEvent
