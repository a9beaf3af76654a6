// The page's address: which project, which page, which detail, and the filters. Pure; address-bar.ts moves the browser.

export interface Address {
  /** Undefined where none has been chosen yet. */
  readonly project: string | undefined;
  readonly page: string;
  readonly detail: string | undefined;
  readonly query: Readonly<Record<string, string>>;
}

/** The page that a project opens with. */
export const firstPage = "now";

export function parseAddress(path: string, search: string): Address {
  const [top = "", project, page, detail] = path.split("/").slice(1);
  const query = Object.fromEntries(new URLSearchParams(search));
  if (top !== "p" || project === undefined || project === "")
    return { project: undefined, page: top === "sign-in" ? "sign-in" : firstPage, detail: undefined, query };
  return {
    project,
    page: page === undefined || page === "" ? firstPage : page,
    detail: detail === undefined || detail === "" ? undefined : decodedPart(detail),
    query,
  };
}

export function addressText({ project, page, detail, query }: Address): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "")).toString();
  const parts = project === undefined ? [""] : ["", "p", project, page];
  if (detail !== undefined) parts.push(encodedPart(detail));
  return `${parts.join("/") || "/"}${search === "" ? "" : `?${search}`}`;
}

/** A browser takes a lone dot out of a path in whatever way it is written: the API reads such a one encoded twice. */
export function encodedPart(text: string): string {
  const encoded = encodeURIComponent(text.toWellFormed());
  return /^\.{1,2}$/.test(encoded) ? encoded.replaceAll(".", "%252E") : encoded;
}

function decodedPart(text: string): string {
  try {
    const once = decodeURIComponent(text);
    return /^(%2E){1,2}$/i.test(once) ? decodeURIComponent(once) : once;
  } catch {
    return text;
  }
}
