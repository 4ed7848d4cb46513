/** One recording: its transcript, each line a way to that moment, and a player. */

import type { EventReply, ExportFormat, Recording, Segment } from "@edged/client";
import { text, type TextName } from "../text/text";
import { add, el, fill, write, type Child } from "../ui/dom";
import { clock, duration, language, moment, percent, speakerName } from "../ui/figures";
import { icon } from "../ui/icons";
import { ask, button, chip, copyText, empty, iconButton, toast, waiting } from "../ui/parts";
import type { Panel, Screen } from "./context";
import { Player } from "./player";
import { tellTrouble, troubleNotice, troubleOf } from "./problems";

/** Lines that are asked for at once. */
const PAGE = 500;

const SAVED: Readonly<Partial<Record<ExportFormat, string>>> = {
  srt: "srt",
  vtt: "vtt",
  markdown: "md",
  json: "json",
};

class RecordingView implements Screen {
  readonly element: HTMLElement;
  readonly #panel: Panel;
  readonly #id: string;
  readonly #body = el("div", { class: "stack" }, waiting(text("loading")));
  readonly #list = el("ol", { class: "list", "aria-label": text("recording.segments") });
  readonly #more = el("div");
  readonly #facts = el("div", { class: "stack" });
  readonly #sound = el("div");
  readonly #acts = el("div");
  readonly #words = el("div");
  readonly #left = new AbortController();
  readonly #title = el("h1", { class: "one-line", tabindex: -1 });
  #player: Player | null = null;
  #recording: Recording | null = null;
  #lastWords = "";
  #segments: Segment[] = [];
  #lines: HTMLButtonElement[] = [];
  #current = -1;
  #next: number | null = null;

  constructor(panel: Panel, id: string, atMs: number | undefined) {
    this.#panel = panel;
    this.#id = id;
    const back = iconButton("back", text("recording.back"), () => panel.back());
    this.element = el(
      "div",
      { class: "screen" },
      el("div", { class: "screen-head" }, back, this.#title),
      this.#body,
    );
    const loaded = this.#load(atMs);
    void this.#follow(loaded);
  }

  hide = (): void => {
    this.#left.abort();
    this.#player?.close();
  };

  /** Tell what changes while it is looked at; what came before it was loaded is in there. */
  async #follow(loaded: Promise<void>): Promise<void> {
    const events = ["segment.added", "recording.", "transcript."];
    try {
      for await (const told of this.#panel.edged.events({ events, signal: this.#left.signal })) {
        await loaded;
        if (told.type === "event") await this.#hear(told.body);
      }
    } catch (error) {
      if (!this.#left.signal.aborted) this.#panel.doubt(error);
    }
  }

  async #hear(event: EventReply["body"]): Promise<void> {
    if (event.event === "recording.changed") {
      if (event.recording.recording_id === this.#id) this.#draw(event.recording);
    } else if (!("recording_id" in event) || event.recording_id !== this.#id) return;
    else if (event.event === "recording.deleted") this.#panel.back();
    else if (event.event === "transcript.replaced") await this.#again();
    else if (event.event === "segment.added") await this.#grow(event.segment);
  }

  /** One more line; of a long transcript it comes when the lines before it are asked for. */
  async #grow(segment: Segment): Promise<void> {
    const last = this.#segments.at(-1)?.seq ?? -1;
    if (this.#next !== null || segment.seq <= last) return;
    if (segment.seq > last + 1) await this.#page(last);
    else {
      this.#segments.push(segment);
      this.#addLine(segment);
    }
    this.#drawWords();
  }

  /** All lines are other ones now. */
  async #again(): Promise<void> {
    this.#segments = [];
    this.#lines = [];
    this.#current = -1;
    fill(this.#list);
    await this.#page(-1);
    this.#drawWords();
  }

  async #load(atMs: number | undefined): Promise<void> {
    try {
      const { recording } = await this.#panel.edged.request({
        type: "recordings.get",
        recording_id: this.#id,
      });
      await this.#page(-1);
      while (this.#next !== null && (this.#segments.at(-1)?.end_ms ?? 0) < (atMs ?? 0))
        await this.#page(this.#next);
      this.#draw(recording);
    } catch (error) {
      this.#fail(error, () => void this.#load(atMs));
      return;
    }
    if (atMs === undefined) return;
    this.#mark(atMs);
    this.#lines[this.#current]?.scrollIntoView({ block: "center" });
    await this.#player?.play(atMs);
  }

