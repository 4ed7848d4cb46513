/** A level meter: how loud the sound is that comes in. */

import { text } from "../text/text";
import { add, el } from "../ui/dom";

const STEPS = 24;
/** Quieter than this shows nothing. */
const FLOOR_DB = -60;
const LOUD = 0.75;
const FULL = 0.92;

export interface LevelMeter {
  readonly element: HTMLElement;
  /** In decibels below full scale: 0 is as loud as can be. */
  readonly set: (levelDb: number) => void;
}

/** How many steps are lit at a level. */
export function litSteps(levelDb: number): number {
  const share = (Math.max(FLOOR_DB, Math.min(0, levelDb)) - FLOOR_DB) / -FLOOR_DB;
  return Math.round(share * STEPS);
}

/** The meter; it tells screen readers a whole percentage only. */
export function levelMeter(): LevelMeter {
  const facts = { "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 };
  const element = el("div", {
    class: "level",
    role: "meter",
    "aria-label": text("captions.level"),
    ...facts,
  });
  const steps = Array.from({ length: STEPS }, () => el("i"));
  add(element, ...steps);
  let before = -1;
  const set = (levelDb: number): void => {
    const lit = litSteps(levelDb);
    if (lit === before) return;
    before = lit;
    for (const [index, step] of steps.entries()) step.className = tone(index, lit);
    element.setAttribute("aria-valuenow", String(Math.round((lit / STEPS) * 100)));
  };
  set(FLOOR_DB);
  return { element, set };
}

function tone(index: number, lit: number): string {
  if (index >= lit) return "";
  const place = index / STEPS;
  return place >= FULL ? "on full" : place >= LOUD ? "on loud" : "on";
}
