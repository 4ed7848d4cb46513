/** Settings: the look, the name, what is granted, the keys. */

import { type KnownClient, SCOPES, VERSION, type Scope } from "@edged/client";
import { text, textOr } from "../text/text";
import { add, el, fill, type Child } from "../ui/dom";
import { moment } from "../ui/figures";
import { button, card, choice, command, facts, iconButton, input, toast } from "../ui/parts";
import type { Panel, Screen } from "./context";
import { granted, scopeChoice } from "./gate";

/** The screen of settings. */
export function settingsScreen(panel: Panel): Screen {
  const back = iconButton("back", text("back"), () => panel.back());
  const head = el("div", { class: "screen-head" }, back, el("h1", {}, text("settings.title")));
  const pairing = el("div", {}, pairingCard(panel));
  const cards = [lookCard(panel), nameCard(panel), pairing, keysCard(), aboutCard(panel)];
  const element = el("div", { class: "screen" }, head, ...cards);
  return { element, admit: () => fill(pairing, pairingCard(panel)) };
}

function lookCard(panel: Panel): HTMLElement {
  const looks = [
    { value: "system", label: text("settings.look.system") },
    { value: "light", label: text("settings.look.light") },
    { value: "dark", label: text("settings.look.dark") },
  ] as const;
  return card(
    text("settings.look"),
    choice(text("settings.look"), looks, panel.settings().look, (look) => panel.change({ look })),
  );
}

function nameCard(panel: Panel): HTMLElement {
  const change = (name: string): void => {
    if (name === "") return;
    panel.change({ name });
    toast(text("settings.saved"));
  };
  return el(
    "section",
    { class: "card" },
    input(text("settings.name"), panel.settings().name, change, text("settings.name.text")),
  );
}

function pairingCard(panel: Panel): HTMLElement {
  const client = panel.client();
  if (client === null) {
    const choose = (scopes: readonly Scope[]): void => panel.change({ scopes });
    const all = scopeChoice(panel.settings().scopes, SCOPES, choose);
    return el("section", { class: "stack tight" }, el("h2", {}, text("pairing.scopes")), all);
  }
  const ends = client.expires_at === null ? text("settings.expires.never") : moment(client.expires_at);
  const shown = facts([
    [text("settings.client"), el("code", { class: "mono" }, client.client_id)],
    [text("settings.expires"), ends],
  ]);
  return card(
    text("settings.pairing"),
    el("div", { class: "stack" }, shown, granted(client.scopes), more(panel, client)),
  );
}

/** Other grants: chosen here, asked for here or given on the computer at once. */
function more(panel: Panel, { client_id: id, scopes: now }: KnownClient): HTMLElement {
  const place = el("div", { class: "stack" });
  const draw = (scopes: readonly Scope[]): void => {
    const others = scopes.some((scope) => !now.includes(scope));
    const look = { kind: "primary", icon: "key" } as const;
    const ask = others ? button(text("pairing.ask_more"), () => panel.ask(scopes), look) : null;
    const line = `edged clients approve ${id} --scopes ${scopes.join(",")}`;
    const words = el("p", { class: "small soft" }, text("settings.ask.text"));
    fill(place, ask, ...(scopes.length === 0 ? [] : [words, command(line)]));
  };
  draw(now);
  const summary = el("summary", { class: "strong" }, text("settings.ask"));
  const list = scopeChoice(now, SCOPES, draw);
  return el("details", {}, summary, el("div", { class: "stack options" }, list, place));
}

function keysCard(): HTMLElement {
  const control = navigator.userAgent.includes("Mac") ? "⌘" : "Ctrl";
  const keys = [
    ["settings.keys.tabs", ["←", "→"]],
    ["settings.keys.search", [control, "K"]],
    ["settings.keys.captions", [control, "Enter"]],
    ["settings.keys.back", ["Esc"]],
  ] as const;
  const list = el("dl", { class: "keys" });
  for (const [name, pressed] of keys) {
    const shown = pressed.flatMap((key): Child[] => [el("kbd", {}, key), " "]);
    add(list, el("dt", {}, text(name)), el("dd", {}, ...shown));
  }
  return card(text("settings.keys"), list);
}

function aboutCard(panel: Panel): HTMLElement {
  const { status } = panel.edged;
  const daemon = status.state === "ready" ? status.host.version : textOr("none", "–");
  const version = el("p", { class: "small soft" }, text("settings.version", { panel: VERSION, daemon }));
  return card(text("settings.about"), el("p", { class: "soft" }, text("settings.about.text")), version);
}
