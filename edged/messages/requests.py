"""Every request of the protocol. PROTOCOL.md documents each with an example that a test decodes."""

from typing import Annotated, Literal

from msgspec import Meta

from edged.media import AudioFormat, ImageFormat
from edged.messages import access, people, seeing, sessions, uploads, voice
from edged.messages.records import JobState, RecordingStatus, TensorFacts
from edged.messages.wire import (
    Count,
    Id,
    Language,
    Milliseconds,
    ModelId,
    Path,
    Priority,
    Request,
    Timestamp,
)

Limit = Annotated[int, Meta(ge=1, le=1000)]
KeepAlive = Annotated[int, Meta(ge=-1, le=2**53)]
"""Milliseconds a model stays in memory after its last use; 0: not at all; -1: for ever."""


class Hello(Request, frozen=True, tag="hello"):
    """Names the client; optional. The reply says who answers and what its limits are."""

    client: Annotated[str, Meta(min_length=1, max_length=100)]
    version: Annotated[str, Meta(max_length=100)] = ""


class Describe(Request, frozen=True, tag="describe"):
    """Asks what this daemon can do right now.

    model: also its graph's signature; it is loaded for that unless its signature is known already.
    """

    model: ModelId | None = None


class Health(Request, frozen=True, tag="health"):
    """Asks for the last stored findings; waits for no worker and keeps nothing awake."""


class Metrics(Request, frozen=True, tag="metrics"):
    """Asks for counters and gauges since the daemon's start."""


class Vad(Request, frozen=True, tag="vad"):
    """Voice activity of PCM parts.

    stream: a name that the client chooses; its state lives on between requests of this client.
        Without it the parts are one whole piece of audio.
    final: ends the stream and closes an open span.
    """

    audio: AudioFormat
    stream: Id | None = None
    final: bool = False
    model: ModelId | None = None
    keep_alive_ms: KeepAlive | None = None


class Transcribe(Request, frozen=True, tag="transcribe"):
    """Speech to text: a path, an upload, raw PCM parts (with `audio`), or a media file's bytes in parts.

    upload_id: of a file that `upload.close` ended; it is deleted when it was transcribed.
    keep_audio: whether the store keeps the audio; by default bytes are kept, files are not copied.
    fresh: transcribe again even if this content was transcribed the same way before.
    words: give word times.
    diarize: afterwards say who speaks, with `speakers` as their number where it is known; the
        segments are then sent again, with their speakers.
    lexicons: correct and count; None takes the configured ones.
    """

    path: Path | None = None
    upload_id: Id | None = None
    audio: AudioFormat | None = None
    name: Annotated[str, Meta(max_length=255)] | None = None
    model: ModelId | None = None
    language: Language | None = None
    words: bool = True
    diarize: bool = False
    speakers: sessions.SpeakerCount | None = None
    lexicons: sessions.Lexicons | None = None
    keep_audio: bool | None = None
    fresh: bool = False
    priority: Priority = "interactive"
    keep_alive_ms: KeepAlive | None = None


TopK = Annotated[int, Meta(ge=1, le=1000)]
Score = Annotated[float, Meta(ge=0.0, le=1.0)]


class Infer(Request, frozen=True, tag="infer"):
    """Runs a graph: named tensors in, named tensors out.

    Parts: the tensors' bytes one after the other, in the order of `tensors`; borders between parts
    carry no meaning (one part per tensor is the natural choice).

    real: give real numbers (float32) for quantized inputs, and get them for quantized outputs.
    outputs: only these; empty: all.
    """

    model: ModelId
    tensors: Annotated[tuple[TensorFacts, ...], Meta(max_length=64)] = ()
    real: bool = False
    outputs: Annotated[tuple[str, ...], Meta(max_length=64)] = ()
    priority: Priority = "interactive"
    keep_alive_ms: KeepAlive | None = None


