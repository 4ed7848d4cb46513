/** Status: how the daemon is, what is in memory, which models there are. */

import type { HealthReport, LoadedModel, ModelSummary } from "@edged/client";
import { text, textOr } from "../text/text";
import { add, el, fill, type Child } from "../ui/dom";
import { count, duration, size } from "../ui/figures";
import { icon } from "../ui/icons";
import { card, chip, command, facts, iconButton, notice, waiting, type Tone } from "../ui/parts";
import type { Panel, Screen } from "./context";
import { advice, sentence, tellTrouble, troubleNotice, troubleOf } from "./problems";

/** So often the figures are asked for while they are seen. */
const EVERY_MS = 4000;

const TONES: Readonly<Record<HealthReport["status"], Tone>> = {
  ok: "good",
  degraded: "warn",
  failing: "bad",
};

interface Findings {
  readonly health: HealthReport;
  readonly loaded: readonly LoadedModel[];
  readonly models: readonly ModelSummary[];
}

/** The screen; it asks only while it is seen. */
export function statusScreen(panel: Panel): Screen {
  const body = el("div", { class: "stack" }, waiting(text("loading")));
  const refresh = iconButton("retry", text("status.refresh"), () => void draw());
  const head = el("div", { class: "screen-head" }, el("h1", {}, text("status.title")), refresh);
  const element = el("div", { class: "screen" }, head, body);
  let timer: ReturnType<typeof setInterval> | undefined;
  const act = async (work: Promise<unknown>): Promise<void> => {
    await work.catch((error: unknown) => tellTrouble(body, error));
    await draw();
  };
  let drawn = "";
  const draw = async (): Promise<void> => {
    try {
      const findings = await ask(panel);
      const print = printOf(findings);
      if (print === drawn) updateFacts(body, findings.health);
      else keepFocus(body, () => fill(body, ...sections(panel, findings, act)));
      drawn = print;
    } catch (error) {
      panel.doubt(error);
      drawn = "";
      fill(
        body,
        troubleNotice(troubleOf(error), () => void draw()),
      );
    }
  };
  const show = (): void => {
    void draw();
    timer = setInterval(() => void draw(), EVERY_MS);
  };
  return { element, show, hide: () => clearInterval(timer) };
}

/** What is drawn anew when it changes; figures that move all the time are left out. */
function printOf({ health, loaded, models }: Findings): string {
  const held = loaded.map((model) => [model.id, model.state, model.device, size(model.pss_bytes)]);
  const known = models.map((model) => [model.id, model.state, model.problem]);
  const recording = health.recording.map((one) => one.session_id);
  return JSON.stringify([health.status, health.reasons, recording, held, known]);
}

/** Draw a place anew; the button that had the focus has it again, when there is one of that name. */
function keepFocus(place: HTMLElement, draw: () => void): void {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const label = focused?.getAttribute("aria-label") ?? null;
  draw();
  if (label === null) return;
  const buttons = [...place.querySelectorAll<HTMLElement>("button")];
  buttons.find((each) => each.getAttribute("aria-label") === label)?.focus();
}

async function ask(panel: Panel): Promise<Findings> {
  const models = panel.can("models.read", "models.manage");
  const [health, loaded, listed] = await Promise.all([
    panel.edged.request({ type: "health" }),
    models ? panel.edged.request({ type: "models.ps" }) : { models: [] },
    models ? panel.edged.request({ type: "models.list" }) : { models: [] },
  ]);
  return { health, loaded: loaded.models, models: listed.models };
}

type Act = (work: Promise<unknown>) => Promise<void>;

function sections(panel: Panel, findings: Findings, act: Act): Child[] {
  const { health, loaded, models } = findings;
  const sees = panel.can("models.read", "models.manage");
  return [
    healthCard(health),
    ...health.reasons.map((reason) => notice("warn", sentence(reason.message), advice(reason.fix))),
    health.recording.length > 0 ? recordingCard(health) : null,
    sees ? memoryCard(panel, loaded, act) : null,
    sees ? modelsCard(panel, models, act) : null,
  ];
}

function healthFacts(health: HealthReport): HTMLElement {
  const age = health.last_commit_age_ms;
  return facts([
    [text("status.version"), health.version],
    [text("status.uptime"), duration(health.uptime_s * 1000)],
    [text("status.queue"), count(health.queue_depth)],
    [text("status.disk"), size(health.disk_free_bytes)],
    [
      text("status.commit"),
      age === null ? text("status.never") : text("status.ago", { time: duration(age) }),
    ],
  ]);
}

