"""The things that replies and events carry: recordings, segments, jobs, models."""

from typing import Annotated, Literal

from msgspec import Meta

from edged.messages.wire import (
    Count,
    Fraction,
    Id,
    Milliseconds,
    Priority,
    Record,
    Timestamp,
)

LanguageSource = Literal["asked", "detected", "assumed"]
RecordingStatus = Literal["processing", "completed", "failed"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
ModelState = Literal["unloaded", "loading", "ready", "busy", "quarantined"]
HealthStatus = Literal["ok", "degraded", "failing"]


class Word(Record, frozen=True):
    """One recognised word; times from the recording's start."""

    text: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    confidence: Fraction


class Segment(Record, frozen=True):
    """One utterance; `seq` counts from 0 within the transcript, without gaps.

    confidence: the engine's own estimate; the mean of the words where it gives none.
    raw: as it was recognised, where a lexicon corrected `text`; words stay as recognised.
    speaker, speaker_id: label and id of whoever speaks; empty and None while nobody knows.
    overlap: somebody else speaks at the same time.
    emotion, emotion_confidence: how it sounds; empty and 0 without a model for it.
    """

    seq: Count
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    confidence: Fraction
    words: tuple[Word, ...] = ()
    raw: str | None = None
    speaker: str = ""
    speaker_id: Id | None = None
    overlap: bool = False
    emotion: str = ""
    emotion_confidence: Fraction = 0.0


class Problem(Record, frozen=True):
    """An error as data: code and fix as in docs/ERRORS.md."""

    code: str
    message: str
    fix: str = ""


class Recording(Record, frozen=True):
    """One piece of audio and its current transcript.

    audio_ms: length of the audio; 0 until it is decoded.
    path: where the original lies; None for bytes that a client sent.
    audio_kept: the store holds the audio itself.
    done_ms: how much audio is transcribed and committed.
    """

    recording_id: Id
    session_id: Id
    name: str
    status: RecordingStatus
    created_at: Timestamp
    sha256: str
    size_bytes: Count
    audio_ms: Milliseconds = 0
    done_ms: Milliseconds = 0
    compute_ms: Milliseconds = 0
    path: str | None = None
    audio_kept: bool = False
    model: str = ""
    language: str = ""
    language_source: LanguageSource = "assumed"
    segment_count: Count = 0
    error: Problem | None = None


class Job(Record, frozen=True):
    """One entry of the durable queue.

    attempts: how often it was started; it fails for good at max_attempts.
    not_before: a retry waits until then.
    """

    job_id: Id
    kind: str
    state: JobState
    priority: Priority
    attempts: Count
    max_attempts: Count
    created_at: Timestamp
    updated_at: Timestamp
    stage: str = ""
    progress: Fraction = 0.0
    name: str = ""
    model: str = ""
    recording_id: Id | None = None
    not_before: Timestamp | None = None
    error: Problem | None = None


class Hit(Record, frozen=True):
    """One found segment; `snippet` marks the match with [ and ].

    at: when it was said, where the recording's own start is known; else when the recording came.
    """

    recording_id: Id
    seq: Count
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    snippet: str
    name: str = ""
    session_id: Id | None = None
    group: str = ""
    speaker: str = ""
    speaker_id: Id | None = None
    emotion: str = ""
    at: Timestamp | None = None


class Pending(Record, frozen=True):
    """A stretch of a recording that was captured and is not recognised yet: a search misses it."""

    session_id: Id
    recording_id: Id
    start_ms: Milliseconds
    end_ms: Milliseconds


class Span(Record, frozen=True):
    """A stretch of speech, in milliseconds from the stream's start."""

    start_ms: Milliseconds
    end_ms: Milliseconds


class ModelSummary(Record, frozen=True):
    """One manifest and whether it can run here.

    problem: why it cannot (a missing engine, a missing file), with the fix.
    quality: the stated figure with its source, as the manifest gives it.
    quantization: of the weights, for example int8; empty when not stated.
    terms: traps of the licence: attribution, gated, non_commercial, no_redistribution, share_alike.
    recommended: the best of its task that fits this machine, installed or not.
    pinned: never ended to make room or for idleness.
    """

    id: str
    task: str
    engine: str
    license: str
    languages: tuple[str, ...]
    size_bytes: Count
    memory_bytes: Count
    installed: bool
    default: bool
    state: ModelState
    quality: str = ""
    description: str = ""
    problem: Problem | None = None
    quantization: str = ""
    terms: tuple[str, ...] = ()
    recommended: bool = False
    pinned: bool = False


class Latency(Record, frozen=True):
    """Of the last calls (at most 256), in microseconds; 0 before the first."""

    p50_us: Count = 0
    p95_us: Count = 0


class LoadedModel(Record, frozen=True):
    """One model in memory.

    pss_bytes: proportional set size of its worker process, shared when the worker hosts several.
    vram_bytes: of the accelerator's own memory that its process uses; 0 without one.
    expires_in_ms, expires_at: None when it is kept for ever, or in use.
    device_asked, device: what was configured, and what really runs it as far as its engine tells:
        `cpu`, `gpu:cuda`, `npu:qnn`, ..., or `cpu (partial)` when a part of the graph fell back.
    threads: inside one inference. waited, computed: how long calls queued, and ran.
    """

    id: str
    engine: str
    pid: Count
    state: ModelState
    pss_bytes: Count
    loaded_at: Timestamp
    expires_in_ms: Milliseconds | None
    queued: Count
    calls: Count
    device: str = "cpu"
    device_asked: str = "auto"
    threads: Count = 1
    vram_bytes: Count = 0
    expires_at: Timestamp | None = None
    pinned: bool = False
    waited: Latency = Latency()
    computed: Latency = Latency()


TensorType = Literal[
    "float32", "float64", "float16", "int64", "int32", "int16", "int8",
    "uint64", "uint32", "uint16", "uint8", "bool", "string",
]  # fmt: skip
"""`string` is UTF-8: each element its length as a little-endian uint32, then its bytes."""


class TensorFacts(Record, frozen=True, forbid_unknown_fields=True):
    """How one tensor's bytes are to be read: row-major, little-endian."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    dtype: TensorType
    shape: Annotated[tuple[Count, ...], Meta(max_length=8)]


class Quantization(Record, frozen=True):
    """real = scale x (stored - zero_point), for the whole tensor."""

    scale: float
    zero_point: int


class SignatureTensor(Record, frozen=True):
    """One input or output of a graph; -1 in `shape` is a free dimension.

    quantized: how stored integers stand for real numbers; None when they are what they are.
    symbols: the names of the free dimensions, empty where there is none; () when none has one.
    """

    name: str
    dtype: TensorType
    shape: tuple[int, ...]
    quantized: Quantization | None = None
    symbols: tuple[str, ...] = ()


class Signature(Record, frozen=True):
    """What a graph takes and gives, in its own order."""

    inputs: tuple[SignatureTensor, ...]
    outputs: tuple[SignatureTensor, ...]


class Class(Record, frozen=True):
    """One label and its score in [0, 1]; `index` counts from 0 in the model's own list."""

    label: str
    score: float
    index: Count


class DetectedObject(Record, frozen=True):
    """Something found in a picture; the box in pixels of the picture as it is meant to be seen."""

    label: str
    score: float
    index: Count
    left: float
    top: float
    width: float
    height: float


class AudioWindow(Record, frozen=True):
    """What is heard in one window, from the start of the audio."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    classes: tuple[Class, ...]


class BenchmarkRow(Record, frozen=True):
    """One way of running a model, as measured; an error says why it could not be."""

    device: str
    threads: Count
    load_ms: Milliseconds = 0
    p50_us: Count = 0
    p95_us: Count = 0
    per_second: float = 0.0
    pss_bytes: Count = 0
    chosen: bool = False
    error: Problem | None = None


class Listening(Record, frozen=True):
    """Who records what at this moment. devices: as the system names them."""

    session_id: Id
    started_by: str
    started_at: Timestamp
    devices: tuple[str, ...]
    duration_ms: Milliseconds


class WatchedFolder(Record, frozen=True):
    """A folder whose new files become jobs. lexicons: None: those of the settings."""

    path: str
    recursive: bool
    model: str | None
    language: str | None
    added_at: Timestamp
    problem: Problem | None = None
    lexicons: tuple[str, ...] | None = None
