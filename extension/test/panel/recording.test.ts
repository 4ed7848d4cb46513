// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from "vitest";
import { Edged } from "../../client/src";
import type { FakeHost } from "../../client/test/host";
import type { Panel, Screen } from "../../src/panel/context";
import { recordingScreen } from "../../src/panel/recording";
import { FakeBrowser } from "./browser";
import { recording, sampleHost, SEGMENTS } from "./sample";

const ID = "0a1b2c3d4e5f6071";

interface Seen {
  readonly host: FakeHost;
  readonly screen: Screen;
  readonly back: ReturnType<typeof vi.fn>;
  readonly tell: (body: object) => void;
  readonly lines: () => (string | null)[];
}

/** A recording whose file is still transcribed, with its first two lines; then the daemon knows `later` ones. */
async function opened(later = 2): Promise<Seen> {
  let known = 2;
  const host = sampleHost({
    "recordings.get": (port, asked) =>
      port.reply(asked, {
        type: "recording",
        recording: recording({ status: "processing", done_ms: 100_000, segment_count: 2 }),
      }),
    "segments.list": (port, asked) => {
      if (asked.body.type !== "segments.list") return;
      const after = asked.body.after_seq ?? -1;
      const segments = SEGMENTS.slice(0, known).filter((one) => one.seq > after);
      port.reply(asked, { type: "segments", segments, next: null });
      known = later;
    },
  });
  new FakeBrowser().install(host.connect);
  const edged = new Edged({ name: "panel" });
  const back = vi.fn();
  const panel = { edged, can: () => true, doubt: () => undefined, back } as unknown as Panel;
  const screen = recordingScreen(panel, ID);
  document.body.replaceChildren(screen.element);
  await vi.waitFor(() => expect(screen.element.textContent).toContain("Not done yet: 13 %"));
  const lines = (): (string | null)[] =>
    [...document.querySelectorAll(".line > span:last-child")].map((one) => one.textContent);
  return { host, screen, back, tell: (body) => tell(host, body), lines };
}

function tell(host: FakeHost, body: object): void {
  const subscribed = host.port.asked.find((asked) => asked.body.type === "subscribe");
  if (subscribed === undefined) throw new Error("nobody follows");
  host.port.reply(subscribed, { type: "event", event_seq: null, at: "", body } as never, { more: true });
}

afterEach(() => vi.unstubAllGlobals());

describe("a recording that is looked at while its file is transcribed", () => {
  it("grows by what is recognised, and says when it is done", async () => {
    const { tell, lines, screen } = await opened();
    const first = document.querySelector<HTMLElement>(".line");
    first?.focus();

    tell({ event: "segment.added", recording_id: ID, segment: SEGMENTS[1] });
    tell({ event: "segment.added", recording_id: ID, segment: SEGMENTS[2] });
    tell({ event: "segment.added", recording_id: "another", segment: SEGMENTS[3] });
    await vi.waitFor(() => expect(lines()).toHaveLength(3));
    tell({ event: "recording.changed", recording: recording() });

    await vi.waitFor(() => expect(screen.element.textContent).not.toContain("Not done yet"));
    expect(lines()).toHaveLength(3);
    expect(lines()[2]).toContain("What about the memory");
    expect(document.activeElement).toBe(first);
  });

  it("asks for lines of which it was not told", async () => {
    const { tell, lines } = await opened(6);

    tell({ event: "segment.added", recording_id: ID, segment: SEGMENTS[5] });

    await vi.waitFor(() => expect(lines()).toHaveLength(6));
  });

  it("shows the lines anew that took the place of the others", async () => {
    const { tell, lines } = await opened(5);

    tell({ event: "transcript.replaced", recording_id: ID, session_id: "s" });

    await vi.waitFor(() => expect(lines()).toHaveLength(5));
  });

  it("is left when somebody deletes it", async () => {
    const { tell, back } = await opened();

    tell({ event: "recording.deleted", recording_id: "another" });
    tell({ event: "recording.deleted", recording_id: ID });

    await vi.waitFor(() => expect(back).toHaveBeenCalledOnce());
  });

  it("is not followed any more once it is left", async () => {
    const { host, screen } = await opened();

    screen.hide?.();

    await vi.waitFor(() => expect(host.asked.body.type).toBe("cancel"));
  });
});
