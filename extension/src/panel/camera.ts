/** The way to the camera page, and which models can look. */

import type { Description, VisionTask } from "@edged/client";
import { text, textOr } from "../text/text";
import { add, el, fill, svg } from "../ui/dom";
import { button, chip, command, notice } from "../ui/parts";
import type { Panel, Screen } from "./context";
import { troubleNotice, troubleOf } from "./problems";

/** What the camera page looks for, and whose models do it when none is named: the tasks of edged.pipeline.seeing. */
const LOOKED_FOR: readonly (readonly [VisionTask, string])[] = [
  ["hands", "hand_landmarks"],
  ["face_mesh", "face_landmarks"],
  ["iris", "iris_landmarks"],
  ["pose", "pose_landmarks"],
  ["holistic", "holistic_landmarks"],
  ["detect", "image_detect"],
];

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

/** Points of a body as fractions of the drawing, and which of them are joined. */
const POINTS = [
  [0.5, 0.24], [0.5, 0.42], [0.38, 0.46], [0.62, 0.46], [0.31, 0.64],
  [0.69, 0.64], [0.25, 0.46], [0.76, 0.47], [0.42, 0.8], [0.58, 0.8],
] as const; // prettier-ignore
const JOINED = [[1, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7], [2, 8], [3, 9], [8, 9]] as const; // prettier-ignore

/** A drawing of what is seen: a frame, a body and its points. */
function picture(): HTMLElement {
  const at = (point: number): readonly [number, number] => {
    const [x, y] = POINTS[point] ?? [0, 0];
    return [x * 320, y * 180];
  };
  const corners = ["M18 44V18h26", "M276 18h26v26", "M302 136v26h-26", "M44 162H18v-26"];
  const lines = JOINED.map(([from, to]) => {
    const [x1, y1] = at(from);
    const [x2, y2] = at(to);
    return svg("line", { x1, y1, x2, y2, class: "bone" });
  });
  const points = POINTS.slice(1).map((_, index) => {
    const [cx, cy] = at(index + 1);
    return svg("circle", { cx, cy, r: 4, class: "joint" });
  });
  const [cx, cy] = at(0);
  const head = svg("circle", { cx, cy, r: 19, class: "bone" });
  const frame = corners.map((d) => svg("path", { d, class: "corner" }));
  const drawing = svg(
    "svg",
    { viewBox: "0 0 320 180", focusable: "false" },
    ...frame,
    head,
    ...lines,
    ...points,
  );
  return el("div", { class: "camera-picture", "aria-hidden": "true" }, drawing);
}

async function draw(panel: Panel, place: HTMLElement): Promise<void> {
  if (!panel.can("vision")) {
    const words = text("camera.needs", { scope: text("scope.vision") });
    fill(place, notice("warn", text("problem.denied"), el("p", {}, words)));
    return;
  }
  try {
    const known = lookers(await panel.edged.request({ type: "describe" }));
    if (known.length === 0)
      fill(place, notice("accent", text("camera.models.none"), command("edged models pull --defaults")));
    else fill(place, el("h2", {}, text("camera.models")), modelList(known));
  } catch (error) {
    panel.doubt(error);
    fill(
      place,
      troubleNotice(troubleOf(error), () => void draw(panel, place)),
    );
  }
}

/** What can be looked for by the models that are here, each with the model that does. */
export function lookers({ tasks }: Description): readonly (readonly [VisionTask, string])[] {
  const found: (readonly [VisionTask, string])[] = [];
  for (const [task, ofModels] of LOOKED_FOR) {
    const model = tasks[ofModels]?.default ?? tasks[ofModels]?.models[0];
    if (model !== undefined) found.push([task, model]);
  }
  return found;
}

function modelList(known: readonly (readonly [VisionTask, string])[]): HTMLElement {
  const list = el("ul", { class: "list" });
  for (const [task, model] of known) {
    const label = el("span", { class: "grow" }, textOr(`looking.${task}`, task));
    add(list, el("li", { class: "model-row" }, label, chip(model)));
  }
  return list;
}
