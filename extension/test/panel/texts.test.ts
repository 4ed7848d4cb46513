import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { CODES, SCOPES } from "../../client/src";
import english from "../../src/text/en.json";
import { text, textOr } from "../../src/text/text";

const SOURCE = fileURLToPath(new URL("../../src", import.meta.url));

/** All code that is shown to somebody, as one text. */
function code(): string {
  const paths = readdirSync(SOURCE, { recursive: true, encoding: "utf8" });
  return paths
    .filter((path) => path.endsWith(".ts"))
    .map((path) => readFileSync(join(SOURCE, path), "utf8"))
    .join("\n");
}

/** Names that are put together at run time, by what they begin with. */
const MADE = [
  "camera.",
  "manifest.", "manifest.", "link.", "pairing.denied.", "pairing.expired.", "pairing.revoked.", "problem.",
  "recording.camera", "recording.microphone", "recording.save.", "recording.tab", "scope.", "status.degraded",
  "status.failing", "status.model.", "status.ok", "status.task.", "tab.", "files.stage.",
]; // prettier-ignore

describe("texts", () => {
  it("has words for every error code, and for no other", () => {
    const codes = Object.keys(CODES).sort();
    const more = new Set(["denied_scope", "install", "unknown"]);
    const titled = Object.keys(english).filter((name) => name.startsWith("problem."));

    const named = titled.map((name) => name.slice("problem.".length)).filter((name) => !more.has(name));

    expect(named.sort()).toEqual(codes);
  });

  it("has words for every grant", () => {
    const missing = SCOPES.filter(
      (scope) => !(`scope.${scope}` in english) || !(`scope.${scope}.text` in english),
    );

    expect(missing).toEqual([]);
  });

  it("holds no words that nobody shows", () => {
    const written = code();
    const fixed = Object.keys(english).filter((name) => !MADE.some((begin) => name.startsWith(begin)));

    expect(fixed.filter((name) => !written.includes(`"${name}"`))).toEqual([]);
  });

  it("puts values in, and leaves what has none", () => {
    expect(text("files.uploading", { done: "1 MB" })).toBe("Sending 1 MB of {total}");
  });

  it("falls back where a name is only known at run time", () => {
    expect([textOr("problem.busy", "?"), textOr("problem.of_tomorrow", "?")]).toEqual([
      "Too much to do at once",
      "?",
    ]);
  });
});
