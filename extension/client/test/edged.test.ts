import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CODES, Edged, EdgedError, type Status } from "../src";
import { FakeHost, settle } from "./host";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function client(host: FakeHost): Edged {
  return new Edged({ name: "test", connect: host.connect });
}

async function failure(promise: Promise<unknown>): Promise<EdgedError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof EdgedError)) throw new Error("no EdgedError was thrown");
  return error;
}

test("the first request connects, and gets the last reply", async () => {
  const host = new FakeHost();
  const asking = client(host).request({ type: "models.list" });
  await settle();

  host.port.reply(host.asked, { type: "models", models: [] });

  expect(await asking).toEqual({ type: "models", models: [] });
  expect(host.port.asked).toMatchObject([{ v: 1, body: { type: "models.list" } }]);
});

test("a request may be sent before the host is ready", async () => {
  const host = new FakeHost({ ready: false });
  const asking = client(host).request({ type: "health" });

  host.port.reply(host.asked, { type: "health", status: "ok" });

  expect(await asking).toMatchObject({ status: "ok" });
});

test("replies before the last one are told on the way", async () => {
  const host = new FakeHost();
  const stages: string[] = [];
  const asking = client(host).request(
    { type: "models.bench", model: "m" },
    { onReply: ({ body }) => stages.push(body.type) },
  );
  await settle();

  host.port.reply(host.asked, { type: "progress", stage: "bench", fraction: 0.5 }, { more: true });
  host.port.reply(host.asked, { type: "benchmark", model: "m", rows: [] });

  expect(await asking).toMatchObject({ type: "benchmark" });
  expect(stages).toEqual(["progress"]);
});

test("replies go to the requests that they name", async () => {
  const host = new FakeHost();
  const edged = client(host);
  const first = edged.request({ type: "health" });
  const second = edged.request({ type: "models.ps" });
  await settle();
  const [one, two] = host.port.asked;

  host.port.reply(two!, { type: "loaded_models", models: [] });
  host.port.reply(one!, { type: "health", status: "ok" });

  expect((await second).type).toBe("loaded_models");
  expect((await first).type).toBe("health");
  expect(one!.id).not.toBe(two!.id);
});

test("an error reply is thrown with its code, fix and details", async () => {
  const host = new FakeHost();
  const asking = failure(client(host).request({ type: "health" }));
  await settle();

  host.port.fail(host.asked, "busy", { retryable: true, details: { retry_after_ms: 70 } });

  expect(await asking).toMatchObject({
    code: "busy",
    message: "a message",
    fix: "a fix",
    retryable: true,
    details: { retry_after_ms: 70 },
  });
});

test("binary parts go out and come back as bytes", async () => {
  const host = new FakeHost();
  const asking = client(host).exchange(
    { type: "images.embed" },
    { parts: [new Uint8Array([0, 255, 7]), new ArrayBuffer(2)] },
  );
  await settle();

  host.port.reply(host.asked, { type: "embedding", dimensions: 1 }, { parts: ["AP8H"] });

  expect(host.asked.parts).toEqual(["AP8H", "AAA="]);
  expect((await asking).parts).toEqual([new Uint8Array([0, 255, 7])]);
});

test("parts that fit into no message are refused here, and nothing is sent", async () => {
  const host = new FakeHost();

  const error = await failure(
    client(host).request({ type: "see", look: { task: "face" } }, { parts: [new Uint8Array(7_000_000)] }),
  );

  expect(error.code).toBe("too_large");
  expect(host.ports.flatMap((port) => port.asked)).toEqual([]);
});

test("what a browser refuses to post fails that request alone", async () => {
  const host = new FakeHost();
  const edged = client(host);
  edged.open();
  await settle();
  host.port.refusal = new Error("Message exceeded maximum allowed size of 64MiB.");

  const error = await failure(edged.request({ type: "health" }));

  expect(error.code).toBe("too_large");
  expect(edged.status.state).toBe("ready");
});

test("a request without any reply ends with deadline, and is cancelled", async () => {
  const host = new FakeHost();
  const asking = failure(client(host).request({ type: "health" }, { silenceMs: 1000 }));
  await settle();
  const { id } = host.asked;

  await vi.advanceTimersByTimeAsync(1000);

  expect((await asking).code).toBe("deadline");
  expect(host.asked.body).toEqual({ type: "cancel", request_id: id });
});

test("a reply gives a request another stretch of silence", async () => {
  const host = new FakeHost();
  const asking = client(host).request({ type: "models.bench", model: "m" }, { silenceMs: 1000 });
  await settle();
  const asked = host.asked;

  await vi.advanceTimersByTimeAsync(900);
  host.port.reply(asked, { type: "progress", stage: "bench", fraction: 0.5 }, { more: true });
  await vi.advanceTimersByTimeAsync(900);
  host.port.reply(asked, { type: "benchmark", model: "m", rows: [] });

  expect((await asking).type).toBe("benchmark");
});

