/** Plays a recording by stretches that the daemon sends; of an hour only what is listened to is fetched. */

import type { Edged } from "@edged/client";
import { text } from "../text/text";
import { el, write } from "../ui/dom";
import { clock } from "../ui/figures";
import { icon } from "../ui/icons";

/** Length of a stretch. */
const STRETCH_MS = 60_000;
const STEP_MS = 5000;

/** Where a stretch begins that holds this moment. */
export function stretchOf(atMs: number): number {
  return Math.floor(Math.max(0, atMs) / STRETCH_MS) * STRETCH_MS;
}

export interface PlayerEvents {
  /** The moment that is heard now. */
  readonly onTime: (atMs: number) => void;
  readonly onError: (error: unknown) => void;
}

/** A player of one recording; `close` frees what it holds. */
export class Player {
  readonly element: HTMLElement;
  readonly #edged: Edged;
  readonly #recordingId: string;
  readonly #lengthMs: number;
  readonly #events: PlayerEvents;
  readonly #audio = new Audio();
  readonly #stretches = new Map<number, Promise<string>>();
  readonly #abort = new AbortController();
  readonly #press: HTMLButtonElement;
  readonly #slider: HTMLInputElement;
  readonly #time = el("span", { class: "small number soft" });
  #start = 0;
  #atMs = 0;

  constructor(edged: Edged, recordingId: string, lengthMs: number, events: PlayerEvents) {
    this.#edged = edged;
    this.#recordingId = recordingId;
    this.#lengthMs = lengthMs;
    this.#events = events;
    this.#press = el("button", { class: "icon-button", type: "button", onclick: () => this.#toggle() });
    this.#slider = el("input", {
      type: "range",
      min: 0,
      max: lengthMs,
      step: 100,
      value: 0,
      "aria-label": text("recording.position"),
      oninput: () => void this.seek(Number(this.#slider.value)),
    });
    this.element = el("div", { class: "player" }, this.#press, this.#slider, this.#time);
    this.#listen();
    this.#show(0);
    this.#sign();
  }

  /** Play from a moment. */
  async play(atMs: number): Promise<void> {
    await this.seek(atMs);
    await this.#resume();
  }

  /** Go to a moment; what played goes on playing. */
  async seek(atMs: number): Promise<void> {
    const target = Math.min(Math.max(0, atMs), this.#lengthMs);
    const playing = !this.#audio.paused;
    this.#show(target);
    try {
      await this.#load(stretchOf(target));
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#audio.currentTime = (target - this.#start) / 1000;
    if (playing) await this.#resume();
  }

  /** Free the sound; the player cannot be used any more. */
  close(): void {
    this.#abort.abort();
    this.#audio.pause();
    for (const url of this.#stretches.values())
      void url.then(
        (made) => URL.revokeObjectURL(made),
        () => undefined,
      );
    this.#stretches.clear();
  }

  #listen(): void {
    this.#audio.addEventListener("timeupdate", () => {
      if (!this.#audio.paused) this.#show(this.#start + this.#audio.currentTime * 1000);
    });
    this.#audio.addEventListener("ended", () => void this.#next());
    for (const name of ["play", "pause"]) this.#audio.addEventListener(name, () => this.#sign());
  }

  #toggle(): void {
    if (this.#audio.paused) void this.play(this.#atMs >= this.#lengthMs - STEP_MS / 10 ? 0 : this.#atMs);
    else this.#audio.pause();
  }

  async #resume(): Promise<void> {
    try {
      await this.#audio.play();
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (!this.#abort.signal.aborted) this.#events.onError(error);
  }

  /** The stretch after the one that ended. */
  async #next(): Promise<void> {
    const following = this.#start + STRETCH_MS;
    if (following < this.#lengthMs) await this.play(following);
    else this.#show(this.#lengthMs);
  }

  async #load(start: number): Promise<void> {
    const url = await this.#stretch(start);
    if (this.#audio.src !== url) this.#audio.src = url;
    this.#start = start;
    if (start + STRETCH_MS < this.#lengthMs) this.#stretch(start + STRETCH_MS).catch(() => undefined);
  }

  /** The sound of a stretch as an address of this page; fetched once. */
  #stretch(start: number): Promise<string> {
    const known = this.#stretches.get(start);
    if (known !== undefined) return known;
    const fetched = this.#fetch(start);
    this.#stretches.set(start, fetched);
    fetched.catch(() => this.#stretches.delete(start));
    return fetched;
  }

  async #fetch(start: number): Promise<string> {
    const request = {
      type: "recordings.audio",
      recording_id: this.#recordingId,
      format: "opus",
      from_ms: start,
      to_ms: Math.min(start + STRETCH_MS, this.#lengthMs),
    } as const;
    const { blob } = await this.#edged.download(request, { signal: this.#abort.signal });
    return URL.createObjectURL(new Blob([blob], { type: "audio/ogg" }));
  }

  #show(atMs: number): void {
    this.#atMs = atMs;
    this.#slider.value = String(Math.round(atMs));
    const place = `${clock(atMs)} / ${clock(this.#lengthMs)}`;
    write(this.#time, place);
    this.#slider.setAttribute("aria-valuetext", place);
    this.#events.onTime(atMs);
  }

  #sign(): void {
    const playing = !this.#audio.paused;
    const label = text(playing ? "recording.pause" : "recording.play");
    this.#press.replaceChildren(icon(playing ? "pause" : "play"));
    this.#press.setAttribute("aria-label", label);
    this.#press.title = label;
  }
}
