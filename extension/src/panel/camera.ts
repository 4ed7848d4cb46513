/** The way to the camera page, and which models can look. */

import { text, textOr } from "../text/text";
import { add, el, fill } from "../ui/dom";
import { icon } from "../ui/icons";
import { button, chip, command, notice } from "../ui/parts";
import type { Panel, Screen } from "./context";
import { troubleNotice, troubleOf } from "./problems";

/** What the camera page shows. */
const TASKS = ["face_mesh", "hands", "pose", "segment"] as const;

/** The screen; the camera itself is asked for in a page of its own. */
export function cameraScreen(panel: Panel): Screen {
  const models = el("div", { class: "stack" });
  const open = (): void => void chrome.tabs.create({ url: chrome.runtime.getURL("camera/camera.html") });
  const element = el(
    "div",
    { class: "screen" },
    el("div", { class: "screen-head" }, el("h1", {}, text("camera.title"))),
    picture(),
    el("p", { class: "soft" }, text("camera.text")),
    button(text("camera.open"), open, { kind: "primary", icon: "camera", wide: true }),
    el("p", { class: "small soft" }, text("camera.note")),
    models,
  );
  return { element, show: () => void draw(panel, models) };
}

/** A drawing of what is seen: a frame, a face and its points. */
function picture(): HTMLElement {
  return el("div", { class: "camera-picture", "aria-hidden": "true" }, icon("camera", 40));
}

async function draw(panel: Panel, place: HTMLElement): Promise<void> {
  if (!panel.can("vision")) {
    const words = text("camera.needs", { scope: text("scope.vision") });
    fill(place, notice("warn", text("problem.denied"), el("p", {}, words)));
    return;
  }
  try {
    const { tasks } = await panel.edged.request({ type: "describe" });
    const known = TASKS.filter((task) => (tasks[task]?.models.length ?? 0) > 0);
    if (known.length === 0)
      fill(place, notice("accent", text("camera.models.none"), command("edged models pull --defaults")));
    else fill(place, el("h2", {}, text("camera.models")), modelList(known, tasks));
  } catch (error) {
    panel.doubt(error);
    fill(
      place,
      troubleNotice(troubleOf(error), () => void draw(panel, place)),
    );
  }
}

function modelList(
  known: readonly string[],
  tasks: Readonly<Record<string, { readonly default: string | null }>>,
): HTMLElement {
  const list = el("ul", { class: "list" });
  for (const task of known) {
    const label = el("span", { class: "grow" }, textOr(`status.task.${task}`, task));
    const model = tasks[task]?.default ?? "–";
    add(list, el("li", { class: "item row" }, label, chip(model)));
  }
  return list;
}
