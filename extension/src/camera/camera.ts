/** The camera page: this browser's camera, with what edged sees drawn over it. Nothing of it is kept. */
import { Edged, type EdgedError, type Seen, type VisionTask } from "@edged/client";
import { text } from "../text/text";
import { add, el, fill, write, type Child } from "../ui/dom";
import { brand } from "../ui/icons";
import { button, chip, empty, notice, select, toggle } from "../ui/parts";
import { readSettings, suggestedName, watchSettings, wear } from "../ui/settings";
import { showRecording } from "../ui/sign";
import { troubleNotice, troubleOf } from "../panel/problems";
import { readWish, type Wish, writeWish } from "./choices";
import { draw } from "./drawing";
import { cameras, openLens, type Lens } from "./lens";
import { Looking } from "./looking";
import { Rate } from "./rate";
import { told } from "./telling";

const TASKS = [
  ["hands", "looking.hands"],
  ["face_mesh", "looking.face_mesh"],
  ["iris", "looking.iris"],
  ["pose", "looking.pose"],
  ["holistic", "looking.holistic"],
  ["detect", "looking.detect"],
] as const satisfies readonly (readonly [VisionTask, string])[];

/** Between two changes of the figures, so that they can be read. */
const FIGURES_EVERY_MS = 500;

type Run = "off" | "starting" | "on";

class Page {
  readonly element: HTMLElement;
  readonly #edged: Edged;
  readonly #video = el("video", { playsinline: true, "aria-hidden": "true" });
  readonly #canvas = el("canvas", { "aria-hidden": "true" });
  readonly #off = empty("camera", text("looking.off"), el("p", {}, text("looking.off.text")));
  readonly #stage = el("div", { class: "stage", role: "img", "aria-label": text("looking.stage") });
  readonly #sign = el("span");
  readonly #controls = el("div", { class: "stack" });
  readonly #problem = el("div", { class: "stack" });
  readonly #told = el("p", { class: "told", role: "status", "aria-live": "polite" });
  readonly #figures = el("div", { class: "row wrap" });
  readonly #captured = new Rate();
  readonly #seen = new Rate();
  #wish: Wish;
  #run: Run = "off";
  #lens: Lens | null = null;
  #looking: Looking | null = null;
  #endSign: (() => void) | null = null;
  #model = "";
  #lastMs = 0;
  #making = false;

