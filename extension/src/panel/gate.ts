/** What stands before the panel's parts while it may not ask: connecting, trouble, pairing. */

import type { KnownClient, Scope } from "@edged/client";
import { text, textOr, type TextName } from "../text/text";
import { add, el, type Child } from "../ui/dom";
import { moment } from "../ui/figures";
import { icon, type IconName } from "../ui/icons";
import { button, card, command, waiting } from "../ui/parts";
import type { Phase } from "./membership";
import { advice, commandOf, titleOf, troubleLines, type Trouble } from "./problems";

export interface GateActions {
  readonly again: () => void;
  readonly ask: () => void;
  readonly stop: () => void;
  readonly scopes: () => readonly Scope[];
  readonly choose: (scopes: readonly Scope[]) => void;
}

/** What pairing asks for unless more is chosen: those that the panel's parts need. */
const OFFERED: readonly Scope[] = [
  "speech",
  "vision",
  "results.read",
  "results.read:all",
  "results.delete",
  "models.read",
  "models.manage",
];

/** The screen for a phase in which the parts cannot be shown. */
export function gate(phase: Exclude<Phase, { at: "paired" }>, actions: GateActions): HTMLElement {
  switch (phase.at) {
    case "connecting":
      return screen(el("h1", { class: "heard-only" }, text("connecting.title")), connecting());
    case "trouble":
      return screen(...troubleScreen(phase.trouble, actions));
    case "stranger":
      return screen(...stranger(actions));
    case "asking":
      return screen(...asking(phase, actions));
    case "ended":
      return screen(...ended(phase.client, actions));
  }
}

function screen(...children: readonly Child[]): HTMLElement {
  return el("div", { class: "screen" }, ...children);
}

function head(sign: IconName, title: string, words: string, tone = ""): HTMLElement {
  const seal = el("span", { class: "seal" }, icon(sign, 26));
  return el("div", { class: `center ${tone}` }, seal, el("h1", { tabindex: -1 }, title), el("p", {}, words));
}

function connecting(): HTMLElement {
  const element = waiting(text("connecting.title"));
  add(element, el("p", { class: "small faint" }, text("connecting.text")));
  return element;
}

function troubleScreen(trouble: Trouble, actions: GateActions): Child[] {
  const mend = commandOf(trouble, chrome.runtime.id);
  const install = trouble.code === "host_not_registered" ? text("problem.install") : null;
  const seal = el("span", { class: "seal" }, icon("alert", 26));
  return [
    el("div", { class: "center bad", role: "alert" }, seal, el("h1", { tabindex: -1 }, titleOf(trouble))),
    el("div", { class: "card stack" }, ...troubleLines(trouble)),
    install === null ? null : el("p", { class: "small soft" }, install),
    button(text("again"), actions.again, {
      icon: "retry",
      kind: mend === null ? "primary" : "plain",
      wide: true,
    }),
  ];
}

/** The list of grants that can be chosen. */
export function scopeChoice(
  chosen: readonly Scope[],
  offered: readonly Scope[],
  change: (all: readonly Scope[]) => void,
): HTMLElement {
  const on = new Set(chosen);
  const list = el("div", { class: "list", role: "group", "aria-label": text("pairing.scopes") });
  for (const scope of offered) add(list, scopeLine(scope, on, change));
  return list;
}

function scopeLine(scope: Scope, on: Set<Scope>, change: (all: readonly Scope[]) => void): HTMLElement {
  const label: TextName = `scope.${scope}`;
  const about: TextName = `scope.${scope}.text`;
  const box = el("input", { type: "checkbox", name: scope, checked: on.has(scope) });
  box.addEventListener("change", () => {
    if (box.checked) on.add(scope);
    else on.delete(scope);
    change([...on]);
  });
  return el("label", { class: "check" }, box, el("span", {}, text(label), el("small", {}, text(about))));
}

function stranger(actions: GateActions): Child[] {
  const ask = button(text("pairing.ask"), actions.ask, { kind: "primary", icon: "key", wide: true });
  const none = el("p", { class: "small soft", role: "status" });
  const chosen = (scopes: readonly Scope[]): void => {
    actions.choose(scopes);
    ask.disabled = scopes.length === 0;
    none.textContent = scopes.length === 0 ? text("pairing.none") : "";
  };
  return [
    head("lock", text("pairing.title"), text("pairing.text")),
    el("h2", {}, text("pairing.scopes")),
    scopeChoice(actions.scopes(), OFFERED, chosen),
    none,
    el("div", { class: "at-end" }, ask),
  ];
}

/** Six words, each with its place, so that they can be compared one by one. */
export function fingerprint(words: string): HTMLElement {
  const list = el("ol", { class: "words", "aria-label": text("pairing.words") });
  for (const [index, word] of words.split(" ").entries())
    add(list, el("li", { "data-place": index + 1 }, word));
  return list;
}

function asking(phase: Extract<Phase, { at: "asking" }>, actions: GateActions): Child[] {
  const { client, words } = phase;
  return [
    head("key", text("pairing.waiting"), text("pairing.compare")),
    fingerprint(words),
    el(
      "div",
      { class: "card stack tight" },
      el("p", {}, text("pairing.command")),
      command(`edged clients approve ${client.client_id}`),
      el("div", { class: "small soft" }, advice(text("pairing.list"))),
      el("p", { class: "row small soft" }, el("span", { class: "spinner" }), text("pairing.waiting")),
    ),
    card(text("pairing.scopes"), granted(client.asked_scopes)),
    button(text("pairing.stop"), actions.stop, { wide: true }),
  ];
}

/** Grants as a list of words. */
export function granted(scopes: readonly Scope[]): HTMLElement {
  const list = el("ul", { class: "row wrap" });
  for (const scope of scopes) add(list, el("li", { class: "chip accent" }, textOr(`scope.${scope}`, scope)));
  return list;
}

function ended(client: KnownClient, actions: GateActions): Child[] {
  const status = client.status === "denied" || client.status === "revoked" ? client.status : "expired";
  const title: TextName = `pairing.${status}.title`;
  const words: TextName = `pairing.${status}.text`;
  const reason = `${text("reason")}: not_paired · ${status}`;
  const at = client.decided_at === null ? "" : ` · ${moment(client.decided_at)}`;
  const decided = el("p", { class: "reason" }, `${reason}${at}`);
  const ask = button(text("pairing.ask"), actions.ask, { kind: "primary", icon: "key", wide: true });
  const again = button(text("again"), actions.again, { icon: "retry", wide: true });
  const commands = [
    el("p", {}, text("pairing.forget")),
    command(`edged clients forget ${client.client_id}`),
    el("p", {}, text("pairing.approve")),
    command(`edged clients approve ${client.client_id}`),
  ];
  const shown = status === "denied" ? [] : [ask];
  return [
    head("lock", text(title), text(words), "bad"),
    el("div", { class: "card stack tight" }, ...(status === "denied" ? commands : []), decided),
    ...shown,
    again,
  ];
}
