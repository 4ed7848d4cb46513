// Made by packaging/make_extension_tables.py from the daemon's own tables: do not edit.

export type AuditAct =
  | "approved"
  | "asked"
  | "captured"
  | "deleted"
  | "denied"
  | "expired"
  | "forgotten"
  | "refused"
  | "revoked";

export type ClaimType =
  | "guest"
  | "self"
  | "user";

export type ClientKind =
  | "browser"
  | "key"
  | "local";

export type ClientStatus =
  | "approved"
  | "denied"
  | "expired"
  | "forgotten"
  | "pending"
  | "revoked";

export type Codec =
  | "aac"
  | "flac"
  | "opus";

export type Complexity =
  | "full"
  | "heavy"
  | "lite";

export type Coverage =
  | "captured"
  | "gap"
  | "silence";

export type DerivedKind =
  | "activity"
  | "blinks"
  | "gestures"
  | "posture";

export type DeviceType =
  | "camera"
  | "loopback"
  | "microphone"
  | "screen";

export type Effect =
  | "blur"
  | "cutout"
  | "mask"
  | "replace";

export type ExportFormat =
  | "json"
  | "markdown"
  | "rttm"
  | "srt"
  | "textgrid"
  | "vtt";

export type HealthStatus =
  | "degraded"
  | "failing"
  | "ok";

export type JobState =
  | "cancelled"
  | "done"
  | "failed"
  | "queued"
  | "running";

export type LandmarkKind =
  | "face"
  | "hands"
  | "pose";

export type LanguageSource =
  | "asked"
  | "assumed"
  | "detected";

export type ModelState =
  | "busy"
  | "loading"
  | "quarantined"
  | "ready"
  | "unloaded";

export type Permission =
  | "denied"
  | "granted"
  | "unknown";

export type PixelFormat =
  | "bgr"
  | "bgra"
  | "grey"
  | "rgb"
  | "rgba";

export type PointsAs =
  | "parts"
  | "values";

export type Priority =
  | "batch"
  | "interactive"
  | "session";

export type RecordingStatus =
  | "completed"
  | "failed"
  | "processing";

export type SampleFormat =
  | "f32le"
  | "s16le";

export type Scope =
  | "capture.camera"
  | "capture.microphone"
  | "capture.screen"
  | "language"
  | "models.manage"
  | "models.read"
  | "results.delete"
  | "results.read"
  | "results.read:all"
  | "speech"
  | "vision";

export type SessionStatus =
  | "completed"
  | "failed"
  | "paused"
  | "processing"
  | "ready_for_claiming"
  | "recording";

export type SourceKind =
  | "camera"
  | "client"
  | "frames"
  | "loopback"
  | "microphone"
  | "screen"
  | "video";

export type TensorType =
  | "bool"
  | "float16"
  | "float32"
  | "float64"
  | "int16"
  | "int32"
  | "int64"
  | "int8"
  | "string"
  | "uint16"
  | "uint32"
  | "uint64"
  | "uint8";

export type TrackKind =
  | "face"
  | "hands"
  | "objects"
  | "pose"
  | "screen";

export type Trust =
  | "first_use"
  | "held"
  | "recorded"
  | "stated";

export type VisionTask =
  | "classify"
  | "detect"
  | "embed"
  | "face"
  | "face_mesh"
  | "hands"
  | "holistic"
  | "iris"
  | "pose"
  | "segment";

/** Names the client; optional. The reply says who answers and what its limits are. */
export interface Hello {
  type: "hello";
  client: string;
  version?: string;
}

/**
 * Asks what this daemon can do right now.
 *
 * model: also its graph's signature; it is loaded for that unless its signature is known already.
 */
export interface Describe {
  type: "describe";
  model?: string | null;
}

/** Asks for the last stored findings; waits for no worker and keeps nothing awake. */
export interface Health {
  type: "health";
}

/** Asks for counters and gauges since the daemon's start. */
export interface Metrics {
  type: "metrics";
}

/**
 * Voice activity of PCM parts.
 *
 * stream: a name that the client chooses; its state lives on between requests of this client.
 *     Without it the parts are one whole piece of audio.
 * final: ends the stream and closes an open span.
 */
export interface Vad {
  type: "vad";
  audio: AudioFormat;
  stream?: string | null;
  final?: boolean;
  model?: string | null;
  keep_alive_ms?: number | null;
}

/**
 * How PCM bytes are to be read.
 *
 * sample_rate: Hz, 1 to 768,000 (the decoder refuses below 1,000 Hz with `bad_media`).
 * channels: interleaved, 1 to 64.
 * sample_format: little-endian signed 16 bit, or 32-bit float in [-1, 1].
 */
export interface AudioFormat {
  sample_rate: number;
  channels?: number;
  sample_format?: SampleFormat;
}

/**
 * Speech to text: a path, an upload, raw PCM parts (with `audio`), or a media file's bytes in parts.
 *
 * upload_id: of a file that `upload.close` ended; it is deleted when it was transcribed.
 * keep_audio: whether the store keeps the audio; by default bytes are kept, files are not copied.
 * fresh: transcribe again even if this content was transcribed the same way before.
 * words: give word times.
 * diarize: afterwards say who speaks, with `speakers` as their number where it is known; the
 *     segments are then sent again, with their speakers.
 * lexicons: correct and count; None takes the configured ones.
 */
export interface Transcribe {
  type: "transcribe";
  path?: string | null;
  upload_id?: string | null;
  audio?: AudioFormat | null;
  name?: string | null;
  model?: string | null;
  language?: string | null;
  words?: boolean;
  diarize?: boolean;
  speakers?: number | null;
  lexicons?: readonly string[] | null;
  keep_audio?: boolean | null;
  fresh?: boolean;
  priority?: Priority;
  keep_alive_ms?: number | null;
}

/**
 * Runs a graph: named tensors in, named tensors out.
 *
 * Parts: the tensors' bytes one after the other, in the order of `tensors`; borders between parts
 * carry no meaning (one part per tensor is the natural choice).
 *
 * real: give real numbers (float32) for quantized inputs, and get them for quantized outputs.
 * outputs: only these; empty: all.
 */
export interface Infer {
  type: "infer";
  model: string;
  tensors?: readonly TensorFacts[];
  real?: boolean;
  outputs?: readonly string[];
  priority?: Priority;
  keep_alive_ms?: number | null;
}

/** How one tensor's bytes are to be read: row-major, little-endian. */
export interface TensorFacts {
  name: string;
  dtype: TensorType;
  shape: readonly number[];
}

/** What a picture shows: a path, raw pixels in parts (with `image`), or a picture file in parts. */
export interface ImagesClassify {
  type: "images.classify";
  path?: string | null;
  image?: ImageFormat | null;
  model?: string | null;
  top_k?: number;
  min_score?: number;
  priority?: Priority;
  keep_alive_ms?: number | null;
}

/**
 * How raw pixel bytes are to be read: 8 bit a channel, rows from the top.
 *
 * width, height: pixels, 1 to 16,384.
 * pixel_format: order of the channels; alpha is straight, and what lies behind it is white.
 * stride: bytes from the start of a row to that of the next; 0: there are no gaps. The last row
 *     may end where its pixels do.
 */
export interface ImageFormat {
  width: number;
  height: number;
  pixel_format?: PixelFormat;
  stride?: number;
}

/** The things in a picture, with their boxes; the picture as for `images.classify`. */
export interface ImagesDetect {
  type: "images.detect";
  path?: string | null;
  image?: ImageFormat | null;
  model?: string | null;
  max_results?: number;
  min_score?: number;
  priority?: Priority;
  keep_alive_ms?: number | null;
}

/**
 * A picture as a vector; the picture as for `images.classify`.
 *
 * unit: scale it to length 1, so that a dot product is the cosine.
 */
export interface ImagesEmbed {
  type: "images.embed";
  path?: string | null;
  image?: ImageFormat | null;
  model?: string | null;
  unit?: boolean;
  priority?: Priority;
  keep_alive_ms?: number | null;
}

/** The class of each pixel, or how much it belongs to the foreground; picture as above. */
export interface ImagesSegment {
  type: "images.segment";
  path?: string | null;
  image?: ImageFormat | null;
  model?: string | null;
  priority?: Priority;
  keep_alive_ms?: number | null;
}

/** What is heard: a path, raw PCM parts (with `audio`), or the bytes of a media file in parts. */
export interface AudioClassify {
  type: "audio.classify";
  path?: string | null;
  audio?: AudioFormat | null;
  model?: string | null;
  top_k?: number;
  min_score?: number;
  priority?: Priority;
  keep_alive_ms?: number | null;
}

/** The labels of a text. */
export interface TextClassify {
  type: "text.classify";
  text: string;
  model?: string | null;
  top_k?: number;
  min_score?: number;
  priority?: Priority;
  keep_alive_ms?: number | null;
}

/** Recordings, newest first. `before` is the `next` of the page before. */
export interface RecordingsList {
  type: "recordings.list";
  limit?: number;
  before?: string | null;
  status?: RecordingStatus | null;
}

/** One recording. */
export interface RecordingsGet {
  type: "recordings.get";
  recording_id: string;
}

/**
 * The audio, in parts; from the store, or from the unchanged original file.
 *
 * from_ms, to_ms: only this stretch. format: `original` as it came in, which cannot be cut unless
 *     it was recorded by us; the others are made anew.
 */
export interface RecordingsAudio {
  type: "recordings.audio";
  recording_id: string;
  from_ms?: number | null;
  to_ms?: number | null;
  format?: "flac" | "opus" | "original" | "wav";
}

/** Deletes a recording with its transcripts and kept audio; an original file stays. */
export interface RecordingsDelete {
  type: "recordings.delete";
  recording_id: string;
}

/**
 * Submits a job that transcribes a recording again; the new transcript replaces the old.
 *
 * diarize, speakers, lexicons: as for `transcribe`. One that came in chunks is a session's: for
 * that there is `sessions.reprocess`.
 */
export interface RecordingsReprocess {
  type: "recordings.reprocess";
  recording_id: string;
  model?: string | null;
  language?: string | null;
  diarize?: boolean;
  speakers?: number | null;
  lexicons?: readonly string[] | null;
}

/**
 * Full-text search, newest first. The query is plain words, never a query language.
 *
 * speaker: an id or label of a speaker, or the name of a person. since, until: of when it was said.
 */
export interface TranscriptsSearch {
  type: "transcripts.search";
  query: string;
  limit?: number;
  recording_id?: string | null;
  session_id?: string | null;
  group?: string | null;
  speaker?: string | null;
  since?: string | null;
  until?: string | null;
  language?: string | null;
  emotion?: string | null;
}

