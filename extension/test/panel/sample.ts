/** A daemon as the panel's tests and pictures script it: what it knows, and what it answers. */
import type {
  AnyRequest,
  HealthReport,
  Job,
  KnownClient,
  Recording,
  Scope,
  Segment,
  Session,
} from "@edged/client";
import { FakeHost, type Asked, type FakePort } from "../../client/test/host";

const NOW = "2026-11-21T14:05:00.000Z";

export const CLIENT: KnownClient = {
  client_id: "c0ffee0123456789",
  kind: "browser",
  identity: "chrome-extension://abcdefghijklmnopabcdefghijklmnop/",
  name: "Chromium panel on Linux",
  status: "approved",
  fingerprint: "",
  asked_at: NOW,
  asked_scopes: ["speech", "vision", "results.read"],
  scopes: ["speech", "vision", "results.read", "results.delete", "models.read", "models.manage"],
  decided_at: NOW,
  expires_at: "2026-12-21T14:05:00.000Z",
  last_seen_at: NOW,
  pid: 4711,
  program: "edged-native-host",
};

export const HEALTH: HealthReport = {
  type: "health",
  status: "ok",
  reasons: [],
  pid: 4711,
  version: "0.1.0",
  uptime_s: 7512.5,
  models_loaded: ["silero-v6", "pocketsphinx-en-us"],
  queue_depth: 1,
  last_commit_age_ms: 2200,
  disk_free_bytes: 52_400_000_000,
  sqlite_version: "3.54.0",
  timestamp: NOW,
  recording: [],
  watching: [],
};

export function recording(more: Partial<Recording> = {}): Recording {
  return {
    recording_id: "0a1b2c3d4e5f6071",
    session_id: "1b2c3d4e5f60718a",
    name: "team-standup.m4a",
    status: "completed",
    created_at: NOW,
    sha256: "00",
    size_bytes: 8_192_000,
    audio_ms: 754_000,
    done_ms: 754_000,
    compute_ms: 90_000,
    path: null,
    audio_kept: true,
    model: "faster-whisper-small",
    language: "en",
    language_source: "detected",
    segment_count: 8,
    error: null,
    ...more,
  };
}

const SAID = [
  ["Good morning everybody, shall we start?", "Mei"],
  ["Yes. The release candidate is built, and the tests are green on both boards.", "Jonas"],
  ["What about the memory that was not given back after a long recording?", "Mei"],
  ["That was the decoder. It lives in a process of its own now, so it goes away with it.", "Jonas"],
  ["Good. Then the only open point is the text of the announcement.", "Mei"],
  ["I can write it this afternoon. Half a page is enough.", "Aisha"],
  ["Please say clearly that nothing leaves the device. People ask that first.", "Mei"],
  ["Of course, that will be the first sentence.", "Aisha"],
] as const;

export const SEGMENTS: readonly Segment[] = SAID.map(([text, speaker], seq) => ({
  seq,
  start_ms: 1200 + seq * 6400,
  end_ms: 6800 + seq * 6400,
  text,
  confidence: 0.9,
  words: [],
  raw: null,
  speaker,
  speaker_id: null,
  overlap: false,
  emotion: "",
  emotion_confidence: 0,
}));

export function job(more: Partial<Job> = {}): Job {
  return {
    job_id: "2c3d4e5f60718a9b",
    kind: "transcribe",
    state: "running",
    priority: "interactive",
    attempts: 1,
    max_attempts: 3,
    created_at: NOW,
    updated_at: "2026-11-21T14:05:41.000Z",
    stage: "transcribe",
    progress: 0.42,
    name: "interview-with-the-neighbours.mp3",
    model: "faster-whisper-small",
    recording_id: "0a1b2c3d4e5f6071",
    not_before: null,
    error: null,
    ...more,
  };
}

