// Who may do what: reads the key from a request and holds it against the registry. Answers the refusal, if any.

import { type ProjectUuid, parseProjectUuid } from "../domain/ids.ts";
import type { Project } from "../domain/registry.ts";
import type { Scope } from "../domain/stored-events.ts";
import type { Authentication } from "../intake/registry.ts";
import { problem, projectNotFound, unavailable } from "./answer.ts";
import type { HttpDependencies } from "./ports.ts";

export type Caller = Exclude<Authentication, { tag: "refused" }>;

type Access = Pick<HttpDependencies, "registry" | "now">;

/** The caller, or the 401 (503 while the registry has not been read: then nobody can be told unknown). */
export function authenticate(secret: string | null, { registry, now }: Access): Caller | Response {
  if (secret === null || secret === "") {
    return problem(401, "Missing API key", "Send the key in the X-API-Key header.");
  }
  const found = registry.authenticate(secret, now());
  if (found.tag !== "refused") return found;
  // Revoked and expired look like unknown: whoever holds such a key learns nothing more.
  const invalid = problem(401, "Invalid API key", "The key is unknown, revoked or expired.");
  return found.reason === "unknown" ? onceRead({ registry }, invalid) : invalid;
}

/** The admin key, or the answer. */
export function requireAdmin(request: Request, access: Access): Response | undefined {
  const caller = authenticate(request.headers.get("x-api-key"), access);
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
  const caller = authenticate(request.headers.get("x-api-key"), access);
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
