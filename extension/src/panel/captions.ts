/** Live captions: a source, a start button, a level, and the words as they are spoken. */

import type { Segment, StreamClosed, StreamOpened } from "@edged/client";
import { Captions } from "../sound/captions";
import { canHearTabs, type SoundSource } from "../sound/source";
import { text } from "../text/text";
import { add, el, fill, write, type Child } from "../ui/dom";
import { clock, dated } from "../ui/figures";
import { announce, button, choice, copyText, empty, iconButton, notice, toggle } from "../ui/parts";
import type { Panel, Screen } from "./context";
import { languageChoice } from "./languages";
import { levelMeter } from "./level";
import { troubleNotice, troubleOf, type Trouble } from "./problems";

export interface CaptionsScreen extends Screen {
  /** Start, or stop. */
  readonly press: () => void;
}

/** More behind than this is said. */
const BEHIND_MS = 3000;

/** Bars of a panel that has room for these; older lines of a long talk are kept in the store only. */
const LINES_MOST = 2000;

type Run = "idle" | "starting" | "on" | "stopping";

class View implements CaptionsScreen {
  readonly element: HTMLElement;
  readonly #panel: Panel;
  readonly #lines = el("div", { role: "log", "aria-live": "polite", "aria-label": text("captions.log") });
  readonly #partial = el(
    "div",
    { class: "caption partial", "aria-hidden": "true", hidden: true },
    el("time"),
    el("p"),
  );
  readonly #box = el("div", {
    class: "captions",
    tabindex: 0,
    role: "region",
    "aria-label": text("captions.log"),
  });
  readonly #choices = el("div", { class: "stack" });
  readonly #controls = el("div", { class: "stack tight" });
  readonly #problem = el("div", { class: "stack" });
  readonly #after = el("div", { class: "row wrap" });
  readonly #newest: HTMLElement;
  readonly #meter = levelMeter();
  #run: Run = "idle";
  #captions: Captions | null = null;
  #opened: StreamOpened | null = null;
  #behind = 0;
  #endSign: (() => void) | null = null;

  constructor(panel: Panel) {
    this.#panel = panel;
    const tools = [
      iconButton("copy", text("captions.copy"), () => void this.#copy()),
      iconButton("trash", text("captions.clear"), () => this.#clear()),
    ];
    const head = el("div", { class: "screen-head" }, el("h1", {}, text("captions.title")), ...tools);
    const follow = button(text("captions.newest"), () => this.#toEnd(), { icon: "down" });
    this.#newest = el("div", { class: "newest", hidden: true }, follow);
    this.#box.addEventListener("scroll", () => this.#scrolled());
    this.element = el(
      "div",
      { class: "screen captions-screen" },
      head,
      this.#choices,
      this.#controls,
      this.#problem,
      this.#box,
      this.#after,
    );
    this.#clear();
    this.#draw();
  }

  show = (): void => {
    if (this.#run === "idle") this.#drawChoices();
    this.#toEnd();
  };

  press = (): void => {
    if (this.#run === "idle") void this.#start();
    else this.#stop();
  };

  #set(run: Run): void {
    this.#run = run;
    this.#draw();
  }

  #draw(): void {
    this.#drawChoices();
    fill(this.#controls, ...this.#buttons());
  }

  #drawChoices(): void {
    const settings = this.#panel.settings();
    this.#choices.hidden = this.#run !== "idle";
    if (this.#run !== "idle") return;
    const sources = [
      { value: "microphone", label: text("captions.microphone"), icon: "mic" },
      { value: "tab", label: text("captions.tab"), icon: "tab" },
    ] as const;
    const choose = (source: SoundSource): void => this.#panel.change({ source });
    const keep = (keepCaptions: boolean): void => this.#panel.change({ keepCaptions });
    fill(
      this.#choices,
      canHearTabs() ? choice(text("captions.source"), sources, settings.source, choose) : null,
      languageChoice(this.#panel),
      toggle(text("captions.keep"), settings.keepCaptions, keep, text("captions.keep.text")),
    );
  }

  #buttons(): Child[] {
    if (this.#run === "idle") {
      const look = { kind: "primary", icon: "mic", wide: true } as const;
      return [button(text("captions.start"), this.press, look)];
    }
    const words = {
      starting: "captions.starting",
      on: "captions.stop",
      stopping: "captions.stopping",
    } as const;
    const on = this.#run === "on";
    const look = on ? ({ kind: "danger", icon: "stop", wide: true } as const) : ({ wide: true } as const);
    const press = button(text(words[this.#run]), this.press, look);
    press.disabled = this.#captions === null || this.#run === "stopping";
    return [press, on ? this.#meter.element : null];
  }

  async #start(): Promise<void> {
    this.#set("starting");
    fill(this.#problem);
    fill(this.#after);
    const { language, keepCaptions } = this.#panel.settings();
    try {
      this.#captions = await Captions.start(this.#panel.edged, {
        source: this.#source(),
        ...(language === "" ? {} : { language }),
        store: keepCaptions,
        name: () => text("captions.name", { time: dated(new Date()) }),
        onOpened: (opened) => this.#open(opened),
        onPartial: ({ text: words, start_ms }) => this.#showPartial(words, start_ms),
        onSegments: (segments) => this.#showSegments(segments),
        onLevel: (level) => this.#meter.set(level),
        onBacklog: (ms) => this.#showBehind(ms),
        onBreak: (error) => fill(this.#problem, troubleNotice(troubleOf(error))),
      });
    } catch (error) {
      this.#fail(error);
      this.#set("idle");
      return;
    }
    this.#endSign = this.#panel.recording(this.#source());
    this.#draw();
    await this.#until(this.#captions.done);
  }

  /** In Firefox only the microphone can be heard. */
  #source(): SoundSource {
    return canHearTabs() ? this.#panel.settings().source : "microphone";
  }

  async #until(done: Promise<StreamClosed | undefined>): Promise<void> {
    try {
      this.#ended(await done);
    } catch (error) {
      this.#panel.doubt(error);
      this.#fail(error);
    } finally {
      this.#quiet();
      this.#captions = null;
      this.#partial.hidden = true;
      this.#set("idle");
    }
  }

  #open(opened: StreamOpened): void {
    this.#opened = opened;
    fill(this.#problem);
    if (this.#run === "starting") this.#set("on");
    announce(text("captions.started"));
    this.#drawEmpty(text("captions.listening"));
  }

  #showPartial(words: string, startMs: number): void {
    const [time, line] = this.#partial.children;
    if (time !== undefined) write(time, clock(startMs));
    if (line !== undefined) write(line, words);
    this.#partial.hidden = words === "";
    this.#box.querySelector(".empty")?.remove();
    this.#follow();
  }

  #showSegments(segments: readonly Segment[]): void {
    this.#box.querySelector(".empty")?.remove();
    for (const segment of segments) add(this.#lines, line(segment));
    while (this.#lines.childElementCount > LINES_MOST) this.#lines.firstElementChild?.remove();
    this.#partial.hidden = true;
    this.#follow();
  }

  #showBehind(ms: number): void {
    if (Math.round(ms / 1000) === Math.round(this.#behind / 1000)) return;
    this.#behind = ms;
    const behind = text("captions.behind", { seconds: Math.round(ms / 1000) });
    fill(this.#after, this.#model(), ms < BEHIND_MS ? null : el("span", { class: "chip warn" }, behind));
  }

  #model(): Child {
    const model = this.#opened?.model ?? "";
    return model === "" ? null : el("span", { class: "small faint" }, text("captions.model", { model }));
  }

  /** Nothing is taken in any more: the sign goes out. */
  #quiet(): void {
    this.#endSign?.();
    this.#endSign = null;
  }

  #stop(): void {
    if (this.#captions === null || this.#run === "stopping") return;
    this.#captions.stop();
    this.#quiet();
    this.#set("stopping");
  }

  #ended(closed: StreamClosed | undefined): void {
    announce(text("captions.stopped"));
    if (this.#lines.childElementCount === 0) this.#drawEmpty(text("captions.empty"));
    const id = closed?.recording_id ?? null;
    const readable =
      id !== null && (closed?.segment_count ?? 0) > 0 && this.#panel.can("results.read", "results.read:all");
    const look = { icon: "arrow", kind: "quiet" } as const;
    fill(
      this.#after,
      this.#model(),
      readable ? button(text("captions.open"), () => this.#panel.open(id), look) : null,
    );
  }

  #fail(error: unknown): void {
    const trouble = troubleOf(error);
    if (trouble.code === "cancelled") return;
    fill(
      this.#problem,
      trouble.code === "permission_denied" ? this.#refused(trouble) : troubleNotice(trouble),
    );
  }

  /** Browsers ask for the microphone in tabs only; the sound of a tab needs a click on edged's button there. */
  #refused(trouble: Trouble): HTMLElement {
    if (this.#source() === "tab") {
      return notice("warn", text("captions.tab_failed.title"), el("p", {}, text("captions.tab_failed.text")));
    }
    const open = (): void => void chrome.tabs.create({ url: chrome.runtime.getURL("allow/allow.html") });
    const act = el("div", { class: "row" }, button(text("captions.allow.open"), open, { icon: "mic" }));
    const code = el("p", { class: "reason" }, `${text("reason")}: ${trouble.code}`);
    return notice("warn", text("captions.allow.title"), el("p", {}, text("captions.allow.text")), act, code);
  }

  #drawEmpty(title: string): void {
    this.#box.querySelector(".empty")?.remove();
    if (this.#lines.childElementCount === 0)
      this.#box.prepend(empty("captions", title, el("p", {}, text("captions.empty.text"))));
  }

  #clear(): void {
    this.#lines.replaceChildren();
    fill(this.#box, this.#lines, this.#partial, this.#newest);
    this.#drawEmpty(text(this.#run === "on" ? "captions.listening" : "captions.empty"));
  }

  async #copy(): Promise<void> {
    const [tool] = this.element.getElementsByTagName("button");
    const words = [...this.#lines.querySelectorAll("p")].map((each) => each.textContent).join("\n");
    if (tool !== undefined) await copyText(words, tool);
  }

  /** Stay at the newest words, unless the user reads older ones. */
  #follow(): void {
    if (this.#newest.hidden) this.#toEnd();
  }

  #toEnd(): void {
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#newest.hidden = true;
  }

  #scrolled(): void {
    const rest = this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight;
    this.#newest.hidden = rest < 40;
  }
}

function line(segment: Segment): HTMLElement {
  return el("div", { class: "caption" }, el("time", {}, clock(segment.start_ms)), el("p", {}, segment.text));
}

/** The screen of live captions. */
export function captionsScreen(panel: Panel): CaptionsScreen {
  return new View(panel);
}
