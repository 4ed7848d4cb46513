/** Becoming a client: a fingerprint on both sides, and somebody who compares them. */
import type { Edged } from "./edged";
import { EdgedError } from "./errors";
import type { KnownClient, Scope } from "./messages";
import { ownIdentity } from "./port";
import { WORDS } from "./words";

export interface PairOptions {
  /** What is asked for; the user may grant less. */
  readonly scopes: readonly Scope[];
  /** How the client wants to be shown; by default the name that it was made with. */
  readonly name?: string;
  /**
   * 32 hexadecimal digits (`newNonce()`). A client that asks again while it is pending keeps its
   * fingerprint only with the same one: store it where a page may be closed and opened again.
   */
  readonly nonce?: string;
  /** Told when the daemon has the request: show `fingerprint`, which was computed here, and the command. */
  readonly onPairing?: (client: KnownClient, fingerprint: string) => void;
  readonly signal?: AbortSignal;
  /** By default what the browser says about this extension. */
  readonly identity?: string;
}

const SHOWN = 6;
const PAIR = "edged pair";

/** A nonce for `pair`. */
export function newNonce(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Six words that the client and the daemon both make of what they know. */
export async function fingerprint(identity: string, nonce: string): Promise<string> {
  const text = new TextEncoder().encode([PAIR, identity, nonce].join("\0"));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return Array.from(digest.subarray(0, SHOWN), (byte) => WORDS[byte]).join(" ");
}

/** Asks, and waits for the decision. Throws EdgedError; `denied` where the daemon shows another fingerprint. */
export async function pair(edged: Edged, options: PairOptions): Promise<KnownClient> {
  const nonce = options.nonce ?? newNonce();
  const expected = await fingerprint(options.identity ?? ownIdentity(), nonce);
  const replies = edged.stream(
    { type: "pair", name: options.name ?? edged.name, scopes: options.scopes, nonce },
    options.signal === undefined ? {} : { signal: options.signal },
  );
  for await (const { body } of replies) {
    if (body.type === "paired") return body.client;
    if (body.type === "pairing") {
      check(body.client, expected);
      options.onPairing?.(body.client, expected);
    }
  }
  throw new EdgedError("internal", "the request to be paired ended without an answer");
}

function check(client: KnownClient, expected: string): void {
  if (client.fingerprint === expected) return;
  throw new EdgedError("denied", "the daemon shows another fingerprint than this client", {
    fix: "do not approve it; close this page, `edged clients forget` what is pending, and try again",
  });
}
