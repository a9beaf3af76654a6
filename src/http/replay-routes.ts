// Replay for audits: events straight from the event store, a line of JSON each. Asks the read model nothing.

import { Elysia } from "elysia";
import type { RecordedEvent } from "../domain/stored-events.ts";
import { requireProject } from "./access.ts";
import { problem, unavailable } from "./answer.ts";
import { documented } from "./documentation.ts";
import { incidentIdIn } from "./incident-path.ts";
import type { HttpDependencies } from "./ports.ts";
import { noQuery, replayLine } from "./schemas.ts";
import { queryReader } from "./validate.ts";

const readNone = queryReader(noQuery);

export function replayRoutes(dependencies: HttpDependencies) {
  return new Elysia({ name: "replay" })
    .get(
      "/api/projects/:project/incidents/:incident/replay",
      async ({ request, params }) => {
        const project = requireProject(request, params.project, "read", dependencies);
        if (project instanceof Response) return project;
        const query = readNone(request);
        if (query instanceof Response) return query;
        const id = incidentIdIn(request);
        if (id instanceof Response) return id;
        return stream(dependencies.replayIncident(project.project_uuid, id), dependencies, "found");
      },
      { detail: detail("Replay an incident's events") },
    )
    .get(
      "/api/projects/:project/replay",
      async ({ request, params }) => {
        const project = requireProject(request, params.project, "read", dependencies);
        if (project instanceof Response) return project;
        const query = readNone(request);
        if (query instanceof Response) return query;
        return stream(dependencies.replayProject(project.project_uuid), dependencies, "any");
      },
      { detail: detail("Replay a project's events") },
    );
}

const detail = (summary: string) =>
  documented({
    tag: "Audit",
    summary,
    description:
      "NDJSON straight from the event store, in the order in which they were stored: every figure can be computed again from it. An answer that is cut off ends without its last line break.",
    answer: replayLine,
    contentType: "application/x-ndjson",
    errors: [400, 401, 404, 503],
    access: "key",
  });

/** The first event is read before the answer begins, so that a store that is away is a 503 and nothing found a 404. */
async function stream(
  events: AsyncIterable<RecordedEvent>,
  { log }: HttpDependencies,
  wanted: "found" | "any",
): Promise<Response> {
  const iterator = events[Symbol.asyncIterator]();
  let next: IteratorResult<RecordedEvent>;
  try {
    next = await iterator.next();
  } catch (error) {
    log.warn({ reason: String(error) }, "a replay could not begin");
    return unavailable("The event store cannot be read at this moment.");
  }
  if (next.done && wanted === "found") {
    return problem(404, "Incident not found", "The project has no incident with this incident_id");
  }
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        let lines = "";
        while (!next.done && lines.length < 65_536) {
          lines += `${JSON.stringify(line(next.value))}\n`;
          next = await iterator.next();
        }
        if (lines !== "") controller.enqueue(encoder.encode(lines));
        if (next.done) controller.close();
      } catch (error) {
        log.warn({ reason: String(error) }, "a replay was cut off");
        controller.error(error);
      }
    },
    cancel: async () => {
      await iterator.return?.();
    },
  });
  return new Response(body, {
    headers: {
      "Content-Type": "application/x-ndjson; charset=utf-8",
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-store",
    },
  });
}

const line = (event: RecordedEvent) => ({
  event_id: event.id,
  type: event.type,
  stream: event.stream,
  revision: String(event.revision),
  position: String(event.position),
  recorded_at: event.recorded_at.toISOString(),
  data: event.data,
  metadata: event.metadata,
});
