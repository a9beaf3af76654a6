// The session's cookie on requests and answers, and whether a request that it signs came from the dashboard's own page.

import { sessionDays } from "../authentication/sessions.ts";
import { problem } from "./answer.ts";

/** A browser takes `__Host-` over HTTPS only, for this host alone: no neighbour can put one in its place. */
const secureName = "__Host-ledger_session";
const plainName = "ledger_session";

/** The sealed session, where the request carries one. */
export function sealedSessionOf(request: Request): string | undefined {
  const cookies = new Map<string, string>();
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const equals = pair.indexOf("=");
    if (equals > 0) cookies.set(pair.slice(0, equals).trim(), pair.slice(equals + 1).trim());
  }
  return cookies.get(secureName) ?? cookies.get(plainName);
}

/** The header that gives the browser the session, or takes it away again. */
export function sessionCookie(request: Request, sealed: string | "ended"): string {
  const rest = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${sealed === "ended" ? 0 : sessionDays * 86_400}`;
  const value = sealed === "ended" ? "" : sealed;
  return isOverHttps(request) ? `${secureName}=${value}; Secure; ${rest}` : `${plainName}=${value}; ${rest}`;
}

/**
 * The refusal of a write that a cookie signs but the page did not send: a browser adds the cookie to whatever another
 * page makes it send. Reads change nothing, and no other page can see their answers.
 */
export function refusedAsForeign(request: Request): Response | undefined {
  if (request.method === "GET" || request.method === "HEAD") return undefined;
  if (!isFromOwnPage(request))
    return problem(
      401,
      "Not from this page",
      "Signed in by a cookie, writes are taken from the dashboard's own page alone.",
    );
  return request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() === "application/json"
    ? undefined
    : problem(
        400,
        "Invalid request",
        "Signed in by a cookie, a write's Content-Type must be application/json.",
      );
}

/** Every browser of today sends Sec-Fetch-Site to trustworthy hosts; elsewhere the Origin has to be this host. */
export function isFromOwnPage(request: Request): boolean {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const origin = request.headers.get("origin");
  return origin !== null && URL.canParse(origin) && new URL(origin).host === request.headers.get("host");
}

/** Behind a proxy that ends TLS, only the page's own origin tells. */
const isOverHttps = (request: Request): boolean =>
  (request.headers.get("origin") ?? request.url).startsWith("https:");
