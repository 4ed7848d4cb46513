// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from "vitest";
import { fingerprint } from "../../client/src";
import { FakeHost } from "../../client/test/host";
import { fill } from "../../src/ui/dom";
import { FakeBrowser } from "./browser";
import { CLIENT, HEALTH, sampleHost, type Script } from "./sample";

const IDENTITY = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/";

/** The panel in a page of its own, over this host. */
async function open(host: FakeHost, settings: object = {}): Promise<FakeBrowser> {
  const browser = new FakeBrowser({ settings }).install(host.connect);
  fill(document.body);
  vi.resetModules();
  await import("../../src/panel/panel");
  return browser;
}

function shown(): string {
  return document.querySelector("main")?.textContent ?? "";
}

function press(label: string): void {
  const buttons = [...document.querySelectorAll<HTMLElement>("button, .item-button")];
  const found = buttons.find((each) =>
    (each.getAttribute("aria-label") ?? each.textContent).startsWith(label),
  );
  if (found === undefined) throw new Error(`no button ${label} in: ${document.body.textContent}`);
  found.click();
}

afterEach(() => vi.unstubAllGlobals());

describe("the panel", () => {
  it("shows its parts to a browser that is paired", async () => {
    await open(sampleHost());

    await vi.waitFor(() => expect(shown()).toContain("Live captions"));
    expect(document.querySelector("header")?.textContent).toContain("Connected");
    expect(document.querySelector("[role=tabpanel]")?.getAttribute("aria-labelledby")).toBe("tab-captions");
  });

  it("offers a stranger to pair, shows the words, and opens when it was approved", async () => {
    let approve: () => void = () => undefined;
    const script: Script = {
      "clients.self": (port, asked) => port.fail(asked, "not_paired"),
      pair: (port, asked) => {
        if (asked.body.type !== "pair") return;
        void fingerprint(IDENTITY, asked.body.nonce).then((words) =>
          port.reply(asked, { type: "pairing", client: { ...CLIENT, fingerprint: words } }, { more: true }),
        );
        approve = () => port.reply(asked, { type: "paired", client: CLIENT, token: "" });
      },
    };
    const host = sampleHost(script);
    const browser = await open(host, { scopes: ["speech"] });
    await vi.waitFor(() => expect(shown()).toContain("Pair this browser"));

    press("Ask to pair");
    await vi.waitFor(() => expect(shown()).toContain("edged clients approve c0ffee0123456789"));
    const words = [...document.querySelectorAll(".words li")];
    approve();

    await vi.waitFor(() => expect(shown()).toContain("Live captions"));
    expect(words).toHaveLength(6);
    expect(host.port.asked.find(({ body }) => body.type === "pair")?.body).toMatchObject({
      scopes: ["speech"],
    });
    expect(browser.stored.settings).toMatchObject({ paired: true });
  });

  it("says what is wrong when the browser does not know the host", async () => {
    const host = new FakeHost({ ready: false });
    await open(host);
    await vi.waitFor(() => expect(host.ports).toHaveLength(1));

    host.port.break("Specified native messaging host not found.");

    await vi.waitFor(() => expect(shown()).toContain("edged is not set up in this browser"));
    expect(shown()).toContain("edged browser install");
    expect(shown()).toContain("host_not_registered");
  });

  it("shows a revoked browser the door", async () => {
    let revoked = false;
    const host = sampleHost({
      "clients.self": (port, asked) =>
        port.reply(asked, { type: "client", client: revoked ? { ...CLIENT, status: "revoked" } : CLIENT }),
    });
    await open(host);
    await vi.waitFor(() => expect(host.port.asked.some(({ body }) => body.type === "subscribe")).toBe(true));
    const subscribed = host.port.asked.find(({ body }) => body.type === "subscribe");

    revoked = true;
    if (subscribed !== undefined) host.port.fail(subscribed, "not_paired");

    await vi.waitFor(() => expect(shown()).toContain("The pairing was taken back"));
  });

  it("searches, and opens the place that was found", async () => {
    await open(sampleHost(), { tab: "search" });
    await vi.waitFor(() => expect(shown()).toContain("lecture 06.mp4"));

    const box = document.querySelector<HTMLInputElement>("input[type=search]");
    if (box === null) throw new Error("no search box");
    box.value = "memory";
    box.dispatchEvent(new Event("input"));
    await vi.waitFor(() => expect(shown()).toContain("3 places found"));
    press("0:14");

    await vi.waitFor(() =>
      expect(document.querySelector(".line[aria-current]")?.textContent).toContain("not given back"),
    );
  });

  it("lists the files that the daemon knows", async () => {
    await open(sampleHost(), { tab: "files" });

    await vi.waitFor(() => expect(shown()).toContain("Transcribing · 42 %"));
    expect(shown()).toContain("This file cannot be decoded");
  });

  it("shows speakers and figures", async () => {
    await open(sampleHost(), { tab: "people" });

    await vi.waitFor(() => expect(shown()).toContain("Who is this?"));
    expect(shown()).toContain("15,324");
  });

  it("shows how the daemon is, and what it records", async () => {
    const recording = [
      {
        session_id: "x",
        started_by: "notes",
        started_at: "",
        devices: ["Built-in Audio"],
        duration_ms: 61_000,
      },
    ];
    const reasons = [{ code: "worker_stopped", message: "a worker is stopped", fix: "wait" }];
    const health: Script["health"] = (port, asked) =>
      port.reply(asked, { ...HEALTH, status: "degraded", reasons, recording });
    await open(sampleHost({ health }), { tab: "status" });

    await vi.waitFor(() => expect(shown()).toContain("A worker is stopped."));
    await vi.waitFor(() =>
      expect(document.querySelector(".rec")?.getAttribute("aria-label")).toContain("Built-in Audio"),
    );
  });

  it("says what failed where it failed, and tries again", async () => {
    let down = true;
    const list: Script["recordings.list"] = (port, asked) => {
      if (down) port.fail(asked, "busy");
      else port.reply(asked, { type: "recordings", recordings: [], next: null });
      down = false;
    };
    await open(sampleHost({ "recordings.list": list }), { tab: "search" });
    await vi.waitFor(() => expect(shown()).toContain("Too much to do at once"));

    press("Try again");

    await vi.waitFor(() => expect(shown()).toContain("No transcripts yet"));
  });

  it("opens the settings, and goes back by Escape", async () => {
    await open(sampleHost(), { tab: "status" });
    await vi.waitFor(() => expect(shown()).toContain("All is well"));

    press("Settings");
    const settings = shown();
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));

    expect(settings).toContain("c0ffee0123456789");
    expect(shown()).toContain("All is well");
  });

  it("shows in the settings what was granted, also when that changes", async () => {
    let decide: () => void = () => undefined;
    const self: Script["clients.self"] = (port, asked) => {
      decide = () => port.reply(asked, { type: "client", client: CLIENT });
    };
    vi.stubGlobal("location", { hash: "#settings" });
    const host = sampleHost({ "clients.self": self });
    await open(host);
    await vi.waitFor(() => expect(host.asked.body.type).toBe("clients.self"));
    const before = shown();

    decide();

    await vi.waitFor(() => expect(shown()).toContain("c0ffee0123456789"));
    expect(before).toContain("What the panel asks for");
  });

  it("asks for more grants from the settings, on the same screen as at first", async () => {
    let grant: () => void = () => undefined;
    const pair: Script["pair"] = (port, asked) => {
      if (asked.body.type !== "pair") return;
      const { nonce, scopes } = asked.body;
      void fingerprint(IDENTITY, nonce).then((words) => {
        const client = { ...CLIENT, fingerprint: words, asked_scopes: scopes };
        port.reply(asked, { type: "pairing", client }, { more: true });
        grant = () => port.reply(asked, { type: "paired", client: { ...client, scopes }, token: "" });
      });
    };
    const host = sampleHost({ pair });
    await open(host, { tab: "status" });
    await vi.waitFor(() => expect(shown()).toContain("All is well"));
    press("Settings");
    const offered = document.querySelector("details button.primary");
    document.querySelector<HTMLInputElement>("input[name='capture.screen']")?.click();
    press("Ask for these");

    await vi.waitFor(() => expect(shown()).toContain("Waiting for your approval"));
    expect(offered).toBeNull();
    expect(document.querySelectorAll(".words li")).toHaveLength(6);
    expect(shown()).toContain("Look at the screen");
    grant();

    await vi.waitFor(() => expect(shown()).toContain("All is well"));
    press("Settings");
    expect(shown()).toContain("Look at the screen");
  });

  it("is light, dark or as the system is", async () => {
    await open(sampleHost(), { look: "dark" });

    await vi.waitFor(() => expect(document.documentElement.dataset.look).toBe("dark"));
  });
});
