// One record of the spool as bytes, and what a stretch of bytes holds. Pure: knows nothing of files.
//
//   magic u32 | length u32 | sequence u64 | CRC32 of the payload u32 | CRC32 of these 20 bytes u32 | payload
//
// The header has a check of its own, so that a record cut short (its header is whole and says more than is there)
// is told from a damaged one. All numbers are little endian.

import { crc32 } from "node:zlib";

export const headerBytes = 24;
/** The longest payload; a longer length in a header is damage. */
export const maxPayloadBytes = 32 * 1024 * 1024;

const magic = 0x4c50_5349;
const magicBytes = Buffer.from([0x49, 0x53, 0x50, 0x4c]);

/** A record to be: its payload as text, and how many bytes of UTF-8 that is. */
export interface Payload {
  readonly text: string;
  readonly bytes: number;
}

/** The records one behind the other, numbered from `first`. */
export function encodeRecords(first: bigint, payloads: readonly Payload[]): Buffer {
  const length = payloads.reduce((sum, { bytes }) => sum + headerBytes + bytes, 0);
  const records = Buffer.allocUnsafe(length);
  let at = 0;
  let sequence = first;
  for (const { text, bytes } of payloads) {
    header.writeUInt32LE(bytes, 4);
    header.writeBigUInt64LE(sequence, 8);
    header.writeUInt32LE(crc32(text), 16);
    header.writeUInt32LE(crc32(checkedHeader), 20);
    records.set(header, at);
    records.write(text, at + headerBytes);
    at += headerBytes + bytes;
    sequence += 1n;
  }
  return records;
}

const header = Buffer.alloc(headerBytes);
header.writeUInt32LE(magic, 0);
const checkedHeader = header.subarray(0, 20);

/** What lies at an offset: a record, the beginning of one, or bytes that are none. */
export type RecordFinding =
  | { readonly tag: "record"; readonly sequence: bigint; readonly payload: Buffer; readonly end: number }
  /** Whole as far as it goes, but the bytes end before it does. `end` is where it would end, if its header is there. */
  | { readonly tag: "cut_short"; readonly end: number | undefined }
  /** `next` is the offset of the next whole record, `undefined` where none follows in these bytes. */
  | { readonly tag: "damaged"; readonly next: number | undefined };

export function recordAt(bytes: Buffer, offset: number): RecordFinding {
  const rest = bytes.length - offset;
  if (rest < headerBytes) {
    return beginsLikeRecord(bytes.subarray(offset))
      ? { tag: "cut_short", end: undefined }
      : damaged(bytes, offset);
  }
  if (bytes.readUInt32LE(offset) !== magic) return damaged(bytes, offset);
  if (bytes.readUInt32LE(offset + 20) !== crc32(bytes.subarray(offset, offset + 20)))
    return damaged(bytes, offset);
  const length = bytes.readUInt32LE(offset + 4);
  if (length > maxPayloadBytes) return damaged(bytes, offset);
  const end = offset + headerBytes + length;
  if (end > bytes.length) return { tag: "cut_short", end };
  const payload = bytes.subarray(offset + headerBytes, end);
  if (bytes.readUInt32LE(offset + 16) !== crc32(payload)) {
    // The header is whole, so the next record lies where it says.
    return { tag: "damaged", next: end < bytes.length ? end : undefined };
  }
  return { tag: "record", sequence: bytes.readBigUInt64LE(offset + 8), payload, end };
}

const beginsLikeRecord = (bytes: Buffer): boolean =>
  bytes.subarray(0, 4).equals(magicBytes.subarray(0, Math.min(4, bytes.length)));

function damaged(bytes: Buffer, offset: number): RecordFinding {
  for (let at = bytes.indexOf(magicBytes, offset + 1); at >= 0; at = bytes.indexOf(magicBytes, at + 1)) {
    if (at + headerBytes > bytes.length) break;
    if (bytes.readUInt32LE(at + 20) === crc32(bytes.subarray(at, at + 20)))
      return { tag: "damaged", next: at };
  }
  return { tag: "damaged", next: undefined };
}