/** Segments of a recording's current transcript, in order, after a sequence number. */
export interface SegmentsList {
  type: "segments.list";
  recording_id: string;
  after_seq?: number;
  limit?: number;
}

/**
 * Queues a file for transcription; the same content with the same pipeline is one job.
 *
 * path, upload_id: one of them; an upload belongs to the job from then on.
 * name: shown to the user. diarize, speakers, lexicons: as for `transcribe`.
 */
export interface JobsSubmit {
  type: "jobs.submit";
  path?: string | null;
  upload_id?: string | null;
  name?: string | null;
  model?: string | null;
  language?: string | null;
  priority?: Priority;
  keep_audio?: boolean;
  diarize?: boolean;
  speakers?: number | null;
  lexicons?: readonly string[] | null;
}

/** One job. */
export interface JobsGet {
  type: "jobs.get";
  job_id: string;
}

/** Jobs, newest first, with counts by state. */
export interface JobsList {
  type: "jobs.list";
  state?: JobState | null;
  limit?: number;
}

/** Cancels a queued or running job; what is committed stays. */
export interface JobsCancel {
  type: "jobs.cancel";
  job_id: string;
}

/** Queues a failed or cancelled job again, with its attempts counted anew. */
export interface JobsRetry {
  type: "jobs.retry";
  job_id: string;
}

/** Removes ended jobs from the list; recordings stay. */
export interface JobsPurge {
  type: "jobs.purge";
  older_than_ms?: number;
}

/** Every manifest, and whether it can run here. */
export interface ModelsList {
  type: "models.list";
  task?: string | null;
}

/** One manifest in full. */
export interface ModelsShow {
  type: "models.show";
  model: string;
}

/** Models in memory. */
export interface ModelsPs {
  type: "models.ps";
}

/** Loads a model now; also ends a quarantine. */
export interface ModelsLoad {
  type: "models.load";
  model: string;
  keep_alive_ms?: number | null;
}

/** Ends a model's worker after its running call. */
export interface ModelsUnload {
  type: "models.unload";
  model: string;
}

/** Keeps a model in memory, now and after every start; or, with `pinned` false, no longer. */
export interface ModelsPin {
  type: "models.pin";
  model: string;
  pinned?: boolean;
}

/** A verified file of a model, in parts; `offset` continues an earlier download. */
export interface ModelsFile {
  type: "models.file";
  model: string;
  name: string;
  offset?: number;
}

/** Measures a model on this machine: every device that works, several thread counts. */
export interface ModelsBench {
  type: "models.bench";
  model: string;
  seconds?: number;
}

/** Watches a folder: new audio and video files become jobs. */
export interface WatchAdd {
  type: "watch.add";
  path: string;
  recursive?: boolean;
  model?: string | null;
  language?: string | null;
  lexicons?: readonly string[] | null;
}

/** Stops watching a folder; jobs and recordings stay. */
export interface WatchRemove {
  type: "watch.remove";
  path: string;
}

/** Watched folders. */
export interface WatchList {
  type: "watch.list";
}

/**
 * Events as a stream of replies until cancelled.
 *
 * events: names or prefixes ending in `.`; empty means all.
 * after_event_seq: first the stored events after that number, then the live ones.
 */
export interface Subscribe {
  type: "subscribe";
  events?: readonly string[];
  after_event_seq?: number | null;
}

/** Cancels one of this client's own running requests. */
export interface Cancel {
  type: "cancel";
  request_id: string;
}

/** Writes a consistent, encrypted copy of the store while the daemon works on. */
export interface Backup {
  type: "store.backup";
  path: string;
}

/** Pauses writing, encrypts the store with a new key, resumes. */
export interface RotateKey {
  type: "store.rotate_key";
}

/** Stops the daemon in order; running jobs resume at the next start. */
export interface Shutdown {
  type: "shutdown";
}

/** What can be listened to and looked at now; looked up anew, without touching open streams. */
export interface DevicesList {
  type: "devices.list";
  device_type?: DeviceType | null;
}

/**
 * Begins to record, from devices or from a client that sends chunks or frames.
 *
 * sources: at most 4, all on one clock; `client` sources are filled by `sessions.append`, `frames`
 *     by `sessions.frame`. None: the default microphone; when something is to be seen, the default
 *     camera alone, or screen, which are also added where none is named. A video is watched alone.
 * codec, sample_rate, channels: of the kept audio; models hear 16 kHz mono.
 * keep_audio: after the work is done; until then it is always kept.
 * live: recognise while recording. diarize: tell speakers apart afterwards; speakers: how many.
 * lexicons: None takes the configured ones.
 * retention_ms: delete the session so long after its end; None: the configured time.
 * chunk_ms: length of a client's chunks, for the ledger of missing ones.
 * pose, face, hands: keep their landmarks; objects: what is in the frames; screen: of screens, key
 *     frames when the picture changes (and nothing else, where there are other sources of pictures).
 *     target_fps and what follows it are for all of them; see `Look`.
 * derived: experimental; `gestures` tells `gesture.changed` while it records; `blinks` takes a model
 *     that sees shut eyes, where face is the only kind.
 */
export interface SessionsStart {
  type: "sessions.start";
  sources?: readonly SourceWish[] | null;
  name?: string;
  group?: string;
  codec?: Codec;
  sample_rate?: number;
  channels?: number;
  keep_audio?: boolean;
  live?: boolean;
  model?: string | null;
  language?: string | null;
  lexicons?: readonly string[] | null;
  diarize?: boolean;
  speakers?: number | null;
  retention_ms?: number | null;
  chunk_ms?: number;
  pose?: boolean;
  face?: boolean;
  hands?: boolean;
  objects?: boolean;
  screen?: boolean;
  target_fps?: number;
  min_detection_confidence?: number;
  min_tracking_confidence?: number;
  complexity?: Complexity;
  derived?: readonly DerivedKind[];
}

/**
 * One source of a session.
 *
 * device: a name or id from `devices.list`; None: the default one. A camera may also be the
 *     absolute path of a named pipe that gives YUV4MPEG2, and a video is the path of its file.
 * width, height: of a camera's frames, the nearest that it has; None: about 640 x 480.
 * region: of a screen: left, top, width and height in pixels; window: its title, where the system tells.
 * deny: of a screen: parts of titles of windows whose pixels are never looked at, beside the configured ones.
 * motion: leave out frames in which nothing moved.
 */
export interface SourceWish {
  kind?: SourceKind;
  device?: string | null;
  width?: number | null;
  height?: number | null;
  region?: readonly [number, number, number, number] | null;
  window?: string | null;
  deny?: readonly string[];
  motion?: boolean;
}

/**
 * One chunk of a client's own recording, in parts: raw PCM (with `audio`) or a whole media file.
 *
 * chunk_number: from 0, in any order; the same number with the same bytes again changes nothing.
 * source: which of the session's client sources, from 0.
 */
export interface SessionsAppend {
  type: "sessions.append";
  session_id: string;
  chunk_number: number;
  audio?: AudioFormat | null;
  source?: number;
}

/** Stops capturing until resumed; from the reply on, no audio reaches the disk and nobody looks. */
export interface SessionsPause {
  type: "sessions.pause";
  session_id: string;
}

/** Goes on after a pause. */
export interface SessionsResume {
  type: "sessions.resume";
  session_id: string;
}

/** Ends the recording; the work after the end begins. chunks: how many a client has sent in all. */
export interface SessionsStop {
  type: "sessions.stop";
  session_id: string;
  chunks?: number | null;
}

/** One session. */
export interface SessionsGet {
  type: "sessions.get";
  session_id: string;
}

/** Sessions, newest first. since, until: of their start. before: the `next` of the page before. */
export interface SessionsList {
  type: "sessions.list";
  status?: SessionStatus | null;
  group?: string | null;
  since?: string | null;
  until?: string | null;
  limit?: number;
  before?: string | null;
}

/** What of a session's time was captured, silent or missing. */
export interface SessionsLedger {
  type: "sessions.ledger";
  session_id: string;
}

/** Deletes a session with recordings, transcripts, speakers and counts; running work is cancelled. */
export interface SessionsDelete {
  type: "sessions.delete";
  session_id: string;
}

/** The transcript of a session as a file's bytes. */
export interface SessionsExport {
  type: "sessions.export";
  session_id: string;
  format: ExportFormat;
}

/**
 * Does the work after the end again, with other models, lexicons or a number of speakers.
 *
 * What people said about speakers is lost with the speakers; the fields as in `sessions.start`.
 */
export interface SessionsReprocess {
  type: "sessions.reprocess";
  session_id: string;
  model?: string | null;
  language?: string | null;
  lexicons?: readonly string[] | null;
  diarize?: boolean;
  speakers?: number | null;
}

/** Goes on with a failed session's work at the stage where it failed. */
export interface SessionsRetry {
  type: "sessions.retry";
  session_id: string;
}

/**
 * Live captions or sights, as a stream of replies until `stream.close`, `cancel` or the client's end.
 *
 * kind: `audio`: what this client sends by `stream.audio`; `session`: a running session;
 *     `frames`: what it sends by `stream.frame`; `camera`, `screen`: a device of this machine,
 *     looked at and not kept.
 * stream: a name that the client chooses. store: keep the segments (kind `audio`), to be searched.
 * name: of the recording that they are kept in, shown to the user; empty: the stream's.
 * look: what is wanted of frames. source: of a camera or screen. fps: so many frames a second at most.
 */
export interface StreamOpen {
  type: "stream.open";
  stream: string;
  kind?: "audio" | "camera" | "frames" | "screen" | "session";
  session_id?: string | null;
  audio?: AudioFormat | null;
  model?: string | null;
  language?: string | null;
  lexicons?: readonly string[] | null;
  words?: boolean;
  store?: boolean;
  name?: string;
  look?: Look | null;
  source?: SourceWish | null;
  fps?: number | null;
}

/**
 * What is wanted of a picture, or of every frame.
 *
 * complexity: of bodies. most: so many faces, hands, bodies or objects at most; None: the model's own.
 * min_detection_confidence, min_tracking_confidence: what is less sure is not told, or is looked
 *     for again; of single pictures only the first counts.
 * min_score, top_k: for `detect` and `classify`; min_score None: objects 0.5, classes 0. Objects are
 *     at most `most`, or else top_k.
 * effect: for `segment`: the mask itself, or the picture with its background blurred, replaced by
 *     `background`, or cut out (PNG with alpha).
 * points: as numbers in the reply, or as float32 in its parts.
 */
