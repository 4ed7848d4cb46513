/** Bytes as base64 and back: by the browser's own functions where it has them. */

interface NativeBytes {
  toBase64?: () => string;
}
interface NativeConstructor {
  fromBase64?: (text: string) => Uint8Array<ArrayBuffer>;
}

/** How many bytes become arguments of one call; more overflow the stack of some browsers. */
const STEP = 0x8000;

/** The bytes that something binary holds, without a copy. */
export function bytesOf(part: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(part)
    ? new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
    : new Uint8Array(part);
}

/** Base64 of some bytes. */
export function encode(bytes: Uint8Array): string {
  const native = bytes as NativeBytes;
  if (native.toBase64 !== undefined) return native.toBase64();
  let text = "";
  for (let start = 0; start < bytes.length; start += STEP) {
    text += String.fromCharCode(...bytes.subarray(start, start + STEP));
  }
  return btoa(text);
}

/** The bytes of base64. */
export function decode(text: string): Uint8Array<ArrayBuffer> {
  const native = Uint8Array as NativeConstructor;
  if (native.fromBase64 !== undefined) return native.fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
  return bytes;
}

/** How long base64 of so many bytes is. */
export function encodedLength(bytes: number): number {
  return 4 * Math.ceil(bytes / 3);
}
