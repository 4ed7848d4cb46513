/** What the daemon records at this moment, for the sign in the panel's head and for the badge. */

import type { HealthReport } from "@edged/client";
import type { Panel } from "./context";

/** Sessions tell their changes; asked anew so often for what came about without one. */
const EVERY_MS = 5000;

/** Who records, as it is shown: the devices, or else who began it. */
export function recordedNames(health: HealthReport): string[] {
  return health.recording.map((one) => (one.devices.length > 0 ? one.devices.join(", ") : one.started_by));
}

let watching = false;

/** Tell the names whenever the page is seen and they may have changed; once for a page. */
export function watchRecording(panel: Panel, tell: (names: readonly string[]) => void): void {
  if (watching) return;
  watching = true;
  const look = async (): Promise<void> => {
    if (document.hidden || panel.client() === null) return;
    try {
      tell(recordedNames(await panel.edged.request({ type: "health" })));
    } catch (error) {
      tell([]);
      panel.doubt(error);
    }
  };
  void look();
  setInterval(() => void look(), EVERY_MS);
  document.addEventListener("visibilitychange", () => void look());
}
