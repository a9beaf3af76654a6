// The incident_id in a path, exactly: taken from the request's own text, since it may hold anything, slashes included.

import { badRequest } from "./answer.ts";

export function incidentIdIn(request: Request): string | Response {
  const encoded = /\/incidents\/([^/?#]+)/.exec(request.url)?.[1] ?? "";
  try {
    const id = decodeURIComponent(encoded);
    if (id.length > 512) return badRequest("incident_id has more than 512 characters.");
    return id;
  } catch {
    return badRequest("incident_id in the path is not percent-encoded UTF-8.");
  }
}
