// Where tools that cannot set X-API-Key put the key, and the request without it. The key never goes further than here.

const tokenNames = ["token", "access_token"];
const secretHeaders = new Set(["x-api-key", "authorization", "proxy-authorization", "cookie"]);

/** X-API-Key, `Authorization: Bearer`, Basic (the key as password, or as user where there is none), or ?token=. */
export function keyOf(request: Request): string | null {
  const header = request.headers.get("x-api-key");
  if (header !== null) return header;
  const [, scheme = "", rest = ""] = /^(\S+) +(\S+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
  if (scheme.toLowerCase() === "bearer") return rest;
  if (scheme.toLowerCase() === "basic") {
    const [user = "", ...password] = Buffer.from(rest, "base64").toString().split(":");
    return password.join(":") || user;
  }
  const query = queryOf(request.url);
  for (const name of tokenNames) {
    const token = query.get(name);
    if (token !== null) return token;
  }
  return null;
}

/**
 * Of any URL, also of one that the Host header makes none of, or HTTP/1.0 leaves without a host: an error about it would
 * carry the key.
 */
function queryOf(url: string): URLSearchParams {
  const [path = ""] = url.split("#", 1);
  const mark = path.indexOf("?");
  return new URLSearchParams(mark < 0 ? "" : path.slice(mark + 1));
}

/** Headers and query as sources and the quarantine may see them. */
export function withoutKey(request: Request): {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
} {
  const query: Record<string, string> = {};
  for (const [name, value] of new URL(request.url).searchParams) {
    if (!tokenNames.includes(name) && name !== "__proto__") query[name] = value;
  }
  return { headers: headersOf(request), query };
}

/** The headers, names in lower case, without those that hold keys. */
export function headersOf(request: Request): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of request.headers) {
    if (!secretHeaders.has(name.toLowerCase())) headers[name.toLowerCase()] = value;
  }
  return headers;
}
