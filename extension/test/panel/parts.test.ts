// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { el, fill } from "../../src/ui/dom";
import { choice, command, input, progress, select, toggle } from "../../src/ui/parts";

beforeEach(() => fill(document.body));

describe("parts", () => {
  it("shows data as text, never as markup", () => {
    const element = el("p", { title: "<b>" }, "<img src=x onerror=alert(1)>");

    expect(element.childElementCount).toBe(0);
    expect(element.textContent).toBe("<img src=x onerror=alert(1)>");
  });

  it("tells which of a few was chosen", () => {
    const chosen: string[] = [];
    const options = [
      { value: "one", label: "One" },
      { value: "two", label: "Two" },
    ] as const;
    const element = choice("Which", options, "one", (value) => chosen.push(value));
    document.body.append(element);

    element.querySelectorAll("input")[1]?.click();

    expect(chosen).toEqual(["two"]);
    expect(element.querySelector("legend")?.textContent).toBe("Which");
  });

  it("is a switch to screen readers", () => {
    const set = vi.fn();
    const element = toggle("Keep", false, set);
    document.body.append(element);

    element.querySelector("input")?.click();

    expect(element.querySelector("input")?.getAttribute("role")).toBe("switch");
    expect(set).toHaveBeenCalledWith(true);
  });

  it("labels every field", () => {
    for (const element of [
      select("Language", [["en", "English"]], "en", vi.fn()),
      input("Name", "", vi.fn()),
    ]) {
      const field = element.querySelector("select, input");
      expect(element.querySelector("label")?.getAttribute("for")).toBe(field?.id);
    }
  });

  it("copies a command", async () => {
    const written: string[] = [];
    vi.stubGlobal("navigator", {
      clipboard: { writeText: (words: string) => Promise.resolve(written.push(words)) },
    });
    const element = command("edged clients list");
    document.body.append(element);

    element.querySelector("button")?.click();

    await vi.waitFor(() => expect(written).toEqual(["edged clients list"]));
    expect(document.querySelector("[aria-live]")?.textContent).toBe("Copied");
  });

  it("shows a progress that nobody knows as one without a value", () => {
    const { element, set } = progress("Progress");

    set(0.4);
    const known = element.value;
    set(null);

    expect([known, element.hasAttribute("value")]).toEqual([0.4, false]);
  });
});
