// A read model on a real Postgres, filled through the real projections, for tests of what is asked of it.

import { createHash, randomUUID } from "node:crypto";
import { projections } from "../../projections/index.ts";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { type Instant, parseInstant } from "../../src/domain/instant.ts";
import type { IncidentSignalRecorded, RecordedEvent, StoredEvent } from "../../src/domain/stored-events.ts";
import { incidentStream, registryStream } from "../../src/domain/stored-events.ts";
import { BatchApplier, prepareEvents } from "../../src/readmodel/apply-batch.ts";
import { openPostgres } from "../../src/readmodel/postgres.ts";
import { readModelQueries } from "../../src/readmodel/queries.ts";
import { postgresStore } from "../../src/readmodel/read-model-store.ts";
import { prepareTables, serveTables } from "../../src/readmodel/schema.ts";
import { createTestDatabase } from "../postgres.ts";
import { anyLog } from "./log-feed.ts";

/** What a test says of a signal; the rest is made up. */
export type Told = Partial<Omit<IncidentSignalRecorded, "project_uuid">> & {
  /** Any time that can be read; received at the same moment unless said otherwise. */
  readonly time: string;
  readonly received?: string;
  readonly key_id?: string;
};

export const instant = (text: string): Instant => {
  const parsed = parseInstant(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem}`);
  return parsed.value;
};

export async function createFilledReadModel() {
  const database = await createTestDatabase();
  const sql = openPostgres(database.url, {
    maxConnections: 4,
    applicationName: "test",
    statementTimeoutMs: 0,
  });
  await prepareTables(sql, projections, anyLog);
  await serveTables(sql);
  const applier = new BatchApplier(postgresStore(sql, projections), projections, { cacheSize: 2 });
  let position: bigint | undefined;

  const apply = async (events: readonly Omit<RecordedEvent, "position" | "revision">[]): Promise<void> => {
    const from = position;
    const placed = events.map((event, index) => {
      const at = (from ?? 0n) + BigInt(index + 1);
      return { ...event, position: at, revision: at };
    });
    const upTo = placed.at(-1)?.position;
    if (upTo === undefined) return;
    const prepared = prepareEvents(placed);
    if (prepared.deadLetters.length > 0) throw new Error(prepared.deadLetters[0]?.reason);
    await applier.apply({ ...prepared, from, upTo, log: { id: await anyLog.id(), last: undefined } });
    position = upTo;
  };
  const settle = (...stored: readonly Exclude<StoredEvent, { type: "IncidentSignalRecorded" }>[]) =>
    apply(
      stored.map((event) => ({
        id: randomUUID(),
        ...event,
        stream: registryStream,
        recorded_at: new Date(0),
        metadata: {},
      })),
    );
  const project = async (): Promise<ProjectUuid> => {
    const project_uuid = randomUUID() as string as ProjectUuid;
    const created_at = instant("2025-01-01T00:00:00Z");
    await settle({ type: "ProjectRegistered", data: { project_uuid, name: "test", created_at } });
    return project_uuid;
  };
  const tell = (project_uuid: ProjectUuid, ...told: readonly Told[]) =>
    apply(
      told.map(({ time, received, key_id, ...rest }) => {
        const data: IncidentSignalRecorded = {
          incident_id: "api",
          status: "DOWN",
          payload: "{}",
          ...rest,
          project_uuid,
          incident_time: instant(time),
        };
        return {
          id: uuidOf(JSON.stringify([data, received])),
          type: "IncidentSignalRecorded",
          stream: incidentStream(project_uuid, data.incident_id as never),
          recorded_at: new Date(0),
          data,
          metadata: {
            received_at: instant(received ?? time),
            source: "contract",
            ...(key_id === undefined ? {} : { key_id }),
          },
        };
      }),
    );
  return {
    url: database.url,
    sql,
    queries: readModelQueries(sql),
    settle,
    project,
    tell,
    position: () => position,
    close: async () => {
      await sql.end({ timeout: 1 });
      await database.drop();
    },
  };
}

function uuidOf(text: string): string {
  const hash = createHash("sha256").update(text).digest("hex");
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
