/** What was chosen on the camera page, kept by the browser for the next time. */
import type { VisionTask } from "@edged/client";

export interface Wish {
  readonly task: VisionTask;
  /** Empty: the browser's choice. */
  readonly deviceId: string;
  readonly mirrored: boolean;
}

const DEFAULTS: Wish = { task: "hands", deviceId: "", mirrored: true };
const KEY = "camera";

export async function readWish(): Promise<Wish> {
  const stored = await chrome.storage.local.get(KEY);
  return { ...DEFAULTS, ...(stored[KEY] as Partial<Wish> | undefined) };
}

export async function writeWish(wish: Wish): Promise<void> {
  await chrome.storage.local.set({ [KEY]: wish });
}
