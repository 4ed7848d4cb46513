/** One life of a port: joins pieces, counts what was dealt with, tells its end once. Knows no request. */
import { EdgedError, fromPort, fromReply } from "./errors";
import type { AnyReply, AnyRequest, ErrorReply } from "./messages";
import { type Port, whyClosed } from "./port";

/** What the host says when it has the daemon. */
export interface Ready {
  readonly type: "ready";
  readonly version: string;
  readonly protocol: number;
  readonly origin: string;
  /** Longest message that the host takes. */
  readonly most_bytes: number;
  /** So much it sends beyond what was dealt with. */
  readonly credit: number;
}

/** A request as it goes to the host. */
export interface Outgoing {
  readonly v: number;
  readonly id: string;
  readonly body: AnyRequest;
  readonly deadline_ms?: number;
  readonly parts?: readonly string[];
}

/** A reply as it comes from the host. */
export interface Incoming {
  readonly v: number;
  readonly id: string;
  readonly parent_id?: string;
  readonly more?: boolean;
  readonly body: AnyReply;
  readonly parts?: readonly string[];
}

interface Piece {
  readonly piece: { readonly of: string; readonly index: number; readonly last: boolean };
  readonly data: string;
}

type Said = Ready | { readonly type: "refused"; readonly error: Partial<ErrorReply> };
type FromHost = ({ readonly host: Said } | Piece | Incoming) & { readonly sent?: number };

/** Says that a reply was dealt with; until then it counts against the credit. Call it once. */
export type Taken = () => void;

export interface LinkEvents {
  onReady(ready: Ready): void;
  onReply(reply: Incoming, taken: Taken): void;
  /** The port is closed; nothing else follows. */
  onEnd(error: EdgedError): void;
}

/** What a host grants that did not say so yet. */
const FIRST_CREDIT = 4 * 2 ** 20;
/** The host hears about this part of its credit at once. */
const TOLD_AT = 8;
/** One reply holds back so much of the credit at most, so that one longer than all of it can arrive. */
const HELD_AT_MOST = 4;

export class Link {
  readonly #port: Port;
  readonly #events: LinkEvents;
  #credit = FIRST_CREDIT;
  #sent = 0;
  #dealtWith = 0;
  #told = 0;
  #pieces: string[] = [];
  #piecesHeld = 0;
  #spoke = false;
  #open = true;

  constructor(port: Port, events: LinkEvents) {
    this.#port = port;
    this.#events = events;
    port.onMessage.addListener((message) => {
      // A browser also delivers `42` and `null`; the host says no such thing.
      if (typeof message === "object" && message !== null) this.#receive(message as FromHost);
    });
    port.onDisconnect.addListener((closed) => this.#end(fromPort(whyClosed(closed), this.#spoke)));
  }

  /** Send a request. Throws an EdgedError where the browser refuses it; the link may then live on. */
  send(request: Outgoing): void {
    this.#post(request);
  }

  /** Close the port; the host ends everything in flight. */
  close(): void {
    this.#end(new EdgedError("cancelled", "the connection was closed"));
    this.#port.disconnect();
  }

  /** Give the port up because it does not answer any more. */
  abandon(error: EdgedError): void {
    this.#end(error);
    this.#port.disconnect();
  }

  #post(message: unknown): void {
    try {
      this.#port.postMessage(message);
    } catch (error) {
      throw fromPort(error instanceof Error ? error.message : String(error), this.#spoke);
    }
  }

  #end(error: EdgedError): void {
    if (!this.#open) return;
    this.#open = false;
    this.#events.onEnd(error);
  }

  #receive(message: FromHost): void {
    if (!this.#open) return;
    this.#spoke = true;
    const sent = message.sent ?? this.#sent;
    const bytes = sent - this.#sent;
    this.#sent = sent;
    if ("host" in message) this.#hear(message.host, bytes);
    else if ("piece" in message) this.#join(message, bytes);
    else this.#deliver(message, bytes);
  }

  #hear(said: Said, bytes: number): void {
    this.#take(bytes);
    if (said.type === "refused") {
      this.abandon(fromReply(said.error));
      return;
    }
    this.#credit = said.credit;
    this.#events.onReady(said);
  }

  #join({ piece, data }: Piece, bytes: number): void {
    if (piece.index === 0) {
      this.#take(this.#piecesHeld);
      this.#pieces = [];
      this.#piecesHeld = 0;
    }
    this.#pieces.push(data);
    const held = Math.min(bytes, Math.max(0, this.#credit / HELD_AT_MOST - this.#piecesHeld));
    this.#piecesHeld += held;
    this.#take(bytes - held);
    if (piece.last) this.#deliverJoined();
  }

  #deliverJoined(): void {
    const text = this.#pieces.join("");
    const size = this.#piecesHeld;
    this.#pieces = [];
    this.#piecesHeld = 0;
    let whole: Incoming;
    try {
      whole = JSON.parse(text) as Incoming;
    } catch {
      this.abandon(new EdgedError("version_skew", "the pieces of a message are no JSON"));
      return;
    }
    this.#deliver(whole, size);
  }

  #deliver(reply: Incoming, bytes: number): void {
    this.#events.onReply(reply, () => this.#take(bytes));
  }

  #take(bytes: number): void {
    this.#dealtWith += bytes;
    if (!this.#open || this.#dealtWith - this.#told < this.#credit / TOLD_AT) return;
    this.#told = this.#dealtWith;
    this.#post({ host: { type: "taken", bytes: this.#told } });
  }
}
