/** Files on their way: sent one after the other, then jobs of the daemon that outlive the panel. Knows no page. */

import { EdgedError, type Edged, type EventReply, type Job, type JobsSubmit } from "@edged/client";
import { troubleOf, type Trouble } from "./problems";

export type Step = "waiting" | "sending" | "queued" | "running" | "done" | "failed" | "cancelled";

/** One file, as it is shown. */
export interface Work {
  readonly key: string;
  /** Once it is sent. */
  readonly jobId: string | null;
  readonly name: string;
  readonly step: Step;
  /** null: nobody knows. */
  readonly fraction: number | null;
  readonly sizeBytes: number;
  /** What the daemon does of it: `transcribe`, `diarize`, ... */
  readonly stage: string;
  readonly recordingId: string | null;
  readonly trouble: Trouble | null;
  /** When the job was queued and when it last changed, UTC. */
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface Wish {
  /** Empty: the model chooses. */
  readonly language: string;
  readonly diarize: boolean;
  readonly keepAudio: boolean;
}

/** Where the ids of unfinished uploads are kept, so that the same file goes on where it was. */
export interface UploadIds {
  readonly get: (file: string) => Promise<string | undefined>;
  readonly set: (file: string, uploadId: string | null) => Promise<void>;
}

/** Is told what changes; both are called on the page's own thread. */
export interface Viewer {
  readonly onWork: (work: Work, before: Step | null) => void;
  /** It is the same as another one from now on. */
  readonly onGone: (key: string) => void;
}

interface Sending {
  readonly file: File;
  readonly wish: Wish;
  readonly abort: AbortController;
}

/** Jobs that are shown when the panel is opened. */
const LISTED = 20;
/** What ended longer ago is not shown any more. */
const OLD_MS = 24 * 3600 * 1000;
/** The kind of jobs that are files; the others are the work after a session. */
const FILES = "transcribe";

const STEPS: Readonly<Record<Job["state"], Step>> = {
  queued: "queued",
  running: "running",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
};

/** All files that are known here, newest first, and what is done with them. */
export class Transcribing {
  readonly #edged: Edged;
  readonly #ids: UploadIds;
  readonly #viewer: Viewer;
  readonly #works = new Map<string, Work>();
  readonly #sendings = new Map<string, Sending>();
  readonly #forgotten = new Set<string>();
  #line: Promise<void> = Promise.resolve();

  constructor(edged: Edged, ids: UploadIds, viewer: Viewer) {
    this.#edged = edged;
    this.#ids = ids;
    this.#viewer = viewer;
  }

  /** Send a file when those before it are sent, and have it transcribed. */
  add(file: File, wish: Wish): void {
    const key = `file-${crypto.randomUUID()}`;
    this.#sendings.set(key, { file, wish, abort: new AbortController() });
    this.#set(key, { ...NEW, key, name: file.name, sizeBytes: file.size });
    this.#line = this.#line.then(() => this.#send(key));
  }

  /** Try a failed one again. */
  async retry(key: string): Promise<void> {
    const jobId = this.#works.get(key)?.jobId ?? null;
    const sending = this.#sendings.get(key);
    if (jobId !== null) {
      this.#take((await this.#edged.request({ type: "jobs.retry", job_id: jobId })).job);
    } else if (sending !== undefined) {
      this.#sendings.set(key, { ...sending, abort: new AbortController() });
      this.#change(key, { step: "waiting", fraction: null, trouble: null });
      this.#line = this.#line.then(() => this.#send(key));
    }
  }

  /** Stop one, wherever it is. */
  async cancel(key: string): Promise<void> {
    const jobId = this.#works.get(key)?.jobId ?? null;
    if (jobId !== null) {
      this.#take((await this.#edged.request({ type: "jobs.cancel", job_id: jobId })).job);
    } else {
      this.#sendings.get(key)?.abort.abort();
      this.#change(key, { step: "cancelled", fraction: null });
    }
  }

  /** Show one no longer; its results stay. */
  forget(key: string): void {
    const jobId = this.#works.get(key)?.jobId ?? null;
    if (jobId !== null) this.#forgotten.add(jobId);
    this.#sendings.delete(key);
    this.#works.delete(key);
  }

  /** What the daemon has in its queue, and had last. */
  async list(): Promise<void> {
    const { jobs } = await this.#edged.request({ type: "jobs.list", limit: LISTED });
    const old = new Date(Date.now() - OLD_MS).toISOString();
    const ended = (job: Job): boolean => job.state === "done" || job.state === "cancelled";
    const shown = jobs.filter((job) => job.kind === FILES && !(ended(job) && job.updated_at < old));
    for (const job of shown.reverse()) this.#take(job);
  }

  /** Follow all jobs until the signal says so. */
  async follow(signal: AbortSignal): Promise<void> {
    for await (const told of this.#edged.events({ events: ["job."], signal })) {
      if (told.type === "event") this.#hear(told.body);
    }
  }