  async #page(after: number): Promise<void> {
    const request = { type: "segments.list", recording_id: this.#id, after_seq: after, limit: PAGE } as const;
    const { segments, next } = await this.#panel.edged.request(request);
    this.#segments.push(...segments);
    this.#next = next;
    for (const segment of segments) this.#addLine(segment);
  }

  #addLine(segment: Segment): void {
    const before = this.#segments[this.#lines.length - 1];
    const speaker = segment.speaker === before?.speaker ? "" : speakerName(segment.speaker);
    const jump = (): void => void this.#player?.play(segment.start_ms);
    const label = text("search.play", { time: clock(segment.start_ms) });
    const words = el(
      "span",
      {},
      speaker === "" ? null : el("span", { class: "speaker" }, speaker),
      segment.text,
    );
    const stamp = el("span", { class: "stamp" }, clock(segment.start_ms));
    const line = el("button", { class: "line", type: "button", title: label, onclick: jump }, stamp, words);
    this.#lines.push(line);
    add(this.#list, el("li", {}, line));
  }

  /** What is known of it; parts that did not change stay, with the focus in them. */
  #draw(recording: Recording): void {
    const before = this.#recording;
    this.#recording = recording;
    write(this.#title, recording.name === "" ? text("unnamed") : recording.name);
    this.#title.title = recording.name;
    fill(this.#facts, about(recording), recording.error === null ? null : troubleNotice(recording.error));
    if (before?.audio_ms !== recording.audio_ms || playable(before) !== playable(recording))
      this.#drawSound(recording);
    if (before === null) fill(this.#body, this.#facts, this.#sound, this.#acts, this.#words, this.#more);
    this.#drawWords();
  }

  #drawSound(recording: Recording): void {
    this.#player?.close();
    this.#player = playable(recording) ? this.#playerOf(recording) : null;
    const none = el("p", { class: "small soft" }, text("recording.no_sound"));
    fill(this.#sound, this.#player?.element ?? none);
  }

  #playerOf(recording: Recording): Player {
    return new Player(this.#panel.edged, recording.recording_id, recording.audio_ms, {
      onTime: (atMs) => this.#mark(atMs),
      onError: (error) => tellTrouble(this.#body, error),
    });
  }

  /** The lines, or why there are none, with what can be done with them. */
  #drawWords(): void {
    const status = this.#recording?.status ?? "";
    const none = status === "processing" ? "recording.empty_yet" : "recording.empty";
    const words = this.#segments.length > 0 ? "recording.segments" : none;
    if (words !== this.#lastWords) {
      fill(this.#words, words === "recording.segments" ? this.#list : empty("file", text(words)));
      if (this.#recording !== null) fill(this.#acts, this.#tools(this.#recording));
    }
    this.#lastWords = words;
    this.#drawMore();
  }

  #drawMore(): void {
    const next = this.#next;
    const press = (): void =>
      void this.#page(next ?? -1).then(
        () => this.#drawMore(),
        (error: unknown) => this.#fail(error),
      );
    fill(this.#more, next === null ? null : button(text("more"), press, { wide: true }));
  }

  #tools(recording: Recording): HTMLElement {
    const copy = button(text("recording.copy"), () => void this.#copy(copy), { icon: "copy" });
    const tools: Child[] = [
      this.#segments.length > 0 ? copy : null,
      this.#segments.length > 0 ? this.#saveChoice(recording) : null,
    ];
    if (this.#panel.can("results.delete")) {
      tools.push(
        el("span", { class: "grow" }),
        iconButton("trash", text("recording.delete"), () => void this.#delete()),
      );
    }
    return el("div", { class: "row" }, ...tools);
  }

  /** Exports are made of sessions; the choice falls back to its own name after each one. */
  #saveChoice(recording: Recording): HTMLElement {
    const list = el("select", { class: "select", "aria-label": text("recording.save") });
    add(list, el("option", { value: "" }, text("recording.save")));
    for (const format of Object.keys(SAVED)) {
      const label = `recording.save.${format}` as TextName;
      add(list, el("option", { value: format }, text(label)));
    }
    list.addEventListener("change", () => {
      const format = list.value as ExportFormat;
      list.value = "";
      void this.#save(recording, format);
    });
    return el("div", { class: "select-frame narrow" }, list, icon("down", 16));
  }

  async #save(recording: Recording, format: ExportFormat): Promise<void> {
    const request = { type: "sessions.export", session_id: recording.session_id, format } as const;
    try {
      const { blob } = await this.#panel.edged.download(request);
      const url = URL.createObjectURL(blob);
      const stem = recording.name.replace(/\.[^.]*$/u, "") || recording.recording_id;
      el("a", { href: url, download: `${stem}.${SAVED[format] ?? "txt"}` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #copy(from: HTMLButtonElement): Promise<void> {
    while (this.#next !== null) await this.#page(this.#next);
    this.#drawMore();
    const lines = this.#segments.map((each) =>
      each.speaker === "" ? each.text : `${speakerName(each.speaker)}: ${each.text}`,
    );
    await copyText(lines.join("\n"), from);
  }

  async #delete(): Promise<void> {
    const words = el("p", { class: "soft" }, text("recording.delete.text"));
    const agreed = await ask(
      text("recording.delete.title"),
      { label: text("delete"), kind: "danger" },
      words,
    );
    if (!agreed) return;
    try {
      await this.#panel.edged.request({ type: "recordings.delete", recording_id: this.#id });
      toast(text("recording.deleted"));
      this.#panel.back();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Show which line is heard at a moment. */
  #mark(atMs: number): void {
    const index = lineAt(this.#segments, atMs);
    if (index === this.#current) return;
    this.#lines[this.#current]?.removeAttribute("aria-current");
    this.#current = index;
    const line = this.#lines[index];
    line?.setAttribute("aria-current", "true");
    if (!this.#list.contains(document.activeElement)) line?.scrollIntoView({ block: "nearest" });
  }

  #fail(error: unknown, again?: () => void): void {
    this.#panel.doubt(error);
    if (again === undefined) tellTrouble(this.#body, error);
    else fill(this.#body, troubleNotice(troubleOf(error), again));
  }
}

/** Which line is heard at a moment: the last one that began before it; -1 before the first. */
export function lineAt(segments: readonly Segment[], atMs: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((segments[middle]?.start_ms ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function playable(recording: Recording | null): boolean {
  return recording !== null && (recording.audio_kept || recording.path !== null);
}

function about(recording: Recording): HTMLElement {
  const facts = [moment(recording.created_at), duration(recording.audio_ms)];
  if (recording.language !== "") facts.push(language(recording.language));
  const share = recording.audio_ms === 0 ? 0 : recording.done_ms / recording.audio_ms;
  return el(
    "div",
    { class: "stack tight" },
    el("p", { class: "small soft" }, facts.join(" · ")),
    recording.model === "" ? null : el("p", { class: "small faint one-line" }, recording.model),
    recording.status === "processing"
      ? el("p", {}, chip(text("recording.processing", { percent: percent(share) }), "accent"))
      : null,
    recording.status === "failed" ? el("p", {}, chip(text("recording.failed"), "bad")) : null,
  );
}

/** The screen of one recording; `atMs` is played at once. */
export function recordingScreen(panel: Panel, id: string, atMs?: number): Screen {
  return new RecordingView(panel, id, atMs);
}
