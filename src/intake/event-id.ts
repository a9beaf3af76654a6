// Event ids that name an event's content, so that a retry is recognised wherever it arrives. Knows no store.

import { createHash } from "node:crypto";

/** The namespace of all ids made here (a UUID made once for this purpose). */
const namespace = Buffer.from("8f1d3b0a5c7e4e0f9a6bd2c4e8137f55", "hex");

/** UUIDv5 (RFC 9562) over the parts; each part carries its length, so that no two lists of parts run together. */
export function eventId(parts: readonly string[]): string {
  const hash = createHash("sha1").update(namespace);
  for (const part of parts) {
    const bytes = Buffer.from(part, "utf16le");
    hash.update(`${bytes.length}:`).update(bytes);
  }
  const bytes = hash.digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** SHA-256 in lower-case hex. */
export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
