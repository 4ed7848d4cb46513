import { Edged } from "@edged/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Asked, FakeHost, type FakePort, settle } from "../../client/test/host";
import { Captions } from "../../src/sound/captions";
import { type Hearer, refused } from "../../src/sound/source";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const PIECE_BYTES = 3200;

/** A daemon that takes sound, unless it is told not to. */
class Ear {
  heardBytes = 0;
  requests = 0;
  answers = true;
  busy = 0;
  open: Asked | undefined;

  readonly answer = (port: FakePort, asked: Asked): void => {
    const { type } = asked.body;
    if (type === "stream.open") {
      this.open = asked;
      port.reply(asked, { type: "stream_opened", model: "m", stream: "" } as object, { more: true });
    }
    if (type === "stream.audio") this.#take(port, asked);
    if (type === "stream.close") {
      port.reply(asked, { type: "done" });
      if (this.open !== undefined)
        port.reply(this.open, { type: "stream_closed", segment_count: 1 } as object);
    }
  };

  #take(port: FakePort, asked: Asked): void {
    this.requests++;
    if (!this.answers) return;
    if (this.busy-- > 0) {
      port.fail(asked, "busy", { retryable: true, details: { retry_after_ms: 100 } });
      return;
    }
    this.heardBytes += (asked.parts ?? []).reduce(
      (sum, part) => sum + (part.length / 4) * 3 - (part.endsWith("==") ? 2 : part.endsWith("=") ? 1 : 0),
      0,
    );
    port.reply(asked, { type: "stream_taken", stream: "", position_ms: 0, backlog_ms: 40 });
  }
}

interface Scene {
  readonly host: FakeHost;
  readonly ear: Ear;
  readonly captions: Captions;
  readonly hearer: Hearer;
  readonly told: string[];
  readonly over: Promise<unknown>;
  speak: (pieces: number) => Promise<void>;
  stopped: () => number;
}

async function scene(): Promise<Scene> {
  const ear = new Ear();
  const host = new FakeHost({ answer: ear.answer });
  const edged = new Edged({ name: "test", connect: host.connect });
  edged.open();
  const told: string[] = [];
  let hearer: Hearer | undefined;
  let stopped = 0;
  const captions = await Captions.start(edged, {
    source: "microphone",
    store: false,
    language: "en",
    name: () => "Captions, today",
    onOpened: ({ model }) => told.push(`opened ${model}`),
    onPartial: ({ text }) => told.push(`partial ${text}`),
    onSegments: ([first]) => told.push(`segment ${first?.text ?? ""}`),
    onBacklog: (_, lostMs) => lostMs > 0 && told.push(`lost ${lostMs}`),
    onBreak: ({ code }) => told.push(`break ${code}`),
    openSound: (_source, given) => {
      hearer = given;
      return Promise.resolve({ name: "mic", stop: () => void (stopped += 1) });
    },
  });
  const over = captions.done.catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(0);
  if (hearer === undefined) throw new Error("no source was opened");
  const given = hearer;
  const speak = async (pieces: number): Promise<void> => {
    for (let at = 0; at < pieces; at++) given.onPiece({ pcm: new ArrayBuffer(PIECE_BYTES), levelDb: -20 });
    await vi.advanceTimersByTimeAsync(0);
  };
  return { host, ear, captions, hearer: given, told, over, speak, stopped: () => stopped };
}

test("what is heard is sent as it comes, and what is recognised is told", async () => {
  const { host, ear, told, speak } = await scene();

  await speak(3);
  host.port.reply(ear.open!, { type: "partial", text: "good mor", start_ms: 0, end_ms: 1 }, { more: true });
  host.port.reply(ear.open!, { type: "transcript", segments: [{ text: "good morning" }] } as object, {
    more: true,
  });
  await settle();

  expect(ear.heardBytes).toBe(3 * PIECE_BYTES);
  expect(ear.open!.body).toMatchObject({
    kind: "audio",
    store: false,
    language: "en",
    name: "Captions, today",
    audio: { sample_rate: 16_000 },
  });
  expect(told).toEqual(["opened m", "partial good mor", "segment good morning"]);
});

test("stopping lets the device go at once, sends what waits, and ends with the daemon's last word", async () => {
  const { ear, captions, over, speak, stopped } = await scene();
  await speak(2);

  captions.stop();
  expect(stopped()).toBeGreaterThan(0);
  await vi.advanceTimersByTimeAsync(10);

  expect(await over).toMatchObject({ type: "stream_closed" });
  expect(ear.heardBytes).toBe(2 * PIECE_BYTES);
});

test("a device that is unplugged ends it likewise", async () => {
  const { hearer, over } = await scene();

  hearer.onEnded();
  await vi.advanceTimersByTimeAsync(10);

  expect(await over).toMatchObject({ type: "stream_closed" });
});

test("a daemon that is full gets the same sound again when it said", async () => {
  const { ear, speak } = await scene();
  ear.busy = 2;

  await speak(1);
  await vi.advanceTimersByTimeAsync(250);

  expect(ear.requests).toBe(3);
  expect(ear.heardBytes).toBe(PIECE_BYTES);
});

test("sound that nobody takes is bounded: the oldest is lost, and counted", async () => {
  const { ear, told, speak } = await scene();
  ear.answers = false;
  await speak(1);
  await speak(350);
  ear.answers = true;

  // The request that was not answered ends after 15 s; the stream is opened anew.
  await vi.advanceTimersByTimeAsync(30_000);

  expect(ear.heardBytes).toBeLessThanOrEqual(300 * PIECE_BYTES);
  expect(ear.heardBytes).toBeGreaterThan(250 * PIECE_BYTES);
  expect(told.some((one) => one.startsWith("lost "))).toBe(true);
});

test("after a break it goes on with what was heard meanwhile", async () => {
  const { host, ear, told, speak } = await scene();
  await speak(1);

  host.port.break();
  await speak(5);
  await vi.advanceTimersByTimeAsync(3_000);

  expect(told).toEqual(["opened m", "break daemon_down", "opened m"]);
  expect(ear.heardBytes).toBe(6 * PIECE_BYTES);
});

test("what no waiting mends ends it, and the device is let go", async () => {
  const { host, ear, over, stopped } = await scene();

  host.port.fail(ear.open!, "not_paired");

  expect(await over).toMatchObject({ code: "not_paired" });
  expect(stopped()).toBeGreaterThan(0);
});

test.each([
  ["NotAllowedError", "permission_denied"],
  ["NotFoundError", "device_missing"],
  ["NotReadableError", "device_busy"],
  ["TypeError", "device_refused"],
])("the browser's %s is %s, with a fix", (name, code) => {
  const error = refused(new DOMException("", name), "microphone");

  expect(error.code).toBe(code);
  expect(error.fix).not.toBe("");
});

test("a tab that cannot be heard says what to click", () => {
  expect(refused(new Error("x"), "tab").fix).toContain("click");
});
