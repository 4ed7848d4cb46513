"""Devices, sessions with their ledger, and live streams; records, requests and replies."""

from typing import Annotated, Literal

from msgspec import Meta

from edged.media import AudioFormat
from edged.messages.records import Problem
from edged.messages.seeing import (
    Complexity,
    DerivedKind,
    FrameCounts,
    Look,
    SightGap,
    SightState,
    TargetFps,
)
from edged.messages.wire import (
    Count,
    Fraction,
    Id,
    Language,
    Milliseconds,
    ModelId,
    Record,
    Reply,
    Request,
    Timestamp,
)

DeviceType = Literal["microphone", "loopback", "camera", "screen"]
Permission = Literal["granted", "denied", "unknown"]
SourceKind = Literal["microphone", "loopback", "client", "camera", "screen", "video", "frames"]
SEEING: tuple[SourceKind, ...] = ("camera", "screen", "video", "frames")
"""Sources of pictures; the others are heard."""
SessionStatus = Literal[
    "recording", "paused", "processing", "ready_for_claiming", "completed", "failed"
]
Codec = Literal["opus", "flac", "aac"]
Coverage = Literal["captured", "silence", "gap"]
ExportFormat = Literal["srt", "vtt", "textgrid", "rttm", "json", "markdown"]

Name = Annotated[str, Meta(max_length=255)]
Lexicons = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...], Meta(max_length=32)
]
"""Names of lexicons that are active: `singlish`; `-singlish.vulgar` leaves one category out."""
SpeakerCount = Annotated[int, Meta(ge=1, le=300)]
Page = Annotated[int, Meta(ge=1, le=1000)]


class Device(Record, frozen=True):
    """Something that can be listened to or looked at.

    id: stays the same when it is plugged in again, as far as the system names it stably.
    sample_rate: Hz, its own; channels: as many as it gives; 0 for what is seen.
    formats: of a camera: `640x480 30 fps mjpeg`; of a screen: its size and place, `1280x720 at 0,0`.
    in_use: another program, or a session of ours, reads it now; None when nobody can tell.
    permission, reason: whether it may be opened, and why not.
    """

    id: str
    name: str
    device_type: DeviceType
    is_default: bool
    sample_rate: Count
    channels: Count
    in_use: bool | None = None
    permission: Permission = "unknown"
    reason: str = ""
    formats: tuple[str, ...] = ()


class DevicesList(Request, frozen=True, tag="devices.list"):
    """What can be listened to and looked at now; looked up anew, without touching open streams."""

    device_type: DeviceType | None = None


class Devices(Reply, frozen=True, tag="devices"):
    """Devices, and what keeps others from being seen (no PortAudio, no sound server)."""

    devices: tuple[Device, ...]
    problems: tuple[Problem, ...] = ()


class SourceWish(Record, frozen=True, forbid_unknown_fields=True):
    """One source of a session.

    device: a name or id from `devices.list`; None: the default one. A camera may also be the
        absolute path of a named pipe that gives YUV4MPEG2, and a video is the path of its file.
    width, height: of a camera's frames, the nearest that it has; None: about 640 x 480.
    region: of a screen: left, top, width and height in pixels; window: its title, where the system tells.
    deny: of a screen: parts of titles of windows whose pixels are never looked at, beside the configured ones.
    motion: leave out frames in which nothing moved.
    """

    kind: SourceKind = "microphone"
    device: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    width: Annotated[int, Meta(ge=16, le=16_384)] | None = None
    height: Annotated[int, Meta(ge=16, le=16_384)] | None = None
    region: tuple[int, int, int, int] | None = None
    window: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    deny: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...], Meta(max_length=64)
    ] = ()
    motion: bool = False


class SourceState(Record, frozen=True):
    """One source of a session, with the recording that it fills.

    lost: it gives nothing at present; why, as a ledger's reason.
    """

    kind: SourceKind | Literal["file"]
    recording_id: Id
    device: str = ""
    lost: str = ""


class Session(Record, frozen=True):
    """One intake: what is recorded now, was recorded, or a file that came in.

    group, started_by: sessions that belong together; the client's name.
    stage, progress: of the work after the end; empty and 0 before it.
    duration_ms: on the session's clock, gaps included.
    paused_reason: `asked`, `disk_full`; empty when it is not paused.
    backlog_ms, eta_ms: captured and not yet recognised; when it will be, None when nobody knows.
    audio_kept: whether the audio stays after the work is done.
    job_id: of the work after the end. sights: its sources of pictures.
    """

    id: Id
    status: SessionStatus
    started_at: Timestamp
    name: str = ""
    group: str = ""
    started_by: str = ""
    stage: str = ""
    progress: Fraction = 0.0
    duration_ms: Milliseconds = 0
    ended_at: Timestamp | None = None
    error: Problem | None = None
    paused_reason: str = ""
    sources: tuple[SourceState, ...] = ()
    backlog_ms: Milliseconds = 0
    eta_ms: Milliseconds | None = None
    audio_kept: bool = True
    lexicons: tuple[str, ...] = ()
    speaker_count: Count = 0
    unclaimed: Count = 0
    skipped: tuple[Problem, ...] = ()
    job_id: Id | None = None
    sights: tuple[SightState, ...] = ()