export interface Look {
  task: VisionTask;
  model?: string | null;
  complexity?: Complexity;
  most?: number | null;
  min_detection_confidence?: number;
  min_tracking_confidence?: number;
  min_score?: number | null;
  top_k?: number;
  effect?: Effect;
  background?: string;
  points?: PointsAs;
}

/** PCM for an open stream, in parts; answered when it is taken, not when it is recognised. */
export interface StreamAudio {
  type: "stream.audio";
  stream: string;
}

/** Ends a stream after what is still to be recognised; its `stream.open` then ends too. */
export interface StreamClose {
  type: "stream.close";
  stream: string;
}

/** The speakers of a session. */
export interface SpeakersList {
  type: "speakers.list";
  session_id: string;
}

/**
 * Says who a speaker is.
 *
 * claim_type: `self` is the owner of this store; `user` a person by `person_id`, or by `name`, who
 *     is added when new; `guest` somebody who is not counted, with an optional name.
 */
export interface SpeakersClaim {
  type: "speakers.claim";
  speaker_id: string;
  claim_type: ClaimType;
  person_id?: string | null;
  name?: string | null;
}

/** Takes a claim back; the figures move in the same transaction. */
export interface SpeakersUnclaim {
  type: "speakers.unclaim";
  speaker_id: string;
}

/** Another label within the session. */
export interface SpeakersRename {
  type: "speakers.rename";
  speaker_id: string;
  label: string;
}

/** Makes a new speaker of some segments of one. segments: (recording_id, seq) pairs. */
export interface SpeakersSplit {
  type: "speakers.split";
  speaker_id: string;
  segments: readonly (readonly [string, number])[];
}

/** Makes one of two speakers of a session: `speaker_id` takes all of `other_id`. */
export interface SpeakersMerge {
  type: "speakers.merge";
  speaker_id: string;
  other_id: string;
}

/** Takes the last split, merge or rename of a session back. */
export interface SpeakersUndo {
  type: "speakers.undo";
  session_id: string;
}

/** A clip of at most 5 s in which only this speaker is heard, as `audio` replies. */
export interface SpeakersSample {
  type: "speakers.sample";
  speaker_id: string;
  format?: "flac" | "opus" | "wav";
}

/** How near each enrolled person's voice is, and how near it had to be. */
export interface SpeakersMatches {
  type: "speakers.matches";
  speaker_id: string;
}

/** Everyone who has a name here. */
export interface PeopleList {
  type: "people.list";
}

/** A new person. */
export interface PeopleAdd {
  type: "people.add";
  name: string;
}

/** Another name. */
export interface PeopleRename {
  type: "people.rename";
  person_id: string;
  name: string;
}

/** Deletes a person with voice, claims and figures; with `voice_only`, the voice profile alone. */
export interface PeopleForget {
  type: "people.forget";
  person_id: string;
  voice_only?: boolean;
}

/**
 * Makes a voice profile of a speaker who is claimed as this person.
 *
 * consent: must be true: the person agrees that the voice is kept to be recognised.
 */
export interface PeopleEnroll {
  type: "people.enroll";
  person_id: string;
  speaker_id: string;
  consent: boolean;
}

/** Word statistics; every filter narrows. since, until: of the sessions' start. */
export interface Stats {
  type: "stats";
  session_id?: string | null;
  speaker_id?: string | null;
  person_id?: string | null;
  group?: string | null;
  since?: string | null;
  until?: string | null;
}

/** One person's year. person: a name or id; None: `me`. year: None: this one. */
export interface StatsWrapped {
  type: "stats.wrapped";
  person?: string | null;
  year?: number | null;
}

/** Every lexicon, and which ones the config makes active. */
export interface LexiconList {
  type: "lexicon.list";
}

/** One lexicon in full. */
export interface LexiconShow {
  type: "lexicon.show";
  name: string;
}

/** Corrects and counts a text as a session's segments are. */
export interface LexiconApply {
  type: "lexicon.apply";
  text: string;
  lexicons: readonly string[];
}

/** When each word and phone of a known text is spoken. Audio of at most 10 minutes. */
export interface Align {
  type: "align";
  path?: string | null;
  recording_id?: string | null;
  audio?: AudioFormat | null;
  model?: string | null;
  priority?: Priority;
  keep_alive_ms?: number | null;
  text: string;
  language?: string | null;
}

/**
 * Takes a piece of audio apart.
 *
 * stems: 2: vocals and music; 4: vocals, drums, bass, other.
 * keep: store the stems encrypted, as recordings of one session; otherwise they are sent.
 */
export interface Separate {
  type: "separate";
  path?: string | null;
  recording_id?: string | null;
  audio?: AudioFormat | null;
  model?: string | null;
  priority?: Priority;
  keep_alive_ms?: number | null;
  stems?: 2 | 4;
  keep?: boolean;
}

/** How each stretch of speech sounds. */
export interface EmotionSpeech {
  type: "emotion.speech";
  path?: string | null;
  recording_id?: string | null;
  audio?: AudioFormat | null;
  model?: string | null;
  priority?: Priority;
  keep_alive_ms?: number | null;
}

/**
 * Speech from text, streamed as PCM: `spoken` replies, then `done`.
 *
 * voice: which of the model's voices, by number or name. speed: 1 is the voice's own.
 */
export interface Speak {
  type: "speak";
  text: string;
  model?: string | null;
  voice?: string | null;
  language?: string | null;
  speed?: number;
  keep_alive_ms?: number | null;
}

/** When any of some words or phrases is spoken. threshold: greater hears less. */
export interface Keywords {
  type: "keywords";
  path?: string | null;
  recording_id?: string | null;
  audio?: AudioFormat | null;
  model?: string | null;
  priority?: Priority;
  keep_alive_ms?: number | null;
  keywords: readonly string[];
  threshold?: number | null;
}

/** What is heard when: stretches over which a label stays above a score. */
export interface AudioTag {
  type: "audio.tag";
  path?: string | null;
  recording_id?: string | null;
  audio?: AudioFormat | null;
  model?: string | null;
  priority?: Priority;
  keep_alive_ms?: number | null;
  min_score?: number;
  labels?: readonly string[];
}

/** The speech in a piece of audio without the noise: `denoised` replies, then `done`. */
export interface Denoise {
  type: "denoise";
  path?: string | null;
  recording_id?: string | null;
  audio?: AudioFormat | null;
  model?: string | null;
  priority?: Priority;
  keep_alive_ms?: number | null;
}

/** Which language is spoken. */
export interface LanguageIdentify {
  type: "language.identify";
  path?: string | null;
  recording_id?: string | null;
  audio?: AudioFormat | null;
  model?: string | null;
  priority?: Priority;
  keep_alive_ms?: number | null;
  top_k?: number;
}

/**
 * Looks at a picture or at a video file: `seen` for each frame, then `looked`.
 *
 * path: of a picture or a video. image: how the raw pixels in parts are to be read; without it the
 *     parts are a whole JPEG, PNG or WebP file.
 * fps: of a video: so many frames a second of it; None: all.
 */
export interface See {
  type: "see";
  look: Look;
  path?: string | null;
  image?: ImageFormat | null;
  fps?: number | null;
  priority?: Priority;
  keep_alive_ms?: number | null;
}

/**
 * One frame for an open stream of kind `frames`, in parts; answered when it is taken.
 *
 * frame_id: grows; None: counted. captured_at_ms: the client's clock, grows; None: when it came.
 * image: raw pixels; without it the parts are a whole JPEG, PNG or WebP file.
 */
export interface StreamFrame {
  type: "stream.frame";
  stream: string;
  frame_id?: number | null;
  captured_at_ms?: number | null;
  image?: ImageFormat | null;
}

/**
 * One frame for a source of kind `frames` of a running session; as `stream.frame`.
 *
 * captured_at_ms: on the session's clock; None: now. source: which of its `frames` sources, from 0.
 */
export interface SessionsFrame {
  type: "sessions.frame";
  session_id: string;
  frame_id?: number | null;
  captured_at_ms?: number | null;
  image?: ImageFormat | null;
  source?: number;
}

/**
 * Landmarks that a session kept, in order of time.
 *
 * from_ms, to_ms: from the session's start, `to_ms` not included; with `wall`, milliseconds of the
 *     epoch, here and in the reply. kinds: empty: all. source: of pictures, from 0; None: all.
 * fps: at most so many frames a second; None: all.
 * smooth: by a one-euro filter; what is stored stays as it was seen.
 * limit: frames of a page at most; it ends earlier behind about 130,000 numbers, or 1 million in parts.
 */
export interface FramesList {
  type: "frames.list";
  session_id: string;
  from_ms?: number;
  to_ms?: number | null;
  kinds?: readonly LandmarkKind[];
  fps?: number | null;
  wall?: boolean;
  smooth?: boolean;
  points?: PointsAs;
  limit?: number;
  source?: number | null;
}

/** Landmarks of a session as a file: CSV, NPZ (NumPy) or JSON; fields as for `frames.list`. */
export interface FramesExport {
  type: "frames.export";
  session_id: string;
  format: "csv" | "json" | "npz";
  from_ms?: number;
  to_ms?: number | null;
  kinds?: readonly LandmarkKind[];
  fps?: number | null;
  smooth?: boolean;
  source?: number | null;
}

/**
 * Where things were seen: by an object's `label`, or key frames similar to a picture.
 *
 * With a session_id alone: all its objects, in order of time.
 * path, image: the picture, as for `see`.
 */
export interface FramesSearch {
  type: "frames.search";
  label?: string | null;
  path?: string | null;
  image?: ImageFormat | null;
  session_id?: string | null;
  min_score?: number;
  limit?: number;
}

/** A key frame of a session's screen, as a picture file in parts. */
export interface FramesImage {
  type: "frames.image";
  frame_id: string;
}

/** Experimental: what follows from a session's landmarks; nothing of it is stored. */
export interface TracksDerive {
  type: "tracks.derive";
  session_id: string;
  tracks: readonly DerivedKind[];
  from_ms?: number;
  to_ms?: number | null;
}

/**
 * Asks to become a client; the only thing, beside `hello`, that a stranger may ask.
 *
 * name: how it wants to be shown. scopes: what it wants to be granted.
 * nonce: 32 hexadecimal digits of its own choice, of which the fingerprint is made.
 */
export interface Pair {
  type: "pair";
  name: string;
  scopes: readonly Scope[];
  nonce: string;
}

