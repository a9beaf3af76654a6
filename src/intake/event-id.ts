// Event ids that name an event's content, so that a retry is recognised wherever it arrives. Knows no store.

import { hash } from "node:crypto";

/** The namespace of all ids made here (a UUID made once for this purpose). */
const namespace = Buffer.from("8f1d3b0a5c7e4e0f9a6bd2c4e8137f55", "hex");

/** UUIDv5 (RFC 9562) over the parts; each part carries its length, so that no two lists of parts run together. */
export function eventId(parts: readonly string[]): string {
  let most = namespace.length;
  for (const part of parts) most += longestLength + part.length * 2;
  const bytes = Buffer.allocUnsafe(most);
  let length = namespace.copy(bytes);
  for (const part of parts) {
    length += bytes.write(`${part.length * 2}:`, length, "latin1");
    length += bytes.write(part, length, "utf16le");
  }
  const hex = hash("sha1", bytes.subarray(0, length), "hex");
  const variant = variants[Number.parseInt(hex[16] ?? "", 16) & 3];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Characters that a part's length and its colon take up at most. */
const longestLength = 12;
const variants = ["8", "9", "a", "b"];

/** SHA-256 in lower-case hex. */
export const sha256 = (text: string): string => hash("sha256", text, "hex");
