/** What the user chose, kept by the browser for this extension alone. */

import type { Scope } from "@edged/client";
import type { SoundSource } from "../sound/source";

export type Look = "system" | "light" | "dark";

export interface Settings {
  /** How this browser is named where it is approved. */
  readonly name: string;
  /** What is asked for at the next pairing. */
  readonly scopes: readonly Scope[];
  readonly look: Look;
  /** Of the pairing that runs or ran: 32 hexadecimal digits; the fingerprint is made of it. */
  readonly nonce: string;
  /** Whether it was paired once: only then the background speaks to edged by itself. */
  readonly paired: boolean;
  readonly source: SoundSource;
  /** Of captions and files; empty: chosen by the model. */
  readonly language: string;
  readonly keepCaptions: boolean;
  readonly diarize: boolean;
  readonly keepSound: boolean;
  /** The part of the panel that was shown last. */
  readonly tab: string;
}

/** What a panel needs for all that it shows; nothing more is asked for by itself. */
export const WISHED: readonly Scope[] = ["speech", "vision", "results.read", "results.delete", "models.read"];

export const DEFAULTS: Settings = {
  name: "",
  scopes: WISHED,
  look: "system",
  nonce: "",
  paired: false,
  source: "microphone",
  language: "",
  keepCaptions: true,
  diarize: false,
  keepSound: true,
  tab: "captions",
};

const KEY = "settings";

/** What was chosen, or the defaults. */
export async function readSettings(): Promise<Settings> {
  const stored = await chrome.storage.local.get(KEY);
  const chosen = stored[KEY] as Partial<Settings> | undefined;
  return { ...DEFAULTS, ...chosen };
}

/** Keeps what changed; the rest stays. Answers with all of it. */
export async function changeSettings(change: Partial<Settings>): Promise<Settings> {
  const settings = { ...(await readSettings()), ...change };
  await chrome.storage.local.set({ [KEY]: settings });
  return settings;
}

/** Tells of every change, also of those made by other pages; gives a way to stop. */
export function watchSettings(tell: (settings: Settings) => void): () => void {
  const changed = (changes: Record<string, chrome.storage.StorageChange>, area: string): void => {
    const change = changes[KEY];
    if (area !== "local" || change === undefined) return;
    tell({ ...DEFAULTS, ...(change.newValue as Partial<Settings> | undefined) });
  };
  chrome.storage.onChanged.addListener(changed);
  return () => chrome.storage.onChanged.removeListener(changed);
}

/** A name to begin with: the browser and the system, as a user would tell them apart. */
export function suggestedName(agent: string): string {
  const browsers = [
    ["Edg/", "Edge"],
    ["OPR/", "Opera"],
    ["Vivaldi/", "Vivaldi"],
    ["Firefox/", "Firefox"],
    ["Chrome/", "Chromium"],
  ] as const;
  const systems = [
    ["Windows", "Windows"],
    ["Mac OS", "macOS"],
    ["CrOS", "ChromeOS"],
    ["Linux", "Linux"],
  ] as const;
  const browser = browsers.find(([sign]) => agent.includes(sign))?.[1] ?? "Browser";
  const system = systems.find(([sign]) => agent.includes(sign))?.[1];
  return system === undefined ? `${browser} panel` : `${browser} panel on ${system}`;
}

/** Shows this page light, dark, or as the system is. */
export function wear(look: Look): void {
  if (look === "system") delete document.documentElement.dataset.look;
  else document.documentElement.dataset.look = look;
}
