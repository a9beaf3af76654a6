// The projector on a real Postgres, fed from a log in memory.

import { afterAll, afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { projections } from "../../projections/index.ts";
import type { Projection } from "../../projections/projection.ts";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { openPostgres, type Sql } from "../../src/readmodel/postgres.ts";
import { type Projector, startProjector } from "../../src/readmodel/projector.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import { second } from "../projections/histories.ts";
import { createLogFeed, type LogFeed, silent } from "./log-feed.ts";
import { signalAt, withFold } from "./poisons.ts";

// The waits within have bounds of their own.
setDefaultTimeout(60_000);

let database: TestDatabase;
let sql: Sql;
const running: Projector[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  sql = openPostgres(database.url, { maxConnections: 2, applicationName: "test", statementTimeoutMs: 0 });
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((projector) => projector.stop()));
  await sql.end({ timeout: 1 });
  await database.drop();
});

function start(feed: LogFeed, more: { url?: string; projections?: readonly Projection[] } = {}): Projector {
  const projector = startProjector({
    databaseUrl: more.url ?? database.url,
    projections: more.projections ?? projections,
    follow: feed.follow,
    readStream: feed.readStream,
    head: feed.head,
    identity: feed.identity,
    log: silent,
  });
  running.push(projector);
  return projector;
}

const project = randomUUID() as ProjectUuid;

const incidentIds = async (): Promise<string[]> =>
  (await sql`select incident_id from incidents order by incident_id`).map((row) => row.incident_id);

