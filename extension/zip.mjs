/** Zip files that depend on their contents alone: no time of the day, no order of the disk, no owner. */
import { deflateRawSync } from "node:zlib";

const CRC = new Uint32Array(256).map((_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

function crc32(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = (rest >>> 8) ^ CRC[(rest ^ byte) & 255];
  return (rest ^ 0xffffffff) >>> 0;
}

const DEFLATED = 8;
/** 1 January 1980, the first day that a zip file can name. */
const DATE = 0x0021;
const UTF8_NAMES = 0x0800;
const VERSION = 20;

/** The fields that a file's own header and its entry in the directory share. */
function facts(file) {
  const name = Buffer.from(file.name, "utf8");
  const packed = deflateRawSync(file.bytes, { level: 9 });
  const shared = Buffer.alloc(26);
  shared.writeUInt16LE(VERSION, 0);
  shared.writeUInt16LE(UTF8_NAMES, 2);
  shared.writeUInt16LE(DEFLATED, 4);
  shared.writeUInt16LE(0, 6);
  shared.writeUInt16LE(DATE, 8);
  shared.writeUInt32LE(crc32(file.bytes), 10);
  shared.writeUInt32LE(packed.length, 14);
  shared.writeUInt32LE(file.bytes.length, 18);
  shared.writeUInt16LE(name.length, 22);
  return { name, packed, shared };
}

function signature(text) {
  return Buffer.from(`PK${text}`, "latin1");
}

function directoryEntry({ name, shared }, offset) {
  const tail = Buffer.alloc(14);
  tail.writeUInt32LE(offset, 10);
  const version = Buffer.from([VERSION, 0]);
  return Buffer.concat([signature("\x01\x02"), version, shared, tail, name]);
}

function end(count, size, offset) {
  const tail = Buffer.alloc(18);
  tail.writeUInt16LE(count, 4);
  tail.writeUInt16LE(count, 6);
  tail.writeUInt32LE(size, 8);
  tail.writeUInt32LE(offset, 12);
  return Buffer.concat([signature("\x05\x06"), tail]);
}

/** A zip file of `{name, bytes}`, in the order given. */
export function zip(files) {
  const bodies = [];
  const directory = [];
  let offset = 0;
  for (const file of files) {
    const found = facts(file);
    const body = Buffer.concat([signature("\x03\x04"), found.shared, found.name, found.packed]);
    directory.push(directoryEntry(found, offset));
    bodies.push(body);
    offset += body.length;
  }
  const entries = Buffer.concat(directory);
  return Buffer.concat([...bodies, entries, end(files.length, entries.length, offset)]);
}
