import { expect, test } from "vitest";
import { bytesOf, decode, encode, encodedLength } from "../src/base64";

/** Bytes that are the same at each run. */
function bytes(length: number): Uint8Array<ArrayBuffer> {
  let state = length + 1;
  return new Uint8Array(length).map(() => (state = (state * 16_807) % 2_147_483_647) & 255);
}

test.each([0, 1, 2, 3, 4, 255, 0x8000, 0x8001, 262_144])("%d bytes come back as they were", (length) => {
  const whole = bytes(length);

  const text = encode(whole);

  expect(text).toBe(Buffer.from(whole).toString("base64"));
  expect(text).toHaveLength(encodedLength(length));
  expect(Buffer.from(decode(text)).equals(Buffer.from(whole))).toBe(true);
});

test("a view gives its own bytes, not those around it", () => {
  const around = new Uint8Array([1, 2, 3, 4, 5, 6]);

  expect(bytesOf(around.subarray(2, 4))).toEqual(new Uint8Array([3, 4]));
  expect(bytesOf(new DataView(around.buffer, 4))).toEqual(new Uint8Array([5, 6]));
});
