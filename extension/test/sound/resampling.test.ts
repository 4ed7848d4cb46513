import { expect, test } from "vitest";
import { loudness, mono, Resampler, SPEECH_RATE, toPcm } from "../../src/sound/resampling";

function tone(hertz: number, rate: number, seconds: number): Float32Array {
  return new Float32Array(rate * seconds).map((_, at) => 0.5 * Math.sin((2 * Math.PI * hertz * at) / rate));
}

/** What comes out of blocks as the browser gives them. */
function resampled(samples: Float32Array, rate: number, block = 128): Float32Array {
  const resampler = new Resampler(rate);
  const out: number[] = [];
  for (let at = 0; at < samples.length; at += block)
    out.push(...resampler.feed(samples.subarray(at, at + block)));
  return new Float32Array(out);
}

function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
}

/** The largest difference from a tone of 16 kHz, beyond the edges, where the filter has no neighbours. */
function worst(out: Float32Array, hertz: number): number {
  const ideal = tone(hertz, SPEECH_RATE, 1);
  return out
    .slice(200, -200)
    .reduce((most, value, at) => Math.max(most, Math.abs(value - (ideal[at + 200] ?? 0))), 0);
}

test.each([48_000, 44_100, 32_000, 96_000, 22_050, 16_000, 8_000])(
  "speech at %d Hz stays what it was",
  (rate) => {
    const out = resampled(tone(440, rate, 1), rate);

    expect(Math.abs(out.length - SPEECH_RATE)).toBeLessThan(60);
    expect(worst(out, 440)).toBeLessThan(0.005);
  },
);

test("what 16 kHz cannot carry does not come back as another tone", () => {
  const out = resampled(tone(9_500, 48_000, 1), 48_000);

  expect(20 * Math.log10(rms(out.slice(200, -200)) / rms(tone(9_500, 48_000, 1)))).toBeLessThan(-50);
});

test("the highest tones of speech pass", () => {
  const out = resampled(tone(6_500, 48_000, 1), 48_000);

  expect(rms(out.slice(200, -200)) / rms(tone(6_500, 48_000, 1))).toBeGreaterThan(0.95);
});

test("the size of the blocks changes nothing", () => {
  const samples = tone(440, 44_100, 0.5);

  const [one, other] = [resampled(samples, 44_100, 128), resampled(samples, 44_100, 1_000)];

  expect(one.length).toBe(other.length);
  expect(Math.max(...one.map((value, at) => Math.abs(value - (other[at] ?? 0))))).toBeLessThan(1e-6);
});

test("in twenty seconds it does not drift by a sample of the filter", () => {
  const resampler = new Resampler(44_100);
  const block = new Float32Array(44_100);
  let total = 0;
  for (let second = 0; second < 20; second++) total += resampler.feed(block).length;

  expect(Math.abs(total - 20 * SPEECH_RATE)).toBeLessThan(60);
});

test("several channels become their mean", () => {
  expect(mono([new Float32Array([1, 0]), new Float32Array([0, -1])])).toEqual(new Float32Array([0.5, -0.5]));
  expect(mono([])).toEqual(new Float32Array(0));
});

test("samples become signed 16 bit, little-endian, cut at full scale", () => {
  const view = new DataView(toPcm(new Float32Array([0, 1, -1, 2, -2, 0.5])));

  expect(Array.from({ length: 6 }, (_, at) => view.getInt16(at * 2, true))).toEqual([
    0, 32_767, -32_767, 32_767, -32_767, 16_384,
  ]);
});

test("loudness is in decibels of full scale", () => {
  expect(loudness(new Float32Array(100).fill(1))).toBeCloseTo(0, 3);
  expect(loudness(new Float32Array(100).fill(0.1))).toBeCloseTo(-20, 3);
  expect(loudness(new Float32Array(100))).toBe(-100);
});
