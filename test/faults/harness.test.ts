// The fault tier's own tools: senders and checker agree on a service without faults, and the checker sees each fault.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { openPostgres } from "../../src/readmodel/postgres.ts";
import { type StoreProcess, storeProcess } from "../eventstore/adapter-store.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import { type RunningService, registerProject, removeDataDir, startService } from "../running-service.ts";
import { type Check, check, faultsIn } from "./checker.ts";
import { randomFrom } from "./seed.ts";
import { noneSent, type Sent, startSenders } from "./senders.ts";

let store: StoreProcess;
let database: TestDatabase;
let service: RunningService;
let project = "";
let sent: Sent;

beforeAll(async () => {
  store = await storeProcess();
  database = await createTestDatabase();
  service = await startService({ env: { EVENTSTORE_URL: store.url, DATABASE_URL: database.url } });
  const registered = await registerProject(service);
  project = registered.project;
  const random = randomFrom(7);
  sent = await startSenders({ ...registered, port: service.port, concurrency: 8, most: 600, random }).stop();
}, 60_000);
afterAll(async () => {
  await service.stop();
  await removeDataDir(service.dataDir);
  await database.drop();
  await store.remove();
});

const checked = (
  with_: Partial<Pick<Sent, "acknowledged" | "bodies">> = {},
  withinMs = 300,
): Promise<Check> =>
  check({
    eventstoreUrl: store.url,
    databaseUrl: database.url,
    project,
    sent: { ...sent, ...with_ },
    withinMs,
  });

test("the same seed makes the same choices", () => {
  const [one, other] = [randomFrom(41), randomFrom(41)];
  const some = Array.from({ length: 50 }, () => one.below(1000));
  expect(Array.from({ length: 50 }, () => other.below(1000))).toEqual(some);
  expect(new Set(some).size).toBeGreaterThan(30);
  expect(one.fork("a").next()).not.toBe(one.fork("b").next());
});

test("without faults nothing is lost, doubled or wrong", async () => {
  expect([...sent.byStatus]).toEqual([[200, 600]]);
  // The first one waits until the read model has come as far.
  const found = await checked({}, 20_000);
  expect(faultsIn(found)).toBe(0);
  expect(found.acknowledged).toBe(sent.acknowledged.size);
  // Repeats are there, and cost nothing.
  expect(found.events).toBeGreaterThan(300);
  expect(found.events).toBeLessThan(600);
  expect(found.outages).toBeGreaterThan(50);
}, 30_000);

test("an acknowledged webhook that is not in the log is seen", async () => {
  const [some] = sent.acknowledged.values();
  if (some === undefined) throw new Error("Nothing was acknowledged");
  const event_id = "00000000-0000-5000-8000-000000000000";
  const acknowledged = new Map(sent.acknowledged).set(event_id, { ...some, event_id });
  expect(await checked({ acknowledged })).toMatchObject({ lostInLog: 1, lostInTables: 1 });
}, 30_000);

test("an event that nobody sent is seen", async () => {
  const found = await checked({ bodies: noneSent().bodies });
  expect(found.phantomEvents).toBe(found.events);
}, 30_000);

test("a row that is missing, one too many and one that is wrong are seen", async () => {
  const sql = openPostgres(database.url, {
    maxConnections: 1,
    applicationName: "fault-checker-test",
    statementTimeoutMs: 0,
  });
  const [moved] = await sql`
    delete from records where event_id = (
      select event_id from records where webhooks = 1 order by event_id limit 1) returning *`;
  const row = { ...moved };
  expect((await checked()).lostInTables).toBe(1);
  await sql`insert into records ${sql(row)}`;
  await sql`insert into records ${sql({ ...row, at: "2025-01-01T00:00:00" })}`;
  expect((await checked()).twiceInTables).toBe(1);
  await sql`delete from records where at = '2025-01-01T00:00:00'`;
  await sql`update outages set alerts = alerts + 1
    where ctid = (select ctid from outages order by incident, ended_at limit 1)`;
  // What is there and should not be, and what should be and is not.
  expect((await checked()).wrongRows).toBe(2);
  await sql.end();
}, 60_000);
