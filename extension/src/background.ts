/**
 * The background: opens the panel, and shows by the badge whether anything is recorded.
 *
 * It speaks to edged only once this browser was paired; then it follows the sessions, so that a
 * recording is seen also while no panel is open.
 */

import { Edged } from "@edged/client";
import { text } from "./text/text";
import { readSettings, watchSettings } from "./ui/settings";
import { recordedBy, type Intake } from "./ui/sign";

const RED = "#c62828";
const AMBER = "#b26a00";
/** Without an event the daemon is asked again so often, since a session of somebody else tells none. */
const EVERY_MS = 30_000;

/** What the badge shows, from all that is known. */
class Badge {
  readonly #ports = new Map<chrome.runtime.Port, Intake>();
  #daemon: readonly string[] = [];
  #trouble = "";

  /** A page that listens or looks holds a port open meanwhile. */
  hold(port: chrome.runtime.Port, what: Intake): void {
    this.#ports.set(port, what);
    port.onDisconnect.addListener(() => {
      this.#ports.delete(port);
      this.draw();
    });
    this.draw();
  }

  /** What the daemon itself records. */
  record(names: readonly string[]): void {
    this.#daemon = names;
    this.draw();
  }

  /** Why this browser may not ask any more; empty: it may. */
  worry(about: string): void {
    this.#trouble = about;
    this.draw();
  }

  draw(): void {
    const own = [...new Set(this.#ports.values())].map((what) => text(`recording.${what}`));
    const all = [...own, ...this.#daemon];
    if (all.length > 0) show("REC", RED, text("badge.recording", { what: all.join(", ") }));
    else if (this.#trouble !== "") show("!", AMBER, text("badge.attention", { what: this.#trouble }));
    else show("", RED, text("badge.idle"));
  }
}

function show(words: string, colour: string, title: string): void {
  void chrome.action.setBadgeText({ text: words });
  void chrome.action.setBadgeBackgroundColor({ color: colour });
  void chrome.action.setTitle({ title });
}

/** Follows what the daemon records, for the badge. */
class Watch {
  readonly #edged = new Edged({ name: text("name") });
  readonly #badge: Badge;
  #running = false;

  constructor(badge: Badge) {
    this.#badge = badge;
  }

  /** Begin, unless it runs. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#edged.open();
    this.#edged.onStatus((status) => {
      if (status.state === "waiting") this.#badge.record([]);
    });
    setInterval(() => void this.#look(), EVERY_MS);
    void this.#follow();
  }

  async #follow(): Promise<void> {
    for (;;) {
      await this.#look();
      // Not paired any more, or not yet again: the badge says so, and it is tried again.
      await this.#listen().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  async #listen(): Promise<void> {
    const events = ["session.changed", "client.changed"];
    for await (const told of this.#edged.events({ events })) if (told.type === "event") await this.#look();
  }

  async #look(): Promise<void> {
    try {
      const { recording } = await this.#edged.request({ type: "health" });
      this.#badge.record(
        recording.map((one) => (one.devices.length > 0 ? one.devices.join(", ") : one.started_by)),
      );
      this.#badge.worry("");
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      this.#badge.record([]);
      this.#badge.worry(code === "not_paired" ? text("problem.not_paired") : "");
    }
  }
}

const badge = new Badge();
const watch = new Watch(badge);

chrome.runtime.onConnect.addListener((port) => {
  const what = recordedBy(port.name);
  if (what !== null) badge.hold(port, what);
});

if (BROWSER === "chromium") {
  void chrome.sidePanel.setPanelBehavior({ openPanelOnActionClick: true });
} else {
  const { sidebarAction } = globalThis as unknown as { sidebarAction?: { toggle(): Promise<void> } };
  chrome.action.onClicked.addListener(() => void sidebarAction?.toggle());
}

watchSettings((settings) => {
  if (settings.paired) watch.start();
});
void readSettings().then((settings) => {
  if (settings.paired) watch.start();
});
badge.draw();
