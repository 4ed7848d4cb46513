/** Frames to the daemon as fast as it takes them, and what it sees in them. Knows no page and no camera. */
import { EdgedError, type Edged, type Look, type Seen } from "@edged/client";

export interface Watcher {
  /** The daemon looks; told again after each break. */
  readonly onOpened?: (model: string) => void;
  readonly onSeen: (seen: Seen) => void;
  /** Frames that a worker took with it, and why. */
  readonly onLost?: (frames: number, reason: string) => void;
  /** The connection broke; it goes on by itself. */
  readonly onBreak?: (error: EdgedError) => void;
}

/** One is looked at while the next one is on its way; more would only grow old. */
const MOST_UNDER_WAY = 2;
/** Frames that nothing is heard of for so long do not come back. */
const LOST_AFTER_MS = 5_000;
const ANSWER_WITHIN_MS = 15_000;
/** The daemon says something every 10 s. */
const SILENCE_MS = 45_000;
const READY_WITHIN_MS = 10_000;
const PAUSE_MS = 500;

/** One look at a stream of frames, from `start` to `stop`. */
export class Looking {
  /** Resolves when it was stopped, rejects with what ended it. */
  readonly done: Promise<void>;
  readonly #edged: Edged;
  readonly #look: Look;
  readonly #watcher: Watcher;
  readonly #stop = new AbortController();
  #stream: string | undefined;
  #next = 0;
  #settled = -1;
  #lastNews = 0;

  constructor(edged: Edged, look: Look, watcher: Watcher) {
    this.#edged = edged;
    this.#look = look;
    this.#watcher = watcher;
    this.done = this.#run();
  }

  /** Whether a frame would be looked at soon. Ask this before making one: the newest is worth most. */
  get hungry(): boolean {
    return this.#stream !== undefined && (this.#underWay < MOST_UNDER_WAY || this.#stale);
  }

  get #underWay(): number {
    return this.#next - 1 - this.#settled;
  }

  /** Whether the frames under way count as lost. */
  get #stale(): boolean {
    return performance.now() - this.#lastNews > LOST_AFTER_MS;
  }

  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Send a picture file (JPEG, PNG or WebP). capturedAtMs: of any clock that only grows. */
  send(picture: ArrayBuffer, capturedAtMs: number): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const frameId = this.#next++;
    if (this.#underWay === 1 || this.#stale) this.#settle(frameId - 1);
    this.#edged
      .request(
        { type: "stream.frame", stream, frame_id: frameId, captured_at_ms: Math.round(capturedAtMs) },
        { parts: [picture], silenceMs: ANSWER_WITHIN_MS, signal: this.#stop.signal },
      )
      .catch(() => this.#settle(frameId));
  }

  /** End it; the daemon forgets the stream. */
  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    while (!this.#isStopped()) {
      try {
        await this.#once();
        return;
      } catch (error) {
        if (this.#isStopped()) return;
        if (!(error instanceof EdgedError) || !error.retryable) throw error;
        this.#watcher.onBreak?.(error);
        await this.#edged.whenReady(READY_WITHIN_MS, this.#stop.signal);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      } finally {
        this.#stream = undefined;
      }
    }
  }

  async #once(): Promise<void> {
    const stream = crypto.randomUUID();
    const replies = this.#edged.stream(
      { type: "stream.open", stream, kind: "frames", look: this.#look, store: false },
      { signal: this.#stop.signal, silenceMs: SILENCE_MS },
    );
    for await (const { body } of replies) {
      if (body.type === "stream_opened") this.#open(stream, body.model);
      else if (body.type === "seen") this.#see(body);
      else if (body.type === "frames_lost") this.#lose(body.first_frame, body.last_frame, body.reason);
    }
  }

  #open(stream: string, model: string): void {
    this.#stream = stream;
    this.#next = 0;
    this.#settled = -1;
    this.#watcher.onOpened?.(model);
  }

  #see(seen: Seen): void {
    this.#settle(seen.frame_id);
    this.#watcher.onSeen(seen);
  }

  #lose(first: number, last: number, reason: string): void {
    this.#settle(last);
    this.#watcher.onLost?.(last - first + 1, reason);
  }

  /** Frames are seen in their order: with one, all before it are done with. */
  #settle(frameId: number): void {
    this.#settled = Math.max(this.#settled, frameId);
    this.#lastNews = performance.now();
  }
}
