/** Events that go on over breaks of the connection, without a fact missed. */
import { Backoff, pause } from "./backoff";
import type { Edged } from "./edged";
import { EdgedError } from "./errors";
import type { EventReply, Subscribe } from "./messages";

export interface FollowOptions {
  /** Names, or prefixes that end in a dot; absent: all. */
  readonly events?: readonly string[];
  /** First the stored facts after that number. */
  readonly afterEventSeq?: number;
  readonly signal?: AbortSignal;
}

/** An event, or the word that hints before it were lost (facts never are). */
export type Followed = EventReply | { readonly type: "resumed" };

/** Without a word from anybody the subscription is asked for again after a break, at most so late. */
const READY_WITHIN_MS = 15_000;

/** Events, until the signal says so or their reader leaves. Throws the errors that no waiting mends. */
export async function* follow(
  edged: Edged,
  options: FollowOptions,
): AsyncGenerator<Followed, void, undefined> {
  const place: Place = { after: options.afterEventSeq };
  const backoff = new Backoff();
  for (let first = true; options.signal?.aborted !== true; first = false) {
    if (!first) yield { type: "resumed" };
    try {
      for await (const event of subscribed(edged, options, place)) {
        backoff.reset();
        yield event;
      }
    } catch (error) {
      if (!(await another(edged, error, backoff, options.signal))) return;
    }
  }
}

/** The last fact that was told. */
interface Place {
  after: number | undefined;
}

/** Events of one subscription, up to its end or to where some are missing. */
async function* subscribed(
  edged: Edged,
  { events, signal }: FollowOptions,
  place: Place,
): AsyncGenerator<EventReply, void, undefined> {
  const request: Subscribe = {
    type: "subscribe",
    ...(events === undefined ? {} : { events }),
    ...(place.after === undefined ? {} : { after_event_seq: place.after }),
  };
  for await (const { body } of edged.stream(request, signal === undefined ? {} : { signal })) {
    if (body.type === "overflow") return;
    if (body.type === "subscribed") place.after ??= body.event_seq;
    if (body.type !== "event") continue;
    place.after = body.event_seq ?? place.after;
    yield body;
  }
}

/** Wait for the next try; false: it was cancelled. Throws what no waiting mends. */
async function another(
  edged: Edged,
  error: unknown,
  backoff: Backoff,
  signal?: AbortSignal,
): Promise<boolean> {
  if (!(error instanceof EdgedError)) throw error;
  if (error.code === "cancelled") return false;
  if (!error.retryable) throw error;
  await edged.whenReady(READY_WITHIN_MS, signal);
  await pause(backoff.next(), signal);
  return true;
}
