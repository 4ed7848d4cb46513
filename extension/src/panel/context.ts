/** What every part of the panel is given: the daemon, the settings, the way to other parts. */

import type { Edged, KnownClient, Scope } from "@edged/client";
import type { Settings } from "../ui/settings";
import type { Intake } from "../ui/sign";
import type { TabName } from "./tabs";

export interface Panel {
  readonly edged: Edged;
  readonly settings: () => Settings;
  readonly change: (change: Partial<Settings>) => void;
  readonly client: () => KnownClient | null;
  /** Whether one of these was granted. */
  readonly can: (...scopes: readonly Scope[]) => boolean;
  /** Ask the user for these grants, and wait on the screen for that; what was granted stays meanwhile. */
  readonly ask: (scopes: readonly Scope[]) => void;
  readonly go: (tab: TabName) => void;
  /** Show a recording's transcript, and begin to play there. */
  readonly open: (recordingId: string, atMs?: number) => void;
  /** Go back to where a recording or the settings were opened from. */
  readonly back: () => void;
  /** Say that this page listens; call what it gives at the end. */
  readonly recording: (what: Intake) => () => void;
  /** Say that a request failed: when grants have ended, the panel asks who it is. */
  readonly doubt: (error: unknown) => void;
}

/** One part of the panel. */
export interface Screen {
  readonly element: HTMLElement;
  /** It is seen now, also again. */
  readonly show?: () => void;
  /** What the browser may ask has changed. */
  readonly admit?: () => void;
  /** It is not seen any more. */
  readonly hide?: () => void;
}
