/** Where the replies of one request go: into a promise, or into an iterator that its reader paces. */
import { decode } from "./base64";
import { EdgedError, fromReply } from "./errors";
import type { Incoming, Taken } from "./link";
import type { AnyReply, ErrorReply } from "./messages";

/** Every reply but an error, which is thrown instead. */
export type AnyAnswer = Exclude<AnyReply, ErrorReply>;

/** A reply with its binary parts. */
export interface Message<Body = AnyAnswer> {
  readonly body: Body;
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
  /** Whether another one follows. */
  readonly more: boolean;
}

/** What a request's replies are given to, in their order. */
export interface Sink {
  take(message: Message, taken: Taken): void;
  fail(error: EdgedError): void;
}

/** A reply as its reader sees it. Throws the EdgedError that it may be. */
export function messageOf(reply: Incoming): Message {
  if (reply.body.type === "error") throw fromReply(reply.body);
  return { body: reply.body, parts: (reply.parts ?? []).map(decode), more: reply.more ?? false };
}

/** The last reply as a promise; the ones before go to `onReply`. */
export class LastReply implements Sink {
  readonly promise: Promise<Message>;
  readonly #onReply: ((message: Message) => void) | undefined;
  #resolve!: (message: Message) => void;
  #reject!: (error: EdgedError) => void;

  constructor(onReply?: (message: Message) => void) {
    this.#onReply = onReply;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  take(message: Message, taken: Taken): void {
    taken();
    if (message.more) this.#onReply?.(message);
    else this.#resolve(message);
  }

  fail(error: EdgedError): void {
    this.#reject(error);
  }
}

interface Waiting {
  resolve(result: IteratorResult<Message, undefined>): void;
  reject(error: EdgedError): void;
}

/**
 * Replies as an async iterator, for one reader.
 *
 * A reply counts against the connection's credit until it is read: who does not read makes the host,
 * and behind it the daemon, wait, and with them everything else on this connection once the credit is
 * used up. Leave the loop (`break`) and the request is cancelled.
 */
export class ReplyStream implements Sink, AsyncIterableIterator<Message, undefined> {
  readonly #queue: { message: Message; taken: Taken }[] = [];
  readonly #leave: () => void;
  #waiting: Waiting | undefined;
  #error: EdgedError | undefined;
  #ended = false;

  /** leave: cancels the request. */
  constructor(leave: () => void) {
    this.#leave = leave;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  take(message: Message, taken: Taken): void {
    if (this.#ended) {
      taken();
      return;
    }
    this.#ended = !message.more;
    if (this.#waiting === undefined) {
      this.#queue.push({ message, taken });
      return;
    }
    taken();
    this.#waiting.resolve({ value: message, done: false });
    this.#waiting = undefined;
  }

  fail(error: EdgedError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#waiting?.reject(this.#once());
    this.#waiting = undefined;
  }

  /** The next reply; after the last one, the end. Throws the error that ended the request, once. */
  next(): Promise<IteratorResult<Message, undefined>> {
    const first = this.#queue.shift();
    if (first !== undefined) {
      first.taken();
      return Promise.resolve({ value: first.message, done: false });
    }
    if (this.#error !== undefined) return Promise.reject(this.#once());
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Cancel the request; what has come and was not read is dropped. */
  return(): Promise<IteratorResult<Message, undefined>> {
    const running = !this.#ended;
    this.#ended = true;
    this.#error = undefined;
    for (const { taken } of this.#queue.splice(0)) taken();
    this.#waiting?.resolve({ value: undefined, done: true });
    this.#waiting = undefined;
    if (running) this.#leave();
    return Promise.resolve({ value: undefined, done: true });
  }

  #once(): EdgedError {
    const error = this.#error ?? new EdgedError("internal", "no error");
    this.#error = undefined;
    return error;
  }
}
