/** Where sound comes from: a microphone or, in Chromium, the tab in front; as pieces of 16 kHz. */
import type { Heard } from "./worklet";

export type SoundSource = "microphone" | "tab";

/** A running source of sound. */
export interface Sound {
  /** How the browser calls the device; empty where it does not say. */
  readonly name: string;
  /** End it: the browser's own sign of recording goes out. */
  stop(): void;
}

/** Who is told what is heard; ten times a second, on the page's own thread. */
export interface Listener {
  /** 100 ms: mono, s16le, 16 kHz. The bytes are the listener's. */
  readonly onPcm: (pcm: Uint8Array<ArrayBuffer>) => void;
  /** Decibels of full scale, -100 to 0. */
  readonly onLevel: (levelDb: number) => void;
  /** The source ended by itself: a device was unplugged, a tab closed. Once. */
  readonly onEnd: () => void;
}

/**
 * Why there is no sound.
 *
 * denied: the user, the browser or the system does not allow it, or was not asked where it could ask.
 * missing: there is no such device. busy: another program has it. tab: the tab in front cannot be heard.
 */
export type Silence = "denied" | "missing" | "busy" | "tab";

export class SoundError extends Error {
  readonly reason: Silence;

  constructor(reason: Silence) {
    super(`no sound: ${reason}`);
    this.name = "SoundError";
    this.reason = reason;
  }
}

/** What browsers call the reasons why a device is not given. */
const REASONS: Readonly<Record<string, Silence>> = {
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** Why a microphone or camera was not given. */
export function whySilent(error: unknown): Silence {
  return (error instanceof DOMException ? REASONS[error.name] : undefined) ?? "denied";
}

/** Open a source. Throws SoundError. */
export async function openSound(source: SoundSource, listener: Listener): Promise<Sound> {
  const stream = await (source === "tab" ? tab() : microphone());
  try {
    return await heard(stream, listener, { audible: source === "tab" });
  } catch (error) {
    for (const track of stream.getTracks()) track.stop();
    throw error;
  }
}

/** The microphone, without the echo of what is played. Noise stays: models know it better than filters do. */
async function microphone(): Promise<MediaStream> {
  const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: false, autoGainControl: true };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw new SoundError(whySilent(error));
  }
}

/** The sound of the tab in front. The extension must have been called on it: its button was clicked there. */
async function tab(): Promise<MediaStream> {
  try {
    const [front] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
    const target = front?.id === undefined ? {} : { targetTabId: front.id };
    const id = await chrome.tabCapture.getMediaStreamId(target);
    // Chromium's own way to name it, which TypeScript's libraries do not know.
    const audio = { mandatory: { chromeMediaSource: "tab", chromeMediaSourceId: id } };
    return await navigator.mediaDevices.getUserMedia({ audio: audio as MediaTrackConstraints });
  } catch {
    throw new SoundError("tab");
  }
}

/** Pieces of a stream. audible: what is captured of a tab is not played by it any more, so we play it. */
async function heard(
  stream: MediaStream,
  listener: Listener,
  { audible }: { audible: boolean },
): Promise<Sound> {
  const context = new AudioContext({ latencyHint: "interactive" });
  const tracks = stream.getAudioTracks();
  const stop = (): void => {
    for (const track of tracks) track.stop();
    if (context.state !== "closed") void context.close();
  };
  try {
    await context.audioWorklet.addModule(chrome.runtime.getURL("sound/worklet.js"));
  } catch (error) {
    stop();
    throw error;
  }
  const source = context.createMediaStreamSource(stream);
  const hearing = new AudioWorkletNode(context, "edged-hearing", { numberOfOutputs: 0 });
  hearing.port.onmessage = ({ data }: MessageEvent<Heard>): void => {
    if (context.state === "closed") return;
    listener.onLevel(data.levelDb);
    listener.onPcm(new Uint8Array(data.pcm));
  };
  source.connect(hearing);
  if (audible) source.connect(context.destination);
  tracks[0]?.addEventListener("ended", () => listener.onEnd(), { once: true });
  await context.resume();
  return { name: tracks[0]?.label ?? "", stop };
}