async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("projector", () => {
  test("what is in the log becomes visible, and waitFor tells when", async () => {
    const feed = createLogFeed();
    const projector = start(feed);
    const waiting = projector.waitFor(2n, 10_000);
    feed.append([signalAt(1n, project), signalAt(2n, project)]);
    expect(await waiting).toBe(true);
    expect(await incidentIds()).toEqual(["incident 1", "incident 2"]);
    expect(projector.position()).toBe(2n);
    expect(await projector.waitFor(3n, 20)).toBe(false);
    expect(projector.status()).toMatchObject({
      caughtUp: true,
      leading: true,
      lagSeconds: 0,
      deadLetters: 0,
    });
  });

  test("positions beyond 2^53 and up to 2^64 - 1 are kept exactly", async () => {
    const feed = createLogFeed();
    const first = start(feed);
    const position = 2n ** 64n - 2n;
    feed.append([signalAt(position, project)]);
    expect(await first.waitFor(position, 10_000)).toBe(true);
    await first.stop();
    expect((await sql`select position from checkpoints`)[0]?.position).toBe(position.toString());
    const again = start(feed);
    feed.append([signalAt(position + 1n, project)]);
    expect(await again.waitFor(position + 1n, 10_000)).toBe(true);
    expect(feed.starts).toEqual([undefined, position]);
  });

  test("an event that cannot be read becomes a dead letter, its neighbours do not", async () => {
    const feed = createLogFeed();
    const projector = start(feed);
    feed.append([
      signalAt(1n, project),
      signalAt(2n, project, { incident_time: "yesterday" }),
      { ...signalAt(3n, project), data: null },
      signalAt(4n, project, { project_uuid: 7 }),
      { ...signalAt(5n, project), type: "SomethingElse" },
      signalAt(6n, project),
    ]);
    expect(await projector.waitFor(6n, 10_000)).toBe(true);
    expect(await incidentIds()).toEqual(["incident 1", "incident 6"]);
    const letters = await sql`select position, type, reason from dead_letters order by position`;
    expect(letters.map(({ position }) => position)).toEqual(["2", "3", "4"]);
    expect(letters[0]?.reason).toContain('incident_time "yesterday"');
    expect(projector.status().deadLetters).toBe(3);
  });

  test("an event whose data Postgres refuses becomes a dead letter, its neighbours do not", async () => {
    const feed = createLogFeed();
    // Refuses what no check of ours refuses: a constraint of its own.
    const timeline = withFold(projections, {
      rows: (row) => (row.message === "poison" ? { ...row, received_at: null } : row),
    });
    const projector = start(feed, { projections: timeline });
    const events = Array.from({ length: 40 }, (_, index) =>
      signalAt(BigInt(index + 1), project, [6, 7, 39].includes(index) ? { message: "poison" } : {}),
    );
    feed.append(events);
    expect(await projector.waitFor(40n, 10_000)).toBe(true);
    expect((await incidentIds()).length).toBe(37);
    const letters = await sql`select position from dead_letters order by position`;
    expect(letters.map(({ position }) => position)).toEqual(["7", "8", "40"]);
  });

  test("text that Postgres cannot hold is kept in its normal form, and ids that differ only there stay apart", async () => {
    const feed = createLogFeed();
    const projector = start(feed);
    feed.append([
      signalAt(1n, project, { incident_id: "\0", message: "\0 \ud800", monitor_id: "m\0" }),
      signalAt(2n, project, { incident_id: "\u2400" }),
      signalAt(3n, project, { incident_id: "\ud800" }),
      signalAt(4n, project, { incident_id: "\ufffd" }),
    ]);
    expect(await projector.waitFor(4n, 10_000)).toBe(true);
    expect(await incidentIds()).toEqual(["\u2400", "\u2400", "\ufffd", "\ufffd"]);
    const [first] = await sql`
      select message, (select word from words where id = monitor_id) as monitor_id from records where position = 1`;
    expect(first).toEqual({ message: "\u2400 \ufffd", monitor_id: "m\u2400" });
  });

  test("the longest texts allowed fit every index", async () => {
    const feed = createLogFeed();
    const projector = start(feed);
    const longest = (seed: number) =>
      Array.from({ length: 512 }, (_, index) =>
        String.fromCharCode(0x4e00 + ((index * 7919 * seed) % 20_000)),
      ).join("");
    const names = { monitor_id: longest(3), monitor_name: "n".repeat(4096), message: "x".repeat(200_000) };
    feed.append([
      signalAt(1n, project, { incident_id: longest(1), ...names }),
      signalAt(2n, project, { incident_id: longest(2), ...names, status: "UP", incident_time: second(5) }),
    ]);
    expect(await projector.waitFor(2n, 10_000)).toBe(true);
    expect(projector.status().deadLetters).toBe(0);
    expect((await sql`select ended_by from outages`)[0]?.ended_by).toBe(1);
  });

  test("a stopped projector is continued where it stood; what comes twice changes nothing", async () => {
    const feed = createLogFeed(() => 2);
    const first = start(feed);
    const events = [signalAt(1n, project), signalAt(2n, project), signalAt(3n, project)];
    feed.append(events);
    expect(await first.waitFor(3n, 10_000)).toBe(true);
    await first.stop();
    feed.append(events.map((event, index) => ({ ...event, position: BigInt(index + 4) })));
    const second = start(feed);
    expect(await second.waitFor(6n, 10_000)).toBe(true);
    expect(feed.starts).toEqual([undefined, 3n]);
    expect((await sql`select sum(webhooks)::int as n from incidents`)[0]?.n).toBe(3);
  });

  test("of two projectors one works and the other stands by, sees its progress, and takes over", async () => {
    const feed = createLogFeed();
    const first = start(feed);
    feed.append([signalAt(1n, project)]);
    expect(await first.waitFor(1n, 10_000)).toBe(true);
    const standby = start(feed);
    expect(await standby.waitFor(1n, 10_000)).toBe(true);
    feed.append([signalAt(2n, project)]);
    expect(await standby.waitFor(2n, 10_000)).toBe(true);
    expect(standby.status().leading).toBe(false);
    expect(feed.starts).toEqual([undefined]);
    await first.stop();
    feed.append([signalAt(3n, project)]);
    expect(await standby.waitFor(3n, 10_000)).toBe(true);
    await until(() => standby.status().leading, "the standby leads");
    expect(feed.starts).toEqual([undefined, 2n]);
    expect(await incidentIds()).toEqual(["incident 1", "incident 2", "incident 3"]);
  });

  test("a projector whose checkpoint somebody else has moved applies nothing, and goes on from there", async () => {
    const feed = createLogFeed();
    const projector = start(feed);
    feed.append([signalAt(1n, project)]);
    expect(await projector.waitFor(1n, 10_000)).toBe(true);
    await sql`update checkpoints set position = 5`;
    feed.append([signalAt(4n, project), signalAt(6n, project)]);
    expect(await projector.waitFor(6n, 10_000)).toBe(true);
    expect(await incidentIds()).toEqual(["incident 1", "incident 6"]);
  });

  test("a connection that is cut in mid stream costs no event and doubles none", async () => {
    const feed = createLogFeed(() => 3);
    const projector = start(feed);
    for (let round = 0; round < 5; round++) {
      const from = BigInt(round * 20);
      feed.append(Array.from({ length: 20 }, (_, index) => signalAt(from + BigInt(index + 1), project)));
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()`;
    }
    expect(await projector.waitFor(100n, 10_000)).toBe(true);
    expect((await incidentIds()).length).toBe(100);
    expect((await sql`select sum(webhooks)::int as n from incidents`)[0]?.n).toBe(100);
  });

  test("while the database refuses writes nothing is skipped", async () => {
    const feed = createLogFeed();
    const projector = start(feed);
    feed.append([signalAt(1n, project)]);
    expect(await projector.waitFor(1n, 10_000)).toBe(true);
    await sql`alter table records rename to records_away`;
    feed.append([signalAt(2n, project), signalAt(3n, project)]);
    await until(() => projector.status().lastError !== undefined, "the fault is told");
    expect(projector.status().caughtUp).toBe(false);
    expect(projector.position()).toBe(1n);
    await sql`alter table records_away rename to records`;
    expect(await projector.waitFor(3n, 10_000)).toBe(true);
    expect(await incidentIds()).toEqual(["incident 1", "incident 2", "incident 3"]);
    await until(() => projector.status().lastError === undefined, "the fault is over");
  });

  test("Postgres may be missing at the start", async () => {
    const feed = createLogFeed();
    const missing = `later_${randomUUID().replaceAll("-", "")}`;
    const projector = start(feed, { url: database.url.replace(/[^/]+$/, missing) });
    feed.append([signalAt(1n, project)]);
    await until(() => projector.status().lastError !== undefined, "the fault is told");
    await sql`create database ${sql(missing)}`;
    expect(await projector.waitFor(1n, 10_000)).toBe(true);
    await projector.stop();
    await sql`drop database ${sql(missing)} with (force)`;
  });

  test("stopping does not wait for a feed that brings nothing", async () => {
    const projector = start(createLogFeed());
    await until(() => projector.status().leading, "it leads");
    const waiting = projector.waitFor(1n, 60_000);
    await projector.stop();
    expect(await waiting).toBe(false);
  });
});

afterAll(() => {
  expect(running).toEqual([]);
});