test("a request's own time is told to the daemon, and kept here a little later", async () => {
  const host = new FakeHost();
  const asking = failure(client(host).request({ type: "health" }, { timeoutMs: 500, silenceMs: 0 }));
  await settle();

  expect(host.asked.deadline_ms).toBe(500);
  await vi.advanceTimersByTimeAsync(2500);

  expect((await asking).code).toBe("deadline");
});

test("a signal cancels a request here and there", async () => {
  const host = new FakeHost();
  const stop = new AbortController();
  const asking = failure(client(host).request({ type: "health" }, { signal: stop.signal }));
  await settle();
  const { id } = host.asked;

  stop.abort();

  expect((await asking).code).toBe("cancelled");
  expect(host.asked.body).toEqual({ type: "cancel", request_id: id });
});

test("with a signal that was given already nothing is sent", async () => {
  const host = new FakeHost();

  const error = await failure(client(host).request({ type: "health" }, { signal: AbortSignal.abort() }));

  expect(error.code).toBe("cancelled");
  expect(host.ports).toEqual([]);
});

test("a reply to what nobody asked is dropped, and counted as dealt with", async () => {
  const host = new FakeHost();
  client(host).open();
  await settle();

  host.port.say({ v: 1, id: "r", parent_id: "nobody", body: { type: "done", filler: "x".repeat(600_000) } });

  expect(host.port.taken).toBe(host.port.bytes);
});

test("a port that closes ends everything that ran, with a code", async () => {
  const host = new FakeHost();
  const edged = client(host);
  const asking = failure(edged.request({ type: "health" }));
  const reading = failure(edged.stream({ type: "subscribe" }).next());
  await settle();

  host.port.break("Native host has exited.");

  expect((await asking).code).toBe("daemon_down");
  expect((await reading).code).toBe("daemon_down");
});

test("a host that is refused the daemon says why, and the port is closed", async () => {
  const host = new FakeHost({ ready: false });
  const edged = client(host);
  const asking = failure(edged.request({ type: "health" }));

  host.port.say({ host: { type: "refused", error: { code: "denied", message: "not ours", fix: "f" } } });

  expect(await asking).toMatchObject({ code: "denied", message: "not ours", fix: "f" });
  expect(host.port.disconnected).toBe(true);
});

test("a host of another protocol is left with version_skew", async () => {
  const host = new FakeHost({ ready: false });
  const asking = failure(client(host).request({ type: "health" }));

  host.port.ready({ protocol: 2 });

  expect((await asking).code).toBe("version_skew");
  expect(host.port.disconnected).toBe(true);
});

test("an open client connects again after a break, later each time, and tells so", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  const host = new FakeHost({ ready: false });
  const edged = client(host);
  const states: Status[] = [];
  edged.onStatus((status) => states.push(status));
  edged.open();

  for (const wait of [250, 500, 1000]) {
    host.port.break();
    expect(states.at(-1)).toMatchObject({ state: "waiting", retryInMs: wait });
    await vi.advanceTimersByTimeAsync(wait);
  }
  host.port.ready();

  expect(host.ports).toHaveLength(4);
  expect(states.map(({ state }) => state)).toEqual([
    "idle",
    ...["connecting", "waiting"],
    ...["connecting", "waiting"],
    ...["connecting", "waiting"],
    ...["connecting", "ready"],
  ]);
});

test("a client that nobody opened waits for its next request", async () => {
  const host = new FakeHost();
  const edged = client(host);
  const asking = failure(edged.request({ type: "health" }));
  await settle();
  host.port.break();
  await asking;

  await vi.advanceTimersByTimeAsync(60_000);
  expect(host.ports).toHaveLength(1);
  void failure(edged.request({ type: "health" }));

  expect(host.ports).toHaveLength(2);
});

test("a client that nobody opened does not connect by itself after its daemon and its host went", async () => {
  const host = new FakeHost();
  const edged = client(host);
  const asking = failure(edged.request({ type: "health" }));
  await settle();
  host.port.fail(host.asked, "daemon_down", { retryable: true });
  await asking;
  host.port.break();

  await vi.advanceTimersByTimeAsync(60_000);

  expect(host.ports).toHaveLength(1);
});

test("close ends what ran, and a request opens it again", async () => {
  const host = new FakeHost();
  const edged = client(host);
  edged.open();
  const asking = failure(edged.request({ type: "health" }));
  await settle();

  edged.close();

  expect((await asking).code).toBe("cancelled");
  expect(edged.status).toEqual({ state: "closed" });
  expect(host.port.disconnected).toBe(true);
  void failure(edged.request({ type: "health" }));
  expect(host.ports).toHaveLength(2);
});

