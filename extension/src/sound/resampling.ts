/** Sound of any rate as 16 kHz, the rate of every speech model. Pure: no browser, no clock. */

/** Hz. */
export const SPEECH_RATE = 16_000;

/** Zero crossings of the sinc on each side: more cuts off sharper, and costs as much more. */
const CROSSINGS = 16;
/** Of half the lower rate, where the filter is at half height: room for its slope below 8 kHz. */
const CUTOFF = 0.94;
/** Steps between two samples for which the filter is kept ready; between them it is interpolated. */
const PHASES = 256;

/** The windowed sinc for one rate: weights of neighbours by their distance, in samples of the source. */
class Kernel {
  readonly reach: number;
  readonly #weights: Float32Array;

  /** cutoff: of the source's own rate, 0.5 at most. */
  constructor(cutoff: number) {
    this.reach = Math.ceil(CROSSINGS / (2 * cutoff));
    this.#weights = new Float32Array(this.reach * PHASES + 2);
    for (let at = 0; at < this.#weights.length; at++)
      this.#weights[at] = weight(at / PHASES, cutoff, this.reach);
  }

  at(distance: number): number {
    const place = Math.abs(distance) * PHASES;
    const below = Math.floor(place);
    const low = this.#weights[below] ?? 0;
    return low + (place - below) * ((this.#weights[below + 1] ?? 0) - low);
  }
}

/** Hann-windowed sinc. */
function weight(distance: number, cutoff: number, reach: number): number {
  if (distance >= reach) return 0;
  const angle = 2 * Math.PI * cutoff * distance;
  const sinc = distance === 0 ? 1 : Math.sin(angle) / angle;
  return 2 * cutoff * sinc * (0.5 + 0.5 * Math.cos((Math.PI * distance) / reach));
}

/**
 * Makes 16 kHz of what it is fed, block by block, as if it were one piece.
 *
 * Its output lags behind by the reach of its filter: 1 ms for 48 kHz.
 */
export class Resampler {
  readonly #step: number;
  readonly #kernel: Kernel;
  #held = new Float32Array(0);
  /** Where in `held` the next sample of the output lies. */
  #place: number;

  /** rate: of what comes, Hz. */
  constructor(rate: number) {
    this.#step = rate / SPEECH_RATE;
    this.#kernel = new Kernel((CUTOFF * Math.min(rate, SPEECH_RATE)) / 2 / rate);
    this.#held = new Float32Array(this.#kernel.reach);
    this.#place = this.#kernel.reach;
  }

  /** Samples at 16 kHz that are complete with this block; both are mono in [-1, 1]. */
  feed(block: Float32Array): Float32Array {
    const { reach } = this.#kernel;
    const held = new Float32Array(this.#held.length + block.length);
    held.set(this.#held);
    held.set(block, this.#held.length);
    const ready = Math.max(0, Math.ceil((held.length - reach - this.#place) / this.#step));
    const out = new Float32Array(ready);
    for (let at = 0; at < ready; at++) out[at] = this.#sample(held, this.#place + at * this.#step);
    const next = this.#place + ready * this.#step;
    const gone = Math.max(0, Math.floor(next) - reach);
    this.#held = held.slice(gone);
    this.#place = next - gone;
    return out;
  }

  #sample(held: Float32Array, place: number): number {
    const { reach } = this.#kernel;
    const last = Math.min(held.length - 1, Math.floor(place) + reach);
    let sum = 0;
    for (let at = Math.max(0, Math.ceil(place) - reach); at <= last; at++) {
      sum += (held[at] ?? 0) * this.#kernel.at(place - at);
    }
    return sum;
  }
}

/** The mean of several channels. */
export function mono(channels: readonly Float32Array[]): Float32Array {
  const [first, ...others] = channels;
  if (first === undefined) return new Float32Array(0);
  if (others.length === 0) return first;
  return first.map((value, at) => others.reduce((sum, one) => sum + (one[at] ?? 0), value) / channels.length);
}

/** Samples as signed 16 bit, little-endian whatever the machine; what is beyond full scale is cut. */
export function toPcm(samples: Float32Array): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(samples.length * 2));
  samples.forEach((value, at) =>
    view.setInt16(at * 2, Math.round(Math.max(-1, Math.min(1, value)) * 32_767), true),
  );
  return view.buffer;
}

/** How loud samples are, in decibels of full scale: -100 to 0. */
export function loudness(samples: Float32Array): number {
  const power = samples.reduce((sum, value) => sum + value * value, 0) / Math.max(1, samples.length);
  return Math.max(-100, Math.min(0, 10 * Math.log10(power + 1e-10)));
}
