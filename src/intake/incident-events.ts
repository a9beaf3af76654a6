// An incident's events straight from the event store, for audits.

import type { IncidentId, ProjectUuid } from "../domain/ids.ts";
import { type RecordedEvent, streamsOfIncident } from "../domain/stored-events.ts";
import type { ReadStream } from "./event-log.ts";

/** In the order in which they were stored. Throws EventLogUnavailable. */
export async function* eventsOfIncident(
  readStream: ReadStream,
  project: ProjectUuid,
  incident: IncidentId,
): AsyncGenerator<RecordedEvent> {
  for (const stream of streamsOfIncident(project, incident)) {
    for await (const event of readStream(stream)) if (mayTellOf(event, incident)) yield event;
  }
}

/** What names no incident_id, as one that the store damaged, is nobody else's for certain. */
function mayTellOf({ data }: RecordedEvent, incident: IncidentId): boolean {
  const named = (data as { readonly incident_id?: unknown } | null | undefined)?.incident_id;
  return typeof named !== "string" || named === incident;
}
