// The text that a body's bytes are. Machines send JSON in other charsets than UTF-8 (Windows PowerShell, plugins in a
// Latin-1 locale), with and without saying so. Knows no format.

export interface BodyText {
  readonly text: string;
  /** The charset by which the bytes became text, and can become bytes again; absent for UTF-8. */
  readonly charset?: string;
}

/**
 * A byte order mark decides; then the declared charset where the bytes fit it; then UTF-8; and bytes that are no UTF-8
 * are Windows-1252, in which every byte is a character, so that nothing is lost.
 */
export function bodyText(bytes: Uint8Array, contentType: string | undefined): BodyText {
  const candidates = [markOf(bytes), wideOf(bytes), declaredCharset(contentType), "utf-8", "windows-1252"];
  for (const label of candidates) {
    const found = label === undefined ? undefined : decoded(bytes, label);
    if (found !== undefined) return found;
  }
  return { text: Buffer.from(bytes).toString("latin1"), charset: "iso-8859-1" };
}

function decoded(bytes: Uint8Array, label: string): BodyText | undefined {
  try {
    // Whatever a sender calls its charset: an unknown label throws.
    const decoder = new TextDecoder(label as "utf-8", { fatal: true });
    const text = decoder.decode(bytes);
    return decoder.encoding === "utf-8" ? { text } : { text, charset: decoder.encoding };
  } catch {
    return undefined;
  }
}

function markOf([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return first === 0xef && second === 0xbb && third === 0xbf ? "utf-8" : undefined;
}

/** UTF-16 without a mark: JSON and forms begin with two ASCII characters, each of which has a zero byte beside it. */
function wideOf([first, second, third, fourth]: Uint8Array): string | undefined {
  if (first === 0 && second !== 0 && third === 0 && fourth !== 0) return "utf-16be";
  return first !== 0 && second === 0 && third !== 0 && fourth === 0 ? "utf-16le" : undefined;
}

/** `utf-16` alone says nothing of the order of bytes; the mark or the zeros before it have told that. */
const declaredCharset = (contentType: string | undefined): string | undefined =>
  /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(contentType ?? "")?.[1];
