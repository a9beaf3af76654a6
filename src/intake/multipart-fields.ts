// The text fields of a multipart form (RFC 7578), as Uptime Kuma sends one. Files are passed over. Knows no tool.

/** More parts than any tool sends; what comes after them is not looked at. */
const mostParts = 100;

/** The fields by name; undefined where the text is no multipart form. The boundary is the one that the text uses. */
export function multipartFields(text: string): Record<string, string> | undefined {
  const boundary = boundaryOf(text);
  if (boundary === undefined) return undefined;
  const parts = `\n${text.trimStart()}`.split(`\n--${boundary}`, mostParts + 1);
  const fields: [string, string][] = [];
  for (const part of parts.slice(1)) {
    const headEnd = /\r?\n\r?\n/.exec(part);
    if (part.startsWith("--") || headEnd === null) continue;
    const head = part.slice(0, headEnd.index);
    const name = nameIn(head);
    if (name === undefined || /;\s*filename\*?=/i.test(head)) continue;
    fields.push([name, part.slice(headEnd.index + headEnd[0].length).replace(/\r$/, "")]);
  }
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}

// Line by line: a part's head is as long as its sender likes, and one expression for it all would take the square of that.
function nameIn(head: string): string | undefined {
  const disposition = head
    .split(/[\r\n]+/)
    .find((line) => /^content-disposition:\s*form-data\s*;/i.test(line));
  return /;\s*name="([^"]*)"/i.exec(disposition ?? "")?.[1];
}

function boundaryOf(text: string): string | undefined {
  const start = text.slice(0, 1_000).trimStart();
  const lineEnd = start.search(/[\r\n]/);
  const boundary = start.slice(2, Math.max(2, lineEnd)).trimEnd();
  if (!start.startsWith("--") || boundary === "" || boundary.length > 70) return undefined;
  return /content-disposition:\s*form-data/i.test(start) ? boundary : undefined;
}
