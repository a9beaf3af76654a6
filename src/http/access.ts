// Who may do what: reads the key from a request and holds it against the registry. Answers the refusal, if any.

import type { DashboardSession } from "../authentication/sessions.ts";
import { type ProjectUuid, parseProjectUuid } from "../domain/ids.ts";
import type { Project } from "../domain/registry.ts";
import type { Scope } from "../domain/stored-events.ts";
import type { Authentication } from "../intake/registry.ts";
import { problem, projectNotFound, unavailable } from "./answer.ts";
import type { HttpDependencies } from "./ports.ts";
import { refusedAsForeign, sealedSessionOf } from "./session-cookie.ts";

export type Caller = Exclude<Authentication, { tag: "refused" }>;

type Access = Pick<HttpDependencies, "registry" | "sessions" | "now">;

/** The caller, or the 401 (503 while the registry has not been read: then nobody can be told unknown). */
export function authenticate(
  secret: string | null,
  { registry, now }: Pick<Access, "registry" | "now">,
): Caller | Response {
  if (secret === null || secret === "") {
    return problem(401, "Missing API key", "Send the key in the X-API-Key header.");
  }
  const found = registry.authenticate(secret, now());
  if (found.tag !== "refused") return found;
  // Revoked and expired look like unknown: whoever holds such a key learns nothing more.
  const invalid = problem(401, "Invalid API key", "The key is unknown, revoked or expired.");
  return found.reason === "unknown" ? onceRead({ registry }, invalid) : invalid;
}

/**
 * The sender of the request: the key that it carries, or else the dashboard's session. Webhooks know no session: where they
 * are taken, ask `authenticate`.
 */
export function callerOf(
  request: Request,
  access: Access,
  key: string | null = request.headers.get("x-api-key"),
): Caller | Response {
  if (key !== null || sealedSessionOf(request) === undefined) return authenticate(key, access);
  const session = sessionOf(request, access);
  const found = session && access.registry.authenticateDigest(session.digest, access.now());
  if (found === undefined || found.tag === "refused") {
    const over = problem(401, "Session over", "Sign in again.");
    return found?.reason === "unknown" ? onceRead(access, over) : over;
  }
  return refusedAsForeign(request) ?? found;
}

/** The session that the request's cookie stands for, while it lasts. */
export function sessionOf(
  request: Request,
  { sessions }: Pick<Access, "sessions">,
): DashboardSession | undefined {
  const sealed = sealedSessionOf(request);
  return sealed === undefined ? undefined : sessions.read(sealed);
}

/** The admin key, or the answer. */
export function requireAdmin(request: Request, access: Access): Response | undefined {
  const caller = callerOf(request, access);
  if (caller instanceof Response) return caller;
  return caller.tag === "admin"
    ? undefined
    : problem(401, "Admin key required", "This route takes the admin key in the X-API-Key header.");
}

/** The project that the path names, where the caller may do `scope` in it. Another project's answers as unknown. */
export function requireProject(
  request: Request,
  uuidText: string,
  scope: Scope,
  access: Access,
): Project | Response {
  const caller = callerOf(request, access);
  return caller instanceof Response ? caller : projectOf(caller, uuidText, scope, access);
}

export function projectOf(
  caller: Caller,
  uuidText: string,
  scope: Scope,
  access: Access,
): Project | Response {
  const uuid = parseProjectUuid(uuidText);
  // For a key nobody looks whether another project is there, so that the time it takes cannot tell either.
  if (caller.tag === "key" && caller.key.project_uuid !== uuid) return projectNotFound(uuidText.slice(0, 64));
  const project = uuid === undefined ? undefined : access.registry.project(uuid);
  if (project === undefined) return onceRead(access, projectNotFound(uuidText.slice(0, 64)));
  if (caller.tag === "key" && !caller.key.scopes.includes(scope)) {
    return problem(401, "Insufficient scope", `The key lacks the scope "${scope}".`);
  }
  return project;
}

/** The project that the path names, for admin routes. */
export function adminProject(uuidText: string, access: Access): { readonly uuid: ProjectUuid } | Response {
  const uuid = parseProjectUuid(uuidText);
  return uuid === undefined || access.registry.project(uuid) === undefined
    ? onceRead(access, projectNotFound(uuidText.slice(0, 64)))
    : { uuid };
}

/** The answer that something is missing, once the registry has been read; before that nothing can be told missing. */
export const onceRead = ({ registry }: Pick<Access, "registry">, missing: Response): Response =>
  registry.ready() ? missing : unavailable("The registry is being read.");