class ImagesClassify(Request, frozen=True, tag="images.classify"):
    """What a picture shows: a path, raw pixels in parts (with `image`), or a picture file in parts."""

    path: Path | None = None
    image: ImageFormat | None = None
    model: ModelId | None = None
    top_k: TopK = 5
    min_score: Score = 0.0
    priority: Priority = "interactive"
    keep_alive_ms: KeepAlive | None = None


class ImagesDetect(Request, frozen=True, tag="images.detect"):
    """The things in a picture, with their boxes; the picture as for `images.classify`."""

    path: Path | None = None
    image: ImageFormat | None = None
    model: ModelId | None = None
    max_results: TopK = 100
    min_score: Score = 0.5
    priority: Priority = "interactive"
    keep_alive_ms: KeepAlive | None = None


class ImagesEmbed(Request, frozen=True, tag="images.embed"):
    """A picture as a vector; the picture as for `images.classify`.

    unit: scale it to length 1, so that a dot product is the cosine.
    """

    path: Path | None = None
    image: ImageFormat | None = None
    model: ModelId | None = None
    unit: bool = True
    priority: Priority = "interactive"
    keep_alive_ms: KeepAlive | None = None


class ImagesSegment(Request, frozen=True, tag="images.segment"):
    """The class of each pixel, or how much it belongs to the foreground; picture as above."""

    path: Path | None = None
    image: ImageFormat | None = None
    model: ModelId | None = None
    priority: Priority = "interactive"
    keep_alive_ms: KeepAlive | None = None


class AudioClassify(Request, frozen=True, tag="audio.classify"):
    """What is heard: a path, raw PCM parts (with `audio`), or the bytes of a media file in parts."""

    path: Path | None = None
    audio: AudioFormat | None = None
    model: ModelId | None = None
    top_k: TopK = 5
    min_score: Score = 0.0
    priority: Priority = "interactive"
    keep_alive_ms: KeepAlive | None = None


class TextClassify(Request, frozen=True, tag="text.classify"):
    """The labels of a text."""

    text: Annotated[str, Meta(min_length=1, max_length=100_000)]
    model: ModelId | None = None
    top_k: TopK = 5
    min_score: Score = 0.0
    priority: Priority = "interactive"
    keep_alive_ms: KeepAlive | None = None


class RecordingsList(Request, frozen=True, tag="recordings.list"):
    """Recordings, newest first. `before` is the `next` of the page before."""

    limit: Limit = 50
    before: Id | None = None
    status: RecordingStatus | None = None


class RecordingsGet(Request, frozen=True, tag="recordings.get"):
    """One recording."""

    recording_id: Id


class RecordingsAudio(Request, frozen=True, tag="recordings.audio"):
    """The audio, in parts; from the store, or from the unchanged original file.

    from_ms, to_ms: only this stretch. format: `original` as it came in, which cannot be cut unless
        it was recorded by us; the others are made anew.
    """

    recording_id: Id
    from_ms: Milliseconds | None = None
    to_ms: Milliseconds | None = None
    format: Literal["original", "wav", "opus", "flac"] = "original"


class RecordingsDelete(Request, frozen=True, tag="recordings.delete"):
    """Deletes a recording with its transcripts and kept audio; an original file stays."""

    recording_id: Id


class RecordingsReprocess(Request, frozen=True, tag="recordings.reprocess"):
    """Submits a job that transcribes a recording again; the new transcript replaces the old.

    diarize, speakers, lexicons: as for `transcribe`. One that came in chunks is a session's: for
    that there is `sessions.reprocess`.
    """

    recording_id: Id
    model: ModelId | None = None
    language: Language | None = None
    diarize: bool = False
    speakers: sessions.SpeakerCount | None = None
    lexicons: sessions.Lexicons | None = None


