// Tells an open page that something has changed: never what it has become, which the page asks for. Bounds how many such
// streams there are, and how long one outlives its key.

import { Elysia } from "elysia";
import { changesAnswer } from "../answers/stream.ts";
import { createFairShare } from "../domain/fair-share.ts";
import { callerOf, projectOf } from "./access.ts";
import { badRequest, unavailable } from "./answer.ts";
import { documented } from "./documentation.ts";
import { EventStream } from "./event-stream.ts";
import type { HttpDependencies } from "./ports.ts";
import { streamQuery } from "./schemas.ts";
import { queryReader } from "./validate.ts";

const readQuery = queryReader(streamQuery);
/** Shared fairly among the keys: one alone gets half. A browser needs one, however many tabs it has. */
const mostStreams = 512;

const headers = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  // nginx would hold the events back otherwise.
  "X-Accel-Buffering": "no",
};

/** `open` holds the streams that are open, for whoever has to close them. */
export function streamRoutes(dependencies: HttpDependencies, open: Set<EventStream>) {
  const places = createFairShare(mostStreams);
  return new Elysia({ name: "stream" }).get(
    "/api/projects/:project/stream",
    ({ request, params }) => {
      const caller = callerOf(request, dependencies);
      if (caller instanceof Response) return caller;
      const project = projectOf(caller, params.project, "read", dependencies);
      if (project instanceof Response) return project;
      const query = readQuery(request);
      if (query instanceof Response) return query;
      const after = request.headers.get("last-event-id") ?? query.after;
      if (after !== undefined && !/^\d{1,20}$/.test(after))
        return badRequest("Last-Event-ID must be a position.");
      if (request.method === "HEAD") return new Response(null, { headers });
      const holder = caller.tag === "admin" ? "admin" : caller.key.key_id;
      if (!places.take(holder, 1)) return unavailable("Too many pages are open at this moment.");
      const stream = new EventStream({
        follow: (take) =>
          dependencies.changes.follow(project.project_uuid, {
            after: after === undefined ? undefined : BigInt(after),
            take,
          }),
        isStillAllowed: () => !(callerOf(request, dependencies) instanceof Response),
        ended: () => {
          open.delete(stream);
          places.give(holder, 1);
        },
      });
      open.add(stream);
      return new Response(stream.body, { headers });
    },
    {
      detail: documented({
        tag: "Dashboard",
        summary: "Follow what changes in a project",
        description:
          "Server-sent events. Each names the incidents that have changed, once every query shows it, and has a position as its id: Last-Event-ID, or `after`, resumes there. `missed` says that more has changed than is named.",
        query: streamQuery,
        answer: changesAnswer,
        contentTypes: ["text/event-stream"],
        errors: [400, 401, 404, 503],
        access: "key",
      }),
    },
  );
}
