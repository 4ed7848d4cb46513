/** The parts that screens are made of. Each gives an element; what changes later is given beside it. */

import { text } from "../text/text";
import { add, el, freshId, type Child } from "./dom";
import { icon, type IconName } from "./icons";

export type Tone = "plain" | "good" | "warn" | "bad" | "accent";

export interface ButtonLook {
  readonly icon?: IconName;
  readonly kind?: "plain" | "primary" | "quiet" | "danger";
  readonly wide?: boolean;
  readonly small?: boolean;
}

/** A button with words. */
export function button(label: string, press: () => void, look: ButtonLook = {}): HTMLButtonElement {
  const sizes = [look.wide === true ? "wide" : "", look.small === true ? "small" : ""];
  const names = ["button", look.kind ?? "plain", ...sizes].join(" ").trim();
  return el(
    "button",
    { type: "button", class: names, onclick: press },
    look.icon === undefined ? null : icon(look.icon, 16),
    el("span", {}, label),
  );
}

/** A button that shows only an icon; the label is heard, and shown when it is pointed at. */
export function iconButton(name: IconName, label: string, press: () => void): HTMLButtonElement {
  const attributes = {
    type: "button",
    class: "icon-button",
    "aria-label": label,
    title: label,
    onclick: press,
  };
  return el("button", attributes, icon(name));
}

/** A surface with a title. */
export function card(title: string, ...children: readonly Child[]): HTMLElement {
  const id = freshId("card");
  return el("section", { class: "card", "aria-labelledby": id }, el("h2", { id }, title), ...children);
}

/** A word in a coloured shape; the colour says nothing that the word does not. */
export function chip(label: string, tone: Tone = "plain"): HTMLElement {
  return el("span", { class: `chip ${tone}` }, label);
}

/** Something to be noticed, with what can be done about it. */
export function notice(tone: Tone, title: string, ...children: readonly Child[]): HTMLElement {
  const sign = tone === "good" ? "check" : "alert";
  return el(
    "div",
    { class: `notice ${tone}`, role: tone === "bad" ? "alert" : "status" },
    icon(sign),
    el("div", { class: "stack tight grow" }, el("h2", {}, title), ...children),
  );
}

/** What stands where nothing is yet. */
export function empty(name: IconName, title: string, ...children: readonly Child[]): HTMLElement {
  return el("div", { class: "empty" }, icon(name, 44), el("h2", {}, title), ...children);
}

/** A wait of unknown length. */
export function waiting(label: string): HTMLElement {
  return el(
    "div",
    { class: "empty", role: "status" },
    el("span", { class: "spinner large" }),
    el("p", {}, label),
  );
}

/** A command for the terminal, with a button that copies it. */
export function command(line: string): HTMLElement {
  const copy = iconButton("copy", text("copy_command"), () => void copyText(line, copy));
  return el("div", { class: "command" }, el("code", {}, line), copy);
}

/** Copies a text; the button that did it shows for a moment that it is done. */
export async function copyText(words: string, from: HTMLButtonElement): Promise<void> {
  await navigator.clipboard.writeText(words);
  const [before] = from.getElementsByClassName("icon");
  const done = icon("check", Number(before?.getAttribute("width") ?? "18"));
  before?.replaceWith(done);
  announce(text("copied"));
  setTimeout(() => before !== undefined && done.replaceWith(before), 1500);
}

export interface Progress {
  readonly element: HTMLProgressElement;
  /** null: nobody knows how far it is. */
  readonly set: (fraction: number | null, tone?: "plain" | "good" | "bad") => void;
}

/** How far a work is. */
export function progress(label: string): Progress {
  const element = el("progress", { class: "progress", max: 1, "aria-label": label });
  const set = (fraction: number | null, tone: "plain" | "good" | "bad" = "plain"): void => {
    element.className = `progress ${tone}`;
    if (fraction === null) element.removeAttribute("value");
    else element.value = fraction;
  };
  return { element, set };
}

/** A share as a bar; the figure stands beside it in words. */
export function bar(share: number): HTMLElement {
  const part = el("div");
  part.style.width = `${(Math.min(1, Math.max(0, share)) * 100).toFixed(1)}%`;
  return el("div", { class: "bar", "aria-hidden": "true" }, part);
}

