import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Hearer, openSound } from "../../src/sound/source";

/** What the browser does when a context is resumed. */
type Resume = () => Promise<void>;
const never: Resume = () => new Promise(() => undefined);

interface Browser {
  readonly stopped: () => number;
  readonly closed: () => number;
  readonly toSpeakers: () => boolean;
  /** A piece of sound comes out of the worklet. */
  readonly piece: () => void;
}

function browser(resume: Resume, addModule: () => Promise<void> = () => Promise.resolve()): Browser {
  let stopped = 0;
  let closed = 0;
  let toSpeakers = false;
  let port: { onmessage: ((event: object) => void) | null } | undefined;
  const destination = {};
  const track = { label: "mic", stop: () => (stopped += 1), addEventListener: () => undefined };
  const stream = { getTracks: () => [track], getAudioTracks: () => [track] };
  vi.stubGlobal("BROWSER", "chromium");
  vi.stubGlobal("chrome", {
    runtime: { getURL: (path: string) => path },
    tabs: { query: () => Promise.resolve([{ id: 1 }]) },
    tabCapture: { getMediaStreamId: () => Promise.resolve("stream") },
  });
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia: () => Promise.resolve(stream) } });
  vi.stubGlobal(
    "AudioContext",
    class {
      readonly audioWorklet = { addModule };
      readonly destination = destination;
      readonly resume = resume;
      readonly createMediaStreamSource = (): object => ({
        connect: (to: object) => (toSpeakers ||= to === destination),
      });
      readonly close = (): Promise<void> => Promise.resolve(void (closed += 1));
    },
  );
  vi.stubGlobal(
    "AudioWorkletNode",
    class {
      readonly port = (port = { onmessage: null });
    },
  );
  const piece = (): void => port?.onmessage?.({ data: { pcm: new ArrayBuffer(0), levelDb: -20 } });
  return { stopped: () => stopped, closed: () => closed, toSpeakers: () => toSpeakers, piece };
}

const heard = vi.fn();
const HEARER: Hearer = { onPiece: heard, onEnded: () => undefined };

beforeEach(() => {
  vi.useFakeTimers();
  heard.mockClear();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test.each([
  ["resumed", browser.bind(null, never)],
  ["given its worklet", browser.bind(null, () => Promise.resolve(), never)],
])("a browser whose sound is never %s ends with a reason and lets the device go", async (_, begin) => {
  const { stopped, closed } = begin();
  const opened = openSound("microphone", HEARER).catch((error: unknown) => error);

  await vi.advanceTimersByTimeAsync(10_000);

  expect(await opened).toMatchObject({ code: "no_audio", fix: expect.stringContaining("output") as string });
  expect([stopped(), closed()]).toEqual([1, 1]);
});

test("sound that comes although nobody says that it runs is heard", async () => {
  const { piece, stopped } = browser(never);
  const opened = openSound("microphone", HEARER);
  await vi.advanceTimersByTimeAsync(0);

  piece();
  const sound = await opened;
  piece();
  await vi.advanceTimersByTimeAsync(20_000);

  expect(heard).toHaveBeenCalledTimes(2);
  expect(stopped()).toBe(0);
  sound.stop();
  piece();
  expect(heard).toHaveBeenCalledTimes(2);
});

test.each([
  ["microphone", false],
  ["tab", true],
] as const)("of a %s, what is heard is played too: %s", async (source, played) => {
  const { toSpeakers } = browser(() => Promise.resolve());

  await openSound(source, HEARER);

  expect(toSpeakers()).toBe(played);
});
