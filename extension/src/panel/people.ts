/** Who spoke in a recording, who they are, and figures over all recordings. */

import type { Figures, Session, Speaker, SpeakerFigures, Statistics } from "@edged/client";
import { text } from "../text/text";
import { add, el, fill, type Child } from "../ui/dom";
import { count, duration, moment, percent, speakerName } from "../ui/figures";
import { ask, bar, button, chip, choice, empty, iconButton, input, select, waiting } from "../ui/parts";
import type { Panel, Screen } from "./context";
import { tellTrouble, troubleNotice, troubleOf } from "./problems";

const SESSIONS = 50;
const SPACE = 0x20;
const HUES = [248, 12, 158, 290, 35, 200, 330, 95] as const;

type ClaimType = "self" | "user" | "guest";

class PeopleView implements Screen {
  readonly element: HTMLElement;
  readonly #panel: Panel;
  readonly #body = el("div", { class: "stack" }, waiting(text("loading")));
  readonly #speakers = el("div", { class: "stack tight" });
  readonly #audio = new Audio();
  #sessionId = "";

  constructor(panel: Panel) {
    this.#panel = panel;
    const head = el("div", { class: "screen-head" }, el("h1", {}, text("people.title")));
    this.element = el("div", { class: "screen" }, head, this.#body);
  }

  show = (): void => void this.#load();

  hide = (): void => this.#audio.pause();

  async #load(): Promise<void> {
    try {
      const [{ sessions }, statistics] = await Promise.all([
        this.#panel.edged.request({ type: "sessions.list", limit: SESSIONS }),
        this.#panel.edged.request({ type: "stats" }),
      ]);
      const spoken = sessions.filter((session) => session.speaker_count > 0);
      fill(this.#body, ...this.#sections(spoken, statistics));
      if (spoken.length > 0) await this.#loadSpeakers();
    } catch (error) {
      this.#fail(this.#body, error, () => void this.#load());
    }
  }

  #sections(sessions: readonly Session[], statistics: Statistics): Child[] {
    const [first] = sessions;
    const figures = statistics.speakers.length === 0 ? null : figuresOf(statistics);
    if (first === undefined)
      return [empty("people", text("people.none"), el("p", {}, text("people.none.text"))), figures];
    if (!sessions.some((session) => session.id === this.#sessionId)) this.#sessionId = first.id;
    const options = sessions.map((session) => [session.id, sessionName(session)] as const);
    const choose = (id: string): void => {
      this.#sessionId = id;
      void this.#loadSpeakers();
    };
    return [select(text("people.sessions"), options, this.#sessionId, choose), this.#speakers, figures];
  }

  async #loadSpeakers(): Promise<void> {
    try {
      const { speakers } = await this.#panel.edged.request({
        type: "speakers.list",
        session_id: this.#sessionId,
      });
      this.#draw(speakers);
    } catch (error) {
      this.#fail(this.#speakers, error, () => void this.#loadSpeakers());
    }
  }

  #draw(speakers: readonly Speaker[]): void {
    if (speakers.length === 0) {
      fill(this.#speakers, el("p", { class: "soft" }, text("people.unheard")));
      return;
    }
    const all = speakers.reduce((sum, speaker) => sum + speaker.total_duration_ms, 0);
    const list = el("ul", { class: "list", "aria-label": text("people.speakers") });
    for (const [index, speaker] of speakers.entries()) add(list, this.#line(speaker, index, all));
    fill(this.#speakers, list);
  }

  #line(speaker: Speaker, index: number, all: number): HTMLElement {
    const share = all === 0 ? 0 : speaker.total_duration_ms / all;
    const name = nameOf(speaker);
    const facts = text("people.talk", { time: duration(speaker.total_duration_ms), percent: percent(share) });
    const face = el("span", { class: "face", "aria-hidden": "true" }, initials(name));
    const [ask, ...acts] = this.#panel.can("speech") ? this.#acts(speaker, name) : [];
    const play = iconButton("play", text("people.sample", { name }), () => void this.#play(speaker));
    const line = el(
      "li",
      { class: "person" },
      face,
      el("p", { class: "row" }, el("span", { class: "one-line strong" }, name), claimChip(speaker), ask),
      el("div", { class: "acts" }, speaker.sample ? play : null, ...acts),
      el("p", { class: "small soft one-line" }, facts),
      bar(share),
    );
    line.style.setProperty("--hue", String(HUES[index % HUES.length]));
    return line;
  }

  /** First what asks who it is, if nobody said it yet; then what stands at the end of the line. */
  #acts(speaker: Speaker, name: string): [HTMLElement | null, ...HTMLElement[]] {
    if (speaker.claim_type === null) {
      const look = { kind: "quiet", small: true } as const;
      return [button(text("people.claim"), () => void this.#claim(speaker, name), look)];
    }
    const unclaim = (): void => void this.#do({ type: "speakers.unclaim", speaker_id: speaker.id });
    return [null, iconButton("close", text("people.unclaim", { name }), unclaim)];
  }

  async #claim(speaker: Speaker, name: string): Promise<void> {
    const chosen: { kind: ClaimType } = { kind: "user" };
    const line = input(text("people.claim.name"), "", () => undefined);
    const kinds = [
      { value: "user", label: text("people.claim.user") },
      { value: "self", label: text("people.claim.self") },
      { value: "guest", label: text("people.claim.guest") },
    ] as const;
    const choose = (value: ClaimType): void => {
      chosen.kind = value;
      line.hidden = value === "self";
    };
    const body = el(
      "div",
      { class: "stack claim" },
      choice(text("people.claim"), kinds, chosen.kind, choose),
      line,
    );
    const agreed = await ask(
      text("people.claim.title", { name }),
      { label: text("save"), kind: "primary" },
      body,
    );
    const called = line.querySelector("input")?.value.trim() ?? "";
    const { kind } = chosen;
    if (!agreed || (kind === "user" && called === "")) return;
    const given = kind === "self" || called === "" ? {} : { name: called };
    await this.#do({ type: "speakers.claim", speaker_id: speaker.id, claim_type: kind, ...given });
  }

  async #do(
    request:
      | { type: "speakers.claim"; speaker_id: string; claim_type: ClaimType; name?: string }
      | { type: "speakers.unclaim"; speaker_id: string },
  ): Promise<void> {
    try {
      const { speakers } = await this.#panel.edged.request(request);
      this.#draw(speakers);
    } catch (error) {
      this.#panel.doubt(error);
      tellTrouble(this.#speakers, error);
    }
  }

  async #play(speaker: Speaker): Promise<void> {
    try {
      const { blob } = await this.#panel.edged.download({
        type: "speakers.sample",
        speaker_id: speaker.id,
        format: "wav",
      });
      URL.revokeObjectURL(this.#audio.src);
      this.#audio.src = URL.createObjectURL(new Blob([blob], { type: "audio/wav" }));
      await this.#audio.play();
    } catch (error) {
      this.#panel.doubt(error);
      tellTrouble(this.#speakers, error);
    }
  }

  #fail(place: HTMLElement, error: unknown, again: () => void): void {
    this.#panel.doubt(error);
    fill(place, troubleNotice(troubleOf(error), again));
  }
}

function sessionName(session: Session): string {
  const name = session.name === "" ? text("unnamed") : session.name;
  return `${name} · ${moment(session.started_at)}`;
}

/** How a speaker is called: as somebody said, or by the label. */
export function nameOf(speaker: Speaker): string {
  return speaker.attributed_to ?? speaker.guest_name ?? speakerName(speaker.label);
}

/** At most two letters of a name. */
export function initials(name: string): string {
  const words = name.split(/\s+/u).filter((word) => word !== "");
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends
    .map((word) => String.fromCodePoint(word?.codePointAt(0) ?? SPACE))
    .join("")
    .toUpperCase();
}

function claimChip(speaker: Speaker): Child {
  if (speaker.claim_type === "self") return chip(text("people.you"), "accent");
  return speaker.claim_type === "guest" ? chip(text("people.guest")) : null;
}

/** Figures count those who have a name; the others are shown where they speak. */
function figuresOf(statistics: Statistics): HTMLElement {
  const section = el("section", { class: "stack tight" }, el("h2", {}, text("people.stats")));
  const persons = statistics.speakers.filter((each) => each.kind !== "unclaimed");
  if (persons.length === 0) {
    add(section, el("p", { class: "soft" }, text("people.stats.none")));
    return section;
  }
  const most = Math.max(1, ...persons.map((each) => each.figures.talk_ms));
  const list = el("ul", { class: "list" });
  for (const [index, each] of persons.entries()) add(list, figureLine(each, index, most));
  add(section, figureGrid(statistics.totals), list);
  return section;
}

function figureGrid(totals: Figures): HTMLElement {
  const shown = [
    ["people.stats.words", count(totals.words)],
    ["people.stats.talk", duration(totals.talk_ms)],
    ["people.stats.pace", totals.words_per_minute.toFixed(0)],
    ["people.stats.favourite", totals.favourite_word ?? "–"],
  ] as const;
  const grid = el("dl", { class: "figures" });
  for (const [name, value] of shown) {
    add(
      grid,
      el("div", { class: "figure" }, el("dt", {}, text(name)), el("dd", { class: "one-line" }, value)),
    );
  }
  return grid;
}

function figureLine(each: SpeakerFigures, index: number, most: number): HTMLElement {
  const name = speakerName(each.name);
  const line = el(
    "li",
    { class: "item stack tight" },
    el(
      "p",
      { class: "row" },
      el(
        "span",
        { class: "one-line grow" },
        name,
        each.kind === "guest" ? el("span", { class: "faint small" }, ` ${text("people.guest")}`) : null,
      ),
      el(
        "span",
        { class: "small soft number" },
        `${count(each.figures.words)} · ${duration(each.figures.talk_ms)}`,
      ),
    ),
    bar(each.figures.talk_ms / most),
  );
  line.style.setProperty("--hue", String(HUES[index % HUES.length]));
  return line;
}

/** The screen of speakers and figures. */
export function peopleScreen(panel: Panel): Screen {
  return new PeopleView(panel);
}
