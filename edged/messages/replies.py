"""Every reply of the protocol. A stream of replies ends with the first one whose envelope says `more=false`."""

from typing import Literal

from edged.media import AudioFormat
from edged.messages import access, people, seeing, sessions, uploads, voice
from edged.messages.events import AnyEvent
from edged.messages.records import (
    AudioWindow,
    BenchmarkRow,
    Class,
    DetectedObject,
    HealthStatus,
    Hit,
    Job,
    LanguageSource,
    Listening,
    LoadedModel,
    ModelSummary,
    Pending,
    Recording,
    Segment,
    Signature,
    Span,
    TensorFacts,
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
    """What can be asked of one task: which model answers by default, and why that one.

    languages: what the models that are here know together, of a task that needs a language;
        `any`: one of them takes every language.
    """

    default: str | None
    reason: str
    models: tuple[str, ...]
    languages: tuple[str, ...] = ()


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
    signatures: dict[str, Signature] = {}


class Reason(Record, frozen=True):
    """Why the daemon is not well, and what to do."""

    code: str
    message: str
    fix: str


class HealthReport(Reply, frozen=True, tag="health"):
    """The daemon's own findings; `timestamp` is when it was asked.

    last_commit_age_ms: since the last durable commit, the self-test's included; None before it.
    recording: who listens to or watches what now; empty when nobody does.
    watching: the sources of pictures of sessions and streams, with their frames a second.
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
    recording: tuple[Listening, ...] = ()
    watching: tuple[seeing.SightState, ...] = ()


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
    """The request waits for a model; progress is how much of the expected time has passed."""

    model: str
    expected_ms: Milliseconds
    progress: Fraction = 0.0


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


class Tensors(Reply, frozen=True, tag="tensors"):
    """What a graph gave; parts: the bytes one after the other, in the order of `tensors`.

    batch: how many requests ran together with this one, itself included.
    """

    model: str
    tensors: tuple[TensorFacts, ...]
    device: str
    waited_us: Count
    computed_us: Count
    batch: Count = 1


class Classes(Reply, frozen=True, tag="classes"):
    """Labels, the greatest score first."""

    model: str
    device: str
    classes: tuple[Class, ...]
    computed_us: Count


class Objects(Reply, frozen=True, tag="objects"):
    """What was found, the greatest score first; `width` and `height` are the picture's, in pixels."""

    model: str
    device: str
    objects: tuple[DetectedObject, ...]
    width: Count
    height: Count
    computed_us: Count


class Embedding(Reply, frozen=True, tag="embedding"):
    """A vector as one part: float32 little-endian."""

    model: str
    device: str
    dimensions: Count
    computed_us: Count


class Mask(Reply, frozen=True, tag="mask"):
    """One value per pixel of the picture, rows from the top, as parts.

    kind: `category`: uint8, index into `labels`; `confidence`: uint8, 255 is certainly foreground.
    """

    model: str
    device: str
    kind: Literal["category", "confidence"]
    width: Count
    height: Count
    labels: tuple[str, ...]
    computed_us: Count


class AudioClasses(Reply, frozen=True, tag="audio_classes"):
    """Labels of the whole audio (the mean of its windows), and of each window."""

    model: str
    device: str
    classes: tuple[Class, ...]
    windows: tuple[AudioWindow, ...]
    audio_ms: Milliseconds
    computed_us: Count


class Recordings(Reply, frozen=True, tag="recordings"):
    """A page of recordings; `next` continues it."""

    recordings: tuple[Recording, ...]
    next: Id | None = None


class OneRecording(Reply, frozen=True, tag="recording"):
    """One recording."""

    recording: Recording


class Audio(Reply, frozen=True, tag="audio"):
    """A part of a recording's audio, as binary frame 1.

    audio: facts when the bytes are raw PCM; None when they are a media file of `media_type`, which
        is empty when only the file itself tells.
    """

    recording_id: Id
    offset: Count
    size_bytes: Count
    total_bytes: Count
    audio: AudioFormat | None = None
    media_type: str = ""


class Segments(Reply, frozen=True, tag="segments"):
    """A page of segments; `next` is the `after_seq` that continues it."""

    segments: tuple[Segment, ...]
    next: Count | None = None


class Hits(Reply, frozen=True, tag="hits"):
    """What a search found, and what it could not look into yet."""

    hits: tuple[Hit, ...]
    pending: tuple[Pending, ...] = ()


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


Trust = Literal["stated", "recorded", "held", "first_use"]


class ModelFile(Record, frozen=True):
    """One file of a model and where it was found.

    sha256: of the manifest, else as recorded at the first pull; empty while nobody stated one.
    sources: where a pull gets it, in order, in words.
    trust: why its content is known: `stated` by the manifest; `recorded` at the first pull; `held`
        by the stated hash of the archive or wheel around it; or `first_use`: it is not yet.
    """

    name: str
    size_bytes: Count
    sha256: str
    source: str
    found: bool
    sources: tuple[str, ...] = ()
    trust: Trust = "stated"


class ModelDetails(Reply, frozen=True, tag="model"):
    """One manifest in full.

    license_url: its text, or the page where it is accepted. accelerators: devices it was tried on.
    embedded: one of the defaults that come from PyPI alone.
    """

    model: ModelSummary
    files: tuple[ModelFile, ...]
    parameters: dict[str, str | int | float | bool | tuple[float, ...]]
    threads: Count
    worker: str
    holds_gil: bool
    signature: Signature | None = None
    license_url: str = ""
    accelerators: tuple[str, ...] = ()
    minimum_engine: str = ""
    embedded: bool = False


class FilePart(Reply, frozen=True, tag="file_part"):
    """A part of a model's file, as binary frame 1; `done` follows the last one."""

    model: str
    name: str
    offset: Count
    size_bytes: Count
    total_bytes: Count
    sha256: str


class Benchmark(Reply, frozen=True, tag="benchmark"):
    """A model's speed here, by device and threads; `chosen` marks what is used from now on."""

    model: str
    rows: tuple[BenchmarkRow, ...]


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
    | Tensors
    | Classes
    | Objects
    | Embedding
    | Mask
    | AudioClasses
    | Recordings
    | OneRecording
    | Audio
    | Segments
    | Hits
    | OneJob
    | Jobs
    | Models
    | ModelDetails
    | FilePart
    | Benchmark
    | LoadedModels
    | Folders
    | Subscribed
    | EventReply
    | Overflow
    | BackedUp
    | sessions.Devices
    | sessions.Appended
    | sessions.OneSession
    | sessions.Sessions
    | sessions.Ledger
    | sessions.Exported
    | sessions.StreamOpened
    | sessions.StreamTaken
    | sessions.PartialText
    | sessions.StreamClosed
    | people.Speakers
    | people.Matches
    | people.People
    | people.OnePerson
    | people.Statistics
    | people.Wrapped
    | people.LexiconsFound
    | people.OneLexicon
    | people.Corrected
    | voice.Aligned
    | voice.StemPart
    | voice.Separated
    | voice.SpokenEmotions
    | voice.Spoken
    | voice.KeywordsHeard
    | voice.SoundTags
    | voice.Denoised
    | voice.SpokenLanguages
    | seeing.Seen
    | seeing.Looked
    | seeing.FrameTaken
    | seeing.FramesLost
    | seeing.SessionFrameTaken
    | seeing.Frames
    | seeing.FramesPart
    | seeing.Sightings
    | seeing.FrameImage
    | seeing.DerivedTracks
    | access.Pairing
    | access.Paired
    | access.OneClient
    | access.Clients
    | access.Audit
    | uploads.UploadOpened
    | uploads.UploadTaken
    | uploads.Uploaded
)
