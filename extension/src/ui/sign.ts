/**
 * Tells the background that this page listens or looks, for as long as it lives.
 *
 * A port is held open while it does: when the page dies, the port closes, and nothing goes on being
 * shown as recorded. When the background is ended by the browser the port is opened again.
 */

export type Intake = "microphone" | "tab" | "camera";

export const SIGN = "recording:";

/** Says that this page takes something in; call what it gives when that has ended. */
export function showRecording(what: Intake): () => void {
  let open: chrome.runtime.Port | null = null;
  const connect = (): void => {
    open = chrome.runtime.connect({ name: `${SIGN}${what}` });
    open.onDisconnect.addListener(() => {
      if (open !== null) connect();
    });
  };
  connect();
  return () => {
    const port = open;
    open = null;
    port?.disconnect();
  };
}

/** What a port of `showRecording` says; null: it is another port. */
export function recordedBy(name: string): Intake | null {
  const what = name.startsWith(SIGN) ? name.slice(SIGN.length) : "";
  return what === "microphone" || what === "tab" || what === "camera" ? what : null;
}
