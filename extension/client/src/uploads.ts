/** Files of any size: parts that are acknowledged when they are committed, resumed after any break. */
import { Backoff, pause } from "./backoff";
import type { Edged } from "./edged";
import { EdgedError } from "./errors";
import type { Uploaded, UploadOpened } from "./messages";

export interface UploadOptions {
  /** Goes on with an upload that was begun before; keep it (`onOpened`) where a worker may be ended at any time. */
  readonly uploadId?: string;
  /** Of the whole file, in hexadecimal digits: checked at the end. */
  readonly sha256?: string;
  /** Told once, and again after each break: the upload's id, and from where it goes on. */
  readonly onOpened?: (opened: UploadOpened) => void;
  /** Told after each part: committed bytes, and all. */
  readonly onProgress?: (received: number, size: number) => void;
  readonly signal?: AbortSignal;
}

/** So many breaks in a row without one more byte, and the upload is given up. */
const MOST_BREAKS = 8;
/** Without an acknowledgement for so long, the connection counts as broken. */
const PART_WITHIN_MS = 30_000;

/** Sends the file and ends the upload. Throws EdgedError. */
export async function upload(edged: Edged, file: Blob, options: UploadOptions): Promise<Uploaded> {
  if (file.size === 0) throw new EdgedError("bad_media", "the file is empty");
  return new Sending(edged, file, options).run();
}

class Sending {
  readonly #edged: Edged;
  readonly #file: Blob;
  readonly #options: UploadOptions;
  readonly #backoff = new Backoff();
  #uploadId: string | undefined;
  #received = 0;
  #breaks = 0;

  constructor(edged: Edged, file: Blob, options: UploadOptions) {
    this.#edged = edged;
    this.#file = file;
    this.#options = options;
    this.#uploadId = options.uploadId;
  }

  async run(): Promise<Uploaded> {
    for (;;) {
      try {
        return await this.#once();
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  async #once(): Promise<Uploaded> {
    const { sha256, onOpened, signal } = this.#options;
    const opened = await this.#edged.request(
      {
        type: "upload.open",
        size_bytes: this.#file.size,
        ...(sha256 === undefined ? {} : { sha256 }),
        ...(this.#uploadId === undefined ? {} : { upload_id: this.#uploadId }),
      },
      { silenceMs: PART_WITHIN_MS, ...(signal === undefined ? {} : { signal }) },
    );
    this.#uploadId = opened.upload_id;
    this.#advance(opened.received);
    onOpened?.(opened);
    await this.#parts(opened);
    return this.#edged.request(
      { type: "upload.close", upload_id: opened.upload_id },
      { silenceMs: 2 * PART_WITHIN_MS, ...(signal === undefined ? {} : { signal }) },
    );
  }

  /** All parts from where the daemon has them, a window of them on their way at once. */
  async #parts(opened: UploadOpened): Promise<void> {
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    this.#options.signal?.addEventListener("abort", abort, { once: true });
    const onTheirWay = new Set<Promise<void>>();
    try {
      for (let offset = opened.received; offset < this.#file.size; offset += opened.part_bytes) {
        const part = await this.#file.slice(offset, offset + opened.part_bytes).arrayBuffer();
        if (onTheirWay.size >= opened.window) await Promise.race(onTheirWay);
        const sent = this.#part(opened.upload_id, offset, part, stop.signal);
        onTheirWay.add(sent);
        sent.then(
          () => onTheirWay.delete(sent),
          () => undefined,
        );
      }
      await Promise.all(onTheirWay);
    } finally {
      this.#options.signal?.removeEventListener("abort", abort);
      stop.abort();
    }
  }

  async #part(uploadId: string, offset: number, part: ArrayBuffer, signal: AbortSignal): Promise<void> {
    const taken = await this.#edged.request(
      { type: "upload.part", upload_id: uploadId, offset },
      { parts: [part], silenceMs: PART_WITHIN_MS, signal },
    );
    this.#advance(taken.received);
  }

  #advance(received: number): void {
    if (received > this.#received) {
      this.#breaks = 0;
      this.#backoff.reset();
    }
    this.#received = Math.max(received, this.#received);
    this.#options.onProgress?.(this.#received, this.#file.size);
  }

  /** Wait before the next try, or throw what no other try can mend. */
  async #recover(error: unknown): Promise<void> {
    const again = error instanceof EdgedError && (error.retryable || error.code === "conflict");
    if (!again || this.#options.signal?.aborted === true || ++this.#breaks > MOST_BREAKS) throw error;
    const hint = error.details.retry_after_ms;
    await this.#edged.whenReady(this.#backoff.next(), this.#options.signal);
    await pause(typeof hint === "number" ? hint : this.#backoff.next(), this.#options.signal);
  }
}
