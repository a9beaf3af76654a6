// Text as Postgres can hold it, and the bytes of text as it came.

/** NUL as its symbol, a lone surrogate as the replacement character. */
export function normalForm(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
  return wellFormed.includes("\0") ? wellFormed.replaceAll("\0", "\u2400") : wellFormed;
}

/** UTF-8 in which a lone surrogate is kept, as its three bytes, so that byte order is code point order. */
export function exactBytes(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  const parts: Uint8Array[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    parts.push(
      code >= 0xd800 && code <= 0xdfff
        ? Uint8Array.of(0xed, 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f))
        : Buffer.from(character),
    );
  }
  return Buffer.concat(parts);
}

/** The text of which `exactBytes` gave the bytes. */
export function exactText(bytes: Buffer): string {
  let text = "";
  let from = 0;
  for (let at = 0; at + 2 < bytes.length; at++) {
    const second = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xed || second < 0xa0) continue;
    const code = 0xd000 | ((second & 0x3f) << 6) | ((bytes[at + 2] ?? 0) & 0x3f);
    text += bytes.toString("utf8", from, at) + String.fromCharCode(code);
    from = at + 3;
    at += 2;
  }
  return text + bytes.toString("utf8", from);
}
