import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Edged } from "../src";
import { decode } from "../src/base64";
import { type Asked, FakeHost, type FakePort } from "./host";

const PART = 1000;

/** A daemon that takes uploads, as docs say: in order, each part acknowledged when it is committed. */
class Uploads {
  readonly bytes: number[] = [];
  readonly sizes: number[] = [];
  opened = 0;
  mostWaiting = 0;
  window = 4;
  /** Called before each part; true: it was dealt with. */
  trouble: (port: FakePort, asked: Asked) => boolean = () => false;
  #waiting = 0;

  readonly answer = (port: FakePort, asked: Asked): void => {
    const { body } = asked;
    if (body.type === "upload.open") this.#open(port, asked);
    if (body.type === "upload.part") this.#part(port, asked, body.offset);
    if (body.type === "upload.close") {
      port.reply(asked, { type: "uploaded", upload_id: "u", size_bytes: this.bytes.length, sha256: "" });
    }
  };

  #open(port: FakePort, asked: Asked): void {
    this.opened++;
    this.#waiting = 0;
    port.reply(asked, {
      type: "upload_opened",
      upload_id: "u",
      received: this.bytes.length,
      size_bytes: 0,
      part_bytes: PART,
      window: this.window,
      expires_at: "",
    });
  }

  #part(port: FakePort, asked: Asked, offset: number): void {
    this.mostWaiting = Math.max(this.mostWaiting, ++this.#waiting);
    setTimeout(() => {
      this.#waiting--;
      if (port.disconnected || this.trouble(port, asked)) return;
      const part = decode(asked.parts?.[0] ?? "");
      if (offset === this.bytes.length) this.bytes.push(...part);
      this.sizes.push(part.length);
      port.reply(asked, { type: "upload_taken", upload_id: "u", received: this.bytes.length });
    }, 5);
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp(): { host: FakeHost; edged: Edged; daemon: Uploads } {
  const daemon = new Uploads();
  const host = new FakeHost({ answer: daemon.answer });
  const edged = new Edged({ name: "test", connect: host.connect });
  edged.open();
  return { host, edged, daemon };
}

function content(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(size).map((_, at) => (at * 31) % 251);
}

/** The result, or the error as a value, with all timers run. */
async function finished<Value>(promise: Promise<Value>): Promise<Value | Error> {
  const result: { value?: Value | Error } = {};
  void promise.catch((error: unknown) => error as Error).then((value) => (result.value = value));
  for (let turn = 0; turn < 2000 && result.value === undefined; turn++) {
    await vi.advanceTimersByTimeAsync(50);
    // A blob is read by real tasks, which the fake clock does not run.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (result.value === undefined) throw new Error("it did not end");
  return result.value;
}

test("a file arrives whole, with no more on their way than the window says", async () => {
  const { edged, daemon } = setUp();
  const file = content(10_500);
  const told: number[] = [];

  const done = await finished(
    edged.upload(new Blob([file]), { onProgress: (received) => told.push(received) }),
  );

  expect(done).toMatchObject({ type: "uploaded", size_bytes: 10_500 });
  expect(new Uint8Array(daemon.bytes)).toEqual(file);
  expect(daemon.sizes).toEqual([...Array<number>(10).fill(PART), 500]);
  expect(daemon.mostWaiting).toBeLessThanOrEqual(4);
  expect(daemon.mostWaiting).toBeGreaterThan(1);
  expect(told).toEqual([...told].sort((one, other) => one - other));
  expect(told.at(-1)).toBe(10_500);
});

test("after a break it goes on with what is not committed yet", async () => {
  const { host, edged, daemon } = setUp();
  const file = content(8000);
  daemon.trouble = (port) => {
    if (daemon.bytes.length < 3000 || daemon.opened > 1) return false;
    port.break("Native host has exited.");
    return true;
  };
  const starts: number[] = [];

  await finished(edged.upload(new Blob([file]), { onOpened: ({ received }) => starts.push(received) }));

  expect(new Uint8Array(daemon.bytes)).toEqual(file);
  expect(starts).toEqual([0, 3000]);
  expect(host.asked.body.type).toBe("upload.close");
  expect(host.port.asked[0]?.body).toMatchObject({ type: "upload.open", upload_id: "u" });
});

test("an upload that was begun elsewhere goes on by its id", async () => {
  const { host, edged, daemon } = setUp();
  const file = content(5000);
  daemon.bytes.push(...file.subarray(0, 2000));

  await finished(edged.upload(new Blob([file]), { uploadId: "u" }));

  expect(new Uint8Array(daemon.bytes)).toEqual(file);
  expect(daemon.sizes).toEqual([PART, PART, PART]);
  expect(host.port.asked[0]?.body).toMatchObject({ upload_id: "u" });
});

test("a full daemon is asked again when it said", async () => {
  const { edged, daemon } = setUp();
  let refused = 0;
  daemon.trouble = (port, asked) => {
    if (refused > 0) return false;
    refused++;
    port.fail(asked, "busy", { retryable: true, details: { retry_after_ms: 200 } });
    return true;
  };

  const done = await finished(edged.upload(new Blob([content(1500)])));

  expect(done).toMatchObject({ type: "uploaded" });
  expect(daemon.opened).toBe(2);
});

test("what no other try can mend is thrown at once", async () => {
  const { edged, daemon } = setUp();
  daemon.trouble = (port, asked) => {
    port.fail(asked, "disk_full_of_another_kind");
    return true;
  };

  expect(await finished(edged.upload(new Blob([content(1500)])))).toMatchObject({
    code: "disk_full_of_another_kind",
  });
  expect(daemon.opened).toBe(1);
});

test("breaks without one more byte are counted, and the upload is given up", async () => {
  const { edged, daemon } = setUp();
  daemon.trouble = (port) => {
    port.break();
    return true;
  };

  expect(await finished(edged.upload(new Blob([content(1500)])))).toMatchObject({ code: "daemon_down" });
  expect(daemon.opened).toBe(9);
});

test("a signal ends an upload; what is committed stays to be gone on with", async () => {
  const { edged, daemon } = setUp();
  const stop = new AbortController();
  daemon.trouble = () => {
    if (daemon.bytes.length >= 2000) stop.abort();
    return false;
  };

  const ended = await finished(edged.upload(new Blob([content(9000)]), { signal: stop.signal }));

  expect(ended).toMatchObject({ code: "cancelled" });
  expect(daemon.bytes.length).toBeGreaterThanOrEqual(2000);
  expect(daemon.opened).toBe(1);
});

test("an empty file is refused here", async () => {
  const { edged } = setUp();

  expect(await finished(edged.upload(new Blob([])))).toMatchObject({ code: "bad_media" });
});
