import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Edged, type EdgedError, type Followed } from "../src";
import { FakeHost } from "./host";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Following {
  readonly host: FakeHost;
  readonly told: (number | string | null)[];
  readonly stop: AbortController;
  readonly over: Promise<EdgedError | undefined>;
}

async function following(): Promise<Following> {
  const host = new FakeHost();
  const edged = new Edged({ name: "test", connect: host.connect });
  edged.open();
  const told: (number | string | null)[] = [];
  const stop = new AbortController();
  const read = async (): Promise<undefined> => {
    for await (const one of edged.events({ events: ["job."], signal: stop.signal })) told.push(name(one));
  };
  const over = read().catch((error: unknown) => error as EdgedError);
  await vi.advanceTimersByTimeAsync(0);
  return { host, told, stop, over };
}

function name(one: Followed): number | string | null {
  return one.type === "event" ? one.event_seq : one.type;
}

function tell({ host }: Following, eventSeq: number | null): void {
  host.port.reply(host.asked, { type: "event", event_seq: eventSeq, at: "" } as object, { more: true });
}

test("events are told, facts and hints", async () => {
  const one = await following();
  one.host.port.reply(one.host.asked, { type: "subscribed", event_seq: 5 }, { more: true });

  tell(one, 6);
  tell(one, null);
  await vi.advanceTimersByTimeAsync(0);

  expect(one.host.asked.body).toEqual({ type: "subscribe", events: ["job."] });
  expect(one.told).toEqual([6, null]);
});

test("after a break they go on behind the last fact", async () => {
  const one = await following();
  one.host.port.reply(one.host.asked, { type: "subscribed", event_seq: 5 }, { more: true });
  tell(one, 6);
  await vi.advanceTimersByTimeAsync(0);

  one.host.port.break();
  await vi.advanceTimersByTimeAsync(3000);
  tell(one, 7);
  await vi.advanceTimersByTimeAsync(0);

  expect(one.host.ports).toHaveLength(2);
  expect(one.host.asked.body).toEqual({ type: "subscribe", events: ["job."], after_event_seq: 6 });
  expect(one.told).toEqual([6, "resumed", 7]);
});

test("a break before the first fact loses none that came after the subscription", async () => {
  const one = await following();
  one.host.port.reply(one.host.asked, { type: "subscribed", event_seq: 5 }, { more: true });
  await vi.advanceTimersByTimeAsync(0);

  one.host.port.break();
  await vi.advanceTimersByTimeAsync(3000);

  expect(one.host.asked.body).toMatchObject({ after_event_seq: 5 });
});

test("what is missing at an overflow is asked for again", async () => {
  const one = await following();
  one.host.port.reply(one.host.asked, { type: "subscribed", event_seq: 5 }, { more: true });
  tell(one, 6);

  one.host.port.reply(one.host.asked, { type: "overflow", dropped: 3 }, { more: true });
  await vi.advanceTimersByTimeAsync(0);

  expect(one.host.asked.body).toMatchObject({ type: "subscribe", after_event_seq: 6 });
  expect(one.told).toEqual([6, "resumed"]);
});

test("an error that no waiting mends ends them", async () => {
  const one = await following();

  one.host.port.fail(one.host.asked, "not_paired");

  expect(await one.over).toMatchObject({ code: "not_paired" });
});

test("the signal ends them without an error", async () => {
  const one = await following();

  one.stop.abort();

  expect(await one.over).toBeUndefined();
});
