/** The choice of a language for captions and files: what the models that are here know. */

import type { Description } from "@edged/client";
import { text } from "../text/text";
import { el } from "../ui/dom";
import { language } from "../ui/figures";
import { select } from "../ui/parts";
import type { Panel } from "./context";

/** Offered where the models know any language: some that many people speak. */
const COMMON = [
  "en",
  "zh",
  "hi",
  "es",
  "fr",
  "ar",
  "bn",
  "pt",
  "ru",
  "ur",
  "id",
  "de",
  "ja",
  "ko",
  "it",
  "tr",
  "vi",
] as const;

/** Languages that speech can be recognised in here, by their names' order. */
export function spokenLanguages(description: Description): string[] {
  const known = description.tasks.transcribe?.languages ?? [];
  const codes = known.includes("any")
    ? [...new Set([...known.filter((code) => code !== "any"), ...COMMON])]
    : [...known];
  return codes.sort((one, other) => language(one).localeCompare(language(other), "en"));
}

/** The choice; nothing is shown where there is nothing to choose. */
export function languageChoice(panel: Panel): HTMLElement {
  const place = el("div");
  void panel.edged.request({ type: "describe" }).then(
    (description) => {
      const codes = spokenLanguages(description);
      if (codes.length < 2) return;
      const options = [
        ["", text("captions.language.any")],
        ...codes.map((code) => [code, language(code)] as const),
      ] as const;
      const choose = (code: string): void => panel.change({ language: code });
      place.replaceChildren(select(text("captions.language"), options, panel.settings().language, choose));
    },
    (error: unknown) => panel.doubt(error),
  );
  return place;
}
