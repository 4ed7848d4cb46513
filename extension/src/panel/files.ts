/** Files to transcribe: dropped or chosen, each with its progress, and the way to its transcript. */

import { text, textOr } from "../text/text";
import { add, el, fill, freshId, type Child } from "../ui/dom";
import { duration, percent, size } from "../ui/figures";
import { icon } from "../ui/icons";
import { announce, button, iconButton, progress, toggle } from "../ui/parts";
import type { Panel, Screen } from "./context";
import { languageChoice } from "./languages";
import { advice, titleOf, troubleNotice, troubleOf, type Trouble } from "./problems";
import { Transcribing, type Step, type UploadIds, type Work } from "./transcribing";

/** What the daemon decodes; the dialog of the browser shows these first. */
const ACCEPTED = "audio/*,video/*,.wav,.flac,.mp3,.ogg,.opus,.m4a,.mp4";

class FilesView implements Screen {
  readonly element: HTMLElement;
  readonly #panel: Panel;
  readonly #transcribing: Transcribing;
  readonly #rows = new Map<string, HTMLElement>();
  readonly #list = el("ul", { class: "list", "aria-label": text("files.queue") });
  readonly #queue: HTMLElement;
  readonly #problem = el("div");
  readonly #options = el("details", { class: "card" });
  #following = false;