/** Who the asking client is and what it was granted. */
export interface ClientsSelf {
  type: "clients.self";
}

/** Clients, newest first. Only the owner may ask this and what follows. */
export interface ClientsList {
  type: "clients.list";
  status?: ClientStatus | null;
}

/** One client. */
export interface ClientsShow {
  type: "clients.show";
  client_id: string;
}

/**
 * Grants scopes, to a pending client or anew to one that has some.
 *
 * scopes: None: those that it asked for. ttl_s: None: as `access.ttl_days`; 0: without an end.
 */
export interface ClientsApprove {
  type: "clients.approve";
  client_id: string;
  scopes?: readonly Scope[] | null;
  ttl_s?: number | null;
}

/** Refuses a client; it may not ask again until `clients.forget`. */
export interface ClientsDeny {
  type: "clients.deny";
  client_id: string;
}

/** Takes back what was granted: running requests and recordings of the client end at once. */
export interface ClientsRevoke {
  type: "clients.revoke";
  client_id: string;
}

/** Removes a client from the list, so that it may ask again; its results stay the owner's. */
export interface ClientsForget {
  type: "clients.forget";
  client_id: string;
}

/**
 * Makes a CURVE key a client, approved at once.
 *
 * public_key: Z85, 40 characters. scopes, ttl_s: as for `clients.approve`.
 */
export interface ClientsAdd {
  type: "clients.add";
  public_key: string;
  name: string;
  scopes: readonly Scope[];
  ttl_s?: number | null;
}

/**
 * What clients asked and what was decided, newest first.
 *
 * before: only entries with a smaller number.
 */
export interface ClientsAudit {
  type: "clients.audit";
  client_id?: string | null;
  before?: number | null;
  limit?: number;
}

/**
 * Begins a file, or finds out how much of it is here already.
 *
 * size_bytes: of the whole file. sha256: checked by `upload.close`, where given.
 * upload_id: go on with this one: what is committed need not be sent again.
 */
export interface UploadOpen {
  type: "upload.open";
  size_bytes: number;
  sha256?: string | null;
  upload_id?: string | null;
}

/**
 * A part, as the only binary frame; answered when it is committed.
 *
 * offset: where it begins. A part that is here already is acknowledged again; one beyond what is
 * here is `conflict`, whose details say `received`.
 */
export interface UploadPart {
  type: "upload.part";
  upload_id: string;
  offset: number;
}

/** Ends a file that is here as a whole; it can then be named by `transcribe` and `jobs.submit`. */
export interface UploadClose {
  type: "upload.close";
  upload_id: string;
}

/** Deletes an upload. */
export interface UploadDrop {
  type: "upload.drop";
  upload_id: string;
}

/** The end of a request that failed; codes and fixes are in docs/ERRORS.md. */
export interface ErrorReply {
  type: "error";
  code: string;
  message: string;
  fix: string;
  retryable: boolean;
  details: Readonly<Record<string, string | number | number | boolean | null>>;
}

/** The request was carried out; `count` says how many things it touched. */
export interface Done {
  type: "done";
  count: number;
}

/** Who answers. */
export interface Welcome {
  type: "welcome";
  version: string;
  protocol: number;
  pid: number;
  limits: Limits;
}

/** The bounds of this daemon. */
export interface Limits {
  frame_bytes: number;
  request_bytes: number;
  frames: number;
  requests_per_client: number;
}

/** What this daemon can do right now. */
export interface Description {
  type: "description";
  version: string;
  protocol: number;
  requests: readonly string[];
  events: readonly string[];
  tasks: Readonly<Record<string, TaskDescription>>;
  engines: Readonly<Record<string, boolean>>;
  media: readonly string[];
  limits: Limits;
  signatures: Readonly<Record<string, Signature>>;
}

/**
 * What can be asked of one task: which model answers by default, and why that one.
 *
 * languages: what the models that are here know together, of a task that needs a language;
 *     `any`: one of them takes every language.
 */
export interface TaskDescription {
  default: string | null;
  reason: string;
  models: readonly string[];
  languages: readonly string[];
}

/** What a graph takes and gives, in its own order. */
export interface Signature {
  inputs: readonly SignatureTensor[];
  outputs: readonly SignatureTensor[];
}

/**
 * One input or output of a graph; -1 in `shape` is a free dimension.
 *
 * quantized: how stored integers stand for real numbers; None when they are what they are.
 * symbols: the names of the free dimensions, empty where there is none; () when none has one.
 */
export interface SignatureTensor {
  name: string;
  dtype: TensorType;
  shape: readonly number[];
  quantized: Quantization | null;
  symbols: readonly string[];
}

/** real = scale x (stored - zero_point), for the whole tensor. */
export interface Quantization {
  scale: number;
  zero_point: number;
}

/**
 * The daemon's own findings; `timestamp` is when it was asked.
 *
 * last_commit_age_ms: since the last durable commit, the self-test's included; None before it.
 * recording: who listens to or watches what now; empty when nobody does.
 * watching: the sources of pictures of sessions and streams, with their frames a second.
 */
export interface HealthReport {
  type: "health";
  status: HealthStatus;
  reasons: readonly Reason[];
  pid: number;
  version: string;
  uptime_s: number;
  models_loaded: readonly string[];
  queue_depth: number;
  last_commit_age_ms: number | null;
  disk_free_bytes: number;
  sqlite_version: string;
  timestamp: string;
  recording: readonly Listening[];
  watching: readonly SightState[];
}

/** Why the daemon is not well, and what to do. */
export interface Reason {
  code: string;
  message: string;
  fix: string;
}

/** Who records what at this moment. devices: as the system names them. */
export interface Listening {
  session_id: string;
  started_by: string;
  started_at: string;
  devices: readonly string[];
  duration_ms: number;
}

/**
 * One seeing source of a session, or a stream.
 *
 * lost: why it gives nothing now. models: by kind of track. started_by: of a stream, the client's name.
 */
export interface SightState {
  kind: string;
  device: string;
  lost: string;
  models: Readonly<Record<string, string>>;
  target_fps: number;
  counts: FrameCounts;
  started_by: string;
}

/**
 * Frames of a source or stream. still: left out since nothing moved; late: since newer ones came.
 *
 * detected: in which something was found. lost: with a worker that ended.
 * The rates are of the last seconds, in frames a second; 0 when it is over.
 */
export interface FrameCounts {
  captured: number;
  processed: number;
  still: number;
  late: number;
  lost: number;
  detected: number;
  captured_fps: number;
  processed_fps: number;
  skipped_fps: number;
  detected_fps: number;
}

/** Counters since start and present values, by name. */
export interface MetricsReport {
  type: "metrics";
  counters: Readonly<Record<string, number>>;
  gauges: Readonly<Record<string, number>>;
}

/** One probability per complete 32-ms window since the last reply of this stream. */
export interface VadResult {
  type: "vad";
  probabilities: readonly number[];
  window_ms: number;
  speech: readonly Span[];
  position_ms: number;
}

/** A stretch of speech, in milliseconds from the stream's start. */
export interface Span {
  start_ms: number;
  end_ms: number;
}

/** The recording exists; results follow. `reused`: it was transcribed before, the same way. */
export interface Accepted {
  type: "accepted";
  recording_id: string;
  model: string;
  reused: boolean;
}

/** The request waits for a model; progress is how much of the expected time has passed. */
export interface Loading {
  type: "loading";
  model: string;
  expected_ms: number;
  progress: number;
}

/** How far the work is; `audio_ms` is 0 while the length is unknown. */
export interface Progress {
  type: "progress";
  stage: string;
  fraction: number;
  done_ms: number;
  audio_ms: number;
}

/** Segments, each already committed. */
export interface Transcript {
  type: "transcript";
  segments: readonly Segment[];
}

/**
 * One utterance; `seq` counts from 0 within the transcript, without gaps.
 *
 * confidence: the engine's own estimate; the mean of the words where it gives none.
 * raw: as it was recognised, where a lexicon corrected `text`; words stay as recognised.
 * speaker, speaker_id: label and id of whoever speaks; empty and None while nobody knows.
 * overlap: somebody else speaks at the same time.
 * emotion, emotion_confidence: how it sounds; empty and 0 without a model for it.
 */
export interface Segment {
  seq: number;
  start_ms: number;
  end_ms: number;
  text: string;
  confidence: number;
  words: readonly Word[];
  raw: string | null;
  speaker: string;
  speaker_id: string | null;
  overlap: boolean;
  emotion: string;
  emotion_confidence: number;
}

/** One recognised word; times from the recording's start. */
export interface Word {
  text: string;
  start_ms: number;
  end_ms: number;
  confidence: number;
}

/**
 * The end of a transcription.
 *
 * compute_ms: time spent in the models, summed.
 */
export interface Transcribed {
  type: "transcribed";
  recording_id: string;
  model: string;
  language: string;
  language_source: LanguageSource;
  audio_ms: number;
  compute_ms: number;
  segment_count: number;
}

/**
 * What a graph gave; parts: the bytes one after the other, in the order of `tensors`.
 *
 * batch: how many requests ran together with this one, itself included.
 */
export interface Tensors {
  type: "tensors";
  model: string;
  tensors: readonly TensorFacts[];
  device: string;
  waited_us: number;
  computed_us: number;
  batch: number;
}

/** Labels, the greatest score first. */
export interface Classes {
  type: "classes";
  model: string;
  device: string;
  classes: readonly Class[];
  computed_us: number;
}

/** One label and its score in [0, 1]; `index` counts from 0 in the model's own list. */
export interface Class {
  label: string;
  score: number;
  index: number;
}

/** What was found, the greatest score first; `width` and `height` are the picture's, in pixels. */
export interface Objects {
  type: "objects";
  model: string;
  device: string;
  objects: readonly DetectedObject[];
  width: number;
  height: number;
  computed_us: number;
}

