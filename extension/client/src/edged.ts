/** A connection to the daemon: requests and their replies, over a port that is opened anew when it breaks. */
import { bytesOf, encode, encodedLength } from "./base64";
import { Backoff } from "./backoff";
import { EdgedError, fromReply } from "./errors";
import { follow, type Followed, type FollowOptions } from "./events";
import { type Incoming, Link, type Outgoing, type Ready, type Taken } from "./link";
import type { AnyReply, AnyRequest, KnownClient, LastReplies, Uploaded } from "./messages";
import { PROTOCOL } from "./messages";
import { VERSION } from "./names";
import { pair, type PairOptions } from "./pairing";
import { type Connect, connectNative } from "./port";
import { LastReply, type Message, messageOf, ReplyStream, type Sink } from "./replies";
import { upload, type UploadOptions } from "./uploads";

/** The reply that ends a request of a type. */
export type Answer<Request extends AnyRequest> = LastReplies[Request["type"]];

/** Something binary that goes with a request. */
export type Part = ArrayBuffer | ArrayBufferView;

export interface EdgedOptions {
  /** How this client is called in the daemon's log and in `edged clients list`. */
  readonly name: string;
  /** Its own version. */
  readonly version?: string;
  /** Opens a port; by default to the native-messaging host of edged. */
  readonly connect?: Connect;
}

export interface RequestOptions {
  /** Binary frames, each at most `most_bytes` of the host with its base64 (8 MiB). */
  readonly parts?: readonly Part[];
  /** For the whole request with all its replies; told to the daemon too. Absent: none. */
  readonly timeoutMs?: number;
  /** Without any reply for so long, the request ends with `deadline`; 0: never. By default 60 s for `request`, 0 for `stream`. */
  readonly silenceMs?: number;
  /** Cancels the request, which then throws `cancelled`. */
  readonly signal?: AbortSignal;
}

/** What `status` says. */
export type Status =
  | { readonly state: "idle" }
  | { readonly state: "connecting" }
  | { readonly state: "ready"; readonly host: Ready }
  | { readonly state: "waiting"; readonly error: EdgedError; readonly retryInMs: number }
  | { readonly state: "closed" };

interface Running {
  readonly sink: Sink;
  readonly silenceMs: number;
  /** A question of our own: it is never too long, nor anything else that the host cannot read. */
  readonly greeting: boolean;
  answered: boolean;
  heard: () => void;
  stop: () => void;
}

const SILENCE_MS = 60_000;
/** The daemon ends a request at its deadline; without word from it so much later, the client does. */
const GRACE_MS = 2_000;
/** A ping after so much silence while anything runs; without an answer the connection is given up. */
const PING_MS = 20_000;
const PONG_WITHIN_MS = 10_000;
/** Source: the host's default, which `ready` states. */
const MOST_BYTES = 8 * 2 ** 20;
const ENVELOPE_BYTES = 64 * 1024;
/** After these, waiting changes nothing; the user does. Asked again all the same, but seldom. */
const HOPELESS = new Set(["host_not_registered", "origin_denied", "sandboxed_browser", "version_skew"]);

/**
 * A client of edged.
 *
 * It connects with the first request, or by `open()`, which also keeps it connected: after a break it
 * tries again, at first after 0.25 s, later every 10 s. What ran when the connection broke ends with an
 * error (mostly `daemon_down`); nothing is sent twice by itself, but `upload` and `events` go on where they were.
 */
export class Edged {
  readonly name: string;
  readonly #version: string;
  readonly #connect: Connect;
  readonly #listeners = new Set<(status: Status) => void>();
  readonly #running = new Map<string, Running>();
  readonly #backoff = new Backoff();
  readonly #prefix = Math.random().toString(36).slice(2, 8);
  #link: Link | undefined;
  #ready: Ready | undefined;
  #status: Status = { state: "idle" };
  #kept = false;
  #number = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setTimeout> | undefined;