  constructor(panel: Panel) {
    this.#panel = panel;
    this.#transcribing = new Transcribing(panel.edged, uploadIds(), {
      onWork: (work, before) => this.#show(work, before),
      onGone: (key) => this.#remove(key),
    });
    const heading = freshId("queue");
    this.#queue = el(
      "section",
      { class: "stack tight", "aria-labelledby": heading, hidden: true },
      el("h2", { id: heading }, text("files.queue")),
      this.#list,
    );
    const head = el("div", { class: "screen-head" }, el("h1", {}, text("files.title")));
    this.element = el(
      "div",
      { class: "screen" },
      head,
      this.#drop(),
      this.#options,
      this.#problem,
      this.#queue,
    );
    this.#catchDrops();
  }

  show = (): void => {
    this.#drawOptions();
    void this.#begin();
  };

  /** Send these files. */
  send(files: Iterable<File>): void {
    const { language, diarize, keepSound } = this.#panel.settings();
    for (const file of files) this.#transcribing.add(file, { language, diarize, keepAudio: keepSound });
  }

  async #begin(): Promise<void> {
    try {
      if (this.#panel.can("results.read", "results.read:all")) await this.#transcribing.list();
      fill(this.#problem);
      if (!this.#following) await this.#follow();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #follow(): Promise<void> {
    this.#following = true;
    try {
      await this.#transcribing.follow(new AbortController().signal);
    } finally {
      this.#following = false;
    }
  }

  #fail(error: unknown): void {
    this.#panel.doubt(error);
    fill(this.#problem, troubleNotice(troubleOf(error)));
  }

  #drop(): HTMLElement {
    const chooser = el("input", {
      type: "file",
      multiple: true,
      hidden: true,
      accept: ACCEPTED,
      "aria-label": text("files.choose"),
    });
    chooser.addEventListener("change", () => {
      this.send([...(chooser.files ?? [])]);
      chooser.value = "";
    });
    return el(
      "div",
      { class: "drop" },
      icon("upload", 30),
      el("p", { class: "strong drop-words" }, text("files.drop")),
      el("p", { class: "small soft" }, text("files.kinds")),
      button(text("files.choose"), () => chooser.click(), { kind: "primary" }),
      chooser,
    );
  }

  /** Files may be dropped anywhere on the screen; nothing else makes the browser leave the panel. */
  #catchDrops(): void {
    const zone = this.element.querySelector(".drop");
    const words = this.element.querySelector(".drop-words");
    const over = (on: boolean): void => {
      zone?.classList.toggle("over", on);
      if (words !== null) fill(words, text(on ? "files.drop.now" : "files.drop"));
    };
    this.element.addEventListener("dragover", (event) => {
      event.preventDefault();
      over(true);
    });
    this.element.addEventListener("dragleave", (event) => {
      if (!(event.relatedTarget instanceof Node) || !this.element.contains(event.relatedTarget)) over(false);
    });
    this.element.addEventListener("drop", (event) => {
      event.preventDefault();
      over(false);
      this.send([...(event.dataTransfer?.files ?? [])]);
    });
  }

  #drawOptions(): void {
    if (this.#options.childElementCount > 0) return;
    const { diarize, keepSound } = this.#panel.settings();
    const summary = el("summary", { class: "strong" }, text("files.options"));
    const body = el(
      "div",
      { class: "stack options" },
      languageChoice(this.#panel),
      toggle(text("files.diarize"), diarize, (on) => this.#panel.change({ diarize: on })),
      toggle(text("files.keep"), keepSound, (on) => this.#panel.change({ keepSound: on })),
    );
    add(this.#options, summary, body);
  }

  #show(work: Work, before: Step | null): void {
    const row = this.#row(work);
    const known = row.querySelector<HTMLProgressElement>("progress");
    if (before === work.step && known !== null && work.fraction !== null) update(row, known, work);
    else this.#draw(row, work);
    if (before !== null && before !== work.step) tellEnd(work);
  }

  #row(work: Work): HTMLElement {
    const known = this.#rows.get(work.key);
    if (known !== undefined) return known;
    const row = el("li", { class: "file-row" });
    this.#rows.set(work.key, row);
    this.#list.prepend(row);
    this.#queue.hidden = false;
    return row;
  }

  #draw(row: HTMLElement, work: Work): void {
    const focused = row.contains(document.activeElement);
    fill(
      row,
      icon("file", 22),
      el("p", { class: "one-line strong", title: work.name }, work.name === "" ? text("unnamed") : work.name),
      el("div", { class: "acts" }, ...this.#acts(work)),
      el("p", { class: "small soft number one-line state" }, stateOf(work)),
      work.step === "sending" || work.step === "running" ? bar(work) : null,
      work.trouble === null ? null : failure(work.trouble),
    );
    if (focused) row.querySelector("button")?.focus();
  }

  #acts(work: Work): Child[] {
    const { key, name } = work;
    if (busy(work))
      return [
        iconButton("close", text("files.cancel", { name }), () => this.#try(this.#transcribing.cancel(key))),
      ];
    const remove = iconButton("close", text("files.remove", { name }), () => this.#forget(key));
    const { recordingId } = work;
    if (work.step === "done" && recordingId !== null && this.#panel.can("results.read", "results.read:all")) {
      return [
        iconButton("arrow", `${text("files.open")}: ${name}`, () => this.#panel.open(recordingId)),
        remove,
      ];
    }
    if (work.step === "done") return [remove];
    return [
      iconButton("retry", text("files.retry", { name }), () => this.#try(this.#transcribing.retry(key))),
      remove,
    ];
  }

  #try(work: Promise<void>): void {
    work.catch((error: unknown) => this.#fail(error));
  }

  #forget(key: string): void {
    this.#transcribing.forget(key);
    this.#remove(key);
  }

  #remove(key: string): void {
    this.#rows.get(key)?.remove();
    this.#rows.delete(key);
    this.#queue.hidden = this.#rows.size === 0;
  }
}

function busy(work: Work): boolean {
  return (
    work.step === "waiting" || work.step === "sending" || work.step === "queued" || work.step === "running"
  );
}

function bar(work: Work): HTMLElement {
  const shown = progress(text("files.progress", { name: work.name }));
  shown.set(work.fraction);
  shown.element.classList.add("wide");
  return shown.element;
}

/** Why a file failed, in the space of a row. */
function failure(trouble: Trouble): HTMLElement {
  const code = el("span", { class: "reason" }, `${text("reason")}: ${trouble.code}`);
  return el(
    "div",
    { class: "wide small stack tight" },
    el("p", { class: "failed strong" }, titleOf(trouble)),
    advice(trouble.fix),
    code,
  );
}

function update(row: HTMLElement, shown: HTMLProgressElement, work: Work): void {
  shown.value = work.fraction ?? 0;
  const state = row.querySelector(".state");
  if (state !== null) fill(state, stateOf(work));
}

/** Where a file is, in words. */
function stateOf(work: Work): string {
  switch (work.step) {
    case "waiting":
      return text("files.waiting");
    case "sending": {
      const sent = size((work.fraction ?? 0) * work.sizeBytes);
      return text("files.uploading", { done: sent, total: size(work.sizeBytes) });
    }
    case "queued":
      return text("files.queued");
    case "running": {
      const stage = textOr(`files.stage.${work.stage}`, text("files.stage.other"));
      return work.fraction === null
        ? stage
        : `${stage} · ${text("files.percent", { percent: percent(work.fraction) })}`;
    }
    case "done":
      return text("files.done", { time: duration(Date.parse(work.updatedAt) - Date.parse(work.createdAt)) });
    case "failed":
      return text("files.failed");
    case "cancelled":
      return text("files.cancelled");
  }
}

function tellEnd(work: Work): void {
  if (work.step === "done") announce(text("files.announce.done", { name: work.name }));
  else if (work.step === "failed") announce(text("files.announce.failed", { name: work.name }));
}

/** Kept by the browser, so that an upload that broke off goes on when the same file is given again. */
function uploadIds(): UploadIds {
  const key = (file: string): string => `upload:${file}`;
  return {
    get: async (file) => {
      const stored = await chrome.storage.local.get(key(file));
      const id: unknown = stored[key(file)];
      return typeof id === "string" ? id : undefined;
    },
    set: (file, id) =>
      id === null ? chrome.storage.local.remove(key(file)) : chrome.storage.local.set({ [key(file)]: id }),
  };
}

/** The screen of files. */
export function filesScreen(panel: Panel): Screen {
  return new FilesView(panel);
}
