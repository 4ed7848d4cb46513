/** What went wrong, as a code with its fix: the daemon's own errors, and what browsers say in words. */
import { CODES, type Code } from "./codes";
import type { ErrorReply } from "./messages";

export type Details = ErrorReply["details"];

/**
 * The one kind of error that this library throws.
 *
 * code: of docs/ERRORS.md, to be told apart by programs. fix: what to do, in words.
 * retryable: the same may succeed later. details: facts, for example `retry_after_ms`.
 */
export class EdgedError extends Error {
  readonly code: string;
  readonly fix: string;
  readonly retryable: boolean;
  readonly details: Details;

  constructor(
    code: string,
    message: string,
    more: { fix?: string; retryable?: boolean; details?: Details } = {},
  ) {
    super(message);
    this.name = "EdgedError";
    this.code = code;
    const known = code in CODES ? CODES[code as Code] : undefined;
    this.fix = more.fix ?? known?.fix ?? "";
    this.retryable = more.retryable ?? known?.retryable ?? false;
    this.details = more.details ?? {};
  }
}

/** An error reply of the daemon or of the host, as an error. */
export function fromReply(reply: Partial<ErrorReply>): EdgedError {
  return new EdgedError(reply.code ?? "internal", reply.message ?? "", {
    ...(reply.fix === undefined ? {} : { fix: reply.fix }),
    ...(reply.retryable === undefined ? {} : { retryable: reply.retryable }),
    ...(reply.details === undefined ? {} : { details: reply.details }),
  });
}

const DOCTOR = "run `edged browser doctor`: it starts the host as the browser does and says what is wrong";

/**
 * What browsers say when a native-messaging port closes, in the order in which they are tried.
 *
 * Source: Chromium, extensions/browser/api/messaging; Firefox, NativeMessaging.sys.mjs and NativeManifests.sys.mjs.
 */
const SAID: readonly (readonly [RegExp, Code, string?])[] = [
  [/portal|sandbox|flatpak|\bsnap\b/i, "sandboxed_browser"],
  [/host not found/i, "host_not_registered"],
  [/Invalid native messaging host name/i, "host_not_registered"],
  [/host is forbidden|not have permission to use native application/i, "origin_denied"],
  // Firefox says the same of a host that it does not know and of one that does not name the extension.
  [
    /No such native application/i,
    "host_not_registered",
    "run `edged browser install`; if it was run, then the host does not name this add-on: give its id with --extension-id",
  ],
  [
    /Failed to start native messaging host|does not exist, or is not executable/i,
    "host_not_registered",
    DOCTOR,
  ],
  [/maximum allowed size|exceeds the limit|too large/i, "too_large"],
];

/** Of a host that is not there or is not executable. Measured: Firefox ESR 153.7; of one that ends it says nothing. */
const UNEXPECTED = /An unexpected error occurred/i;

/**
 * The error of a port that closed.
 *
 * said: the browser's words, where it had any. spoke: whether the host had said anything before.
 */
export function fromPort(said: string | undefined, spoke: boolean): EdgedError {
  const found = SAID.find(([pattern]) => pattern.test(said ?? ""));
  if (found !== undefined) {
    const [, code, fix] = found;
    return new EdgedError(code, CODES[code].what, fix === undefined ? {} : { fix });
  }
  if (spoke) {
    return new EdgedError("daemon_down", "the native-messaging host ended", {
      fix: "wait: it is started again",
    });
  }
  return UNEXPECTED.test(said ?? "")
    ? new EdgedError("host_not_registered", "the browser cannot start the native-messaging host", {
        fix: DOCTOR,
      })
    : new EdgedError("daemon_down", "the native-messaging host ended before it said anything", {
        fix: DOCTOR,
      });
}