export interface Option<Value extends string> {
  readonly value: Value;
  readonly label: string;
  readonly icon?: IconName;
  readonly disabled?: boolean;
}

/** A choice of few, all shown. */
export function choice<Value extends string>(
  label: string,
  options: readonly Option<Value>[],
  chosen: Value,
  choose: (value: Value) => void,
): HTMLFieldSetElement {
  const name = freshId("choice");
  const frame = el("fieldset", { class: "choice-frame" }, el("legend", { class: "heard-only" }, label));
  const inner = el("div", { class: "choice" });
  for (const option of options) {
    const input = el("input", {
      type: "radio",
      name,
      value: option.value,
      checked: option.value === chosen,
      disabled: option.disabled === true,
      onchange: () => choose(option.value),
    });
    add(
      inner,
      el("label", {}, input, option.icon === undefined ? null : icon(option.icon, 16), option.label),
    );
  }
  add(frame, inner);
  return frame;
}

/** Something that is on or off. */
export function toggle(label: string, on: boolean, set: (on: boolean) => void, more = ""): HTMLLabelElement {
  const input = el("input", {
    type: "checkbox",
    role: "switch",
    checked: on,
    onchange: () => set(input.checked),
  });
  const words = el("span", { class: "toggle-words" }, label, more === "" ? null : el("small", {}, more));
  return el("label", { class: "toggle" }, words, input);
}

/** A choice of many, in a list that opens. */
export function select(
  label: string,
  options: readonly (readonly [value: string, label: string])[],
  chosen: string,
  choose: (value: string) => void,
): HTMLElement {
  const id = freshId("select");
  const list = el("select", { class: "select", id, onchange: () => choose(list.value) });
  for (const [value, words] of options) add(list, el("option", { value, selected: value === chosen }, words));
  const frame = el("div", { class: "select-frame" }, list, icon("down", 16));
  return el("div", { class: "field" }, el("label", { for: id }, label), frame);
}

/** A line of text with its label and what is said about it. */
export function input(label: string, value: string, change: (value: string) => void, more = ""): HTMLElement {
  const id = freshId("input");
  const about = freshId("about");
  const line = el("input", {
    class: "input",
    id,
    type: "text",
    maxlength: 100,
    value,
    autocomplete: "off",
    "aria-describedby": more === "" ? null : about,
    onchange: () => change(line.value.trim()),
  });
  const words = more === "" ? null : el("small", { class: "soft", id: about }, more);
  return el("div", { class: "field" }, el("label", { for: id }, label), line, words);
}

/** Names with their values. */
export function facts(pairs: readonly (readonly [name: string, value: Child])[]): HTMLElement {
  const list = el("dl", { class: "facts" });
  for (const [name, value] of pairs) add(list, el("dt", {}, name), el("dd", {}, value));
  return list;
}

/** Asks in a dialog; the answer is true when the user agreed. Escape and `cancel` are a no. */
export async function ask(
  title: string,
  agree: { readonly label: string; readonly kind: "primary" | "danger" },
  ...children: readonly Child[]
): Promise<boolean> {
  const id = freshId("dialog");
  const dialog = el("dialog", { "aria-labelledby": id });
  const form = el(
    "form",
    { method: "dialog", class: "stack" },
    el("h2", { id }, title),
    ...children,
    el(
      "div",
      { class: "ends" },
      button(text("cancel"), () => dialog.close(), {}),
      el("button", { class: `button ${agree.kind}`, value: "agreed" }, agree.label),
    ),
  );
  add(dialog, form);
  add(document.body, dialog);
  const answered = new Promise<boolean>((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "agreed"), { once: true });
  });
  dialog.showModal();
  const agreed = await answered;
  dialog.remove();
  return agreed;
}

let region: HTMLElement | null = null;

/** Tells a screen reader something that is only seen otherwise. */
export function announce(words: string): void {
  if (!region?.isConnected) {
    region = el("div", { class: "heard-only", role: "status", "aria-live": "polite" });
    add(document.body, region);
  }
  region.textContent = words;
}

/** Shows a short word for a moment, and tells it to screen readers. */
export function toast(words: string): void {
  for (const old of document.querySelectorAll(".toast")) old.remove();
  const element = el("div", { class: "toast", "aria-hidden": "true" }, words);
  add(document.body, element);
  announce(words);
  setTimeout(() => element.remove(), 2600);
}
