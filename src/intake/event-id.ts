// Event ids that name an event's content, so that a retry is recognised wherever it arrives. Knows no store.

import { hash } from "node:crypto";

/** The namespace of all ids made here (a UUID made once for this purpose), as the characters that these bytes are. */
const namespace = Buffer.from("8f1d3b0a5c7e4e0f9a6bd2c4e8137f55", "hex").toString("utf16le");
const variants = ["8", "9", "a", "b"];

/**
 * UUIDv5 (RFC 9562) over the parts as UTF-16, in which no two texts are the same bytes; each part carries its length,
 * so that no two lists of parts run together.
 */
export function eventId(parts: readonly string[]): string {
  let text = namespace;
  for (const part of parts) text += `${part.length}:${part}`;
  const hex = hash("sha1", Buffer.from(text, "utf16le"), "hex");
  const variant = variants[Number.parseInt(hex[16] ?? "", 16) & 3];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** SHA-256 in lower-case hex. */
export const sha256 = (text: string): string => hash("sha256", text, "hex");
