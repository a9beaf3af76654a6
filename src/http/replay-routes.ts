// Replay for audits: events straight from the event store, a line of JSON each. Asks the read model nothing.

import { Elysia } from "elysia";
import type { RecordedEvent } from "../domain/stored-events.ts";
import { requireProject } from "./access.ts";
import { incidentNotFound, unavailable } from "./answer.ts";
import { documented } from "./documentation.ts";
import { replayExample } from "./examples.ts";
import { firstFound, incidentIdsIn } from "./incident-path.ts";
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
        const ids = incidentIdsIn(request);
        if (ids instanceof Response) return ids;
        const found = await firstFound(ids, (id) =>
          stream(dependencies.replayIncident(project.project_uuid, id), dependencies),
        );
        return found ?? incidentNotFound();
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
        const found = await stream(dependencies.replayProject(project.project_uuid), dependencies);
        return found ?? ndjson(null);
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
    example: replayExample,
    contentType: "application/x-ndjson",
    errors: [400, 401, 404, 503],
    access: "key",
  });

/** Undefined where there is nothing. The first event is read before the answer begins, so that a lost store is a 503. */
async function stream(
  events: AsyncIterable<RecordedEvent>,
  { log }: HttpDependencies,
): Promise<Response | undefined> {
  const iterator = events[Symbol.asyncIterator]();
  let next: IteratorResult<RecordedEvent>;
  try {
    next = await iterator.next();
  } catch (error) {
    log.warn({ reason: String(error) }, "a replay could not begin");
    return unavailable("The event store cannot be read at this moment.");
  }
  if (next.done) return undefined;
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
  return ndjson(body);
}

const ndjson = (body: ReadableStream<Uint8Array> | null): Response =>
  new Response(body, {
    headers: {
      "Content-Type": "application/x-ndjson; charset=utf-8",
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-store",
    },
  });

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
