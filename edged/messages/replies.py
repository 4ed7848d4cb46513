"""Every reply of the protocol. A stream of replies ends with the first one whose envelope says `more=false`."""

from edged.media import AudioFormat
from edged.messages.events import AnyEvent
from edged.messages.records import (
    HealthStatus,
    Hit,
    Job,
    LanguageSource,
    LoadedModel,
    ModelSummary,
    Recording,
    Segment,
    Span,
    WatchedFolder,
)
from edged.messages.wire import Count, Fraction, Id, Milliseconds, Record, Reply, Timestamp


class Error(Reply, frozen=True, tag="error"):
    """The end of a request that failed; codes and fixes are in docs/ERRORS.md."""

    code: str
    message: str
    fix: str
    retryable: bool = False
    details: dict[str, str | int | float | bool | None] = {}


class Done(Reply, frozen=True, tag="done"):
    """The request was carried out; `count` says how many things it touched."""

    count: Count = 1


class Limits(Record, frozen=True):
    """The bounds of this daemon."""

    frame_bytes: Count
    request_bytes: Count
    frames: Count
    requests_per_client: Count


class Welcome(Reply, frozen=True, tag="welcome"):
    """Who answers."""

    version: str
    protocol: Count
    pid: Count
    limits: Limits


class TaskDescription(Record, frozen=True):
    """What can be asked of one task: which model answers by default, and why that one."""

    default: str | None
    reason: str
    models: tuple[str, ...]


class Description(Reply, frozen=True, tag="description"):
    """What this daemon can do right now."""

    version: str
    protocol: Count
    requests: tuple[str, ...]
    events: tuple[str, ...]
    tasks: dict[str, TaskDescription]
    engines: dict[str, bool]
    media: tuple[str, ...]
    limits: Limits


class Reason(Record, frozen=True):
    """Why the daemon is not well, and what to do."""

    code: str
    message: str
    fix: str


class HealthReport(Reply, frozen=True, tag="health"):
    """The daemon's own findings; `timestamp` is when it was asked.

    last_commit_age_ms: since the last durable commit, the self-test's included; None before it.
    """

    status: HealthStatus
    reasons: tuple[Reason, ...]
    pid: Count
    version: str
    uptime_s: float
    models_loaded: tuple[str, ...]
    queue_depth: Count
    last_commit_age_ms: Milliseconds | None
    disk_free_bytes: Count
    sqlite_version: str
    timestamp: Timestamp


class MetricsReport(Reply, frozen=True, tag="metrics"):
    """Counters since start and present values, by name."""

    counters: dict[str, float]
    gauges: dict[str, float]


class VadResult(Reply, frozen=True, tag="vad"):
    """One probability per complete 32-ms window since the last reply of this stream."""

    probabilities: tuple[float, ...]
    window_ms: Count
    speech: tuple[Span, ...]
    position_ms: Milliseconds


class Accepted(Reply, frozen=True, tag="accepted"):
    """The recording exists; results follow. `reused`: it was transcribed before, the same way."""

    recording_id: Id
    model: str
    reused: bool = False


class Loading(Reply, frozen=True, tag="loading"):
    """The request waits for a model."""

    model: str
    expected_ms: Milliseconds


class Progress(Reply, frozen=True, tag="progress"):
    """How far the work is; `audio_ms` is 0 while the length is unknown."""

    stage: str
    fraction: Fraction
    done_ms: Milliseconds = 0
    audio_ms: Milliseconds = 0


class Transcript(Reply, frozen=True, tag="transcript"):
    """Segments, each already committed."""

    segments: tuple[Segment, ...]


class Transcribed(Reply, frozen=True, tag="transcribed"):
    """The end of a transcription.

    compute_ms: time spent in the models, summed.
    """

    recording_id: Id
    model: str
    language: str
    language_source: LanguageSource
    audio_ms: Milliseconds
    compute_ms: Milliseconds
    segment_count: Count


class Recordings(Reply, frozen=True, tag="recordings"):
    """A page of recordings; `next` continues it."""

    recordings: tuple[Recording, ...]
    next: Id | None = None


class OneRecording(Reply, frozen=True, tag="recording"):
    """One recording."""

    recording: Recording


class Audio(Reply, frozen=True, tag="audio"):
    """A part of a recording's audio, as binary frame 1.

    audio: facts when the bytes are raw PCM; None when they are a media file.
    """

    recording_id: Id
    offset: Count
    size_bytes: Count
    total_bytes: Count
    audio: AudioFormat | None = None


class Segments(Reply, frozen=True, tag="segments"):
    """A page of segments; `next` is the `after_seq` that continues it."""

    segments: tuple[Segment, ...]
    next: Count | None = None


class Hits(Reply, frozen=True, tag="hits"):
    """What a search found."""

    hits: tuple[Hit, ...]


class OneJob(Reply, frozen=True, tag="job"):
    """One job; `existing`: the same work was already submitted."""

    job: Job
    existing: bool = False


class Jobs(Reply, frozen=True, tag="jobs"):
    """Jobs and how many there are in each state."""

    jobs: tuple[Job, ...]
    counts: dict[str, int]


class Models(Reply, frozen=True, tag="models"):
    """Manifests."""

    models: tuple[ModelSummary, ...]


class ModelFile(Record, frozen=True):
    """One file of a model and where it was found."""

    name: str
    size_bytes: Count
    sha256: str
    source: str
    found: bool


class ModelDetails(Reply, frozen=True, tag="model"):
    """One manifest in full."""

    model: ModelSummary
    files: tuple[ModelFile, ...]
    parameters: dict[str, str | int | float | bool]
    threads: Count
    worker: str
    holds_gil: bool


class LoadedModels(Reply, frozen=True, tag="loaded_models"):
    """Models in memory."""

    models: tuple[LoadedModel, ...]


class Folders(Reply, frozen=True, tag="folders"):
    """Watched folders."""

    folders: tuple[WatchedFolder, ...]


class EventReply(Reply, frozen=True, tag="event"):
    """One event; `event_seq` is None for hints."""

    event_seq: Count | None
    at: Timestamp
    body: AnyEvent


class Subscribed(Reply, frozen=True, tag="subscribed"):
    """The subscription stands; `event_seq` is the last fact's number at that moment."""

    event_seq: Count


class Overflow(Reply, frozen=True, tag="overflow"):
    """The subscriber was too slow: `dropped` events are missing here; refill by `after_event_seq`."""

    dropped: Count


class BackedUp(Reply, frozen=True, tag="backed_up"):
    """The copy is complete and on the disk."""

    path: str
    size_bytes: Count


AnyReply = (
    Error
    | Done
    | Welcome
    | Description
    | HealthReport
    | MetricsReport
    | VadResult
    | Accepted
    | Loading
    | Progress
    | Transcript
    | Transcribed
    | Recordings
    | OneRecording
    | Audio
    | Segments
    | Hits
    | OneJob
    | Jobs
    | Models
    | ModelDetails
    | LoadedModels
    | Folders
    | Subscribed
    | EventReply
    | Overflow
    | BackedUp
)
