import { expect, test } from "vitest";
import { Edged, type Message } from "../src";
import { FakeHost, settle } from "./host";

const CREDIT = 4_194_304;

async function opened(): Promise<{ host: FakeHost; edged: Edged }> {
  const host = new FakeHost();
  const edged = new Edged({ name: "test", connect: host.connect });
  edged.open();
  await settle();
  return { host, edged };
}

test("a message in pieces is joined", async () => {
  const { host, edged } = await opened();
  const asking = edged.request({ type: "segments.list", recording_id: "a" });
  const text = JSON.stringify(host.port.message(host.asked, { type: "hits", hits: [], pending: [] }));

  host.port.pieces(text, 7);

  expect(await asking).toEqual({ type: "hits", hits: [], pending: [] });
});

test("a message in pieces that was given up leaves nothing in the next one", async () => {
  const { host, edged } = await opened();
  const asking = edged.request({ type: "health" });
  host.port.say({ piece: { of: "r", index: 0, last: false }, data: '{"half' });

  host.port.pieces(JSON.stringify(host.port.message(host.asked, { type: "health", status: "ok" })), 20);

  expect(await asking).toEqual({ type: "health", status: "ok" });
});

test("what a stream's reader has not read is not told as taken", async () => {
  const { host, edged } = await opened();
  const stream = edged.stream({ type: "subscribe" });
  const filler = "x".repeat(700_000);

  for (let at = 0; at < 3; at++)
    host.port.reply(host.asked, { type: "progress", stage: filler }, { more: true });
  expect(host.port.taken).toBe(0);
  await stream.next();
  const afterOne = host.port.taken;
  await stream.next();
  await stream.next();

  expect(afterOne).toBeGreaterThan(700_000);
  expect(afterOne).toBeLessThan(1_400_000);
  expect(host.port.taken).toBe(host.port.bytes);
});

test("a message longer than the credit can arrive, and holds back a part of it until it is read", async () => {
  const { host, edged } = await opened();
  const stream = edged.stream({ type: "recordings.audio", recording_id: "a" });
  const text = JSON.stringify(
    host.port.message(host.asked, { type: "progress", stage: "y".repeat(2 * CREDIT) }, { more: true }),
  );

  const open: number[] = [];
  for (let at = 0; at < text.length; at += 768 * 1024) {
    host.port.say({
      piece: { of: "r", index: at / (768 * 1024), last: at + 768 * 1024 >= text.length },
      data: text.slice(at, at + 768 * 1024),
    });
    open.push(host.port.bytes - host.port.taken);
  }

  expect(Math.max(...open)).toBeLessThan(CREDIT - 2 ** 20);
  expect(open.at(-1)).toBeGreaterThan(CREDIT / 8);
  await stream.next();
  expect(host.port.bytes - host.port.taken).toBeLessThan(CREDIT / 8);
});

test("small replies are told together, not one by one", async () => {
  const { host } = await opened();

  for (let at = 0; at < 1000; at++) host.port.say({ v: 1, id: "r", parent_id: "?", body: { type: "done" } });

  expect(host.port.sent.filter((one) => "host" in (one as object))).toEqual([]);
});

test("a stream gives its replies in order, and ends after the last one", async () => {
  const { host, edged } = await opened();
  const stream = edged.stream({ type: "transcribe", path: "/a" });
  host.port.reply(host.asked, { type: "accepted" }, { more: true });
  host.port.reply(host.asked, { type: "transcript", segments: [] }, { more: true });
  host.port.reply(host.asked, { type: "transcribed" });

  const types: string[] = [];
  for await (const { body } of stream) types.push(body.type);

  expect(types).toEqual(["accepted", "transcript", "transcribed"]);
  expect(await stream.next()).toEqual({ value: undefined, done: true });
});

test("replies that came before an error are read first, then it is thrown, once", async () => {
  const { host, edged } = await opened();
  const stream = edged.stream({ type: "transcribe", path: "/a" });
  host.port.reply(host.asked, { type: "accepted" }, { more: true });
  host.port.fail(host.asked, "bad_media");

  expect((await stream.next()).value).toMatchObject({ body: { type: "accepted" } });
  await expect(stream.next()).rejects.toMatchObject({ code: "bad_media" });
  expect(await stream.next()).toEqual({ value: undefined, done: true });
});

test("leaving the loop cancels the request, and what comes later is dropped", async () => {
  const { host, edged } = await opened();
  const stream = edged.stream({ type: "subscribe" });
  const { id } = host.asked;
  const asked = host.asked;
  host.port.reply(asked, { type: "subscribed", event_seq: 1 }, { more: true });
  host.port.reply(asked, { type: "overflow", dropped: 1 }, { more: true });
  const read: Message[] = [];

  for await (const message of stream) {
    read.push(message);
    break;
  }
  host.port.reply(asked, { type: "overflow", dropped: 2, filler: "z".repeat(900_000) } as object, {
    more: true,
  });

  expect(read).toHaveLength(1);
  expect(host.asked.body).toEqual({ type: "cancel", request_id: id });
  expect(host.port.taken).toBe(host.port.bytes);
});

test("a reader that waits when the connection breaks is woken by the error", async () => {
  const { host, edged } = await opened();
  const waiting = edged.stream({ type: "subscribe" }).next();

  host.port.break("Error when communicating with the native messaging host.");

  await expect(waiting).rejects.toMatchObject({ code: "daemon_down", retryable: true });
});

test("pieces that are no JSON end the connection, not the page", async () => {
  const { host, edged } = await opened();
  const asking = edged.request({ type: "health" });

  host.port.pieces("{broken", 3);

  await expect(asking).rejects.toMatchObject({ code: "version_skew" });
  expect(host.port.disconnected).toBe(true);
});

test.each([42, null, "text", []])("%j from the host is left alone", async (said) => {
  const { host, edged } = await opened();
  const asking = edged.request({ type: "health" });

  host.port.sayRaw(said);
  host.port.reply(host.asked, { type: "health", status: "ok" });

  expect(await asking).toMatchObject({ status: "ok" });
});
