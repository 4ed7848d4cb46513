// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { el } from "../../src/ui/dom";
import { lineAt } from "../../src/panel/recording";
import { stretchOf } from "../../src/panel/player";
import { grouped, marked } from "../../src/panel/search";
import { initials, nameOf } from "../../src/panel/people";
import { spokenLanguages } from "../../src/panel/languages";
import { litSteps } from "../../src/panel/level";
import { SEGMENTS } from "./sample";

describe("search", () => {
  it("marks what was found, as text", () => {
    const line = el("p", {}, ...marked("what <b>about</b> the [memory] that [was] there"));

    expect(line.textContent).toBe("what <b>about</b> the memory that was there");
    expect([...line.querySelectorAll("mark")].map((mark) => mark.textContent)).toEqual(["memory", "was"]);
  });

  it("puts places of one recording together, in the order of the first", () => {
    const hits = ["b", "a", "b"].map((recording_id, seq) => ({ recording_id, seq }) as never);

    expect(grouped(hits)).toEqual([[hits[0], hits[2]], [hits[1]]]);
  });
});

describe("a transcript", () => {
  it("knows which line is heard at a moment", () => {
    const at = [0, 1200, 7_599, 7_600, 1_000_000].map((ms) => lineAt(SEGMENTS, ms));

    expect(at).toEqual([-1, 0, 0, 1, SEGMENTS.length - 1]);
  });

  it("is played in stretches of a minute", () => {
    expect([-5, 0, 59_999, 60_000, 754_000].map(stretchOf)).toEqual([0, 0, 0, 60_000, 720_000]);
  });
});

describe("people", () => {
  const speaker = { label: "SPEAKER_02", attributed_to: null, guest_name: null } as never;

  it("calls a speaker by name, else by number", () => {
    const named = { label: "SPEAKER_02", attributed_to: "Mei Ling", guest_name: null } as never;

    expect([nameOf(speaker), nameOf(named)]).toEqual(["Speaker 3", "Mei Ling"]);
  });

  it("shortens names to two letters", () => {
    expect(["Mei Ling", "Jonas", "Ana de la Cruz", "  "].map(initials)).toEqual(["ML", "J", "AC", ""]);
  });
});

describe("captions", () => {
  it("offers the languages that the models know, by name", () => {
    const tasks = { transcribe: { default: "m", reason: "", models: ["m"], languages: ["zh", "de", "en"] } };

    expect(spokenLanguages({ tasks } as never)).toEqual(["zh", "en", "de"]);
    expect(spokenLanguages({ tasks: {} } as never)).toEqual([]);
  });

  it("offers some more where a model knows any language", () => {
    const tasks = { transcribe: { default: "m", reason: "", models: ["m"], languages: ["mt", "any"] } };

    const offered = spokenLanguages({ tasks } as never);

    expect(offered).toContain("mt");
    expect(offered).toContain("en");
    expect(offered).not.toContain("any");
  });

  it("lights more of the meter the louder it is", () => {
    expect([-100, -60, -30, 0, 6].map(litSteps)).toEqual([0, 0, 12, 24, 24]);
  });
});
