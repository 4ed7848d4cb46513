/** Search: words that were said, each place a way to its moment; without words what came last. */

import type { Hit, Recording } from "@edged/client";
import { text } from "../text/text";
import { add, el, fill, freshId, type Child } from "../ui/dom";
import { clock, duration, moment } from "../ui/figures";
import { icon } from "../ui/icons";
import { announce, button, chip, empty, iconButton, notice, waiting } from "../ui/parts";
import type { Panel, Screen } from "./context";
import { troubleNotice, troubleOf } from "./problems";

export interface SearchScreen extends Screen {
  readonly focus: () => void;
}

/** So long after the last key the daemon is asked. */
const PAUSE_MS = 220;
const HITS = 100;
const RECENT = 30;

class SearchView implements SearchScreen {
  readonly element: HTMLElement;
  readonly #panel: Panel;
  readonly #box: HTMLInputElement;
  readonly #clear: HTMLButtonElement;
  readonly #results = el("div", { class: "stack" });
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = new AbortController();

  constructor(panel: Panel) {
    this.#panel = panel;
    const id = freshId("search");
    this.#box = el("input", {
      class: "input",
      id,
      type: "search",
      maxlength: 200,
      autocomplete: "off",
      placeholder: text("search.label"),
      oninput: () => this.#wait(),
    });
    this.#clear = iconButton("close", text("search.clear"), () => this.#empty());
    this.#clear.hidden = true;
    const frame = el("div", { class: "search-box", role: "search" }, icon("search"), this.#box, this.#clear);
    const label = el("label", { class: "heard-only", for: id }, text("search.label"));
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    const head = el("div", { class: "screen-head" }, el("h1", {}, text("search.title")));
    this.element = el("div", { class: "screen" }, head, label, frame, this.#results);
  }

  show = (): void => void this.#look();

  focus = (): void => {
    this.#box.focus();
    this.#box.select();
  };

  #key(event: KeyboardEvent): void {
    if (event.key === "Escape" && this.#box.value !== "") {
      event.stopPropagation();
      this.#empty();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      this.#results.querySelector("button")?.focus();
    }
  }

  #empty(): void {
    this.#box.value = "";
    this.#box.focus();
    this.#wait();
  }

  #wait(): void {
    this.#clear.hidden = this.#box.value === "";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), PAUSE_MS);
  }

  async #look(): Promise<void> {
    this.#running.abort();
    this.#running = new AbortController();
    const { signal } = this.#running;
    const query = this.#box.value.trim();
    if (this.#results.childElementCount === 0) fill(this.#results, waiting(text("loading")));
    try {
      const found = query === "" ? await this.#recent(signal) : await this.#hits(query, signal);
      if (!signal.aborted) fill(this.#results, ...found);
    } catch (error) {
      if (signal.aborted) return;
      this.#panel.doubt(error);
      fill(
        this.#results,
        troubleNotice(troubleOf(error), () => void this.#look()),
      );
    }
  }

  async #recent(signal: AbortSignal): Promise<Child[]> {
    const request = { type: "recordings.list", limit: RECENT } as const;
    const { recordings } = await this.#panel.edged.request(request, { signal });
    if (recordings.length === 0) return [this.#nothing()];
    const list = el("ul", { class: "list" });
    for (const recording of recordings) add(list, this.#recentLine(recording));
    return [el("h2", {}, text("search.recent")), list];
  }

  #nothing(): HTMLElement {
    const ways = el(
      "div",
      { class: "row wrap" },
      button(text("captions.title"), () => this.#panel.go("captions"), { icon: "captions" }),
      button(text("files.title"), () => this.#panel.go("files"), { icon: "upload" }),
    );
    return empty("search", text("search.empty"), el("p", {}, text("search.empty.text")), ways);
  }

  #recentLine(recording: Recording): HTMLElement {
    const states = {
      processing: chip(text("files.stage.other"), "accent"),
      failed: chip(text("files.failed"), "bad"),
      completed: null,
    };
    const facts = `${moment(recording.created_at)} · ${duration(recording.audio_ms)}`;
    const open = (): void => this.#panel.open(recording.recording_id);
    const name = recording.name === "" ? text("unnamed") : recording.name;
    const line = el(
      "button",
      { class: "item-button", type: "button", onclick: open },
      el(
        "span",
        { class: "row" },
        el("span", { class: "one-line grow strong" }, name),
        states[recording.status],
      ),
      el("span", { class: "small soft" }, facts),
    );
    return el("li", {}, line);
  }

  async #hits(query: string, signal: AbortSignal): Promise<Child[]> {
    const request = { type: "transcripts.search", query, limit: HITS } as const;
    const { hits, pending } = await this.#panel.edged.request(request, { signal });
    const told =
      hits.length === 1 ? text("search.found.one") : text("search.found.many", { count: hits.length });
    announce(told);
    const unheard = pending.length > 0 ? notice("accent", text("search.pending")) : null;
    if (hits.length === 0)
      return [
        empty("search", text("search.none"), el("p", {}, text("search.none.text", { query }))),
        unheard,
      ];
    return [
      el("p", { class: "small soft" }, told),
      unheard,
      ...grouped(hits).map((group) => this.#group(group)),
    ];
  }

  #group(hits: readonly Hit[]): HTMLElement {
    const [first] = hits;
    const name = first === undefined || first.name === "" ? text("unnamed") : first.name;
    const at = typeof first?.at !== "string" ? null : el("span", { class: "small faint" }, moment(first.at));
    const head = el("div", { class: "group-head" }, el("h2", { class: "one-line grow" }, name), at);
    const list = el("div", { class: "list" }, head);
    for (const hit of hits) add(list, this.#hit(hit));
    return list;
  }

  #hit(hit: Hit): HTMLElement {
    const time = clock(hit.start_ms);
    const play = (): void => this.#panel.open(hit.recording_id, hit.start_ms);
    const words = el("span", {}, ...marked(hit.snippet));
    const line = el("span", { class: "hit" }, el("span", { class: "stamp" }, time), words);
    return el(
      "button",
      {
        class: "item-button",
        type: "button",
        title: text("search.play", { time }),
        onclick: play,
      },
      line,
    );
  }
}

/** Hits of one recording together, in the order of the first of each. */
export function grouped(hits: readonly Hit[]): Hit[][] {
  const groups = new Map<string, Hit[]>();
  for (const hit of hits) {
    const group = groups.get(hit.recording_id) ?? [];
    group.push(hit);
    groups.set(hit.recording_id, group);
  }
  return [...groups.values()];
}

/** A snippet whose matches stand in [ and ] as text and marks. */
export function marked(snippet: string): Child[] {
  return snippet
    .split(/\[([^\]]*)\]/u)
    .map((piece, index): Child => (index % 2 === 0 ? piece : el("mark", {}, piece)));
}

/** The screen of search. */
export function searchScreen(panel: Panel): SearchScreen {
  return new SearchView(panel);
}
