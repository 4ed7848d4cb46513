/** Errors for people: what is wrong in words, what to do, and the reason code for whoever helps. */

import { CODES } from "@edged/client";
import { el, type Child } from "../ui/dom";
import { button, command, notice } from "../ui/parts";
import { text, textOr } from "../text/text";

/** An error as the daemon, the host or the client library tells it. */
export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Commands that mend what a code stands for; they are shown to be copied. */
const COMMANDS: Readonly<Record<string, string>> = {
  host_not_registered: "edged browser install",
  daemon_down: "edged serve",
  version_skew: "edged shutdown",
  sandboxed_browser: "edged browser doctor",
  model_missing: "edged models pull --defaults",
};

/** An error of any kind as trouble; what is no error of ours is `internal`. */
export function troubleOf(error: unknown): Trouble {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string") {
    const known = error as {
      code: string;
      message?: string;
      fix?: string;
      details?: Record<string, unknown>;
    };
    const { code, message = "", fix = "", details = {} } = known;
    return { code, message, fix: fix === "" ? fixOf(code) : fix, details };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "internal", message, fix: fixOf("internal") };
}

/** What to do about a code, from the daemon's own table. */
export function fixOf(code: string): string {
  const table: Readonly<Record<string, { readonly fix: string } | undefined>> = CODES;
  return table[code]?.fix ?? "";
}

/** What is wrong, in a few words. */
export function titleOf(trouble: Trouble): string {
  return textOr(`problem.${trouble.code}`, text("problem.unknown"));
}

/** The command that mends it, if there is one. */
export function commandOf(trouble: Trouble, id: string): string | null {
  if (trouble.code === "origin_denied") return `edged browser install --extension-id ${id}`;
  return COMMANDS[trouble.code] ?? null;
}

/** A command that an advice begins with, without backquotes: up to what is said about it. */
const COMMAND_FIRST = /^(?:edged|pip|apt) [^;,`]+?(?=[;,]|$)/u;

/** The advice as a text whose commands and words in backquotes are code. */
export function advice(words: string): HTMLElement {
  const pieces = sentence(words.replace(COMMAND_FIRST, "`$&`")).split("`");
  return el(
    "p",
    {},
    ...pieces.map((piece, index): Child => (index % 2 === 0 ? piece : el("code", { class: "mono" }, piece))),
  );
}

/** What begins with a small letter for good: code, our own name, a file, a field, an option. */
const AS_IT_IS = /^(?:`|edged\b|-|[^\s,;:]*[^\s,;:\p{L}'’.-][^\s]*|[^\s]*[^\s.]\.[^\s.][^\s]*)/u;

/** Words of an error as a sentence; a command, a name or a file at its head stays as it is. */
export function sentence(words: string): string {
  const begun = AS_IT_IS.test(words) ? words : words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/u.test(begun) || begun === "" ? begun : `${begun}.`;
}

/** The scope that was missing, as people call it; null: that was not the trouble. */
function missingScope(trouble: Trouble): string | null {
  const missing = trouble.details?.missing;
  return trouble.code === "denied" && typeof missing === "string" ? missing : null;
}

/** The lines of an error, below its title. */
export function troubleLines(trouble: Trouble): Child[] {
  const scope = missingScope(trouble);
  const mend = commandOf(trouble, chrome.runtime.id);
  const fix =
    scope === null
      ? advice(trouble.fix)
      : el("p", {}, text("problem.denied_scope", { scope: textOr(`scope.${scope}`, scope) }));
  return [
    trouble.message === "" ? null : el("p", { class: "soft" }, sentence(trouble.message)),
    fix,
    mend === null ? null : command(mend),
    scope === null ? null : command("edged clients list"),
    el("p", { class: "reason" }, `${text("reason")}: ${trouble.code}`),
  ];
}

/** An error where it happened, with a way to try again. */
export function troubleNotice(trouble: Trouble, again?: () => void): HTMLElement {
  const retry =
    again === undefined ? null : el("div", { class: "row" }, button(text("again"), again, { icon: "retry" }));
  return notice("bad", titleOf(trouble), ...troubleLines(trouble), retry);
}

/** Shows an error at the head of a place, instead of the one that was shown there before. */
export function tellTrouble(place: Element, error: unknown): void {
  for (const old of [...place.children]) if (old.classList.contains("told")) old.remove();
  const told = troubleNotice(troubleOf(error));
  told.classList.add("told");
  place.prepend(told);
}
