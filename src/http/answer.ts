// The contract's answers and errors as responses. Every error of every route is made here.

import type { ErrorAnswer } from "../answers/errors.ts";
import type { Refusal } from "../domain/registry.ts";

const headers = {
  "Content-Type": "application/json; charset=utf-8",
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
};

/** Made once: copying them costs half of what making them from names does, and every answer needs them. */
const prepared = new Headers(headers);

/** Whoever answers names the answer's type: `json<ProjectAnswer>(...)`. */
export const json = <Answer = never>(body: NoInfer<Answer>, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: prepared });

export type ErrorStatus = 400 | 401 | 404 | 409 | 413 | 429 | 500 | 503;

/** `{"success": false, "error", "details"}` and nothing else. 503 and 429 say when to come again. */
export function problem(status: ErrorStatus, error: string, details: string): Response {
  return new Response(JSON.stringify({ success: false, error, details } satisfies ErrorAnswer), {
    status,
    headers: { ...headers, ...(more[status] ?? {}) },
  });
}

const more: Partial<Record<ErrorStatus, Readonly<Record<string, string>>>> = {
  401: { "WWW-Authenticate": 'ApiKey header="X-API-Key"' },
  429: { "Retry-After": "1" },
  503: { "Retry-After": "1" },
};

export const projectNotFound = (uuid: string): Response =>
  problem(404, "Invalid project UUID", `Project with UUID '${uuid}' not found`);

export const repositoryNotFound = (uuid: string): Response =>
  problem(404, "Invalid repository UUID", `Repository with UUID '${uuid}' not found`);

export const incidentNotFound = (): Response =>
  problem(404, "Incident not found", "The project has no incident with this incident_id");

export const badRequest = (details: string): Response => problem(400, "Invalid request", details);

export const unavailable = (details: string): Response => problem(503, "Service unavailable", details);

/** What a refused change of the registry answers. */
export function refusal(
  refused: Refusal | { readonly code: "unavailable"; readonly details: string },
): Response {
  switch (refused.code) {
    case "invalid":
      return badRequest(`${refused.details}.`);
    case "not_found":
      return problem(404, "Not found", refused.details);
    case "exists":
      return problem(409, "Already exists", refused.details);
    case "unavailable":
      return unavailable(refused.details);
    default:
      return refused satisfies never;
  }
}