/** Something found in a picture; the box in pixels of the picture as it is meant to be seen. */
export interface DetectedObject {
  label: string;
  score: number;
  index: number;
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A vector as one part: float32 little-endian. */
export interface Embedding {
  type: "embedding";
  model: string;
  device: string;
  dimensions: number;
  computed_us: number;
}

/**
 * One value per pixel of the picture, rows from the top, as parts.
 *
 * kind: `category`: uint8, index into `labels`; `confidence`: uint8, 255 is certainly foreground.
 */
export interface Mask {
  type: "mask";
  model: string;
  device: string;
  kind: "category" | "confidence";
  width: number;
  height: number;
  labels: readonly string[];
  computed_us: number;
}

/** Labels of the whole audio (the mean of its windows), and of each window. */
export interface AudioClasses {
  type: "audio_classes";
  model: string;
  device: string;
  classes: readonly Class[];
  windows: readonly AudioWindow[];
  audio_ms: number;
  computed_us: number;
}

/** What is heard in one window, from the start of the audio. */
export interface AudioWindow {
  start_ms: number;
  end_ms: number;
  classes: readonly Class[];
}

/** A page of recordings; `next` continues it. */
export interface Recordings {
  type: "recordings";
  recordings: readonly Recording[];
  next: string | null;
}

/**
 * One piece of audio and its current transcript.
 *
 * audio_ms: length of the audio; 0 until it is decoded.
 * path: where the original lies; None for bytes that a client sent.
 * audio_kept: the store holds the audio itself.
 * done_ms: how much audio is transcribed and committed.
 */
export interface Recording {
  recording_id: string;
  session_id: string;
  name: string;
  status: RecordingStatus;
  created_at: string;
  sha256: string;
  size_bytes: number;
  audio_ms: number;
  done_ms: number;
  compute_ms: number;
  path: string | null;
  audio_kept: boolean;
  model: string;
  language: string;
  language_source: LanguageSource;
  segment_count: number;
  error: Problem | null;
}

/** An error as data: code and fix as in docs/ERRORS.md. */
export interface Problem {
  code: string;
  message: string;
  fix: string;
}

/** One recording. */
export interface OneRecording {
  type: "recording";
  recording: Recording;
}

/**
 * A part of a recording's audio, as binary frame 1.
 *
 * audio: facts when the bytes are raw PCM; None when they are a media file of `media_type`, which
 *     is empty when only the file itself tells.
 */
export interface Audio {
  type: "audio";
  recording_id: string;
  offset: number;
  size_bytes: number;
  total_bytes: number;
  audio: AudioFormat | null;
  media_type: string;
}

/** A page of segments; `next` is the `after_seq` that continues it. */
export interface Segments {
  type: "segments";
  segments: readonly Segment[];
  next: number | null;
}

/** What a search found, and what it could not look into yet. */
export interface Hits {
  type: "hits";
  hits: readonly Hit[];
  pending: readonly Pending[];
}

/**
 * One found segment; `snippet` marks the match with [ and ].
 *
 * at: when it was said, where the recording's own start is known; else when the recording came.
 */
export interface Hit {
  recording_id: string;
  seq: number;
  start_ms: number;
  end_ms: number;
  text: string;
  snippet: string;
  name: string;
  session_id: string | null;
  group: string;
  speaker: string;
  speaker_id: string | null;
  emotion: string;
  at: string | null;
}

/** A stretch of a recording that was captured and is not recognised yet: a search misses it. */
export interface Pending {
  session_id: string;
  recording_id: string;
  start_ms: number;
  end_ms: number;
}

/** One job; `existing`: the same work was already submitted. */
export interface OneJob {
  type: "job";
  job: Job;
  existing: boolean;
}

/**
 * One entry of the durable queue.
 *
 * attempts: how often it was started; it fails for good at max_attempts.
 * not_before: a retry waits until then.
 */
export interface Job {
  job_id: string;
  kind: string;
  state: JobState;
  priority: Priority;
  attempts: number;
  max_attempts: number;
  created_at: string;
  updated_at: string;
  stage: string;
  progress: number;
  name: string;
  model: string;
  recording_id: string | null;
  not_before: string | null;
  error: Problem | null;
}

/** Jobs and how many there are in each state. */
export interface Jobs {
  type: "jobs";
  jobs: readonly Job[];
  counts: Readonly<Record<string, number>>;
}

/** Manifests. */
export interface Models {
  type: "models";
  models: readonly ModelSummary[];
}

/**
 * One manifest and whether it can run here.
 *
 * problem: why it cannot (a missing engine, a missing file), with the fix.
 * quality: the stated figure with its source, as the manifest gives it.
 * quantization: of the weights, for example int8; empty when not stated.
 * terms: traps of the licence: attribution, gated, non_commercial, no_redistribution, share_alike.
 * recommended: the best of its task that fits this machine, installed or not.
 * pinned: never ended to make room or for idleness.
 */
export interface ModelSummary {
  id: string;
  task: string;
  engine: string;
  license: string;
  languages: readonly string[];
  size_bytes: number;
  memory_bytes: number;
  installed: boolean;
  default: boolean;
  state: ModelState;
  quality: string;
  description: string;
  problem: Problem | null;
  quantization: string;
  terms: readonly string[];
  recommended: boolean;
  pinned: boolean;
}

/**
 * One manifest in full.
 *
 * license_url: its text, or the page where it is accepted. accelerators: devices it was tried on.
 * embedded: one of the defaults that come from PyPI alone.
 */
export interface ModelDetails {
  type: "model";
  model: ModelSummary;
  files: readonly ModelFile[];
  parameters: Readonly<Record<string, string | number | number | boolean | readonly number[]>>;
  threads: number;
  worker: string;
  holds_gil: boolean;
  signature: Signature | null;
  license_url: string;
  accelerators: readonly string[];
  minimum_engine: string;
  embedded: boolean;
}

/**
 * One file of a model and where it was found.
 *
 * sha256: of the manifest, else as recorded at the first pull; empty while nobody stated one.
 * sources: where a pull gets it, in order, in words.
 * trust: why its content is known: `stated` by the manifest; `recorded` at the first pull; `held`
 *     by the stated hash of the archive or wheel around it; or `first_use`: it is not yet.
 */
export interface ModelFile {
  name: string;
  size_bytes: number;
  sha256: string;
  source: string;
  found: boolean;
  sources: readonly string[];
  trust: Trust;
}

/** A part of a model's file, as binary frame 1; `done` follows the last one. */
export interface FilePart {
  type: "file_part";
  model: string;
  name: string;
  offset: number;
  size_bytes: number;
  total_bytes: number;
  sha256: string;
}

/** A model's speed here, by device and threads; `chosen` marks what is used from now on. */
export interface Benchmark {
  type: "benchmark";
  model: string;
  rows: readonly BenchmarkRow[];
}

/** One way of running a model, as measured; an error says why it could not be. */
export interface BenchmarkRow {
  device: string;
  threads: number;
  load_ms: number;
  p50_us: number;
  p95_us: number;
  per_second: number;
  pss_bytes: number;
  chosen: boolean;
  error: Problem | null;
}

/** Models in memory. */
export interface LoadedModels {
  type: "loaded_models";
  models: readonly LoadedModel[];
}

/**
 * One model in memory.
 *
 * pss_bytes: proportional set size of its worker process, shared when the worker hosts several.
 * vram_bytes: of the accelerator's own memory that its process uses; 0 without one.
 * expires_in_ms, expires_at: None when it is kept for ever, or in use.
 * device_asked, device: what was configured, and what really runs it as far as its engine tells:
 *     `cpu`, `gpu:cuda`, `npu:qnn`, ..., or `cpu (partial)` when a part of the graph fell back.
 * threads: inside one inference. waited, computed: how long calls queued, and ran.
 */
export interface LoadedModel {
  id: string;
  engine: string;
  pid: number;
  state: ModelState;
  pss_bytes: number;
  loaded_at: string;
  expires_in_ms: number | null;
  queued: number;
  calls: number;
  device: string;
  device_asked: string;
  threads: number;
  vram_bytes: number;
  expires_at: string | null;
  pinned: boolean;
  waited: Latency;
  computed: Latency;
}

/** Of the last calls (at most 256), in microseconds; 0 before the first. */
export interface Latency {
  p50_us: number;
  p95_us: number;
}

/** Watched folders. */
export interface Folders {
  type: "folders";
  folders: readonly WatchedFolder[];
}

/** A folder whose new files become jobs. lexicons: None: those of the settings. */
export interface WatchedFolder {
  path: string;
  recursive: boolean;
  model: string | null;
  language: string | null;
  added_at: string;
  problem: Problem | null;
  lexicons: readonly string[] | null;
}

/** The subscription stands; `event_seq` is the last fact's number at that moment. */
export interface Subscribed {
  type: "subscribed";
  event_seq: number;
}

/** One event; `event_seq` is None for hints. */
export interface EventReply {
  type: "event";
  event_seq: number | null;
  at: string;
  body: SegmentAdded | RecordingChanged | RecordingDeleted | JobChanged | JobProgress | ModelChanged | HealthChanged | SegmentPartial | TranscriptReplaced | SessionChanged | SessionDeleted | SessionGap | SessionLevel | SpeakersChanged | LandmarksAdded | GestureChanged | FrameAdded | SightGapEvent | SightRate | ClientChanged;
}

/** A segment was committed. */
export interface SegmentAdded {
  event: "segment.added";
  recording_id: string;
  segment: Segment;
}

/** A recording was added, or its status or audio length changed. */
export interface RecordingChanged {
  event: "recording.changed";
  recording: Recording;
}

/** A recording and all that hung on it is gone. */
export interface RecordingDeleted {
  event: "recording.deleted";
  recording_id: string;
}

/** A job changed its state. */
export interface JobChanged {
  event: "job.changed";
  job: Job;
}

/** Hint: how far a running job is. */
export interface JobProgress {
  event: "job.progress";
  job_id: string;
  stage: string;
  progress: number;
  done_ms: number;
  audio_ms: number;
}

/** Hint: a model's worker changed its state. */
export interface ModelChanged {
  event: "model.changed";
  model: string;
  state: ModelState;
  reason: string;
}

/** Hint: the daemon's health changed. */
export interface HealthChanged {
  event: "health.changed";
  status: HealthStatus;
  reasons: readonly string[];
}

/** Hint: what is heard so far of an utterance that goes on. */
export interface SegmentPartial {
  event: "segment.partial";
  recording_id: string;
  text: string;
  start_ms: number;
  end_ms: number;
  session_id: string | null;
}

/** Segments that were added before are replaced as a whole; `segments.list` has the new ones. */
export interface TranscriptReplaced {
  event: "transcript.replaced";
  recording_id: string;
  session_id: string;
}

/** A session began, or its status, stage or a fact of it changed: what shows that it records. */
export interface SessionChanged {
  event: "session.changed";
  session: Session;
}

/**
 * One intake: what is recorded now, was recorded, or a file that came in.
 *
 * group, started_by: sessions that belong together; the client's name.
 * stage, progress: of the work after the end; empty and 0 before it.
 * duration_ms: on the session's clock, gaps included.
 * paused_reason: `asked`, `disk_full`; empty when it is not paused.
 * backlog_ms, eta_ms: captured and not yet recognised; when it will be, None when nobody knows.
 * audio_kept: whether the audio stays after the work is done.
 * job_id: of the work after the end. sights: its sources of pictures.
 */
export interface Session {
  id: string;
  status: SessionStatus;
  started_at: string;
  name: string;
  group: string;
  started_by: string;
  stage: string;
  progress: number;
  duration_ms: number;
  ended_at: string | null;
  error: Problem | null;
  paused_reason: string;
  sources: readonly SourceState[];
  backlog_ms: number;
  eta_ms: number | null;
  audio_kept: boolean;
  lexicons: readonly string[];
  speaker_count: number;
  unclaimed: number;
  skipped: readonly Problem[];
  job_id: string | null;
  sights: readonly SightState[];
}

/**
 * One source of a session, with the recording that it fills.
 *
 * lost: it gives nothing at present; why, as a ledger's reason.
 */
export interface SourceState {
  kind: SourceKind | "file";
  recording_id: string;
  device: string;
  lost: string;
}

/** A session and all that hung on it is gone. */
export interface SessionDeleted {
  event: "session.deleted";
  session_id: string;
}

/** Time of a session was lost; the entry is in its ledger. */
export interface SessionGap {
  event: "session.gap";
  session_id: string;
  entry: LedgerEntry;
}

/**
 * One stretch of a recording's time: heard, silent, or missing and why.
 *
 * reason: of a gap: opening (before the device gave its first sound), paused, device_lost, overrun,
 *     suspended, clock_jump, disk_full, killed, not_uploaded, bad_chunk, stopped_late.
 */
export interface LedgerEntry {
  recording_id: string;
  start_ms: number;
  end_ms: number;
  state: Coverage;
  reason: string;
}

/**
 * Hint, a few times a second: how loud a source is and how much is not recognised yet.
 *
 * level_db: of full scale, -100 to 0.
 */
export interface SessionLevel {
  event: "session.level";
  session_id: string;
  recording_id: string;
  level_db: number;
  duration_ms: number;
  backlog_ms: number;
  eta_ms: number | null;
}

/** Speakers of a session came, or were claimed, renamed, split or merged. */
export interface SpeakersChanged {
  event: "speakers.changed";
  session_id: string;
}

/** A second of one kind of track was committed; `frames.list` has it. */
export interface LandmarksAdded {
  event: "landmarks.added";
  session_id: string;
  kind: TrackKind;
  start_ms: number;
  end_ms: number;
  frames: number;
}

/** A hand of a session made another gesture, or none any more; only where it was asked for. */
export interface GestureChanged {
  event: "gesture.changed";
  session_id: string;
  at_ms: number;
  hand: string;
  gesture: string;
  before: string;
}

/** A key frame of a session's screen was committed. */
export interface FrameAdded {
  event: "frame.added";
  session_id: string;
  frame_id: string;
  at_ms: number;
}

/** Time of a source of pictures was lost. */
export interface SightGapEvent {
  event: "sight.gap";
  session_id: string;
  gap: SightGap;
}

/**
 * Time in which a seeing source gave nothing. source: from 0.
 *
 * reason: opening, paused, stalled, device_lost, locked, worker_gone, disk_full, killed, stopped_late.
 */
export interface SightGap {
  source: number;
  start_ms: number;
  end_ms: number;
  reason: string;
}

/** Hint, about once a second: how many frames a source of pictures gives. source: from 0. */
export interface SightRate {
  event: "sight.rate";
  session_id: string;
  source: number;
  counts: FrameCounts;
}

/** A client asked to be paired, or something was decided about it. */
export interface ClientChanged {
  event: "client.changed";
  client: KnownClient;
}

/**
 * A client that asked to be paired, or was.
 *
 * identity: the origin, the public key (Z85), or for local ones the name of the user.
 * fingerprint: six words; the client shows the same ones while it is pending.
 * pid, program: of the last process that asked in its name, as the kernel said; advice, no proof.
 */
export interface KnownClient {
  client_id: string;
  kind: ClientKind;
  identity: string;
  name: string;
  status: ClientStatus;
  fingerprint: string;
  asked_at: string;
  asked_scopes: readonly Scope[];
  scopes: readonly Scope[];
  decided_at: string | null;
  expires_at: string | null;
  last_seen_at: string | null;
  pid: number;
  program: string;
}

/** The subscriber was too slow: `dropped` events are missing here; refill by `after_event_seq`. */
export interface Overflow {
  type: "overflow";
  dropped: number;
}

/** The copy is complete and on the disk. */
export interface BackedUp {
  type: "backed_up";
  path: string;
  size_bytes: number;
}

/** Devices, and what keeps others from being seen (no PortAudio, no sound server). */
export interface Devices {
  type: "devices";
  devices: readonly Device[];
  problems: readonly Problem[];
}

/**
 * Something that can be listened to or looked at.
 *
 * id: stays the same when it is plugged in again, as far as the system names it stably.
 * sample_rate: Hz, its own; channels: as many as it gives; 0 for what is seen.
 * formats: of a camera: `640x480 30 fps mjpeg`; of a screen: its size and place, `1280x720 at 0,0`.
 * in_use: another program, or a session of ours, reads it now; None when nobody can tell.
 * permission, reason: whether it may be opened, and why not.
 */
export interface Device {
  id: string;
  name: string;
  device_type: DeviceType;
  is_default: boolean;
  sample_rate: number;
  channels: number;
  in_use: boolean | null;
  permission: Permission;
  reason: string;
  formats: readonly string[];
}

/** The chunk is committed. existing: it was already there. missing: lower numbers not yet here. */
export interface Appended {
  type: "appended";
  session_id: string;
  chunk_number: number;
  duration_ms: number;
  existing: boolean;
  missing: readonly number[];
}

/** One session. */
export interface OneSession {
  type: "session";
  session: Session;
}

/** A page of sessions; `next` continues it. */
export interface Sessions {
  type: "sessions";
  sessions: readonly Session[];
  next: string | null;
}

/**
 * The entries of every recording of a session, in order of time, without holes.
 *
 * sights: the gaps of its sources of pictures.
 */
export interface Ledger {
  type: "ledger";
  session_id: string;
  entries: readonly LedgerEntry[];
  sights: readonly SightGap[];
}

/** A session's transcript, as binary frames of UTF-8 text. */
export interface Exported {
  type: "exported";
  session_id: string;
  format: ExportFormat;
  media_type: string;
  size_bytes: number;
}

/** The stream stands. recording_id: where its segments are kept; None when they are not. */
export interface StreamOpened {
  type: "stream_opened";
  stream: string;
  model: string;
  recording_id: string | null;
  streaming: boolean;
}

/** The audio is taken. backlog_ms: taken and not yet recognised; slow down when it grows. */
export interface StreamTaken {
  type: "stream_taken";
  stream: string;
  position_ms: number;
  backlog_ms: number;
}

/** What is heard so far of an utterance that goes on; the next one, or a segment, replaces it. */
export interface PartialText {
  type: "partial";
  text: string;
  start_ms: number;
  end_ms: number;
}

/** The end of a stream. frames: of one that was looked at. */
export interface StreamClosed {
  type: "stream_closed";
  stream: string;
  audio_ms: number;
  segment_count: number;
  recording_id: string | null;
  frames: FrameCounts | null;
}

/** The speakers of a session after the request. */
export interface Speakers {
  type: "speakers";
  session_id: string;
  speakers: readonly Speaker[];
}

/**
 * One voice of one session.
 *
 * label: SPEAKER_00 and so on, in order of their first words, until it is renamed.
 * word_counts: of the target words of the session's lexicons, over all categories.
 * claimed_by: the client that said who it is. attributed_to: the person's name.
 * person_id: of a claim as `self` or `user`.
 * sample: whether `speakers.sample` has a clip.
 */
export interface Speaker {
  id: string;
  session_id: string;
  label: string;
  segment_count: number;
  total_duration_ms: number;
  word_counts: Readonly<Record<string, number>>;
  claim_type: ClaimType | null;
  claimed_by: string | null;
  claimed_at: string | null;
  attributed_to: string | null;
  guest_name: string | null;
  person_id: string | null;
  overlap_ms: number;
  sample: boolean;
}

/** The nearest first; reason says why there is no match, with the number. */
export interface Matches {
  type: "matches";
  speaker_id: string;
  threshold: number;
  matches: readonly Match[];
  model: string;
  reason: string;
}

/** One enrolled person; similarity: the cosine of the voices, in [-1, 1]. */
export interface Match {
  person_id: string;
  name: string;
  similarity: number;
  matched: boolean;
}

/** People, `me` first. */
export interface People {
  type: "people";
  people: readonly Person[];
}

/**
 * Someone with a name in this store; `me` is its owner.
 *
 * voice: there is a profile of the voice, made with consent, at consent_at.
 */
export interface Person {
  id: string;
  name: string;
  is_me: boolean;
  created_at: string;
  voice: boolean;
  consent_at: string | null;
  sessions: number;
}

/** One person. */
export interface OnePerson {
  type: "person";
  person: Person;
}

/** speakers: persons first, guests and unclaimed apart; totals: persons only. */
export interface Statistics {
  type: "statistics";
  speakers: readonly SpeakerFigures[];
  totals: Figures;
}

/**
 * Figures of one person, or of one speaker who is a guest or whom nobody claimed.
 *
 * kind: `person`, `guest`, `unclaimed`. Beyond 1,000 of a kind the rest is one entry named `others`.
 */
export interface SpeakerFigures {
  kind: "guest" | "person" | "unclaimed";
  name: string;
  figures: Figures;
  person_id: string | null;
  speaker_id: string | null;
  session_id: string | null;
}

/**
 * How much was said, and how sure that is.
 *
 * talk_ms: summed over segments; turns: runs of segments of one speaker.
 * overlap_ms: of talk_ms, while somebody else spoke.
 * target_words: of the active lexicons. favourite_word: the most frequent one that is no stop word.
 * unknown_speech: fraction of the speech, over the same sessions, that nobody is known to have said.
 * low_confidence_words: fraction of words recognised with a confidence below 0.5.
 */
export interface Figures {
  words: number;
  turns: number;
  segments: number;
  talk_ms: number;
  overlap_ms: number;
  words_per_minute: number;
  target_words: Readonly<Record<string, number>>;
  favourite_word: string | null;
  unknown_speech: number;
  low_confidence_words: number;
  sessions: number;
}

/** One person's year; by_month has all twelve. */
export interface Wrapped {
  type: "wrapped";
  year: number;
  person: string;
  sessions: number;
  talk_ms: number;
  words: number;
  top_words: readonly WordCount[];
  favourite_word: string | null;
  target_words: Readonly<Record<string, number>>;
  by_month: readonly Month[];
}

/** A word and how often it was said. */
export interface WordCount {
  word: string;
  count: number;
}

/** One month, 1 to 12, in UTC. */
export interface Month {
  month: number;
  sessions: number;
  talk_ms: number;
  words: number;
}

/** Lexicons. */
export interface LexiconsFound {
  type: "lexicons";
  lexicons: readonly LexiconSummary[];
}

/** One lexicon; categories: how many target words each has. own: of the user's folder. */
export interface LexiconSummary {
  name: string;
  description: string;
  language: string;
  corrections: number;
  categories: Readonly<Record<string, number>>;
  active: boolean;
  own: boolean;
  problem: string;
}

/** One lexicon: misheard phrases and what was said; the words that are counted, by category. */
export interface OneLexicon {
  type: "lexicon";
  name: string;
  description: string;
  language: string;
  corrections: Readonly<Record<string, string>>;
  categories: Readonly<Record<string, readonly string[]>>;
  own: boolean;
}

/** text: as given; counts: of the target words in `corrected`, those said at least once. */
export interface Corrected {
  type: "corrected";
  text: string;
  corrected: string;
  counts: Readonly<Record<string, number>>;
}

/** Words and phones in order of time; times from the start of the audio. */
export interface Aligned {
  type: "aligned";
  words: readonly Word[];
  phonemes: readonly Phoneme[];
  processing_time_ms: number;
  model: string;
  language: string;
  audio_ms: number;
}

/** One phone in time. phoneme: as the engine names it (ARPAbet or IPA); ipa: always IPA. */
export interface Phoneme {
  phoneme: string;
  ipa: string;
  start_ms: number;
  end_ms: number;
  confidence: number;
}

/** A part of a stem as raw PCM in binary frame 1, in order of time; `separated` ends it. */
export interface StemPart {
  type: "stem_part";
  stem: string;
  audio: AudioFormat;
  start_ms: number;
  size_bytes: number;
}

/** The stems by name: vocals, music, or vocals, drums, bass, other. */
export interface Separated {
  type: "separated";
  stems: Readonly<Record<string, Stem>>;
  model: string;
  processing_time_ms: number;
}

/** One stem. recording_id: where it is kept; None when it was sent. */
export interface Stem {
  duration_ms: number;
  recording_id: string | null;
}

/** Stretches in order of time. */
export interface SpokenEmotions {
  type: "spoken_emotions";
  emotions: readonly SpokenEmotion[];
  model: string;
  audio_ms: number;
}

/** One stretch of speech; all_emotions: every label's score, which sum to 1. */
export interface SpokenEmotion {
  start_ms: number;
  end_ms: number;
  emotion: string;
  confidence: number;
  all_emotions: Readonly<Record<string, number>>;
}

/** A part of the speech as raw PCM in binary frame 1, in order of time. */
export interface Spoken {
  type: "spoken";
  audio: AudioFormat;
  model: string;
  start_ms: number;
  size_bytes: number;
  progress: number;
}

/** Hits in order of time. */
export interface KeywordsHeard {
  type: "keywords_heard";
  hits: readonly KeywordHit[];
  model: string;
  audio_ms: number;
}

/** One keyword heard. */
export interface KeywordHit {
  keyword: string;
  start_ms: number;
  end_ms: number;
  confidence: number;
}

/** Tags in order of their start. */
export interface SoundTags {
  type: "sound_tags";
  tags: readonly SoundTag[];
  model: string;
  audio_ms: number;
}

/** One label over one stretch; score: its greatest. */
export interface SoundTag {
  label: string;
  score: number;
  start_ms: number;
  end_ms: number;
}

/** A part of the cleaned audio as raw PCM in binary frame 1, in order of time. */
export interface Denoised {
  type: "denoised";
  audio: AudioFormat;
  model: string;
  start_ms: number;
  size_bytes: number;
  progress: number;
}

/** The likeliest first; heard_ms: how much speech was listened to. */
export interface SpokenLanguages {
  type: "spoken_languages";
  languages: readonly SpokenLanguage[];
  model: string;
  heard_ms: number;
}

/** One language and how likely it is. */
export interface SpokenLanguage {
  language: string;
  confidence: number;
}

/**
 * What one frame shows; fields of other tasks stay empty.
 *
 * frame_id: as the client gave it; else counted from 0.
 * captured_at_ms: of a client's frame as it said; of a video, from its start; else milliseconds of
 *     the epoch.
 * processing_time_ms: from the frame to the result, without waiting for its turn.
 * vector: how many dimensions the vector in the parts has.
 * dropped: frames of this stream that were not looked at, so far, because newer ones came.
 */
export interface Seen {
  type: "seen";
  frame_id: number;
  captured_at_ms: number;
  processing_time_ms: number;
  task: VisionTask;
  model: string;
  device: string;
  width: number;
  height: number;
  faces: readonly Face[];
  hands: readonly Hand[];
  poses: readonly Pose[];
  objects: readonly DetectedObject[];
  classes: readonly Class[];
  masks: readonly MaskFacts[];
  vector: number;
  parts: readonly PartFacts[];
  dropped: number;
}

/**
 * One face. landmarks: 6 key points (x, y), or a mesh of 468 or, with irises, 478 (x, y, z).
 *
 * score: None where the model gives none. blendshapes: 52 expressions in [0, 1], when the model has them.
 * transform: 4 x 4, row by row: from the canonical face (centimetres) to the camera; likewise.
 */
export interface Face {
  score: number | null;
  box: readonly [number, number, number, number] | null;
  landmarks: readonly (readonly number[])[];
  blendshapes: Readonly<Record<string, number>>;
  transform: readonly number[];
  eyes: Eyes | null;
}

/** The eyes of a face, the person's own left and right; gaze: None without irises. */
export interface Eyes {
  left: Eye;
  right: Eye;
  gaze: Gaze | null;
}

/**
 * One eye. openness: height by width of the opening, 0 when shut, about 0.3 when open.
 *
 * iris: its middle, and radius on the scale of x; None and 0 without a model for it.
 */
export interface Eye {
  openness: number;
  iris: readonly [number, number] | null;
  radius: number;
}

/**
 * Where both eyes look, relative to the face, in degrees; error: about as much it may be off.
 *
 * yaw: to the right of the picture is positive. pitch: up is positive.
 */
export interface Gaze {
  yaw: number;
  pitch: number;
  error: number;
  direction: "centre" | "down" | "left" | "right" | "up";
}

/**
 * One hand: 21 points (x, y, z).
 *
 * handedness: the person's own `Left` or `Right`, for a picture that is not mirrored.
 * gesture: Closed_Fist, Open_Palm, Pointing_Up, Thumb_Up, Thumb_Down, Victory, ILoveYou; empty: none.
 * body: index of the pose in the same reply that it belongs to, when one was looked for.
 */
export interface Hand {
  handedness: "Left" | "Right";
  score: number;
  gesture: string;
  gesture_score: number;
  landmarks: readonly (readonly number[])[];
  world_landmarks: readonly (readonly number[])[];
  body: number | null;
}

/**
 * One body: 33 points (x, y, z, visibility), and 33 world points (x, y, z).
 *
 * angles: of joints, from the world points; docs/SEEING.md defines them.
 * classification: of the posture: standing, sitting, lying, arms_raised, bending; empty: unknown.
 */
export interface Pose {
  landmarks: readonly (readonly number[])[];
  world_landmarks: readonly (readonly number[])[];
  angles: Readonly<Record<string, Angle>>;
  classification: string;
  box: readonly [number, number, number, number] | null;
}

/** Degrees at a joint, 0 to 180; visibility: of the least visible of its points. */
export interface Angle {
  degrees: number;
  visibility: number;
}

/**
 * A mask or an effect's picture in the parts.
 *
 * kind: `category` or `confidence` as for `images.segment`; `picture`: a file of `media_type`.
 */
export interface MaskFacts {
  kind: "category" | "confidence" | "picture";
  width: number;
  height: number;
  labels: readonly string[];
  media_type: string;
}

/**
 * What lies in the parts, one after another, cut anywhere.
 *
 * of: `face`, `hands`, `hands_world`, `pose`, `pose_world`, `mask`, `picture` or `vector`.
 * dtype: float32 (little-endian), int64 or uint8; shape: of the array; size_bytes: of it.
 * source: of `frames.list`, number of the source of pictures.
 */
export interface PartFacts {
  of: string;
  dtype: "float32" | "int64" | "uint8";
  shape: readonly number[];
  size_bytes: number;
  source: number;
}

/**
 * The end of `see`. fps: frames looked at in a second of work; tracks: of a video.
 *
 * lost: frames that a worker took with it when it ended; they are not among `frames`.
 */
export interface Looked {
  type: "looked";
  frames: number;
  detected: number;
  fps: number;
  duration_ms: number;
  tracks: readonly Stretch[];
  lost: number;
}

/**
 * Time in which things of a kind were seen without a break of a second.
 *
 * of: face, hand, pose, or an object's label. most: at once.
 */
export interface Stretch {
  of: string;
  start_ms: number;
  end_ms: number;
  frames: number;
  most: number;
}

/** The frame is taken. dropped: frames of the stream that were replaced by newer ones, so far. */
export interface FrameTaken {
  type: "frame_taken";
  stream: string;
  frame_id: number;
  dropped: number;
}

/**
 * Frames from one to another were not looked at, and the stream goes on.
 *
 * reason: worker_gone, stalled, device_lost, locked, bad_media (no picture that can be read).
 */
export interface FramesLost {
  type: "frames_lost";
  stream: string;
  first_frame: number;
  last_frame: number;
  reason: string;
}

/** The frame is taken. dropped: as in `frame_taken`. */
export interface SessionFrameTaken {
  type: "session_frame_taken";
  session_id: string;
  frame_id: number;
  dropped: number;
}

/**
 * A page of `frames.list`. next_ms: `from_ms` of the next page; None: this is the last.
 *
 * With parts there are no `frames`; for each kind the parts hold `face_at` (int64, milliseconds,
 * shape (n,)) and `face` (float32, (n, slots, points, values); NaN where nothing was seen), and
 * so on; values: of the last axis, by kind.
 */
export interface Frames {
  type: "frames";
  session_id: string;
  frames: readonly Kept[];
  parts: readonly PartFacts[];
  values: Readonly<Record<string, readonly string[]>>;
  models: Readonly<Record<string, string>>;
  next_ms: number | null;
}

/**
 * What is kept of one frame, of one kind.
 *
 * slot: which of the things that were seen at once; for hands 0 is the left, 1 the right one.
 * world_landmarks: of poses. source: number of the source of pictures.
 */
export interface Kept {
  at_ms: number;
  kind: LandmarkKind;
  slot: number;
  landmarks: readonly (readonly number[])[];
  world_landmarks: readonly (readonly number[])[];
  source: number;
}

/** A piece of an export in binary frames, in order; `done` ends it. */
export interface FramesPart {
  type: "frames_part";
  session_id: string;
  format: "csv" | "json" | "npz";
  media_type: string;
  offset: number;
  size_bytes: number;
  progress: number;
}

/** Hits, the best first; model: what compared pictures. */
export interface Sightings {
  type: "sightings";
  sightings: readonly Sighting[];
  model: string;
}

/** A hit. score: of the object, or how similar the frame is (cosine). frame_id: of a key frame. */
export interface Sighting {
  session_id: string;
  start_ms: number;
  end_ms: number;
  score: number;
  label: string;
  frame_id: string | null;
  timestamp: string;
}

/** The picture is in the parts. at_ms: on the session's clock. */
export interface FrameImage {
  type: "frame_image";
  frame_id: string;
  session_id: string;
  at_ms: number;
  width: number;
  height: number;
  media_type: string;
  size_bytes: number;
}

/** Stretches in order of time. definitions: what each track is, and its source. */
export interface DerivedTracks {
  type: "derived_tracks";
  session_id: string;
  derived: readonly Derived[];
  definitions: Readonly<Record<string, string>>;
  experimental: boolean;
}

/** One stretch of a derived track. label: gesture or posture; value: in the track's `unit`. */
export interface Derived {
  track: DerivedKind;
  start_ms: number;
  end_ms: number;
  label: string;
  value: number | null;
  unit: string;
  hand: "" | "Left" | "Right";
}

/** The client is pending; `paired` follows when somebody has decided. */
export interface Pairing {
  type: "pairing";
  client: KnownClient;
}

/**
 * What was decided: `client.status` is `approved` or `denied`.
 *
 * token: for local clients: goes into the envelope of their requests; never told again.
 */
export interface Paired {
  type: "paired";
  client: KnownClient;
  token: string;
}

/** A client. */
export interface OneClient {
  type: "client";
  client: KnownClient;
}

/** Clients. */
export interface Clients {
  type: "clients";
  clients: readonly KnownClient[];
}

/** A page of the audit; next: give it as `before`. */
export interface Audit {
  type: "audit";
  entries: readonly AuditEntry[];
  next: number | null;
}

/**
 * What happened, in order; entries are never changed.
 *
 * what: the type of the request, or the scopes; never content. client_id: empty for the owner.
 * count: how often the same happened within a minute.
 */
export interface AuditEntry {
  number: number;
  at: string;
  act: AuditAct;
  client_id: string;
  what: string;
  count: number;
}

/**
 * Where to go on.
 *
 * received: bytes that are committed. window: parts that may be on their way unacknowledged.
 * expires_at: it is deleted then unless it was used or goes on.
 */
export interface UploadOpened {
  type: "upload_opened";
  upload_id: string;
  received: number;
  size_bytes: number;
  part_bytes: number;
  window: number;
  expires_at: string;
}

/** All bytes before `received` are committed. */
export interface UploadTaken {
  type: "upload_taken";
  upload_id: string;
  received: number;
}

/** The file is here as a whole; sha256 of what was committed. */
export interface Uploaded {
  type: "uploaded";
  upload_id: string;
  size_bytes: number;
  sha256: string;
}

/** Everything that can be asked. */
export type AnyRequest =
  | Hello
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
  | DevicesList
  | SessionsStart
  | SessionsAppend
  | SessionsPause
  | SessionsResume
  | SessionsStop
  | SessionsGet
  | SessionsList
  | SessionsLedger
  | SessionsDelete
  | SessionsExport
  | SessionsReprocess
  | SessionsRetry
  | StreamOpen
  | StreamAudio
  | StreamClose
  | SpeakersList
  | SpeakersClaim
  | SpeakersUnclaim
  | SpeakersRename
  | SpeakersSplit
  | SpeakersMerge
  | SpeakersUndo
  | SpeakersSample
  | SpeakersMatches
  | PeopleList
  | PeopleAdd
  | PeopleRename
  | PeopleForget
  | PeopleEnroll
  | Stats
  | StatsWrapped
  | LexiconList
  | LexiconShow
  | LexiconApply
  | Align
  | Separate
  | EmotionSpeech
  | Speak
  | Keywords
  | AudioTag
  | Denoise
  | LanguageIdentify
  | See
  | StreamFrame
  | SessionsFrame
  | FramesList
  | FramesExport
  | FramesSearch
  | FramesImage
  | TracksDerive
  | Pair
  | ClientsSelf
  | ClientsList
  | ClientsShow
  | ClientsApprove
  | ClientsDeny
  | ClientsRevoke
  | ClientsForget
  | ClientsAdd
  | ClientsAudit
  | UploadOpen
  | UploadPart
  | UploadClose
  | UploadDrop;

/** Everything that can be answered. */
export type AnyReply =
  | ErrorReply
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
  | Devices
  | Appended
  | OneSession
  | Sessions
  | Ledger
  | Exported
  | StreamOpened
  | StreamTaken
  | PartialText
  | StreamClosed
  | Speakers
  | Matches
  | People
  | OnePerson
  | Statistics
  | Wrapped
  | LexiconsFound
  | OneLexicon
  | Corrected
  | Aligned
  | StemPart
  | Separated
  | SpokenEmotions
  | Spoken
  | KeywordsHeard
  | SoundTags
  | Denoised
  | SpokenLanguages
  | Seen
  | Looked
  | FrameTaken
  | FramesLost
  | SessionFrameTaken
  | Frames
  | FramesPart
  | Sightings
  | FrameImage
  | DerivedTracks
  | Pairing
  | Paired
  | OneClient
  | Clients
  | Audit
  | UploadOpened
  | UploadTaken
  | Uploaded;

/** Everything that can be told by `subscribe`. */
export type AnyEvent =
  | SegmentAdded
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
  | ClientChanged;

/** The reply that ends each request, where no error does. */
export interface LastReplies {
  "align": Aligned;
  "audio.classify": AudioClasses;
  "audio.tag": SoundTags;
  "cancel": Done;
  "clients.add": OneClient;
  "clients.approve": OneClient;
  "clients.audit": Audit;
  "clients.deny": OneClient;
  "clients.forget": Done;
  "clients.list": Clients;
  "clients.revoke": OneClient;
  "clients.self": OneClient;
  "clients.show": OneClient;
  "denoise": Done;
  "describe": Description;
  "devices.list": Devices;
  "emotion.speech": SpokenEmotions;
  "frames.export": Done;
  "frames.image": FrameImage;
  "frames.list": Frames;
  "frames.search": Sightings;
  "health": HealthReport;
  "hello": Welcome;
  "images.classify": Classes;
  "images.detect": Objects;
  "images.embed": Embedding;
  "images.segment": Mask;
  "infer": Tensors;
  "jobs.cancel": OneJob;
  "jobs.get": OneJob;
  "jobs.list": Jobs;
  "jobs.purge": Done;
  "jobs.retry": OneJob;
  "jobs.submit": OneJob;
  "keywords": KeywordsHeard;
  "language.identify": SpokenLanguages;
  "lexicon.apply": Corrected;
  "lexicon.list": LexiconsFound;
  "lexicon.show": OneLexicon;
  "metrics": MetricsReport;
  "models.bench": Benchmark;
  "models.file": Done;
  "models.list": Models;
  "models.load": Done;
  "models.pin": Done;
  "models.ps": LoadedModels;
  "models.show": ModelDetails;
  "models.unload": Done;
  "pair": Paired;
  "people.add": OnePerson;
  "people.enroll": OnePerson;
  "people.forget": Done;
  "people.list": People;
  "people.rename": OnePerson;
  "recordings.audio": Done;
  "recordings.delete": Done;
  "recordings.get": OneRecording;
  "recordings.list": Recordings;
  "recordings.reprocess": OneJob;
  "see": Looked;
  "segments.list": Segments;
  "separate": Separated;
  "sessions.append": Appended;
  "sessions.delete": Done;
  "sessions.export": Exported;
  "sessions.frame": SessionFrameTaken;
  "sessions.get": OneSession;
  "sessions.ledger": Ledger;
  "sessions.list": Sessions;
  "sessions.pause": OneSession;
  "sessions.reprocess": OneSession;
  "sessions.resume": OneSession;
  "sessions.retry": OneSession;
  "sessions.start": OneSession;
  "sessions.stop": OneSession;
  "shutdown": Done;
  "speak": Done;
  "speakers.claim": Speakers;
  "speakers.list": Speakers;
  "speakers.matches": Matches;
  "speakers.merge": Speakers;
  "speakers.rename": Speakers;
  "speakers.sample": Done;
  "speakers.split": Speakers;
  "speakers.unclaim": Speakers;
  "speakers.undo": Speakers;
  "stats": Statistics;
  "stats.wrapped": Wrapped;
  "store.backup": BackedUp;
  "store.rotate_key": Done;
  "stream.audio": StreamTaken;
  "stream.close": Done;
  "stream.frame": FrameTaken;
  "stream.open": StreamClosed;
  "subscribe": Done;
  "text.classify": Classes;
  "tracks.derive": DerivedTracks;
  "transcribe": Transcribed;
  "transcripts.search": Hits;
  "upload.close": Uploaded;
  "upload.drop": Done;
  "upload.open": UploadOpened;
  "upload.part": UploadTaken;
  "vad": VadResult;
  "watch.add": Folders;
  "watch.list": Folders;
  "watch.remove": Folders;
}

/** Replies that another one follows. */
export const GOES_ON: ReadonlySet<string> = new Set(["accepted", "loading", "progress", "transcript", "audio", "file_part", "subscribed", "event", "overflow", "stream_opened", "partial", "stem_part", "spoken", "denoised", "seen", "frames_lost", "frames_part", "pairing"]);

/** What can be granted. */
export const SCOPES: readonly Scope[] = ["vision", "speech", "language", "capture.microphone", "capture.camera", "capture.screen", "results.read", "results.read:all", "results.delete", "models.read", "models.manage"];

/** The version on the wire. */
export const PROTOCOL = 1;
