/** A native-messaging host as tests script it: what it was sent, and what it says. */
import type { AnyReply, AnyRequest, Port } from "../src";

export interface Asked {
  readonly id: string;
  readonly body: AnyRequest;
  readonly parts?: readonly string[];
  readonly deadline_ms?: number;
}

type Listener<Argument> = (argument: Argument) => void;

/** One port: a process of the host. */
export class FakePort implements Port {
  readonly sent: unknown[] = [];
  /** Why the browser says that it closed; Firefox's way. */
  error: { message: string } | null = null;
  disconnected = false;
  /** Throws what a browser throws when it is posted something. */
  refusal: Error | undefined;
  #bytes = 0;
  #onMessage: Listener<unknown>[] = [];
  #onDisconnect: Listener<Port>[] = [];
  readonly #answer: ((port: FakePort, asked: Asked) => void) | undefined;

  constructor(answer?: (port: FakePort, asked: Asked) => void) {
    this.#answer = answer;
  }

  readonly onMessage = {
    addListener: (listener: Listener<unknown>): unknown => this.#onMessage.push(listener),
  };
  readonly onDisconnect = {
    addListener: (listener: Listener<Port>): unknown => this.#onDisconnect.push(listener),
  };

  postMessage(message: unknown): void {
    if (this.refusal !== undefined) throw this.refusal;
    if (this.disconnected) throw new Error("Attempting to use a disconnected port object");
    this.sent.push(structuredClone(message));
    const asked = message as Partial<Asked>;
    if (asked.body !== undefined) queueMicrotask(() => this.#answer?.(this, asked as Asked));
  }

  disconnect(): void {
    this.disconnected = true;
  }

  /** Requests so far, without the greetings and pings. */
  get asked(): Asked[] {
    return this.sent.filter((one): one is Asked => {
      const type = (one as Partial<Asked>).body?.type;
      return type !== undefined && type !== "hello";
    });
  }

  /** The last sum of bytes that the client said it dealt with. */
  get taken(): number {
    const said = this.sent.map((one) => (one as { host?: { bytes: number } }).host?.bytes ?? 0);
    return Math.max(0, ...said);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Say something, with the sum of all lengths as the host does. */
  say(message: object): void {
    this.#bytes += JSON.stringify(message).length;
    const whole = { ...message, sent: this.#bytes };
    for (const listener of this.#onMessage) listener(JSON.parse(JSON.stringify(whole)));
  }

  /** Say something that is no message of the host. */
  sayRaw(said: unknown): void {
    for (const listener of this.#onMessage) listener(said);
  }

  ready(more: object = {}): void {
    const facts = { version: "0.1.0", protocol: 1, origin: "test", most_bytes: 8_388_608, credit: 4_194_304 };
    this.say({ host: { type: "ready", ...facts, ...more } });
  }

  reply(to: Asked, body: Partial<AnyReply>, more: { more?: boolean; parts?: string[] } = {}): void {
    this.say(this.message(to, body, more));
  }

  message(to: Asked, body: Partial<AnyReply>, more: { more?: boolean; parts?: string[] } = {}): object {
    return { v: 1, id: "r", parent_id: to.id, body, ...more };
  }

  /** The text in pieces of so many characters. */
  pieces(text: string, size: number): void {
    for (let index = 0; index * size < text.length; index++) {
      const last = (index + 1) * size >= text.length;
      this.say({ piece: { of: "r", index, last }, data: text.slice(index * size, (index + 1) * size) });
    }
  }

  fail(to: Asked, code: string, more: { retryable?: boolean; details?: Record<string, number> } = {}): void {
    const { retryable = false, details = {} } = more;
    this.reply(to, { type: "error", code, message: "a message", fix: "a fix", retryable, details });
  }

  /** The browser closes the port. */
  break(said?: string): void {
    this.disconnected = true;
    if (said !== undefined) this.error = { message: said };
    for (const listener of this.#onDisconnect) listener(this);
  }
}

/** Ports in the order in which the client opened them. */
export class FakeHost {
  readonly ports: FakePort[] = [];
  readonly #answer: ((port: FakePort, asked: Asked) => void) | undefined;
  readonly #ready: boolean;

  /** answer: to every request. ready: whether each port says at once that it has the daemon. */
  constructor({
    answer,
    ready = true,
  }: { answer?: (port: FakePort, asked: Asked) => void; ready?: boolean } = {}) {
    this.#answer = answer;
    this.#ready = ready;
  }

  readonly connect = (): FakePort => {
    const port = new FakePort(this.#answer);
    this.ports.push(port);
    if (this.#ready) queueMicrotask(() => port.ready());
    return port;
  };

  /** The newest port. */
  get port(): FakePort {
    const port = this.ports.at(-1);
    if (port === undefined) throw new Error("no port was opened");
    return port;
  }

  /** The newest request. */
  get asked(): Asked {
    const asked = this.port.asked.at(-1);
    if (asked === undefined) throw new Error("nothing was asked");
    return asked;
  }
}

/** Let everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