  constructor(options: EdgedOptions) {
    this.name = options.name;
    this.#version = options.version ?? VERSION;
    this.#connect = options.connect ?? connectNative;
  }

  /** Where the connection stands. */
  get status(): Status {
    return this.#status;
  }

  /** Be told of every change of `status`, and of the present one at once. Gives a function that ends it. */
  onStatus(listener: (status: Status) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#status);
    return () => this.#listeners.delete(listener);
  }

  /** Connect, and stay connected until `close()`. */
  open(): void {
    this.#kept = true;
    if (this.#link === undefined) this.#dial();
  }

  /** End everything in flight with `cancelled`, and close the port. A later request or `open()` opens it again. */
  close(): void {
    this.#kept = false;
    clearTimeout(this.#retry);
    const link = this.#link;
    if (link === undefined) this.#tell({ state: "closed" });
    else link.close();
  }

  /** The last reply to a request; the ones before it go to `onReply`. Throws EdgedError. */
  async request<Request extends AnyRequest>(
    body: Request,
    options: RequestOptions & { readonly onReply?: (message: Message) => void } = {},
  ): Promise<Answer<Request>> {
    return (await this.exchange(body, options)).body;
  }

  /** As `request`, with the binary parts of the last reply. */
  async exchange<Request extends AnyRequest>(
    body: Request,
    options: RequestOptions & { readonly onReply?: (message: Message) => void } = {},
  ): Promise<Message<Answer<Request>>> {
    const sink = new LastReply(options.onReply);
    this.#ask(body, sink, { silenceMs: SILENCE_MS, ...options });
    return (await sink.promise) as Message<Answer<Request>>;
  }

  /** All replies to a request, as they are read; leaving the loop cancels it. Throws EdgedError at `next()`. */
  stream(body: AnyRequest, options: RequestOptions = {}): ReplyStream {
    let leave: () => void = () => undefined;
    const sink = new ReplyStream(() => leave());
    leave = this.#ask(body, sink, options);
    return sink;
  }

  /** What a request gives in binary parts (`recordings.audio`, `speakers.sample`, ...), joined, with its replies. */
  async download(
    body: AnyRequest,
    options: RequestOptions = {},
  ): Promise<{ blob: Blob; replies: AnyReply[] }> {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    const replies: AnyReply[] = [];
    for await (const message of this.stream(body, { silenceMs: SILENCE_MS, ...options })) {
      replies.push(message.body);
      pieces.push(...message.parts);
    }
    return { blob: new Blob(pieces), replies };
  }

  /** Send a file of any size; after a break it goes on where it was. Then name its `upload_id`. */
  upload(file: Blob, options: UploadOptions = {}): Promise<Uploaded> {
    return upload(this, file, options);
  }

  /** Ask the user to become a client; resolves when they have decided (`status`: approved or denied). */
  pair(options: PairOptions): Promise<KnownClient> {
    return pair(this, options);
  }

  /** Events without end, over breaks of the connection; facts are not missed. Ends by the signal, or by leaving the loop. */
  events(options: FollowOptions = {}): AsyncGenerator<Followed, void, undefined> {
    return follow(this, options);
  }

  /** Wait until there is a connection again, or for `mostMs`. */
  async whenReady(mostMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#status.state === "ready") return;
    await new Promise<void>((resolve) => {
      const leave: (() => void)[] = [];
      const end = (): void => {
        for (const one of leave.splice(0)) one();
        resolve();
      };
      const timer = setTimeout(end, mostMs);
      leave.push(() => clearTimeout(timer));
      signal?.addEventListener("abort", end, { once: true });
      leave.push(() => signal?.removeEventListener("abort", end));
      leave.push(
        this.onStatus((status) => (status.state === "ready" && leave.length > 0 ? end() : undefined)),
      );
    });
  }

  #tell(status: Status): void {
    this.#status = status;
    for (const listener of this.#listeners) listener(status);
  }

  #dial(): Link {
    clearTimeout(this.#retry);
    this.#ready = undefined;
    this.#tell({ state: "connecting" });
    const link = new Link(this.#connect(), {
      onReady: (ready) => this.#start(ready),
      onReply: (reply, taken) => this.#take(reply, taken),
      onEnd: (error) => this.#lose(error),
    });
    this.#link = link;
    return link;
  }

  #start(ready: Ready): void {
    if (ready.protocol !== PROTOCOL) {
      this.#link?.abandon(
        new EdgedError("version_skew", `the host speaks protocol ${ready.protocol}, this client ${PROTOCOL}`),
      );
      return;
    }
    this.#ready = ready;
    this.#backoff.reset();
    this.#tell({ state: "ready", host: ready });
    this.#ask({ type: "hello", client: this.name, version: this.#version }, QUIET, { silenceMs: 0 });
    this.#watch();
  }

  #lose(error: EdgedError): void {
    this.#link = undefined;
    this.#ready = undefined;
    clearTimeout(this.#ping);
    clearTimeout(this.#retry);
    for (const id of [...this.#running.keys()]) this.#finish(id)?.sink.fail(error);
    if (!this.#kept) {
      this.#tell(
        error.code === "cancelled" ? { state: "closed" } : { state: "waiting", error, retryInMs: 0 },
      );
      return;
    }
    this.#later(error);
  }

  #later(error: EdgedError): void {
    clearTimeout(this.#retry);
    const retryInMs = this.#backoff.next(HOPELESS.has(error.code));
    this.#retry = setTimeout(() => (this.#link === undefined ? void this.#dial() : this.#probe()), retryInMs);
    this.#tell({ state: "waiting", error, retryInMs });
  }

  /** Whether the daemon is back, behind a host that stayed. */
  #probe(): void {
    this.#ask({ type: "hello", client: this.name, version: this.#version }, QUIET, {
      silenceMs: PONG_WITHIN_MS,
    });
  }

  /** Ask now and then whether the other side lives: a message that the browser drops, it drops without a word. */
  #watch(): void {
    clearTimeout(this.#ping);
    this.#ping = setTimeout(() => {
      if (this.#running.size > 0) {
        const silent = new EdgedError("daemon_down", "the native-messaging host does not answer");
        const giveUp = {
          take: (_: Message, taken: Taken) => taken(),
          fail: (error: EdgedError) => this.#suspect(error, silent),
        };
        this.#ask({ type: "hello", client: this.name }, giveUp, { silenceMs: PONG_WITHIN_MS });
      }
      this.#watch();
    }, PING_MS);
  }

  #suspect(error: EdgedError, silent: EdgedError): void {
    if (error.code === "deadline") this.#link?.abandon(silent);
  }

  #take(reply: Incoming, taken: Taken): void {
    const id = reply.parent_id ?? "";
    const running = this.#running.get(id);
    if (running === undefined) {
      taken();
      // What says so little may lack anything.
      const { parent_id: named, body } = reply as Partial<Incoming>;
      if (named === "" && body?.type === "error") this.#refuse(fromReply(body));
      return;
    }
    this.#notice(reply.body);
    running.answered = true;
    running.heard();
    if (reply.more !== true) this.#finish(id);
    try {
      running.sink.take(messageOf(reply), taken);
    } catch (error) {
      taken();
      this.#finish(id);
      running.sink.fail(
        error instanceof EdgedError
          ? error
          : new EdgedError("bad_request", "the reply's parts are no base64"),
      );
    }
  }

  /**
   * A message could not be read, and so the host does not know which one it was. Where only one request
   * waits for its first reply, it was that one; of several none is ended by another's fault.
   */
  #refuse(error: EdgedError): void {
    const waiting = [...this.#running].filter(([, { greeting, answered }]) => !greeting && !answered);
    const [only] = waiting;
    if (only !== undefined && waiting.length === 1) this.#finish(only[0])?.sink.fail(error);
  }

  /** The host outlives the daemon: its replies say when there is none, and when there is one again. */
  #notice(body: AnyReply): void {
    const down = body.type === "error" && body.code === "daemon_down";
    if (down && this.#status.state === "ready")
      this.#later(new EdgedError(body.code, body.message, { fix: body.fix }));
    else if (down && this.#kept && this.#status.state === "waiting") this.#later(this.#status.error);
    else if (!down && this.#status.state === "waiting" && this.#ready !== undefined) {
      clearTimeout(this.#retry);
      this.#backoff.reset();
      this.#tell({ state: "ready", host: this.#ready });
    }
  }

  /** Send a request whose replies go to the sink. Gives a function that cancels it. */
  #ask(body: AnyRequest, sink: Sink, options: RequestOptions): () => void {
    const id = `${this.#prefix}.${++this.#number}`;
    if (options.signal?.aborted) {
      sink.fail(cancelled());
      return () => undefined;
    }
    this.#running.set(id, this.#timed(id, sink, options, body.type === "hello"));
    try {
      this.#send(this.#envelope(id, body, options));
    } catch (error) {
      this.#finish(id)?.sink.fail(
        error instanceof EdgedError ? error : new EdgedError("internal", String(error)),
      );
    }
    return () => this.#cancel(id);
  }

  #envelope(id: string, body: AnyRequest, { parts = [], timeoutMs }: RequestOptions): Outgoing {
    const all = parts.map(bytesOf);
    const length = all.reduce((sum, part) => sum + encodedLength(part.length), ENVELOPE_BYTES);
    const most = this.#ready?.most_bytes ?? MOST_BYTES;
    if (length > most) {
      throw new EdgedError("too_large", "the parts do not fit into one message", {
        fix: "send them as an upload, or in several requests",
        details: { most_bytes: most },
      });
    }
    return {
      v: PROTOCOL,
      id,
      body,
      ...(timeoutMs === undefined ? {} : { deadline_ms: Math.ceil(timeoutMs) }),
      ...(all.length === 0 ? {} : { parts: all.map(encode) }),
    };
  }

  #send(envelope: Outgoing): void {
    const link = this.#link ?? this.#dial();
    link.send(envelope);
  }

  #timed(
    id: string,
    sink: Sink,
    { timeoutMs, silenceMs = 0, signal }: RequestOptions,
    greeting: boolean,
  ): Running {
    const late = (what: string): void => {
      this.#cancel(id, new EdgedError("deadline", what));
    };
    const abort = (): void => this.#cancel(id, cancelled());
    const total =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => late("the request's time is over"), timeoutMs + GRACE_MS);
    let silence: ReturnType<typeof setTimeout> | undefined;
    const heard = (): void => {
      clearTimeout(silence);
      if (silenceMs > 0)
        silence = setTimeout(() => late("nothing was heard of the request for too long"), silenceMs);
    };
    const stop = (): void => {
      clearTimeout(total);
      clearTimeout(silence);
      signal?.removeEventListener("abort", abort);
    };
    signal?.addEventListener("abort", abort, { once: true });
    heard();
    return { sink, silenceMs, greeting, answered: false, heard, stop };
  }

  #finish(id: string): Running | undefined {
    const running = this.#running.get(id);
    this.#running.delete(id);
    running?.stop();
    return running;
  }

  /** End a request here and tell the daemon; its later replies are dropped. */
  #cancel(id: string, error?: EdgedError): void {
    const running = this.#finish(id);
    if (running === undefined) return;
    if (error !== undefined) running.sink.fail(error);
    try {
      this.#link?.send({
        v: PROTOCOL,
        id: `${this.#prefix}.${++this.#number}`,
        body: { type: "cancel", request_id: id },
      });
    } catch {
      // The port is closed: the host cancels what was in flight.
    }
  }
}

function cancelled(): EdgedError {
  return new EdgedError("cancelled", "the request was cancelled");
}

/** For requests whose answer only shows that somebody answers. */
const QUIET: Sink = { take: (_message, taken) => taken(), fail: () => undefined };
