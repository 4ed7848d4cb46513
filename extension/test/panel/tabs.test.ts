// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { fill } from "../../src/ui/dom";
import { TABS, tabs } from "../../src/panel/tabs";

function row(): { went: string[]; press: (key: string) => void; chosen: () => string[] } {
  const went: string[] = [];
  const made = tabs((name) => {
    went.push(name);
    made.choose(name);
  });
  fill(document.body, made.element);
  made.choose("captions");
  document.getElementById("tab-captions")?.focus();
  const press = (key: string): void =>
    void document.activeElement?.dispatchEvent(
      new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }),
    );
  const chosen = (): string[] =>
    [...document.querySelectorAll("[aria-selected=true]")].map((each) => each.id);
  return { went, press, chosen };
}

describe("tabs", () => {
  it("moves with the arrow keys, round the ends", () => {
    const { went, press } = row();

    for (const key of ["ArrowRight", "ArrowLeft", "ArrowLeft", "Home", "End", "x"]) press(key);

    expect(went).toEqual(["files", "captions", "status", "captions", "status"]);
  });

  it("has one tab that is chosen and can be reached by Tab", () => {
    const { press, chosen } = row();

    press("ArrowRight");

    const reachable = [...document.querySelectorAll<HTMLElement>("[role=tab]")].filter(
      (tab) => tab.tabIndex === 0,
    );
    expect(chosen()).toEqual(["tab-files"]);
    expect(reachable.map((tab) => tab.id)).toEqual(["tab-files"]);
  });

  it("marks a tab where something is recorded", () => {
    const made = tabs(() => undefined);

    made.mark("captions", true);

    const marked = TABS.filter(
      (name) => made.element.querySelector<HTMLElement>(`#tab-${name} .dot`)?.hidden === false,
    );
    expect(marked).toEqual(["captions"]);
  });
});
