/** The words that are shown, all of them in one file; their names are checked when this is compiled. */

import english from "./en.json" with { type: "json" };

export type TextName = keyof typeof english;

const TEXTS: Readonly<Record<string, string>> = english;

/** A text, with what stands for the names in braces. */
export function text(name: TextName, values: Readonly<Record<string, string | number>> = {}): string {
  return english[name].replace(/\{(\w+)\}/gu, (whole, key: string) => String(values[key] ?? whole));
}

/** A text whose name is only known at run time, such as a code; or what to show without it. */
export function textOr(name: string, otherwise: string): string {
  return TEXTS[name] ?? otherwise;
}
