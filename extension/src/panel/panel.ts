/** The side panel: head, tabs, one part at a time; a gate before them while the browser may not ask. */

import { Edged, newNonce, type Scope, type Status } from "@edged/client";
import { text } from "../text/text";
import { el, fill, write } from "../ui/dom";
import { brand } from "../ui/icons";
import { announce, chip, iconButton } from "../ui/parts";
import {
  changeSettings,
  readSettings,
  suggestedName,
  watchSettings,
  wear,
  type Settings,
} from "../ui/settings";
import { showRecording, type Intake } from "../ui/sign";
import { cameraScreen } from "./camera";
import { captionsScreen, type CaptionsScreen } from "./captions";
import type { Panel, Screen } from "./context";
import { filesScreen } from "./files";
import { gate } from "./gate";
import { Membership, type Phase } from "./membership";
import { peopleScreen } from "./people";
import { recordingScreen } from "./recording";
import { searchScreen, type SearchScreen } from "./search";
import { settingsScreen } from "./settings";
import { statusScreen } from "./status";
import { isTab, tabId, tabs, type TabName } from "./tabs";
import { watchRecording } from "./watching";

type Place =
  { readonly at: "tab"; readonly name: TabName } | { readonly at: "over"; readonly screen: Screen };

/** The panel of one page. */
class App implements Panel {
  readonly edged: Edged;
  readonly #membership: Membership;
  readonly #main = el("main", { class: "content", id: "main", tabindex: -1 });
  readonly #content = el("div", { id: "content" });
  readonly #tabs = tabs((name) => this.go(name));
  readonly #state = el("span", { class: "grow row" });
  readonly #sign = el("span", { class: "row", "aria-live": "polite" });
  readonly #screens = new Map<TabName, Screen>();
  readonly #intakes = new Set<Intake>();
  #settings: Settings;
  #place: Place;
  #shown: Screen | null = null;
  #fromDaemon: readonly string[] = [];

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#place = { at: "tab", name: isTab(settings.tab) ? settings.tab : "captions" };
    this.edged = new Edged({ name: settings.name });
    const application = (): { name: string; scopes: readonly Scope[]; nonce: string } => this.#settings;
    this.#membership = new Membership(this.edged, application, (phase) => this.#enter(phase));
  }

  /** Build the page and connect. */
  start(): void {
    this.#draw();
    this.#enter(this.#membership.phase);
    if (location.hash === "#settings") this.#over(settingsScreen(this));
    watchSettings((settings) => this.#wear(settings));
    document.addEventListener("keydown", (event) => this.#key(event));
    let was: Status["state"] = "idle";
    this.edged.onStatus((status) => {
      if (status.state === "waiting") this.#membership.lose(status.error);
      if (status.state === "ready" && was !== "ready") void this.#membership.look();
      was = status.state;
    });
    this.edged.open();
  }

  settings = (): Settings => this.#settings;

  change = (change: Partial<Settings>): void => {
    this.#settings = { ...this.#settings, ...change };
    wear(this.#settings.look);
    void changeSettings(change);
  };

  client = (): Extract<Phase, { at: "paired" }>["client"] | null => {
    const { phase } = this.#membership;
    return phase.at === "paired" ? phase.client : null;
  };

  can = (...scopes: readonly Scope[]): boolean => {
    const granted = this.client()?.scopes ?? [];
    return scopes.some((scope) => granted.includes(scope));
  };

  ask = (scopes: readonly Scope[]): void => {
    this.change({ scopes });
    this.back();
    void this.#ask();
  };

  go = (name: TabName): void => {
    this.#place = { at: "tab", name };
    this.change({ tab: name });
    this.#show();
  };

  open = (recordingId: string, atMs?: number): void => {
    this.#over(recordingScreen(this, recordingId, atMs));
  };

  back = (): void => {
    if (this.#place.at === "tab") return;
    const name = isTab(this.#settings.tab) ? this.#settings.tab : "captions";
    this.#place = { at: "tab", name };
    this.#show();
    document.getElementById(tabId(name))?.focus();
  };

  recording = (what: Intake): (() => void) => {
    const end = showRecording(what);
    this.#intakes.add(what);
    this.#drawSign();
    return () => {
      end();
      this.#intakes.delete(what);
      this.#drawSign();
    };
  };

  doubt = (error: unknown): void => this.#membership.doubt(error);

  #wear(settings: Settings): void {
    this.#settings = named(settings);
    wear(settings.look);
  }

  #draw(): void {
    const skip = el("a", { class: "skip", href: "#main" }, text("skip"));
    const gear = iconButton("gear", text("tab.settings"), () => this.#over(settingsScreen(this)));
    const name = el("span", { class: "brand" }, brand(), text("name"));
    const head = el("div", { class: "head" }, name, this.#state, this.#sign, gear);
    fill(document.body, skip, el("header", { class: "top" }, head, this.#tabs.element), this.#main);
    fill(this.#main, this.#content);
  }

  #over(screen: Screen): void {
    this.#place = { at: "over", screen };
    this.#show();
    screen.element.querySelector<HTMLElement>("button, [tabindex]")?.focus();
  }

  #enter(phase: Phase): void {
    this.#drawState(phase);
    if (phase.at === "paired") this.#settle();
    this.#shown?.admit?.();
    this.#show();
  }

  /** Remember that it was paired, and follow what the daemon records. */
  #settle(): void {
    if (!this.#settings.paired) {
      this.change({ paired: true });
      announce(text("pairing.approved"));
    }
    watchRecording(this, (names) => {
      this.#fromDaemon = names;
      this.#drawSign();
    });
  }

  #show(): void {
    const paired = this.#membership.phase.at === "paired";
    this.#tabs.element.hidden = !paired;
    this.#tabs.choose(this.#place.at === "tab" ? this.#place.name : null);
    const screen =
      this.#place.at === "over" ? this.#place.screen : paired ? this.#screen(this.#place.name) : this.#gate();
    if (screen === this.#shown) return;
    const within = this.#main.contains(document.activeElement);
    this.#shown?.hide?.();
    this.#shown = screen;
    this.#label(paired);
    fill(this.#content, screen.element);
    this.#main.scrollTop = 0;
    screen.show?.();
    // What had the focus is gone: it goes on at the head of what took its place.
    if (within) (screen.element.querySelector<HTMLElement>("h1[tabindex]") ?? this.#main).focus();
  }

  /** The content is the panel of a tab, or stands for itself. */
  #label(paired: boolean): void {
    if (paired && this.#place.at === "tab") {
      this.#content.setAttribute("role", "tabpanel");
      this.#content.setAttribute("aria-labelledby", tabId(this.#place.name));
    } else {
      this.#content.removeAttribute("role");
      this.#content.removeAttribute("aria-labelledby");
    }
  }

  #screen(name: TabName): Screen {
    const made = this.#screens.get(name) ?? MAKE[name](this);
    this.#screens.set(name, made);
    return made;
  }

  #gate(): Screen {
    const { phase } = this.#membership;
    if (phase.at === "paired") throw new Error("a paired panel needs no gate");
    const element = gate(phase, {
      again: () => this.#again(),
      ask: () => void this.#ask(),
      stop: () => this.#membership.stop(),
      scopes: () => this.#settings.scopes,
      choose: (scopes) => this.change({ scopes }),
    });
    return { element };
  }

  #again(): void {
    if (this.edged.status.state === "ready") void this.#membership.look();
    else {
      this.#membership.connect();
      this.edged.open();
    }
  }

  async #ask(): Promise<void> {
    if (this.#settings.nonce === "") this.change({ nonce: newNonce() });
    await this.#membership.ask();
  }

  #drawState(phase: Phase): void {
    const states = {
      connecting: ["link.connecting", "plain"],
      trouble: ["link.problem", "bad"],
      stranger: ["link.pairing", "warn"],
      asking: ["link.pairing", "warn"],
      ended: ["link.pairing", "warn"],
      paired: ["link.connected", "good"],
    } as const;
    const [name, tone] = states[phase.at];
    const state = chip(text(name), tone);
    state.prepend(el("span", { class: "dot" }));
    state.setAttribute("role", "status");
    fill(this.#state, state);
  }

  #drawSign(): void {
    const own = [...this.#intakes].map((what) => text(`recording.${what}`));
    const all = [...own, ...this.#fromDaemon];
    this.#tabs.mark("captions", own.length > 0);
    this.#tabs.mark("status", this.#fromDaemon.length > 0);
    const what = text("recording.what", { what: all.join(", ") });
    if (this.#sign.title === what && this.#sign.childElementCount > 0) return;
    this.#sign.title = what;
    const press = (): void => this.go(own.length > 0 ? "captions" : "status");
    const label = text("recording.show", { what });
    const attributes = { class: "rec", type: "button", "aria-label": label, onclick: press };
    const sign = el("button", attributes, el("span", { class: "dot" }), text("recording"));
    if (all.length === 0) write(this.#sign, "");
    else fill(this.#sign, sign);
  }

  #key(event: KeyboardEvent): void {
    const command = event.ctrlKey || event.metaKey;
    if (event.key === "Escape" && document.querySelector("dialog[open]") === null) this.back();
    if (!command || this.#membership.phase.at !== "paired") return;
    if (event.key === "k") {
      event.preventDefault();
      this.go("search");
      (this.#screen("search") as SearchScreen).focus();
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.go("captions");
      (this.#screen("captions") as CaptionsScreen).press();
    }
  }
}

const MAKE: Readonly<Record<TabName, (panel: Panel) => Screen>> = {
  captions: captionsScreen,
  files: filesScreen,
  search: searchScreen,
  camera: cameraScreen,
  people: peopleScreen,
  status: statusScreen,
};

/** The settings with a name to begin with, where the user chose none. */
function named(settings: Settings): Settings {
  return settings.name === "" ? { ...settings, name: suggestedName(navigator.userAgent) } : settings;
}

async function start(): Promise<void> {
  const settings = named(await readSettings());
  wear(settings.look);
  new App(settings).start();
}

void start();