class LedgerEntry(Record, frozen=True):
    """One stretch of a recording's time: heard, silent, or missing and why.

    reason: of a gap: opening (before the device gave its first sound), paused, device_lost, overrun,
        suspended, clock_jump, disk_full, killed, not_uploaded, bad_chunk, stopped_late.
    """

    recording_id: Id
    start_ms: Milliseconds
    end_ms: Milliseconds
    state: Coverage
    reason: str = ""


class SessionsStart(Request, frozen=True, tag="sessions.start"):
    """Begins to record, from devices or from a client that sends chunks or frames.

    sources: at most 4, all on one clock; `client` sources are filled by `sessions.append`, `frames`
        by `sessions.frame`. None: the default microphone; when something is to be seen, the default
        camera alone, or screen, which are also added where none is named. A video is watched alone.
    codec, sample_rate, channels: of the kept audio; models hear 16 kHz mono.
    keep_audio: after the work is done; until then it is always kept.
    live: recognise while recording. diarize: tell speakers apart afterwards; speakers: how many.
    lexicons: None takes the configured ones.
    retention_ms: delete the session so long after its end; None: the configured time.
    chunk_ms: length of a client's chunks, for the ledger of missing ones.
    pose, face, hands: keep their landmarks; objects: what is in the frames; screen: of screens, key
        frames when the picture changes (and nothing else, where there are other sources of pictures).
        target_fps and what follows it are for all of them; see `Look`.
    derived: experimental; `gestures` tells `gesture.changed` while it records; `blinks` takes a model
        that sees shut eyes, where face is the only kind.
    """

    sources: Annotated[tuple[SourceWish, ...], Meta(min_length=1, max_length=4)] | None = None
    name: Name = ""
    group: Name = ""
    codec: Codec = "opus"
    sample_rate: Annotated[int, Meta(ge=8_000, le=48_000)] = 16_000
    channels: Annotated[int, Meta(ge=1, le=2)] = 1
    keep_audio: bool = True
    live: bool = True
    model: ModelId | None = None
    language: Language | None = None
    lexicons: Lexicons | None = None
    diarize: bool = True
    speakers: SpeakerCount | None = None
    retention_ms: Count | None = None
    chunk_ms: Annotated[int, Meta(ge=100, le=600_000)] = 30_000
    pose: bool = False
    face: bool = False
    hands: bool = False
    objects: bool = False
    screen: bool = False
    target_fps: TargetFps = 15.0
    min_detection_confidence: Fraction = 0.5
    min_tracking_confidence: Fraction = 0.5
    complexity: Complexity = "full"
    derived: tuple[DerivedKind, ...] = ()

    @property
    def sees(self) -> bool:
        """Whether anything is to be seen."""
        return self.pose or self.face or self.hands or self.objects or self.screen

    @property
    def wished(self) -> tuple[SourceWish, ...]:
        """The sources, with the default ones where they are left out."""
        if self.sources is None and not self.sees:
            return (SourceWish(),)
        named = self.sources or ()
        added: list[SourceWish] = []
        people = self.pose or self.face or self.hands or self.objects
        if self.screen and not any(one.kind == "screen" for one in named):
            added.append(SourceWish(kind="screen"))
        if people and not any(one.kind in SEEING for one in named):
            added.append(SourceWish(kind="camera"))
        return (*named, *added)

    @property
    def heard(self) -> tuple[SourceWish, ...]:
        """The sources of sound."""
        return tuple(one for one in self.wished if one.kind not in SEEING)

    @property
    def seen(self) -> tuple[SourceWish, ...]:
        """The sources of pictures."""
        return tuple(one for one in self.wished if one.kind in SEEING)


class SessionsAppend(Request, frozen=True, tag="sessions.append"):
    """One chunk of a client's own recording, in parts: raw PCM (with `audio`) or a whole media file.

    chunk_number: from 0, in any order; the same number with the same bytes again changes nothing.
    source: which of the session's client sources, from 0.
    """

    session_id: Id
    chunk_number: Annotated[int, Meta(ge=0, le=10_000_000)]
    audio: AudioFormat | None = None
    source: Annotated[int, Meta(ge=0, le=3)] = 0


class Appended(Reply, frozen=True, tag="appended"):
    """The chunk is committed. existing: it was already there. missing: lower numbers not yet here."""

    session_id: Id
    chunk_number: Count
    duration_ms: Milliseconds
    existing: bool = False
    missing: tuple[Count, ...] = ()


class SessionsPause(Request, frozen=True, tag="sessions.pause"):
    """Stops capturing until resumed; from the reply on, no audio reaches the disk and nobody looks."""

    session_id: Id


