// Replay for audits: events straight from the event store, a line of JSON each. Asks the read model nothing.

import { Elysia } from "elysia";
import { type ReplayLine, replayLineAnswer } from "../answers/operations.ts";
import { createFairShare, type FairShare } from "../domain/fair-share.ts";
import type { RecordedEvent } from "../domain/stored-events.ts";
import { requireProject } from "./access.ts";
import { incidentNotFound, unavailable } from "./answer.ts";
import { documented } from "./documentation.ts";
import { firstFound, incidentIdsIn } from "./incident-path.ts";
import type { HttpDependencies } from "./ports.ts";
import { waitForEventStore } from "./read-your-writes.ts";
import { readYourWriteQuery } from "./schemas.ts";
import { queryReader } from "./validate.ts";

const readQuery = queryReader(readYourWriteQuery);
/** Replays that are being read at once, shared fairly among the projects: each holds a stream of the event store. */
const mostReplays = 64;
/** One that nobody has read on from for so long is cut off. */
const unreadMs = 60_000;

interface Replay {
  readonly request: Request;
  readonly project_uuid: string;
  readonly replays: FairShare;
}

export function replayRoutes(dependencies: HttpDependencies) {
  const replays = createFairShare(mostReplays);
  return new Elysia({ name: "replay" })
    .get(
      "/api/projects/:project/incidents/:incident/replay",
      async ({ request, params }) => {
        const project = requireProject(request, params.project, "read", dependencies);
        if (project instanceof Response) return project;
        const query = readQuery(request);
        if (query instanceof Response) return query;
        const ids = incidentIdsIn(request);
        if (ids instanceof Response) return ids;
        const { project_uuid } = project;
        const refused = await waitForEventStore(query, project_uuid, dependencies);
        if (refused !== undefined) return refused;
        const replay = { request, project_uuid, replays };
        const found = await firstFound(ids, (id) =>
          stream(dependencies.replayIncident(project_uuid, id), replay, dependencies),
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
        const query = readQuery(request);
        if (query instanceof Response) return query;
        const { project_uuid } = project;
        const refused = await waitForEventStore(query, project_uuid, dependencies);
        if (refused !== undefined) return refused;
        const replay = { request, project_uuid, replays };
        const found = await stream(dependencies.replayProject(project_uuid), replay, dependencies);
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
    query: readYourWriteQuery,
    answer: replayLineAnswer,
    contentTypes: ["application/x-ndjson"],
    errors: [400, 401, 404, 503],
    access: "key",
  });

/**
 * Undefined where there is nothing. The first event is read before the answer begins, so that a lost store is a 503.
 */
async function stream(
  events: AsyncIterable<RecordedEvent>,
  replay: Replay,
  { log }: HttpDependencies,
): Promise<Response | undefined> {
  const { request, project_uuid, replays } = replay;
  if (!replays.take(project_uuid, 1)) return unavailable("Too many replays are being read at this moment.");
  const iterator = events[Symbol.asyncIterator]();
  let isOver = false;
  const end = async (): Promise<void> => {
    if (isOver) return;
    isOver = true;
    clearTimeout(patience);
    replays.give(project_uuid, 1);
    await iterator.return?.();
  };
  let patience = setTimeout(end, unreadMs);
  // Until there is a body to cancel, this alone tells that the reader has gone.
  request.signal.addEventListener("abort", end, { once: true });
  let next: IteratorResult<RecordedEvent>;
  try {
    next = await iterator.next();
  } catch (error) {
    await end();
    log.warn({ reason: String(error) }, "a replay could not begin");
    return unavailable("The event store cannot be read at this moment.");
  }
  if (next.done) {
    await end();
    return undefined;
  }
  if (request.method === "HEAD") {
    await end();
    return ndjson(null);
  }
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      clearTimeout(patience);
      try {
        let lines = "";
        while (!next.done && lines.length < 65_536) {
          lines += `${JSON.stringify(line(next.value))}\n`;
          next = await iterator.next();
        }
        if (isOver) throw new Error("it was not read for too long");
        if (lines !== "") controller.enqueue(encoder.encode(lines));
        if (next.done) {
          controller.close();
          await end();
        } else patience = setTimeout(end, unreadMs);
      } catch (error) {
        await end();
        log.warn({ reason: String(error) }, "a replay was cut off");
        controller.error(error);
      }
    },
    cancel: end,
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

const line = (event: RecordedEvent): ReplayLine => ({
  event_id: event.id,
  type: event.type,
  stream: event.stream,
  revision: String(event.revision),
  position: String(event.position),
  recorded_at: event.recorded_at.toISOString(),
  data: event.data,
  metadata: event.metadata,
});