function updateFacts(body: HTMLElement, health: HealthReport): void {
  body.querySelector(".facts")?.replaceWith(healthFacts(health));
}

function healthCard(health: HealthReport): HTMLElement {
  const tone = TONES[health.status];
  const seal = el("span", { class: "seal" }, icon(tone === "good" ? "check" : "alert", 20));
  const line = el(
    "div",
    { class: `health ${tone}` },
    seal,
    el("p", { class: "strong" }, text(`status.${health.status}`)),
  );
  return el("section", { class: "card stack" }, line, healthFacts(health));
}

function recordingCard(health: HealthReport): HTMLElement {
  const list = el("ul", { class: "stack tight" });
  for (const one of health.recording) {
    const names = [one.started_by, one.devices.join(", ")].filter((name) => name !== "").join(" · ");
    add(
      list,
      el(
        "li",
        { class: "row" },
        chip(duration(one.duration_ms), "bad"),
        el("span", { class: "grow" }, names),
      ),
    );
  }
  return card(text("status.recording"), list);
}

function memoryCard(panel: Panel, loaded: readonly LoadedModel[], act: Act): HTMLElement {
  const section = el("section", { class: "stack tight" }, el("h2", {}, text("status.memory")));
  if (loaded.length === 0) {
    add(section, el("p", { class: "soft" }, text("status.memory.none")));
    return section;
  }
  const list = el("ul", { class: "list" });
  for (const model of loaded) add(list, loadedLine(panel, model, act));
  add(section, list);
  return section;
}

function loadedLine(panel: Panel, model: LoadedModel, act: Act): HTMLElement {
  const unload = (): void => void act(panel.edged.request({ type: "models.unload", model: model.id }));
  return el(
    "li",
    { class: "model-row" },
    el(
      "div",
      { class: "grow" },
      el("p", { class: "one-line strong" }, model.id),
      el(
        "p",
        { class: "small soft one-line" },
        `${size(model.pss_bytes)} · ${model.device} · ${model.engine}`,
      ),
    ),
    stateChip(model.state),
    panel.can("models.manage")
      ? iconButton("close", text("status.unload", { model: model.id }), unload)
      : null,
  );
}

function stateChip(state: LoadedModel["state"]): HTMLElement {
  const tones: Readonly<Record<string, Tone>> = { ready: "good", loading: "accent", quarantined: "bad" };
  return chip(textOr(`status.model.${state}`, state), tones[state] ?? "plain");
}

function modelsCard(panel: Panel, models: readonly ModelSummary[], act: Act): HTMLElement {
  const here = models.filter((model) => model.installed);
  const section = el("section", { class: "stack tight" }, el("h2", {}, text("status.models")));
  if (here.length === 0)
    add(
      section,
      el("p", { class: "soft" }, text("status.models.none")),
      command("edged models pull --defaults"),
    );
  const tasks = [...new Set(here.map((model) => model.task))].sort();
  for (const task of tasks) {
    const list = el("ul", { class: "list" });
    for (const model of here.filter((each) => each.task === task)) add(list, modelLine(panel, model, act));
    add(section, el("h3", {}, textOr(`status.task.${task}`, task)), list);
  }
  return section;
}

function modelLine(panel: Panel, model: ModelSummary, act: Act): HTMLElement {
  const load = (): void => void act(panel.edged.request({ type: "models.load", model: model.id }));
  const loadable = model.problem === null && model.state === "unloaded" && panel.can("models.manage");
  const about = [
    model.size_bytes > 0 ? size(model.size_bytes) : "",
    model.languages.slice(0, 4).join(", "),
    model.license,
  ].filter((each) => each !== "");
  return el(
    "li",
    { class: "model-row" },
    el(
      "div",
      { class: "grow" },
      el("p", { class: "one-line" }, model.id),
      el("p", { class: "small soft one-line" }, about.join(" · ")),
      model.problem === null ? null : el("p", { class: "small soft" }, sentence(model.problem.message)),
    ),
    model.default ? chip(text("status.model.default"), "accent") : null,
    model.problem === null ? null : chip(text("status.model.missing"), "warn"),
    loadable ? iconButton("play", text("status.load", { model: model.id }), load) : null,
  );
}
