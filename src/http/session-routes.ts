// Signing in to the dashboard and out of it: a key, or a link's token, becomes a cookie that no script can read.

import { Elysia } from "elysia";
import {
  type SessionAnswer,
  type SignedOutAnswer,
  sessionAnswer,
  signedOutAnswer,
} from "../answers/session.ts";
import { digestOfKey } from "../authentication/sessions.ts";
import { type Bucket, fullBucket, type Rate, takeTokens } from "../domain/quota.ts";
import { authenticate, type Caller, callerOf, sessionOf } from "./access.ts";
import { badRequest, json, problem } from "./answer.ts";
import { documented } from "./documentation.ts";
import type { HttpDependencies } from "./ports.ts";
import { noQuery, signInBody } from "./schemas.ts";
import { isFromOwnPage, sealedSessionOf, sessionCookie } from "./session-cookie.ts";
import { bodyReader, queryReader } from "./validate.ts";

const readNone = queryReader(noQuery);
const readSignIn = bodyReader(signInBody);
/** Attempts that failed, of all who try together: nobody guesses a key, and few people mistype one that often. */
const attempts: Rate = { burst: 30, perMs: 30 / 60_000 };

export function sessionRoutes(dependencies: HttpDependencies) {
  const bucket = fullBucket(attempts, performance.now());
  return new Elysia({ name: "session" })
    .post("/api/session", ({ request }) => signIn(request, bucket, dependencies), {
      parse: "none",
      detail: documented({
        tag: "Dashboard",
        summary: "Sign in to the dashboard",
        description:
          "Takes the admin key, or a project's key with the scope `read`, once, and answers a session cookie (HttpOnly, SameSite=Strict) in its place. Taken from the dashboard's own page alone.",
        body: signInBody,
        answer: sessionAnswer,
        status: 201,
        errors: [401, 413, 429, 503],
        access: "open",
      }),
    })
    .get(
      "/api/session",
      ({ request }) => {
        const caller = callerOf(request, dependencies);
        if (caller instanceof Response) return caller;
        const query = readNone(request);
        if (query instanceof Response) return query;
        const answer = json<SessionAnswer>(sessionItem(caller));
        const session = sessionOf(request, dependencies);
        const renewed = session && dependencies.sessions.renew(session);
        if (renewed !== undefined) answer.headers.set("Set-Cookie", sessionCookie(request, renewed));
        return answer;
      },
      {
        detail: documented({
          tag: "Dashboard",
          summary: "Show who is signed in",
          answer: sessionAnswer,
          errors: [401, 503],
          access: "key",
        }),
      },
    )
    .delete(
      "/api/session",
      ({ request }) => {
        if (sealedSessionOf(request) !== undefined && !isFromOwnPage(request)) return notFromHere();
        const session = sessionOf(request, dependencies);
        if (session !== undefined) dependencies.sessions.end(session);
        const answer = json<SignedOutAnswer>({ success: true });
        answer.headers.set("Set-Cookie", sessionCookie(request, "ended"));
        return answer;
      },
      {
        parse: "none",
        detail: documented({
          tag: "Dashboard",
          summary: "Sign out of the dashboard",
          answer: signedOutAnswer,
          errors: [401, 503],
          access: "open",
        }),
      },
    );
}

async function signIn(request: Request, bucket: Bucket, dependencies: HttpDependencies): Promise<Response> {
  const asked = await readSignIn(request, dependencies.maxBodyBytes);
  if (asked instanceof Response) return asked;
  if (!isFromOwnPage(request)) return notFromHere();
  const allowance = takeTokens(bucket, attempts, { count: 1, nowMs: performance.now() });
  if (!allowance.allowed) {
    const answer = problem(429, "Too many attempts", "Too many sign-ins have failed; try again in a moment.");
    answer.headers.set("Retry-After", String(allowance.waitSeconds));
    return answer;
  }
  const found = asked.link === undefined ? ofKey(asked.key, dependencies) : ofLink(asked.link, dependencies);
  if (found instanceof Response) return found;
  // Only what failed counts.
  bucket.tokens += 1;
  const answer = json<SessionAnswer>(sessionItem(found.caller), 201);
  answer.headers.set("Set-Cookie", sessionCookie(request, dependencies.sessions.start(found.digest)));
  return answer;
}

interface SignedIn {
  readonly caller: Caller;
  readonly digest: string;
}

function ofKey(key: string | undefined, dependencies: HttpDependencies): SignedIn | Response {
  if (key === undefined) return badRequest("Send key or link.");
  const caller = authenticate(key, dependencies);
  if (caller instanceof Response) return caller;
  if (caller.tag === "key" && !caller.key.scopes.includes("read"))
    return problem(401, "Insufficient scope", 'The dashboard needs a key with the scope "read".');
  return { caller, digest: digestOfKey(key) };
}

function ofLink(token: string, { signInLinks, registry, now }: HttpDependencies): SignedIn | Response {
  const digest = signInLinks.redeem(token);
  const caller = digest === undefined ? undefined : registry.authenticateDigest(digest, now());
  if (digest === undefined || caller === undefined || caller.tag === "refused")
    return problem(401, "Invalid link", "The link was used before or is too old. Sign in with a key.");
  return { caller, digest };
}

const notFromHere = (): Response =>
  problem(
    401,
    "Not from this page",
    "Sessions are for the dashboard's own page; send a key as X-API-Key instead.",
  );

const sessionItem = (caller: Caller): SessionAnswer =>
  caller.tag === "admin"
    ? { role: "admin", project_uuid: null, label: null, scopes: ["ingest", "read"] }
    : {
        role: "project",
        project_uuid: caller.key.project_uuid,
        label: caller.key.label,
        scopes: caller.key.scopes,
      };
