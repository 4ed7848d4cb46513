import { afterEach, describe, expect, it, vi } from "vitest";
import { showRecording } from "../../src/ui/sign";
import { FakeBrowser, FakePagePort } from "./browser";
import { HEALTH, sampleHost, type Script } from "./sample";

async function start(
  settings: object,
  script: Script = {},
): Promise<{ browser: FakeBrowser; ports: () => number }> {
  const host = sampleHost(script);
  const browser = new FakeBrowser({ settings }).install(host.connect);
  vi.resetModules();
  await import("../../src/background");
  return { browser, ports: () => host.ports.length };
}

const RECORDING: Script["health"] = (port, asked) =>
  port.reply(asked, {
    ...HEALTH,
    recording: [
      { session_id: "x", started_by: "notes", started_at: "", devices: ["Built-in Audio"], duration_ms: 1 },
    ],
  });

afterEach(() => vi.unstubAllGlobals());

describe("the background", () => {
  it("speaks to nobody before the browser was paired once", async () => {
    const { browser, ports } = await start({});

    await vi.waitFor(() => expect(browser.title).toBe("edged"));
    expect([ports(), browser.badge]).toEqual([0, ""]);
  });

  it("begins when it is paired", async () => {
    const { browser, ports } = await start({});

    browser.onChanged.emit({ settings: { newValue: { paired: true } } }, "local");

    await vi.waitFor(() => expect(ports()).toBe(1));
  });

  it("shows by the badge what the daemon records", async () => {
    const { browser } = await start({ paired: true }, { health: RECORDING });

    await vi.waitFor(() => expect(browser.badge).toBe("REC"));
    expect(browser.title).toBe("edged is recording: Built-in Audio");
  });

  it("shows by the badge that a page listens, for as long as it lives", async () => {
    const { browser } = await start({});
    const port = new FakePagePort("recording:microphone");

    browser.onConnect.emit(port);
    const during = browser.badge;
    port.onDisconnect.emit();

    expect([during, browser.badge]).toEqual(["REC", ""]);
  });

  it("takes other ports for what they are", async () => {
    const { browser } = await start({});

    browser.onConnect.emit(new FakePagePort("something else"));

    expect(browser.badge).toBe("");
  });

  it("says that the browser is not paired any more", async () => {
    const { browser } = await start(
      { paired: true },
      { health: (port, asked) => port.fail(asked, "not_paired") },
    );

    await vi.waitFor(() => expect(browser.badge).toBe("!"));
    expect(browser.title).toContain("not paired");
  });
});

describe("a page that listens", () => {
  it("says it again when the background was ended meanwhile", () => {
    const browser = new FakeBrowser().install(() => {
      throw new Error("nobody connects here");
    });

    const end = showRecording("camera");
    browser.ports[0]?.onDisconnect.emit();
    end();
    browser.ports[1]?.onDisconnect.emit();

    expect(browser.ports.map((port) => [port.name, port.disconnected])).toEqual([
      ["recording:camera", false],
      ["recording:camera", true],
    ]);
  });
});
