// An incident's replay is its own events and no other's, also from a stream that it once shared.

import { expect, test } from "bun:test";
import type { IncidentId, ProjectUuid } from "../../src/domain/ids.ts";
import { incidentStream } from "../../src/domain/stored-events.ts";
import { eventsOfIncident } from "../../src/intake/incident-events.ts";
import { memoryLog } from "./memory-log.ts";

const project = "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11" as ProjectUuid;

test("ids that Unicode cannot tell apart are replayed apart, oldest first; what tells no id is in both", async () => {
  const log = memoryLog();
  const [surrogate, replacement] = ["\ud800", "\ufffd"] as IncidentId[] as [IncidentId, IncidentId];
  const shared = incidentStream(project, replacement);
  let next = 0;
  const append = async (stream: string, data: object): Promise<void> => {
    const id = `00000000-0000-4000-8000-${String(next++).padStart(12, "0")}`;
    const event = { id, type: "IncidentSignalRecorded" as const, data: data as never, metadata: {} };
    expect((await log.append(stream, [event], "any")).tag).toBe("appended");
  };
  await append(shared, { incident_id: surrogate, message: "before" });
  await append(shared, { incident_id: replacement, message: "its own" });
  await append(shared, { reason: "damaged" });
  await append(incidentStream(project, surrogate), { incident_id: surrogate, message: "since" });
  const told = async (incident: IncidentId) => {
    const found: unknown[] = [];
    for await (const { data } of eventsOfIncident(log.readStream, project, incident)) {
      const { message, reason } = data as { message?: string; reason?: string };
      found.push(message ?? reason);
    }
    return found;
  };
  expect(await told(surrogate)).toEqual(["before", "damaged", "since"]);
  expect(await told(replacement)).toEqual(["its own", "damaged"]);
});