test("a daemon that went and came back behind the same host is noticed", async () => {
  const host = new FakeHost();
  const edged = client(host);
  edged.open();
  const asking = failure(edged.request({ type: "health" }));
  await settle();
  host.port.fail(host.asked, "daemon_down", { retryable: true });
  await asking;
  expect(edged.status).toMatchObject({ state: "waiting", error: { code: "daemon_down" } });

  await vi.advanceTimersByTimeAsync(300);
  const probe = host.port.sent.at(-1) as { id: string; body: { type: string } };
  expect(probe.body.type).toBe("hello");
  host.port.say({ v: 1, id: "r", parent_id: probe.id, body: { type: "welcome" } });

  expect(edged.status.state).toBe("ready");
  expect(host.ports).toHaveLength(1);
});

test("a host that hangs is given up while something waits for it", async () => {
  const host = new FakeHost();
  const edged = client(host);
  const reading = failure(edged.stream({ type: "subscribe" }).next());
  await settle();

  await vi.advanceTimersByTimeAsync(20_000 + 10_000);

  expect(await reading).toMatchObject({ code: "daemon_down" });
  expect(host.port.disconnected).toBe(true);
});

test("a host that answers its ping is kept", async () => {
  const host = new FakeHost({
    answer: (port, asked) => {
      if (asked.body.type === "hello") port.reply(asked, { type: "welcome" });
    },
  });
  const edged = client(host);
  void failure(edged.stream({ type: "subscribe" }).next());

  await vi.advanceTimersByTimeAsync(120_000);

  expect(host.ports).toHaveLength(1);
  expect(edged.status.state).toBe("ready");
});

test("waiting for a connection ends with it, or with its time", async () => {
  const host = new FakeHost({ ready: false });
  const edged = client(host);
  edged.open();
  let over = 0;
  void edged.whenReady(5000).then(() => over++);
  void edged.whenReady(100).then(() => over++);

  await vi.advanceTimersByTimeAsync(100);
  expect(over).toBe(1);
  host.port.ready();
  await settle();

  expect(over).toBe(2);
});

test("parts that are no base64 end their request alone", async () => {
  const host = new FakeHost();
  const edged = client(host);
  const asking = failure(edged.request({ type: "images.embed" }));
  await settle();

  host.port.reply(host.asked, { type: "embedding" }, { parts: ["*"] });

  expect((await asking).code).toBe("bad_request");
  expect(edged.status.state).toBe("ready");
});

test("a download joins the parts of all replies", async () => {
  const host = new FakeHost();
  const loading = client(host).download({ type: "recordings.audio", recording_id: "a" });
  await settle();

  host.port.reply(host.asked, { type: "audio", recording_id: "a" }, { more: true, parts: ["AAE="] });
  host.port.reply(host.asked, { type: "audio", recording_id: "a" }, { more: true, parts: ["Ag=="] });
  host.port.reply(host.asked, { type: "done", count: 2 });

  const { blob, replies } = await loading;
  expect(new Uint8Array(await blob.arrayBuffer())).toEqual(new Uint8Array([0, 1, 2]));
  expect(replies.map(({ type }) => type)).toEqual(["audio", "audio", "done"]);
});

test("a code that this client knows brings its fix", () => {
  expect(new EdgedError("not_paired", "x")).toMatchObject({ fix: CODES.not_paired.fix, retryable: false });
  expect(new EdgedError("of the future", "x")).toMatchObject({ fix: "", retryable: false });
});

/** A refusal of a message whose id the host could not read. */
function refuse(host: FakeHost): void {
  const body = { type: "error", code: "too_large", message: "the message is too long", fix: "", details: {} };
  host.port.say({ v: 1, id: "r", parent_id: "", body: { ...body, retryable: false } });
}

test("an error that names no request ends the one that it can only mean", async () => {
  const host = new FakeHost();
  const edged = client(host);
  const following = edged.stream({ type: "subscribe" });
  await settle();
  host.port.reply(host.asked, { type: "subscribed", event_seq: 1 }, { more: true });
  const asking = failure(edged.request({ type: "text.embed", texts: ["x"] } as never));
  await settle();

  refuse(host);

  expect(await asking).toMatchObject({ code: "too_large", message: "the message is too long" });
  expect(await following.next()).toMatchObject({ value: { body: { type: "subscribed" } } });
  edged.close();
});

test("an error that could mean several requests ends none of them", async () => {
  const host = new FakeHost();
  const edged = client(host);
  const first = edged.request({ type: "health" });
  const second = edged.request({ type: "models.list" });
  await settle();
  const [one, other] = host.port.asked;

  refuse(host);
  host.port.reply(one!, { type: "health", status: "ok" });
  host.port.reply(other!, { type: "models", models: [] });

  expect(await Promise.all([first, second])).toMatchObject([{ status: "ok" }, { models: [] }]);
});

test("nothing that runs is ended by an error that names no request", () => {
  const host = new FakeHost();
  const edged = client(host);
  edged.open();

  expect(() => refuse(host)).not.toThrow();
});
