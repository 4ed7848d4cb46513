/** Live captions: a source of sound, sent to the daemon as it comes, and what is recognised of it. */
import {
  type AnyAnswer,
  EdgedError,
  type Edged,
  type PartialText,
  type Segment,
  type StreamClosed,
  type StreamOpened,
} from "@edged/client";
import { type OpenSound, openSound, type Sound, type SoundOptions, type SoundSource } from "./source";
import type { Heard } from "./worklet";

export interface CaptionsOptions extends SoundOptions {
  readonly source: SoundSource;
  /** Absent: chosen by the model. */
  readonly language?: string;
  readonly model?: string;
  /** Whether the recording is kept in the daemon's store. */
  readonly store: boolean;
  /** What the recording is called; asked for each one: after a break there is a new one. */
  readonly name?: () => string;
  /** The daemon listens; told again after each break. */
  readonly onOpened?: (opened: StreamOpened) => void;
  /** What is heard so far of an utterance; replaces the one before. */
  readonly onPartial?: (partial: PartialText) => void;
  /** What stays. */
  readonly onSegments?: (segments: readonly Segment[]) => void;
  /** Ten times a second: decibels of full scale, -100 to 0. */
  readonly onLevel?: (levelDb: number) => void;
  /** Sound that the daemon has and did not recognise yet, and sound that was lost because nobody took it. */
  readonly onBacklog?: (backlogMs: number, lostMs: number) => void;
  /** The connection broke; it goes on by itself, with a new recording, and keeps the last 30 s meanwhile. */
  readonly onBreak?: (error: EdgedError) => void;
  readonly openSound?: OpenSound;
}

const PIECE_MS = 100;
const FORMAT = { sample_rate: 16_000, channels: 1, sample_format: "s16le" } as const;
/** Pieces that wait for the daemon at most; then the oldest is lost, and counted. */
const MOST_WAITING = 300;
/** Pieces of one request at most: sound that waited catches up in few requests. */
const MOST_AT_ONCE = 10;
const ANSWER_WITHIN_MS = 15_000;
const READY_WITHIN_MS = 10_000;
const CLOSED_WITHIN_MS = 60_000;

/** Captions of one source, until `stop`. */
export class Captions {
  /** How the browser calls the device. */
  readonly device: string;
  /** Resolves when all is recognised after `stop`, rejects with what ended it. */
  readonly done: Promise<StreamClosed | undefined>;
  readonly #flow: Flow;
  readonly #sound: Sound;

  /** Opens the source, then the stream. Throws EdgedError where the browser gives no sound. */
  static async start(edged: Edged, options: CaptionsOptions): Promise<Captions> {
    const flow = new Flow(edged, options);
    const hearer = { onPiece: (heard: Heard) => flow.add(heard), onEnded: () => flow.stop() };
    const sound = await (options.openSound ?? openSound)(options.source, hearer, options);
    return new Captions(flow, sound);
  }

  private constructor(flow: Flow, sound: Sound) {
    this.#flow = flow;
    this.#sound = sound;
    this.device = sound.name;
    this.done = flow.run().finally(() => sound.stop());
  }

  /** Stop listening at once; `done` resolves when the daemon has recognised what it has. */
  stop(): void {
    this.#sound.stop();
    this.#flow.stop();
  }
}

/** Pieces of sound into `stream.audio`, and the replies of `stream.open` out. */
class Flow {
  readonly #edged: Edged;
  readonly #options: CaptionsOptions;
  readonly #waiting: ArrayBuffer[] = [];
  #lostMs = 0;
  #stopped = false;
  #wake: () => void = () => undefined;

  constructor(edged: Edged, options: CaptionsOptions) {
    this.#edged = edged;
    this.#options = options;
  }

  add(heard: Heard): void {
    if (this.#stopped) return;
    this.#options.onLevel?.(heard.levelDb);
    this.#waiting.push(heard.pcm);
    if (this.#waiting.length > MOST_WAITING) {
      this.#waiting.shift();
      this.#lostMs += PIECE_MS;
    }
    this.#wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  /** One stream after the other, until it was stopped or cannot go on. */
  async run(): Promise<StreamClosed | undefined> {
    for (;;) {
      try {
        return await this.#once();
      } catch (error) {
        if (!(error instanceof EdgedError) || !error.retryable || this.#stopped) throw error;
        this.#options.onBreak?.(error);
        await this.#edged.whenReady(READY_WITHIN_MS);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  async #once(): Promise<StreamClosed | undefined> {
    const { language, model, store, name } = this.#options;
    const stream = crypto.randomUUID();
    const over = new AbortController();
    const replies = this.#edged.stream(
      {
        type: "stream.open",
        stream,
        kind: "audio",
        audio: FORMAT,
        store,
        ...(language === undefined ? {} : { language }),
        ...(model === undefined ? {} : { model }),
        ...(name === undefined ? {} : { name: name() }),
      },
      { silenceMs: CLOSED_WITHIN_MS },
    );
    let sending: Promise<void> | undefined;
    try {
      for await (const { body } of replies) {
        if (body.type === "stream_opened") {
          sending = this.#send(stream, over.signal);
          sending.catch(() => replies.return());
        }
        if (body.type === "stream_closed") return body;
        this.#tell(body);
      }
      await sending;
      return undefined;
    } finally {
      over.abort();
      this.#wake();
    }
  }

  #tell(reply: AnyAnswer): void {
    if (reply.type === "stream_opened") this.#options.onOpened?.(reply);
    else if (reply.type === "partial") this.#options.onPartial?.(reply);
    else if (reply.type === "transcript") this.#options.onSegments?.(reply.segments);
  }

  /** Sends what waits, one request after the other, and closes the stream when it was stopped. */
  async #send(stream: string, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const pieces = this.#waiting.slice(0, MOST_AT_ONCE);
      if (pieces.length > 0) await this.#take(stream, pieces, over);
      else if (this.#stopped) break;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (!over.aborted)
      await this.#edged.request({ type: "stream.close", stream }, { silenceMs: ANSWER_WITHIN_MS });
  }

  async #take(stream: string, pieces: readonly ArrayBuffer[], signal: AbortSignal): Promise<void> {
    const lostBefore = this.#lostMs;
    try {
      const taken = await this.#edged.request(
        { type: "stream.audio", stream },
        { parts: pieces, silenceMs: ANSWER_WITHIN_MS, signal },
      );
      // Pieces that were dropped meanwhile, because too many waited, were the first of these.
      this.#waiting.splice(0, Math.max(0, pieces.length - (this.#lostMs - lostBefore) / PIECE_MS));
      this.#options.onBacklog?.(taken.backlog_ms, this.#lostMs);
    } catch (error) {
      if (!(error instanceof EdgedError) || error.code !== "busy") throw error;
      const hint = error.details.retry_after_ms;
      await new Promise((resolve) => setTimeout(resolve, typeof hint === "number" ? hint : 200));
    }
  }
}
