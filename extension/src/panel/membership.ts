/** Whether this browser may ask, and the ceremony by which it comes to: stranger, pending, approved. */

import { EdgedError, type Edged, type KnownClient, type Scope } from "@edged/client";
import { troubleOf, type Trouble } from "./problems";

export type Phase =
  | { readonly at: "connecting" }
  | { readonly at: "trouble"; readonly trouble: Trouble }
  | { readonly at: "stranger" }
  | { readonly at: "asking"; readonly client: KnownClient; readonly words: string }
  | { readonly at: "ended"; readonly client: KnownClient }
  | { readonly at: "paired"; readonly client: KnownClient };

/** What a pairing says of itself. */
export interface Application {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Kept, so that a panel that was closed in between shows the same words. */
  readonly nonce: string;
}

/** The daemon answers this at once; silence means that nobody is there. */
const SELF_WITHIN_MS = 15_000;

/** Keeps the phase and tells every change of it. One ceremony at a time; a newer one ends the older. */
export class Membership {
  phase: Phase = { at: "connecting" };
  readonly #edged: Edged;
  readonly #application: () => Application;
  readonly #tell: (phase: Phase) => void;
  #running = new AbortController();

  constructor(edged: Edged, application: () => Application, tell: (phase: Phase) => void) {
    this.#edged = edged;
    this.#application = application;
    this.#tell = tell;
  }

  /** Ask the daemon who this is, and go on from there. */
  async look(): Promise<void> {
    const signal = this.#begin();
    if (this.phase.at !== "paired") this.#set({ at: "connecting" });
    try {
      const request = { type: "clients.self" } as const;
      const { client } = await this.#edged.request(request, { signal, timeoutMs: SELF_WITHIN_MS });
      this.#decide(client);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  /** Ask to be paired, and wait for what is decided. */
  async ask(): Promise<void> {
    const signal = this.#begin();
    const onPairing = (client: KnownClient, words: string): void =>
      this.#set({ at: "asking", client, words });
    try {
      this.#decide(await this.#edged.pair({ ...this.#application(), signal, onPairing }));
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  /** Stop waiting; what was asked stays pending until somebody decides, and what was granted stays granted. */
  stop(): void {
    if (this.phase.at === "asking" && this.phase.client.status === "approved") {
      void this.look();
      return;
    }
    this.#begin();
    this.#set({ at: "stranger" });
  }

  /** Say that a request was answered with an error: the grants may have ended. */
  doubt(error: unknown): void {
    if (error instanceof EdgedError && error.code === "not_paired" && this.phase.at === "paired")
      void this.look();
  }

  /** Say that the connection is gone. */
  lose(error: unknown): void {
    const trouble = troubleOf(error);
    const { phase } = this;
    this.#begin();
    // It is tried again and again: what is shown stays as it is, with the focus in it.
    if (phase.at === "trouble" && phase.trouble.code === trouble.code) return;
    this.#set({ at: "trouble", trouble });
  }

  /** Say that the connection is tried now. */
  connect(): void {
    this.#begin();
    this.#set({ at: "connecting" });
  }

  #begin(): AbortSignal {
    this.#running.abort();
    this.#running = new AbortController();
    return this.#running.signal;
  }

  #set(phase: Phase): void {
    this.phase = phase;
    this.#tell(phase);
  }

  #decide(client: KnownClient): void {
    if (client.status === "pending") {
      void this.ask();
    } else if (client.status === "approved") {
      this.#set({ at: "paired", client });
      void this.#watch(client.client_id);
    } else {
      this.#begin();
      this.#set({ at: "ended", client });
    }
  }

  /** Hear of it when the grants change or end while the panel is open. */
  async #watch(clientId: string): Promise<void> {
    const signal = this.#begin();
    try {
      for await (const told of this.#edged.events({ events: ["client."], signal })) {
        if (told.type !== "event" || told.body.event !== "client.changed") continue;
        const { client } = told.body;
        if (client.client_id !== clientId) continue;
        if (client.status !== "approved") return void this.look();
        this.#set({ at: "paired", client });
      }
    } catch (error) {
      if (!signal.aborted) this.doubt(error);
    }
  }

  #fail(error: unknown): void {
    const trouble = troubleOf(error);
    if (trouble.code === "not_paired") this.#set({ at: "stranger" });
    else this.#set({ at: "trouble", trouble });
  }
}
