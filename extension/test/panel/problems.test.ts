// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { CODES, EdgedError } from "../../client/src";
import {
  advice,
  commandOf,
  sentence,
  tellTrouble,
  titleOf,
  troubleNotice,
  troubleOf,
} from "../../src/panel/problems";
import { FakeBrowser } from "./browser";

beforeEach(() => {
  new FakeBrowser().install(() => {
    throw new Error("nobody connects here");
  });
});

describe("problems", () => {
  it("shows of every error its title, its fix and its code", () => {
    for (const [code, { fix }] of Object.entries(CODES)) {
      const shown = troubleNotice(troubleOf(new EdgedError(code, "why"))).textContent;

      expect(shown).toContain(titleOf(troubleOf(new EdgedError(code, ""))));
      expect(shown.toLowerCase()).toContain(fix.replaceAll("`", "").toLowerCase());
      expect(shown).toContain(`Reason: ${code}`);
    }
  });

  it("shows commands as code, not with their quotes", () => {
    const shown = troubleNotice(troubleOf(new EdgedError("host_not_registered", "")));

    expect(shown.querySelector("code")?.textContent).toBe("edged browser install");
    expect(shown.textContent).not.toContain("`");
  });

  it("names the extension that the host does not know", () => {
    const trouble = troubleOf(new EdgedError("origin_denied", ""));

    expect(commandOf(trouble, "abc")).toBe("edged browser install --extension-id abc");
  });

  it("names the grant that is missing", () => {
    const denied = new EdgedError("denied", "no", { details: { missing: "models.manage" } });

    expect(troubleNotice(troubleOf(denied)).textContent).toContain("“Load and unload models”");
  });

  it("tries again when it is asked to", () => {
    const again = vi.fn();
    const shown = troubleNotice(troubleOf(new EdgedError("busy", "")), again);
    document.body.append(shown);

    [...shown.querySelectorAll("button")].at(-1)?.click();

    expect(again).toHaveBeenCalledOnce();
  });

  it("shows the newest error of a place only", () => {
    const place = document.createElement("div");

    tellTrouble(place, new EdgedError("busy", ""));
    tellTrouble(place, new EdgedError("disk_full", ""));

    expect(place.childElementCount).toBe(1);
    expect(place.textContent).toContain("disk_full");
  });

  it("calls what is no error of ours a defect, with its words", () => {
    expect(troubleOf(new TypeError("x is undefined"))).toMatchObject({
      code: "internal",
      message: "x is undefined",
    });
  });

  it.each([
    ["edged models pull --defaults brings one", "edged models pull --defaults brings one."],
    ["`edged status` says why", "`edged status` says why."],
    ["holiday.mov holds no sound", "holiday.mov holds no sound."],
    ["db.key is not there", "db.key is not there."],
    ["keep_audio was not set", "keep_audio was not set."],
    ["--trust-first-use is needed", "--trust-first-use is needed."],
    ["no model is called x", "No model is called x."],
    ["wait: it is started again", "Wait: it is started again."],
    ["don't do that!", "Don't do that!"],
    ["re-install it", "Re-install it."],
    ["", ""],
  ])("makes a sentence of “%s”", (words, expected) => {
    expect(sentence(words)).toBe(expected);
  });

  it.each([
    ["`edged models list` shows what can be used", "edged models list"],
    ["pip install 'edged[vision]'", "pip install 'edged[vision]'"],
    ["pip install 'edged[speech]'; `edged models list` shows more", "pip install 'edged[speech]'"],
    ["edged models unload whisper", "edged models unload whisper"],
  ])("leaves the command at the head of “%s” as it is typed", (words, typed) => {
    const shown = advice(words);

    expect(shown.querySelector("code")?.textContent).toBe(typed);
    expect(shown.textContent.startsWith(typed)).toBe(true);
  });
});
