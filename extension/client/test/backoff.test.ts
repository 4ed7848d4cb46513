import { expect, test } from "vitest";
import { Backoff, pause } from "../src/backoff";

test("the wait doubles up to a bound, and begins anew after success", () => {
  const backoff = new Backoff(() => 1);
  const waits = Array.from({ length: 8 }, () => backoff.next());

  backoff.reset();

  expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  expect(backoff.next()).toBe(250);
});

test("two clients are not in step: a wait is between half and all of its turn", () => {
  expect(new Backoff(() => 0).next()).toBe(125);
  expect(new Backoff(() => 0.5).next()).toBe(188);
});

test("where only the user can help it is asked seldom", () => {
  const backoff = new Backoff(() => 1);

  expect([backoff.next(true), backoff.next(true)]).toEqual([5000, 5000]);
});

test("a pause ends with its signal", async () => {
  const stop = new AbortController();
  const waiting = pause(60_000, stop.signal);

  stop.abort();

  await expect(waiting).resolves.toBeUndefined();
});
