// What another client of the event store appends, in the service as it runs: bad events become dead letters that the
// admin sees and has tried again, through whichever of two processes.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventStoreDBClient } from "@eventstore/db-client";
import postgresClient from "postgres";
import { childEnvironment } from "../../src/config.ts";
import { freePort } from "../../src/processes/ports.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/readmodel/embedded-postgres.ts";
import { type StoreProcess, storeProcess } from "../eventstore/adapter-store.ts";
import {
  adminKey,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  temporaryDataDir,
  waitFor,
  webhook,
} from "../running-service.ts";

const servers = mkdtempSync(join(tmpdir(), "ledger-servers-"));
const dataDirs = [await temporaryDataDir(), await temporaryDataDir()];
const watcher = { line: () => {}, ready: () => {}, lost: () => {} };
let store: StoreProcess;
let postgres: EmbeddedPostgres;
let client: EventStoreDBClient;
let services: RunningService[] = [];

beforeAll(async () => {
  const options = { env: childEnvironment(process.env), watcher };
  store = await storeProcess();
  postgres = await startEmbeddedPostgres({ ...options, directory: servers, port: await freePort() });
  client = EventStoreDBClient.connectionString(store.url);
  const env = { EVENTSTORE_URL: store.url, DATABASE_URL: postgres.url };
  services = await Promise.all(dataDirs.map((dataDir) => startService({ dataDir, env })));
}, 90_000);

afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await client.dispose();
  await Promise.all([store.remove(), postgres.stop()]);
  rmSync(servers, { recursive: true, force: true });
  await Promise.all(dataDirs.map((dataDir) => removeDataDir(dataDir)));
}, 60_000);

/** Bytes go as they are, anything else as JSON. */
async function append(stream: string, type: string, data: unknown, metadata: unknown): Promise<string> {
  const id = randomUUID();
  const contentType = data instanceof Uint8Array ? "application/octet-stream" : "application/json";
  await client.appendToStream(stream, [{ id, type, contentType, data, metadata } as never]);
  return id;
}

test("bad events by hand are dead letters, the webhooks around them land, and each is tried again when asked", async () => {
  const [first, second] = services;
  if (first === undefined || second === undefined) throw new Error("two services run");
  const { project, key } = await registerProject(first);
  const post = async (incident_id: string): Promise<string> => {
    const body = webhook(project, incident_id, "DOWN", "2025-01-15T10:30:00Z");
    const answer = await first.post("/api/incidents/webhook", key, body);
    expect([answer.status, answer.status === 200 ? "" : first.output()]).toEqual([200, ""]);
    return String(answer.body.position);
  };
  const before = await post("before");
  const stream = `incident-${project}.by-hand`;
  const signal = {
    project_uuid: project,
    incident_id: "by-hand",
    status: "DOWN",
    incident_time: "2025-01-15T10:30:00.000000000Z",
    payload: "{}",
  };
  const metadata = { received_at: "2025-01-15T10:30:00.000000000Z", source: "hand" };
  const kind = "IncidentSignalRecorded";
  const bad: readonly (readonly [reason: RegExp, id: string])[] = [
    [/no JSON object/, await append(stream, kind, '{"half', metadata)],
    [/received_at is missing/, await append(stream, kind, signal, Uint8Array.of(0, 255, 1))],
    [/is missing/, await append(stream, kind, Uint8Array.of(0, 255), Buffer.from("no JSON"))],
    [/status is missing/, await append(stream, kind, { ...signal, status: 1 }, metadata)],
    [
      /incident_time "2025-13-01"/,
      await append(stream, kind, { ...signal, incident_time: "2025-13-01" }, metadata),
    ],
    [/no JSON object/, await append("registry", "ProjectChanged", null, {})],
    [/mappings is missing/, await append("registry", "StatusesMapped", { project_uuid: project }, {})],
  ];
  await append(stream, "SomethingElse", Uint8Array.of(1, 2, 3), {});
  await append(stream, kind, { ...signal, message: "\0\ud800", monitor_name: "n".repeat(300_000) }, metadata);
  const after = await post("after");

  const known = await first.get(`/api/projects/${project}/incidents?min_position=${after}`, key);
  const ids = (known.body.items as { incident_id: string }[]).map(({ incident_id }) => incident_id);
  expect(ids.sort()).toEqual(["after", "before", "by-hand"]);
  const listed = await second.get("/api/admin/dead-letters", adminKey);
  const letters = listed.body.items as { position: string; event_id: string; reason: string }[];
  expect(letters.map(({ event_id }) => event_id)).toEqual(bad.map(([, id]) => id));
  for (const [index, [reason]] of bad.entries()) expect(letters[index]?.reason).toMatch(reason);

  // One of the two leads; the other one's answer comes about all the same.
  for (const service of services) {
    const again = await service.post(`/api/admin/dead-letters/${letters[0]?.position}/redrive`, adminKey, {});
    expect([again.status, again.body]).toMatchObject([200, { outcome: "failing" }]);
    const unknown = await service.post("/api/admin/dead-letters/1/redrive", adminKey, {});
    expect([unknown.status, unknown.body]).toEqual([
      404,
      { success: false, error: "Not found", details: "No dead letter at position '1'" },
    ]);
  }

  // As if a fault since mended had kept these two from being applied.
  const sql = postgresClient(postgres.url, { max: 1 });
  for (const [position, incident_id] of [
    [before, "before"],
    [after, "after"],
  ] as const) {
    await sql`insert into ledger.dead_letters (position, revision, event_id, stream, type, reason)
      values (${position}::text::numeric, 0, 'any', ${`incident-${project}.${incident_id}`}, ${kind}, 'a fault')`;
  }
  const applied = await second.post(`/api/admin/dead-letters/${before}/redrive`, adminKey, {});
  expect(applied.body).toEqual({ position: before, outcome: "applied", reason: null });
  const all = await first.post("/api/admin/dead-letters/redrive", adminKey, {});
  expect(all.body).toEqual({ applied: 1, failing: bad.length, waiting: 0 });
  await sql.end({ timeout: 1 });
  const ready = async () => {
    const answers = await Promise.all(services.map((service) => service.get("/health/ready", "")));
    return answers.every(({ status }) => status === 200);
  };
  await waitFor(ready, 20_000, () => services.map((service) => service.output()).join("\n"));
}, 90_000);
