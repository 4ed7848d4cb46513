/** How often something happens in a second, over the last two. */

const OVER_MS = 2_000;

export class Rate {
  readonly #now: () => number;
  #times: number[] = [];

  /** now: milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** It happened. */
  count(): void {
    this.#times.push(this.#now());
    this.#forget();
  }

  /** Times in a second. */
  get perSecond(): number {
    this.#forget();
    const [first] = this.#times;
    if (first === undefined || this.#times.length < 2) return 0;
    const span = Math.max(this.#now() - first, 1);
    return ((this.#times.length - 1) * 1000) / span;
  }

  #forget(): void {
    const from = this.#now() - OVER_MS;
    while (this.#times[0] !== undefined && this.#times[0] < from) this.#times.shift();
  }
}