class TranscriptsSearch(Request, frozen=True, tag="transcripts.search"):
    """Full-text search, newest first. The query is plain words, never a query language.

    speaker: an id or label of a speaker, or the name of a person. since, until: of when it was said.
    """

    query: Annotated[str, Meta(min_length=1, max_length=1000)]
    limit: Limit = 20
    recording_id: Id | None = None
    session_id: Id | None = None
    group: Annotated[str, Meta(max_length=255)] | None = None
    speaker: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    language: Language | None = None
    emotion: Annotated[str, Meta(min_length=1, max_length=50)] | None = None


class SegmentsList(Request, frozen=True, tag="segments.list"):
    """Segments of a recording's current transcript, in order, after a sequence number."""

    recording_id: Id
    after_seq: Annotated[int, Meta(ge=-1, le=2**53)] = -1
    limit: Limit = 500


class JobsSubmit(Request, frozen=True, tag="jobs.submit"):
    """Queues a file for transcription; the same content with the same pipeline is one job.

    path, upload_id: one of them; an upload belongs to the job from then on.
    name: shown to the user. diarize, speakers, lexicons: as for `transcribe`.
    """

    path: Path | None = None
    upload_id: Id | None = None
    name: Annotated[str, Meta(max_length=255)] | None = None
    model: ModelId | None = None
    language: Language | None = None
    priority: Priority = "batch"
    keep_audio: bool = False
    diarize: bool = False
    speakers: sessions.SpeakerCount | None = None
    lexicons: sessions.Lexicons | None = None


class JobsGet(Request, frozen=True, tag="jobs.get"):
    """One job."""

    job_id: Id


class JobsList(Request, frozen=True, tag="jobs.list"):
    """Jobs, newest first, with counts by state."""

    state: JobState | None = None
    limit: Limit = 50


class JobsCancel(Request, frozen=True, tag="jobs.cancel"):
    """Cancels a queued or running job; what is committed stays."""

    job_id: Id


class JobsRetry(Request, frozen=True, tag="jobs.retry"):
    """Queues a failed or cancelled job again, with its attempts counted anew."""

    job_id: Id


class JobsPurge(Request, frozen=True, tag="jobs.purge"):
    """Removes ended jobs from the list; recordings stay."""

    older_than_ms: Milliseconds = 0


class ModelsList(Request, frozen=True, tag="models.list"):
    """Every manifest, and whether it can run here."""

    task: Annotated[str, Meta(max_length=50)] | None = None


class ModelsShow(Request, frozen=True, tag="models.show"):
    """One manifest in full."""

    model: ModelId


class ModelsPs(Request, frozen=True, tag="models.ps"):
    """Models in memory."""


class ModelsLoad(Request, frozen=True, tag="models.load"):
    """Loads a model now; also ends a quarantine."""

    model: ModelId
    keep_alive_ms: KeepAlive | None = None


class ModelsUnload(Request, frozen=True, tag="models.unload"):
    """Ends a model's worker after its running call."""

    model: ModelId


class ModelsPin(Request, frozen=True, tag="models.pin"):
    """Keeps a model in memory, now and after every start; or, with `pinned` false, no longer."""

    model: ModelId
    pinned: bool = True


class ModelsFile(Request, frozen=True, tag="models.file"):
    """A verified file of a model, in parts; `offset` continues an earlier download."""

    model: ModelId
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    offset: Count = 0


class ModelsBench(Request, frozen=True, tag="models.bench"):
    """Measures a model on this machine: every device that works, several thread counts."""

    model: ModelId
    seconds: Annotated[float, Meta(gt=0.0, le=60.0)] = 1.0


class WatchAdd(Request, frozen=True, tag="watch.add"):
    """Watches a folder: new audio and video files become jobs."""

    path: Path
    recursive: bool = True
    model: ModelId | None = None
    language: Language | None = None
    lexicons: sessions.Lexicons | None = None


class WatchRemove(Request, frozen=True, tag="watch.remove"):
    """Stops watching a folder; jobs and recordings stay."""

    path: Path