const JOBS: readonly Job[] = [
  job(),
  job({ job_id: "3c3d4e5f60718a9b", state: "queued", progress: 0, stage: "", name: "lecture 07.mp4" }),
  job({ job_id: "4c3d4e5f60718a9b", state: "done", progress: 1, stage: "", name: "team-standup.m4a" }),
  job({
    job_id: "5c3d4e5f60718a9b",
    state: "failed",
    name: "holiday.mov",
    error: { code: "bad_media", message: "no audio track", fix: "give a file with an audio track" },
  }),
];

function session(id: string, name: string, speakers: number): Partial<Session> {
  return { id, name, started_at: NOW, speaker_count: speakers, status: "completed" };
}

function hit(seq: number, snippet: string, name: string, recordingId: string): object {
  const segment = SEGMENTS[seq];
  const where = { recording_id: recordingId, seq, start_ms: segment?.start_ms, end_ms: segment?.end_ms };
  return { ...where, text: segment?.text, snippet, name, at: NOW };
}

const SPEAKERS = [
  {
    id: "s1",
    label: "SPEAKER_00",
    attributed_to: "Mei Ling",
    claim_type: "user",
    segment_count: 41,
    total_duration_ms: 312_000,
    sample: true,
  },
  {
    id: "s2",
    label: "SPEAKER_01",
    attributed_to: "Jonas",
    claim_type: "self",
    segment_count: 33,
    total_duration_ms: 240_000,
    sample: true,
  },
  {
    id: "s3",
    label: "SPEAKER_02",
    attributed_to: null,
    claim_type: null,
    segment_count: 17,
    total_duration_ms: 121_000,
    sample: true,
  },
].map((each) => ({
  session_id: "1b2c3d4e5f60718a",
  word_counts: {},
  claimed_by: null,
  claimed_at: null,
  guest_name: null,
  person_id: null,
  overlap_ms: 0,
  ...each,
}));

function figures(words: number, talk_ms: number): object {
  return {
    words,
    turns: 40,
    segments: 61,
    talk_ms,
    overlap_ms: 9000,
    words_per_minute: 131.7,
    target_words: {},
    favourite_word: "meeting",
    unknown_speech: 0.04,
    low_confidence_words: 0.11,
    sessions: 3,
  };
}

function model(id: string, task: string, more: object = {}): object {
  return {
    id,
    task,
    engine: "onnx",
    license: "MIT",
    languages: ["en"],
    size_bytes: 35_000_000,
    memory_bytes: 95_000_000,
    installed: true,
    default: true,
    state: "unloaded",
    quality: "",
    description: "",
    problem: null,
    quantization: "int8",
    terms: [],
    recommended: true,
    pinned: false,
    ...more,
  };
}

function loaded(id: string, engine: string, bytes: number): object {
  return {
    id,
    engine,
    pid: 4712,
    state: "ready",
    pss_bytes: bytes,
    loaded_at: NOW,
    expires_in_ms: 299_000,
    queued: 0,
    calls: 12,
    device: "cpu",
    device_asked: "auto",
    threads: 2,
    vram_bytes: 0,
    expires_at: NOW,
    pinned: false,
  };
}

