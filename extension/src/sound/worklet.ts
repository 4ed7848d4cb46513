/** Runs in the browser's audio thread: gives the page 16-kHz pieces of 100 ms with their loudness. */
import { loudness, mono, Resampler, SPEECH_RATE, toPcm } from "./resampling";

/** What the page is sent, 10 times a second. */
export interface Heard {
  /** Mono, s16le, 16 kHz. */
  readonly pcm: ArrayBuffer;
  /** Decibels of full scale, -100 to 0. */
  readonly levelDb: number;
}

const PIECE = SPEECH_RATE / 10;

// Of the audio thread's own scope, which TypeScript's libraries do not know.
declare const sampleRate: number;
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, made: new () => AudioWorkletProcessor): void;

class Hearing extends AudioWorkletProcessor {
  readonly #resampler = new Resampler(sampleRate);
  readonly #piece = new Float32Array(PIECE);
  #filled = 0;

  /** A block of 128 samples of each channel; true: go on. */
  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    const channels = inputs[0] ?? [];
    if (channels.length > 0) this.#add(this.#resampler.feed(mono(channels)));
    return true;
  }

  #add(samples: Float32Array): void {
    for (let at = 0; at < samples.length;) {
      const fits = samples.subarray(at, at + PIECE - this.#filled);
      this.#piece.set(fits, this.#filled);
      this.#filled += fits.length;
      at += fits.length;
      if (this.#filled === PIECE) this.#tell();
    }
  }

  #tell(): void {
    const heard: Heard = { pcm: toPcm(this.#piece), levelDb: loudness(this.#piece) };
    this.port.postMessage(heard, [heard.pcm]);
    this.#filled = 0;
  }
}

registerProcessor("edged-hearing", Hearing);