class WatchList(Request, frozen=True, tag="watch.list"):
    """Watched folders."""


class Subscribe(Request, frozen=True, tag="subscribe"):
    """Events as a stream of replies until cancelled.

    events: names or prefixes ending in `.`; empty means all.
    after_event_seq: first the stored events after that number, then the live ones.
    """

    events: tuple[Annotated[str, Meta(max_length=64)], ...] = ()
    after_event_seq: Count | None = None


class Cancel(Request, frozen=True, tag="cancel"):
    """Cancels one of this client's own running requests."""

    request_id: Id


class Backup(Request, frozen=True, tag="store.backup"):
    """Writes a consistent, encrypted copy of the store while the daemon works on."""

    path: Path


class RotateKey(Request, frozen=True, tag="store.rotate_key"):
    """Pauses writing, encrypts the store with a new key, resumes."""


class Shutdown(Request, frozen=True, tag="shutdown"):
    """Stops the daemon in order; running jobs resume at the next start."""


AnyRequest = (
    Hello
    | Describe
    | Health
    | Metrics
    | Vad
    | Transcribe
    | Infer
    | ImagesClassify
    | ImagesDetect
    | ImagesEmbed
    | ImagesSegment
    | AudioClassify
    | TextClassify
    | RecordingsList
    | RecordingsGet
    | RecordingsAudio
    | RecordingsDelete
    | RecordingsReprocess
    | TranscriptsSearch
    | SegmentsList
    | JobsSubmit
    | JobsGet
    | JobsList
    | JobsCancel
    | JobsRetry
    | JobsPurge
    | ModelsList
    | ModelsShow
    | ModelsPs
    | ModelsLoad
    | ModelsUnload
    | ModelsPin
    | ModelsFile
    | ModelsBench
    | WatchAdd
    | WatchRemove
    | WatchList
    | Subscribe
    | Cancel
    | Backup
    | RotateKey
    | Shutdown
    | sessions.DevicesList
    | sessions.SessionsStart
    | sessions.SessionsAppend
    | sessions.SessionsPause
    | sessions.SessionsResume
    | sessions.SessionsStop
    | sessions.SessionsGet
    | sessions.SessionsList
    | sessions.SessionsLedger
    | sessions.SessionsDelete
    | sessions.SessionsExport
    | sessions.SessionsReprocess
    | sessions.SessionsRetry
    | sessions.StreamOpen
    | sessions.StreamAudio
    | sessions.StreamClose
    | people.SpeakersList
    | people.SpeakersClaim
    | people.SpeakersUnclaim
    | people.SpeakersRename
    | people.SpeakersSplit
    | people.SpeakersMerge
    | people.SpeakersUndo
    | people.SpeakersSample
    | people.SpeakersMatches
    | people.PeopleList
    | people.PeopleAdd
    | people.PeopleRename
    | people.PeopleForget
    | people.PeopleEnroll
    | people.Stats
    | people.StatsWrapped
    | people.LexiconList
    | people.LexiconShow
    | people.LexiconApply
    | voice.Align
    | voice.Separate
    | voice.EmotionSpeech
    | voice.Speak
    | voice.Keywords
    | voice.AudioTag
    | voice.Denoise
    | voice.LanguageIdentify
    | seeing.See
    | seeing.StreamFrame
    | seeing.SessionsFrame
    | seeing.FramesList
    | seeing.FramesExport
    | seeing.FramesSearch
    | seeing.FramesImage
    | seeing.TracksDerive
    | access.Pair
    | access.ClientsSelf
    | access.ClientsList
    | access.ClientsShow
    | access.ClientsApprove
    | access.ClientsDeny
    | access.ClientsRevoke
    | access.ClientsForget
    | access.ClientsAdd
    | access.ClientsAudit
    | uploads.UploadOpen
    | uploads.UploadPart
    | uploads.UploadClose
    | uploads.UploadDrop
)