/** What each request is answered with, where nothing else is scripted. */
const ANSWERS: Readonly<Partial<Record<AnyRequest["type"], object>>> = {
  hello: { type: "welcome", version: "0.1.0", protocol: 1, pid: 1, limits: {} },
  "clients.self": { type: "client", client: CLIENT },
  health: HEALTH,
  describe: {
    type: "description",
    tasks: {
      transcribe: {
        default: "faster-whisper-small",
        reason: "",
        models: ["faster-whisper-small"],
        languages: ["en", "de", "zh", "any"],
      },
      hand_landmarks: { default: "hand-landmarker", reason: "", models: ["hand-landmarker"], languages: [] },
      pose_landmarks: {
        default: "pose-landmarker-full",
        reason: "",
        models: ["pose-landmarker-full"],
        languages: [],
      },
      face_landmarks: { default: "face-mesh", reason: "", models: ["face-mesh"], languages: [] },
    },
  },
  "models.ps": {
    type: "loaded_models",
    models: [
      loaded("faster-whisper-small", "faster-whisper", 312_000_000),
      loaded("silero-v6", "silero", 55_000_000),
    ],
  },
  "models.list": {
    type: "models",
    models: [
      model("faster-whisper-small", "transcribe", {
        size_bytes: 245_000_000,
        languages: ["en", "de", "zh", "fr", "es"],
        state: "ready",
      }),
      model("pocketsphinx-en-us", "transcribe", { license: "BSD-2-Clause", default: false }),
      model("hand-landmarker", "hand_landmarks", {
        license: "Apache-2.0",
        languages: [],
        size_bytes: 7_800_000,
      }),
      model("pose-landmarker-full", "pose_landmarks", {
        license: "Apache-2.0",
        languages: [],
        size_bytes: 9_400_000,
      }),
      model("silero-v6", "vad", { languages: [], size_bytes: 1_280_000, state: "ready" }),
    ],
  },
  "recordings.list": {
    type: "recordings",
    recordings: [
      recording(),
      recording({
        recording_id: "1a1b2c3d4e5f6071",
        name: "interview-with-the-neighbours.mp3",
        status: "processing",
        done_ms: 300_000,
      }),
      recording({
        recording_id: "2a1b2c3d4e5f6071",
        name: "lecture 06.mp4",
        created_at: "2026-11-03T09:12:00.000Z",
        audio_ms: 5_412_000,
      }),
    ],
    next: null,
  },
  "recordings.get": { type: "recording", recording: recording() },
  "segments.list": { type: "segments", segments: SEGMENTS, next: null },
  "transcripts.search": {
    type: "hits",
    hits: [
      hit(
        2,
        "What about the [memory] that was not given back after a long recording?",
        "team-standup.m4a",
        "0a1b2c3d4e5f6071",
      ),
      hit(3, "so it frees its [memory] with the process", "team-standup.m4a", "0a1b2c3d4e5f6071"),
      hit(5, "the [memory] palace, as the ancients called it", "lecture 06.mp4", "2a1b2c3d4e5f6071"),
    ],
    pending: [],
  },
  "jobs.list": { type: "jobs", jobs: JOBS, counts: {} },
  "sessions.list": {
    type: "sessions",
    sessions: [
      session("1b2c3d4e5f60718a", "team-standup.m4a", 3),
      session("2b2c3d4e5f60718a", "interview.mp3", 2),
    ],
    next: null,
  },
  "speakers.list": { type: "speakers", session_id: "1b2c3d4e5f60718a", speakers: SPEAKERS },
  stats: {
    type: "statistics",
    speakers: [
      { kind: "person", name: "Mei Ling", figures: figures(9120, 4_100_000) },
      { kind: "person", name: "Jonas", figures: figures(6204, 2_700_000) },
      { kind: "unclaimed", name: "SPEAKER_02", figures: figures(2100, 900_000) },
    ],
    totals: figures(15_324, 6_800_000),
  },
};

/** Requests that stay open: what they say at first. */
const OPENINGS: Readonly<Partial<Record<AnyRequest["type"], object>>> = {
  subscribe: { type: "subscribed", event_seq: 41 },
};

export type Script = Partial<Record<AnyRequest["type"], (port: FakePort, asked: Asked) => void>>;

/** A host whose daemon answers as scripted, and else as the sample does. */
export function sampleHost(script: Script = {}): FakeHost {
  return new FakeHost({
    answer: (port, asked) => {
      const { type } = asked.body;
      const scripted = script[type];
      const opening = OPENINGS[type];
      if (scripted !== undefined) scripted(port, asked);
      else if (opening !== undefined) port.reply(asked, opening, { more: true });
      else if (ANSWERS[type] === undefined) port.fail(asked, "unknown_request");
      else port.reply(asked, ANSWERS[type]);
    },
  });
}

/** The client as it is told at other stages of the ceremony. */
export function client(
  status: KnownClient["status"],
  scopes: readonly Scope[] = CLIENT.scopes,
): { type: "client"; client: KnownClient } {
  return { type: "client", client: { ...CLIENT, status, scopes } };
}
