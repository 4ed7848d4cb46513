import { Edged } from "@edged/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeHost, settle } from "../../client/test/host";
import { Looking } from "../../src/camera/looking";
import { Rate } from "../../src/camera/rate";
import { told } from "../../src/camera/telling";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Scene {
  readonly host: FakeHost;
  readonly looking: Looking;
  readonly told: string[];
  readonly over: Promise<unknown>;
}

async function scene(): Promise<Scene> {
  const host = new FakeHost();
  const edged = new Edged({ name: "test", connect: host.connect });
  edged.open();
  const said: string[] = [];
  const looking = new Looking(
    edged,
    { task: "hands" },
    {
      onOpened: (model) => said.push(`opened ${model}`),
      onSeen: ({ frame_id }) => said.push(`seen ${frame_id}`),
      onLost: (frames, reason) => said.push(`lost ${frames} ${reason}`),
      onBreak: ({ code }) => said.push(`break ${code}`),
    },
  );
  const over = looking.done.catch((error: unknown) => error);
  await settle();
  return { host, looking, told: said, over };
}

async function opened(): Promise<Scene & { reply: (body: object) => void }> {
  const one = await scene();
  const asked = one.host.asked;
  const reply = (body: object): void => one.host.port.reply(asked, body, { more: true });
  reply({ type: "stream_opened", model: "hand-landmarker" });
  await settle();
  return { ...one, reply };
}

const PICTURE = new ArrayBuffer(3);

test("before the stream is open no frame is wanted", async () => {
  const { looking, host } = await scene();

  looking.send(PICTURE, 1);

  expect(looking.hungry).toBe(false);
  expect(host.asked.body).toMatchObject({
    type: "stream.open",
    kind: "frames",
    look: { task: "hands" },
    store: false,
  });
});

test("two frames are under way at most, and a seen one makes room", async () => {
  const { looking, host, reply, told: said } = await opened();
  looking.send(PICTURE, 10.4);
  expect(looking.hungry).toBe(true);
  looking.send(PICTURE, 43);
  expect(looking.hungry).toBe(false);

  reply({ type: "seen", frame_id: 0 });
  await settle();

  expect(looking.hungry).toBe(true);
  expect(said).toEqual(["opened hand-landmarker", "seen 0"]);
  expect(host.asked).toMatchObject({
    body: { type: "stream.frame", frame_id: 1, captured_at_ms: 43 },
    parts: ["AAAA"],
  });
});

test("a frame that a newer one replaced is not waited for", async () => {
  const { looking, reply } = await opened();
  looking.send(PICTURE, 1);
  looking.send(PICTURE, 2);

  reply({ type: "seen", frame_id: 1 });
  await settle();
  looking.send(PICTURE, 3);

  expect(looking.hungry).toBe(true);
});

test("lost frames are told, and make room", async () => {
  const { looking, reply, told: said } = await opened();
  looking.send(PICTURE, 1);
  looking.send(PICTURE, 2);

  reply({ type: "frames_lost", first_frame: 0, last_frame: 1, reason: "worker_gone" });
  await settle();

  expect(looking.hungry).toBe(true);
  expect(said).toContain("lost 2 worker_gone");
});

test("a frame that is refused makes room", async () => {
  const { looking, host } = await opened();
  looking.send(PICTURE, 1);
  looking.send(PICTURE, 2);

  host.port.fail(host.asked, "bad_media");
  await settle();

  expect(looking.hungry).toBe(true);
});

test("frames that nothing is heard of are given up after a while, not sent in a flood", async () => {
  const { looking } = await opened();
  looking.send(PICTURE, 1);
  looking.send(PICTURE, 2);

  await vi.advanceTimersByTimeAsync(5001);
  expect(looking.hungry).toBe(true);
  looking.send(PICTURE, 3);
  looking.send(PICTURE, 4);

  expect(looking.hungry).toBe(false);
});

test("after a break it looks on with a new stream", async () => {
  const { looking, host, told: said } = await opened();
  const before = host.asked.body;

  host.port.break();
  await vi.advanceTimersByTimeAsync(2000);
  expect(looking.hungry).toBe(false);
  host.port.reply(host.asked, { type: "stream_opened", model: "m" } as object, { more: true });
  await settle();

  expect(said).toEqual(["opened hand-landmarker", "break daemon_down", "opened m"]);
  expect(host.asked.body).toMatchObject({ type: "stream.open" });
  expect(host.asked.body).not.toEqual(before);
  expect(looking.hungry).toBe(true);
});

test("what no waiting mends ends it", async () => {
  const { host, over } = await scene();

  host.port.fail(host.asked, "model_missing");

  expect(await over).toMatchObject({ code: "model_missing" });
});

test("stopping cancels the stream, and is no error", async () => {
  const { looking, host, over } = await opened();
  const { id } = host.asked;

  looking.stop();

  expect(await over).toBeUndefined();
  expect(host.asked.body).toEqual({ type: "cancel", request_id: id });
});

test("a rate is of the last two seconds", () => {
  let now = 0;
  const rate = new Rate(() => now);

  for (; now <= 1000; now += 100) rate.count();
  now = 1000;
  expect(rate.perSecond).toBeCloseTo(10);
  now = 10_000;
  expect(rate.perSecond).toBe(0);
});

const NOTHING = { faces: [], hands: [], poses: [], objects: [], classes: [] };

test("what is seen is told in words", () => {
  const hands = [
    { handedness: "Right", gesture: "Thumb_Up" },
    { handedness: "Left", gesture: "" },
  ];
  const objects = [{ label: "cup" }, { label: "cup" }, { label: "cat" }];

  expect(told(NOTHING as never)).toBe("Nothing is seen");
  expect(told({ ...NOTHING, faces: [{}], hands } as never)).toBe(
    "Faces: 1 · Right hand Thumb Up · Left hand",
  );
  expect(told({ ...NOTHING, objects } as never)).toBe("cup × 2 · cat");
});