  constructor(edged: Edged, wish: Wish) {
    this.#edged = edged;
    this.#wish = wish;
    add(this.#stage, this.#video, this.#canvas, this.#off);
    const head = el(
      "header",
      { class: "camera-head" },
      brand(26),
      el("h1", {}, text("camera.title")),
      this.#sign,
    );
    const side = el(
      "div",
      { class: "camera-side" },
      this.#controls,
      this.#problem,
      this.#told,
      this.#figures,
    );
    this.element = el("main", { class: "camera-page" }, head, this.#stage, side);
    setInterval(() => this.#drawFigures(), FIGURES_EVERY_MS);
    this.#show("off");
  }

  #show(run: Run): void {
    this.#run = run;
    this.#stage.classList.toggle("mirrored", this.#wish.mirrored);
    this.#off.hidden = run !== "off";
    this.#video.hidden = this.#canvas.hidden = run === "off";
    fill(this.#sign, run === "on" ? chip(text("looking.on"), "bad") : null);
    void this.#drawControls();
    this.#drawFigures();
  }

  async #drawControls(): Promise<void> {
    const known = await cameras();
    const named = known.map(
      ([id, name], at) =>
        [id, name === "" ? text("looking.camera.number", { number: at + 1 }) : name] as const,
    );
    const focused = this.#controls.contains(document.activeElement);
    const press = this.#button();
    fill(
      this.#controls,
      press,
      this.#tasks(),
      select(
        text("looking.camera"),
        [["", text("looking.camera.any")], ...named],
        this.#wish.deviceId,
        (deviceId) => this.#choose({ deviceId }),
      ),
      toggle(text("looking.mirror"), this.#wish.mirrored, (mirrored) => this.#choose({ mirrored })),
    );
    if (focused) press.focus();
  }

  #button(): HTMLButtonElement {
    if (this.#run === "on")
      return button(text("looking.stop"), () => this.#stop(), { kind: "danger", icon: "stop", wide: true });
    const words = text(this.#run === "off" ? "looking.start" : "looking.starting");
    const start = button(words, () => void this.#start(), { kind: "primary", icon: "camera", wide: true });
    start.disabled = this.#run === "starting";
    return start;
  }

  #tasks(): HTMLElement {
    const list = el("fieldset", { class: "task-list" }, el("legend", {}, text("looking.what")));
    for (const [task, words] of TASKS) {
      const checked = task === this.#wish.task;
      const choose = (): void => this.#choose({ task });
      add(
        list,
        el(
          "label",
          {},
          el("input", { type: "radio", name: "task", value: task, checked, onchange: choose }),
          text(words),
        ),
      );
    }
    return list;
  }

  #choose(change: Partial<Wish>): void {
    const before = this.#wish;
    this.#wish = { ...before, ...change };
    void writeWish(this.#wish);
    this.#stage.classList.toggle("mirrored", this.#wish.mirrored);
    if (this.#run !== "on") return;
    if (before.deviceId !== this.#wish.deviceId) {
      this.#stop();
      void this.#start();
    } else if (before.task !== this.#wish.task) {
      this.#look();
    }
  }

  async #start(): Promise<void> {
    this.#show("starting");
    fill(this.#problem);
    try {
      this.#lens = await openLens(this.#video, this.#wish.deviceId, () => this.#unplugged());
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#endSign = showRecording("camera");
    this.#show("on");
    this.#lens.onFrame(() => this.#frame());
    this.#look();
  }

  /** Look for what is wished now, instead of what was before. */
  #look(): void {
    this.#looking?.stop();
    this.#clear();
    this.#model = "";
    write(this.#told, text("looking.opening"));
    const looking = new Looking(
      this.#edged,
      { task: this.#wish.task },
      {
        onOpened: (model) => this.#opened(model),
        onSeen: (seen) => looking === this.#looking && this.#see(seen),
        onLost: (count, reason) =>
          fill(this.#problem, notice("warn", text("looking.lost", { count, reason }))),
        onBreak: (error) => this.#interrupted(error),
      },
    );
    this.#looking = looking;
    looking.done.catch((error: unknown) => (looking === this.#looking ? this.#fail(error) : undefined));
  }

  #opened(model: string): void {
    this.#model = model;
    fill(this.#problem);
  }

  /** A new frame of the camera: sent when the daemon would look at it, left out otherwise. */
  #frame(): void {
    this.#captured.count();
    const { videoWidth, videoHeight } = this.#video;
    if (videoWidth > 0) this.#stage.style.aspectRatio = `${videoWidth} / ${videoHeight}`;
    if (this.#making || this.#looking?.hungry !== true) return;
    void this.#send(this.#looking);
  }

  async #send(looking: Looking): Promise<void> {
    this.#making = true;
    const at = performance.now();
    try {
      const picture = await this.#lens?.frame();
      if (picture !== undefined) looking.send(picture, at);
    } finally {
      this.#making = false;
    }
  }

  #see(seen: Seen): void {
    this.#seen.count();
    this.#lastMs = seen.processing_time_ms;
    const context = this.#canvas.getContext("2d");
    if (context === null || this.#run !== "on") return;
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    draw(context, { width, height, mirrored: this.#wish.mirrored }, seen);
    this.#canvas.dataset.seen = String(seen.frame_id);
    write(this.#told, told(seen));
  }

  #clear(): void {
    this.#canvas.getContext("2d")?.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  #drawFigures(): void {
    const rate = (one: Rate): string => one.perSecond.toFixed(one.perSecond < 9.95 ? 1 : 0);
    const on: Child[] = [
      chip(text("looking.camera_rate", { rate: rate(this.#captured) })),
      chip(text("looking.seen_rate", { rate: rate(this.#seen) })),
      this.#lastMs > 0 ? chip(text("looking.time", { ms: Math.round(this.#lastMs) })) : null,
      this.#model === "" ? null : chip(this.#model),
    ];
    fill(this.#figures, ...(this.#run === "on" ? on : []));
  }

  #interrupted(error: EdgedError): void {
    this.#clear();
    fill(this.#problem, troubleNotice(troubleOf(error)));
  }

  #unplugged(): void {
    this.#stop();
    fill(this.#problem, notice("warn", text("looking.ended")));
  }

  #fail(error: unknown): void {
    this.#stop();
    fill(
      this.#problem,
      troubleNotice(troubleOf(error), () => void this.#start()),
    );
  }

  #stop(): void {
    const looking = this.#looking;
    this.#looking = null;
    looking?.stop();
    this.#lens?.close();
    this.#lens = null;
    this.#endSign?.();
    this.#endSign = null;
    this.#clear();
    write(this.#told, "");
    this.#show("off");
  }
}

async function begin(): Promise<void> {
  const [settings, wish] = await Promise.all([readSettings(), readWish()]);
  wear(settings.look);
  watchSettings(({ look }) => wear(look));
  document.title = `${text("camera.title")} · ${text("name")}`;
  const name = settings.name === "" ? suggestedName(navigator.userAgent) : settings.name;
  const page = new Page(new Edged({ name }), wish);
  fill(document.body, page.element);
}

void begin();