  #hear(event: EventReply["body"]): void {
    if (event.event === "job.changed") {
      if (event.job.kind === FILES) this.#take(event.job);
    } else if (event.event === "job.progress") this.#progress(event.job_id, event.stage, event.progress);
  }

  async #send(key: string): Promise<void> {
    const sending = this.#sendings.get(key);
    if (sending === undefined || stopped(sending)) return;
    this.#change(key, { step: "sending", fraction: 0 });
    try {
      const uploadId = await this.#upload(key, sending);
      const { job } = await this.#edged.request(submit(sending, uploadId));
      this.#join(key, job);
    } catch (error) {
      if (!stopped(sending)) this.#change(key, { step: "failed", fraction: null, trouble: troubleOf(error) });
    }
  }

  async #upload(key: string, sending: Sending): Promise<string> {
    const name = nameOf(sending.file);
    const begun = await this.#ids.get(name);
    try {
      return await this.#uploadOnce(key, sending, begun);
    } catch (error) {
      if (begun === undefined || !(error instanceof EdgedError) || error.code !== "not_found") throw error;
      return await this.#uploadOnce(key, sending, undefined);
    }
  }

  async #uploadOnce(key: string, { file, abort }: Sending, begun: string | undefined): Promise<string> {
    const name = nameOf(file);
    const uploaded = await this.#edged.upload(file, {
      ...(begun === undefined ? {} : { uploadId: begun }),
      signal: abort.signal,
      onOpened: ({ upload_id }) => void this.#ids.set(name, upload_id),
      onProgress: (received, size) => this.#change(key, { fraction: size === 0 ? 1 : received / size }),
    });
    await this.#ids.set(name, null);
    return uploaded.upload_id;
  }

  /** A file that was sent is a job from now on; its row may have been told of already, or be an older one. */
  #join(key: string, job: Job): void {
    const other = this.#keyOf(job.job_id);
    const told = other === undefined || other === key ? undefined : this.#works.get(other);
    if (other !== undefined && told !== undefined) {
      this.#works.delete(other);
      this.#viewer.onGone(other);
    }
    this.#sendings.delete(key);
    this.#forgotten.delete(job.job_id);
    // A job that ends at once is told of before the reply that queued it: what was told goes on counting.
    this.#change(key, told === undefined ? { jobId: job.job_id } : { ...told, key });
    this.#take(job);
  }

  #keyOf(jobId: string): string | undefined {
    for (const [key, work] of this.#works) if (work.jobId === jobId) return key;
    return undefined;
  }

  #take(job: Job): void {
    if (this.#forgotten.has(job.job_id)) return;
    const key = this.#keyOf(job.job_id) ?? job.job_id;
    const known = this.#works.get(key) ?? NEW;
    // Events may be newer than the reply that tells of the same job.
    if (known.updatedAt > job.updated_at) return;
    this.#set(key, {
      ...known,
      key,
      jobId: job.job_id,
      name: job.name === "" ? known.name : job.name,
      step: STEPS[job.state],
      fraction:
        job.state === "running"
          ? Math.max(job.progress, known.step === "running" ? (known.fraction ?? 0) : 0)
          : null,
      stage: job.stage,
      recordingId: job.recording_id,
      trouble: job.error,
      createdAt: job.created_at,
      updatedAt: job.updated_at,
    });
  }

  #progress(jobId: string, stage: string, fraction: number): void {
    const key = this.#keyOf(jobId);
    const step = key === undefined ? undefined : this.#works.get(key)?.step;
    if (key === undefined || (step !== "queued" && step !== "running")) return;
    this.#change(key, { step: "running", stage, fraction });
  }

  #change(key: string, change: Partial<Work>): void {
    const known = this.#works.get(key);
    if (known !== undefined) this.#set(key, { ...known, ...change });
  }

  #set(key: string, work: Work): void {
    const before = this.#works.get(key)?.step ?? null;
    this.#works.set(key, work);
    this.#viewer.onWork(work, before);
  }
}

const NEW: Work = {
  key: "",
  jobId: null,
  name: "",
  step: "waiting",
  fraction: null,
  sizeBytes: 0,
  stage: "",
  recordingId: null,
  trouble: null,
  createdAt: "",
  updatedAt: "",
};

function stopped(sending: Sending): boolean {
  return sending.abort.signal.aborted;
}

/** How a file is known again: by what the browser says of it. */
function nameOf(file: File): string {
  return `${file.name}:${file.size}:${file.lastModified}`;
}

function submit({ file, wish }: Sending, uploadId: string): JobsSubmit {
  return {
    type: "jobs.submit",
    upload_id: uploadId,
    name: file.name,
    priority: "interactive",
    keep_audio: wish.keepAudio,
    diarize: wish.diarize,
    ...(wish.language === "" ? {} : { language: wish.language }),
  };
}
