"""The things that replies and events carry: recordings, segments, jobs, models."""

from typing import Literal

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
    """

    seq: Count
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    confidence: Fraction
    words: tuple[Word, ...] = ()


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
    """One found segment; `snippet` marks the match with [ and ]."""

    recording_id: Id
    seq: Count
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    snippet: str
    name: str = ""


class Span(Record, frozen=True):
    """A stretch of speech, in milliseconds from the stream's start."""

    start_ms: Milliseconds
    end_ms: Milliseconds


class ModelSummary(Record, frozen=True):
    """One manifest and whether it can run here.

    problem: why it cannot (a missing engine, a missing file), with the fix.
    quality: the stated figure with its source, as the manifest gives it.
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


class LoadedModel(Record, frozen=True):
    """One model in memory.

    pss_bytes: proportional set size of its worker process, shared when the worker hosts several.
    expires_in_ms: None when it is kept for ever.
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


class WatchedFolder(Record, frozen=True):
    """A folder whose new files become jobs."""

    path: str
    recursive: bool
    model: str | None
    language: str | None
    added_at: Timestamp
    problem: Problem | None = None