class SessionsResume(Request, frozen=True, tag="sessions.resume"):
    """Goes on after a pause."""

    session_id: Id


class SessionsStop(Request, frozen=True, tag="sessions.stop"):
    """Ends the recording; the work after the end begins. chunks: how many a client has sent in all."""

    session_id: Id
    chunks: Count | None = None


class SessionsGet(Request, frozen=True, tag="sessions.get"):
    """One session."""

    session_id: Id


class SessionsList(Request, frozen=True, tag="sessions.list"):
    """Sessions, newest first. since, until: of their start. before: the `next` of the page before."""

    status: SessionStatus | None = None
    group: Name | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    limit: Page = 50
    before: Id | None = None


class SessionsLedger(Request, frozen=True, tag="sessions.ledger"):
    """What of a session's time was captured, silent or missing."""

    session_id: Id


class SessionsDelete(Request, frozen=True, tag="sessions.delete"):
    """Deletes a session with recordings, transcripts, speakers and counts; running work is cancelled."""

    session_id: Id


class SessionsExport(Request, frozen=True, tag="sessions.export"):
    """The transcript of a session as a file's bytes."""

    session_id: Id
    format: ExportFormat


class SessionsReprocess(Request, frozen=True, tag="sessions.reprocess"):
    """Does the work after the end again, with other models, lexicons or a number of speakers.

    What people said about speakers is lost with the speakers; the fields as in `sessions.start`.
    """

    session_id: Id
    model: ModelId | None = None
    language: Language | None = None
    lexicons: Lexicons | None = None
    diarize: bool = True
    speakers: SpeakerCount | None = None


class SessionsRetry(Request, frozen=True, tag="sessions.retry"):
    """Goes on with a failed session's work at the stage where it failed."""

    session_id: Id


class OneSession(Reply, frozen=True, tag="session"):
    """One session."""

    session: Session


class Sessions(Reply, frozen=True, tag="sessions"):
    """A page of sessions; `next` continues it."""

    sessions: tuple[Session, ...]
    next: Id | None = None


class Ledger(Reply, frozen=True, tag="ledger"):
    """The entries of every recording of a session, in order of time, without holes.

    sights: the gaps of its sources of pictures.
    """

    session_id: Id
    entries: tuple[LedgerEntry, ...]
    sights: tuple[SightGap, ...] = ()


class Exported(Reply, frozen=True, tag="exported"):
    """A session's transcript, as binary frames of UTF-8 text."""

    session_id: Id
    format: ExportFormat
    media_type: str
    size_bytes: Count


class StreamOpen(Request, frozen=True, tag="stream.open"):
    """Live captions or sights, as a stream of replies until `stream.close`, `cancel` or the client's end.

    kind: `audio`: what this client sends by `stream.audio`; `session`: a running session;
        `frames`: what it sends by `stream.frame`; `camera`, `screen`: a device of this machine,
        looked at and not kept.
    stream: a name that the client chooses. store: keep the segments (kind `audio`), to be searched.
    name: of the recording that they are kept in, shown to the user; empty: the stream's.
    look: what is wanted of frames. source: of a camera or screen. fps: so many frames a second at most.
    """

    stream: Id
    kind: Literal["audio", "session", "frames", "camera", "screen"] = "audio"
    session_id: Id | None = None
    audio: AudioFormat | None = None
    model: ModelId | None = None
    language: Language | None = None
    lexicons: Lexicons | None = None
    words: bool = True
    store: bool = True
    name: Name = ""
    look: Look | None = None
    source: SourceWish | None = None
    fps: TargetFps | None = None


class StreamAudio(Request, frozen=True, tag="stream.audio"):
    """PCM for an open stream, in parts; answered when it is taken, not when it is recognised."""

    stream: Id


class StreamClose(Request, frozen=True, tag="stream.close"):
    """Ends a stream after what is still to be recognised; its `stream.open` then ends too."""

    stream: Id


class StreamOpened(Reply, frozen=True, tag="stream_opened"):
    """The stream stands. recording_id: where its segments are kept; None when they are not."""

    stream: Id
    model: str
    recording_id: Id | None = None
    streaming: bool = False


class StreamTaken(Reply, frozen=True, tag="stream_taken"):
    """The audio is taken. backlog_ms: taken and not yet recognised; slow down when it grows."""

    stream: Id
    position_ms: Milliseconds
    backlog_ms: Milliseconds


class PartialText(Reply, frozen=True, tag="partial"):
    """What is heard so far of an utterance that goes on; the next one, or a segment, replaces it."""

    text: str
    start_ms: Milliseconds
    end_ms: Milliseconds


class StreamClosed(Reply, frozen=True, tag="stream_closed"):
    """The end of a stream. frames: of one that was looked at."""

    stream: Id
    audio_ms: Milliseconds
    segment_count: Count
    recording_id: Id | None = None
    frames: FrameCounts | None = None
