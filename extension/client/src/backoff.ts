/** How long to wait before the next try: twice as long each time, up to a bound, and never two clients in step. */

const FIRST_MS = 250;
const MOST_MS = 10_000;
/** Where only the user can help, and does so once in a while. */
const SELDOM_MS = 5_000;

export class Backoff {
  readonly #random: () => number;
  #tries = 0;

  /** random: between 0 and 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Milliseconds until the next try: between half and all of what its turn would be. */
  next(seldom = false): number {
    const turn = Math.min(MOST_MS, FIRST_MS * 2 ** this.#tries++);
    const whole = seldom ? SELDOM_MS : turn;
    return Math.round(whole * (0.5 + 0.5 * this.#random()));
  }

  /** It worked: begin anew. */
  reset(): void {
    this.#tries = 0;
  }
}

/** Wait, or until the signal says so. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
}
