/** The browser's end of the native-messaging pipe, and what is needed of it. */
import { HOST_NAME } from "./names";

/** What `chrome.runtime.connectNative` gives, as far as it is used; tests give their own. */
export interface Port {
  postMessage(message: unknown): void;
  disconnect(): void;
  readonly onMessage: { addListener(listener: (message: unknown) => void): void };
  readonly onDisconnect: { addListener(listener: (port: Port) => void): void };
  /** Firefox says here why the port closed; Chromium in `chrome.runtime.lastError`. */
  readonly error?: { readonly message?: string } | null;
}

export type Connect = () => Port;

/** A port to the host, whose process the browser starts. */
export function connectNative(): Port {
  return chrome.runtime.connectNative(HOST_NAME);
}

/** Why a port closed, in the browser's words; to be asked inside of its `onDisconnect`. */
export function whyClosed(port: Port): string | undefined {
  const last =
    "chrome" in globalThis ? (chrome.runtime as typeof chrome.runtime | undefined)?.lastError : undefined;
  return port.error?.message ?? last?.message;
}

/** How the host and the daemon know this extension: what its browser states about it. */
export function ownIdentity(): string {
  const id = chrome.runtime.id;
  return chrome.runtime.getURL("").startsWith("chrome-extension:") ? `chrome-extension://${id}/` : id;
}
