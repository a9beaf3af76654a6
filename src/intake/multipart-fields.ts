// The text fields of a multipart form (RFC 7578), as Uptime Kuma sends one. Files are passed over. Knows no tool.

/** More parts than any tool sends; what comes after them is not looked at. */
const mostParts = 100;

/** The fields by name; undefined where the text is no multipart form. The Content-Type's boundary is not needed. */
export function multipartFields(
  text: string,
  contentType: string | undefined,
): Record<string, string> | undefined {
  const boundary = boundaryOf(text, contentType);
  if (boundary === undefined) return undefined;
  const parts = `\n${text.trimStart()}`.split(`\n--${boundary}`, mostParts + 1);
  const fields: [string, string][] = [];
  for (const part of parts.slice(1)) {
    const headEnd = /\r?\n\r?\n/.exec(part);
    if (part.startsWith("--") || headEnd === null) continue;
    const head = part.slice(0, headEnd.index);
    const name = /^content-disposition:\s*form-data\s*;(?:[^\r\n]*;)?\s*name="([^"\r\n]*)"/im.exec(head)?.[1];
    if (name === undefined || /;\s*filename\*?=/i.test(head)) continue;
    fields.push([name, part.slice(headEnd.index + headEnd[0].length).replace(/\r$/, "")]);
  }
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}

function boundaryOf(text: string, contentType: string | undefined): string | undefined {
  const first = /^\s*--([^\r\n]{1,70}?)\s*\r?\n/.exec(text.slice(0, 200))?.[1];
  if (first === undefined || !/content-disposition:\s*form-data/i.test(text.slice(0, 1_000)))
    return undefined;
  const told = /boundary="?([^";,]{1,70})"?/i.exec(contentType ?? "")?.[1];
  return told !== undefined && told === first.trim() ? told : first;
}
