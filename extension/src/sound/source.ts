/** Where sound comes from: a microphone or, in Chromium, a tab; as pieces of 16 kHz. */
import { EdgedError } from "@edged/client";
import type { Heard } from "./worklet";

export type SoundSource = "microphone" | "tab";

/** A running source of sound. */
export interface Sound {
  /** How the browser calls the device; empty where it does not say. */
  readonly name: string;
  /** Ends it; the browser's own indicator goes out. */
  stop(): void;
}

export interface Hearer {
  onPiece(heard: Heard): void;
  /** The source ended by itself: a device that was unplugged, a tab that was closed. */
  onEnded(): void;
}

/** Opens a source; tests give their own. */
export type OpenSound = (source: SoundSource, hearer: Hearer, options?: SoundOptions) => Promise<Sound>;

export interface SoundOptions {
  /** Of `navigator.mediaDevices.enumerateDevices`; absent: the browser's choice. */
  readonly deviceId?: string;
}

/** Whether this browser lets an extension hear a tab. */
export function canHearTabs(): boolean {
  return BROWSER === "chromium" && "tabCapture" in chrome;
}

/** The microphone as the browser gives it: without its echo, since what is played may be heard as well. */
function microphone(options: SoundOptions): Promise<MediaStream> {
  const device = options.deviceId === undefined ? {} : { deviceId: { exact: options.deviceId } };
  return navigator.mediaDevices.getUserMedia({
    audio: {
      ...device,
      channelCount: 1,
      echoCancellation: true,
      noiseSuppression: false,
      autoGainControl: true,
    },
  });
}

/** The sound of the tab in front. The extension must have been called on it: its button was clicked there. */
async function tab(): Promise<MediaStream> {
  const [front] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
  const target = front?.id === undefined ? {} : { targetTabId: front.id };
  const id = await chrome.tabCapture.getMediaStreamId(target);
  // Chromium's own way to say it, which TypeScript's libraries do not know.
  const audio = {
    mandatory: { chromeMediaSource: "tab", chromeMediaSourceId: id },
  } as unknown as MediaTrackConstraints;
  return navigator.mediaDevices.getUserMedia({ audio });
}

/** Opens a source of sound. Throws EdgedError: permission_denied, device_missing, device_busy, unsupported. */
export async function openSound(
  source: SoundSource,
  hearer: Hearer,
  options: SoundOptions = {},
): Promise<Sound> {
  const stream = await opened(source, options);
  try {
    return await heard(stream, hearer, { audible: source === "tab" });
  } catch (error) {
    for (const track of stream.getTracks()) track.stop();
    throw error;
  }
}

async function opened(source: SoundSource, options: SoundOptions): Promise<MediaStream> {
  if (source === "tab" && !canHearTabs()) {
    throw new EdgedError("unsupported", "this browser lets no extension hear a tab", {
      fix: "use the microphone",
    });
  }
  try {
    return await (source === "tab" ? tab() : microphone(options));
  } catch (error) {
    throw refused(error, source);
  }
}

/** So long a browser may take until its sound runs; one without any sound output can take for ever. */
const RUNS_WITHIN_MS = 10_000;

/** Pieces of a stream. audible: what is captured of a tab is no longer played by it, so we do. */
async function heard(stream: MediaStream, hearer: Hearer, { audible }: { audible: boolean }): Promise<Sound> {
  const context = new AudioContext({ latencyHint: "interactive" });
  const tracks = stream.getAudioTracks();
  try {
    const stop = await within(RUNS_WITHIN_MS, listen(context, stream, hearer, audible));
    tracks[0]?.addEventListener("ended", () => hearer.onEnded());
    return {
      name: tracks[0]?.label ?? "",
      stop: () => {
        stop();
        for (const track of tracks) track.stop();
        void context.close();
      },
    };
  } catch (error) {
    void context.close();
    throw error;
  }
}

/** Resolves when the sound runs, with what ends its way to the hearer. */
async function listen(
  context: AudioContext,
  stream: MediaStream,
  hearer: Hearer,
  audible: boolean,
): Promise<() => void> {
  await context.audioWorklet.addModule(chrome.runtime.getURL("sound/worklet.js"));
  const source = context.createMediaStreamSource(stream);
  const hearing = new AudioWorkletNode(context, "edged-hearing", { numberOfOutputs: 0 });
  // Firefox may run without an output and yet never say so: a first piece says it as well.
  const flowing = new Promise<void>((resolve) => {
    hearing.port.onmessage = (event: MessageEvent<Heard>) => {
      resolve();
      hearer.onPiece(event.data);
    };
  });
  source.connect(hearing);
  if (audible) source.connect(context.destination);
  await Promise.race([context.resume(), flowing]);
  return () => {
    hearing.port.onmessage = null;
  };
}

/** What a promise gives, or `no_audio` when it takes too long. */
async function within<Value>(ms: number, wanted: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new EdgedError("no_audio", "the browser's sound does not begin to run", { fix: NO_OUTPUT }));
    }, ms);
  });
  try {
    return await Promise.race([wanted, late]);
  } finally {
    clearTimeout(timer);
  }
}

const NO_OUTPUT =
  "browsers need a sound output for it, even a silent one: plug one in or start the sound server, then start again";

/** What browsers call the reasons why a device is not given. */
const REASONS: Readonly<Record<string, string>> = {
  NotAllowedError: "permission_denied",
  SecurityError: "permission_denied",
  NotFoundError: "device_missing",
  OverconstrainedError: "device_missing",
  NotReadableError: "device_busy",
  AbortError: "device_busy",
};

/** A browser's refusal of a microphone, camera or tab as an error with its fix. */
export function refused(error: unknown, what: SoundSource | "camera"): EdgedError {
  if (error instanceof EdgedError) return error;
  const name = error instanceof DOMException ? error.name : "";
  if (what === "tab") {
    return new EdgedError("permission_denied", "the browser does not give the tab's sound", {
      fix: "click edged's button in the tab whose sound you want, then start again; pages of the browser itself cannot be heard",
    });
  }
  const code = REASONS[name] ?? "device_refused";
  return new EdgedError(
    code,
    `the browser does not give the ${what}`,
    FIXES[code] === undefined ? {} : { fix: FIXES[code] },
  );
}

const FIXES: Readonly<Record<string, string>> = {
  permission_denied:
    "allow it for edged: in the browser's site settings of this extension, and in the system's own",
  device_missing: "plug one in, or choose another one in the browser's settings",
  device_busy: "close the program that uses it",
};
