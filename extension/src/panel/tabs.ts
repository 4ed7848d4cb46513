/** The tabs: one is chosen, arrow keys, Home and End move between them, as ARIA describes tabs. */

import { text, type TextName } from "../text/text";
import { el } from "../ui/dom";
import { icon, type IconName } from "../ui/icons";

export const TABS = ["captions", "files", "search", "camera", "people", "status"] as const;
export type TabName = (typeof TABS)[number];

const SIGNS: Readonly<Record<TabName, IconName>> = {
  captions: "captions",
  files: "upload",
  search: "search",
  camera: "camera",
  people: "people",
  status: "pulse",
};

/** Whether this names a tab. */
export function isTab(name: string): name is TabName {
  return (TABS as readonly string[]).includes(name);
}

/** The id of a tab's button; its panel is labelled by it. */
export function tabId(name: TabName): string {
  return `tab-${name}`;
}

export interface Tabs {
  readonly element: HTMLElement;
  /** Shows which tab is chosen; null: none of them. */
  readonly choose: (name: TabName | null) => void;
  /** Puts a red dot on a tab, or takes it away. */
  readonly mark: (name: TabName, marked: boolean) => void;
}

/** The row of tabs; `go` is called when the user chooses one. */
export function tabs(go: (name: TabName) => void): Tabs {
  const buttons = new Map(TABS.map((name) => [name, tabButton(name, () => go(name))]));
  const element = el(
    "div",
    { class: "tabs", role: "tablist", "aria-label": text("tabs") },
    ...buttons.values(),
  );
  element.addEventListener("keydown", (event) => {
    const next = target(event.key, document.activeElement);
    if (next === null) return;
    event.preventDefault();
    buttons.get(next)?.focus();
    go(next);
  });
  const choose = (name: TabName | null): void => {
    for (const [own, each] of buttons) {
      each.setAttribute("aria-selected", String(own === name));
      each.tabIndex = own === (name ?? TABS[0]) ? 0 : -1;
    }
  };
  const mark = (name: TabName, marked: boolean): void => {
    const dot = buttons.get(name)?.querySelector<HTMLElement>(".dot");
    if (dot !== null && dot !== undefined) dot.hidden = !marked;
  };
  choose(null);
  return { element, choose, mark };
}

function tabButton(name: TabName, press: () => void): HTMLButtonElement {
  const label: TextName = `tab.${name}`;
  const sign = el(
    "span",
    { class: "tab-sign" },
    icon(SIGNS[name], 20),
    el("span", { class: "dot", hidden: true }),
  );
  const attributes = {
    type: "button",
    role: "tab",
    class: "tab",
    id: tabId(name),
    "aria-controls": "content",
    onclick: press,
  };
  return el("button", attributes, sign, el("span", { class: "tab-word" }, text(label)));
}

/** The tab that a key leads to from the one that has the focus; null: the key means nothing here. */
function target(key: string, from: Element | null): TabName | null {
  const here = TABS.findIndex((name) => tabId(name) === from?.id);
  const steps: Readonly<Record<string, number>> = {
    ArrowRight: here + 1,
    ArrowLeft: here - 1 + TABS.length,
    Home: 0,
    End: TABS.length - 1,
  };
  const step = steps[key];
  return step === undefined || here < 0 ? null : (TABS[step % TABS.length] ?? null);
}
