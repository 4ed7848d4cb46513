import { inflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { zip } from "../zip.mjs";

const FILES = [
  { name: "a.txt", bytes: Buffer.from("abc".repeat(100)) },
  { name: "b/ü.bin", bytes: Buffer.from([0, 255, 1]) },
  { name: "empty", bytes: Buffer.alloc(0) },
];

/** What a reader finds by the directory at the end. */
function read(archive: Buffer): { name: string; bytes: Buffer; crc: number }[] {
  const end = archive.lastIndexOf("PK\x05\x06", undefined, "latin1");
  let at = archive.readUInt32LE(end + 16);
  return Array.from({ length: archive.readUInt16LE(end + 10) }, () => {
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString("utf8", at + 46, at + 46 + nameLength);
    const local = archive.readUInt32LE(at + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26);
    const bytes = inflateRawSync(archive.subarray(start, start + archive.readUInt32LE(at + 20)));
    const crc = archive.readUInt32LE(at + 16);
    at += 46 + nameLength;
    return { name, bytes, crc };
  });
}

test("a reader finds every file as it was, in order", () => {
  const found = read(zip(FILES));

  expect(found.map(({ name, bytes }) => ({ name, bytes: bytes.toString("hex") }))).toEqual(
    FILES.map(({ name, bytes }) => ({ name, bytes: bytes.toString("hex") })),
  );
});

test("the checksums are those of the standard", () => {
  // Source: the check value of CRC-32/ISO-HDLC, of the nine digits.
  expect(read(zip([{ name: "x", bytes: Buffer.from("123456789") }]))[0]?.crc).toBe(0xcbf43926);
});

test("the same files make the same archive, at any time", () => {
  expect(zip(FILES).equals(zip(FILES))).toBe(true);
  expect(zip(FILES).equals(zip(FILES.slice(1)))).toBe(false);
});
