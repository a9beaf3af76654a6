// The read model built anew from the log on a real Postgres: to the same bytes, and aside, so that whoever asks
// meanwhile never sees half of it.

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { projections } from "../../projections/index.ts";
import type { Projection } from "../../projections/projection.ts";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { openPostgres, type Sql } from "../../src/readmodel/postgres.ts";
import { type Projector, startProjector } from "../../src/readmodel/projector.ts";
import { readModelQueries } from "../../src/readmodel/queries.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import { histories, recordedAt } from "../projections/histories.ts";
import { createLogFeed, type LogFeed, silent } from "./log-feed.ts";
import { faulty, signalAt } from "./poisons.ts";
import { tablesOf } from "./tables.ts";

const scratch = mkdtempSync(join(tmpdir(), "ledger-rebuild-"));
let database: TestDatabase;
let sql: Sql;
const running: Projector[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  sql = openPostgres(database.url, { maxConnections: 3, applicationName: "test", statementTimeoutMs: 0 });
}, 60_000);

afterEach(async () => {
  await stopAll();
  await sql.end({ timeout: 1 });
  await database.drop();
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const stopAll = () => Promise.all(running.splice(0).map((projector) => projector.stop()));

function start(feed: LogFeed, some: readonly Projection[] = projections): Projector {
  const projector = startProjector({
    databaseUrl: database.url,
    projections: some,
    follow: feed.follow,
    readStream: feed.readStream,
    head: feed.head,
    identity: feed.identity,
    log: silent,
  });
  running.push(projector);
  return projector;
}

/** Another version, with a column more in a table that queries read whole. */
function raised(): Projection[] {
  const tables = pathToFileURL(join(scratch, "incidents.sql"));
  return projections.map((one) => {
    if (one.name !== "incidents") return one;
    writeFileSync(tables, `${readFileSync(one.sql, "utf8")};\nalter table incidents add column more text;`);
    return { ...one, version: one.version + 1, sql: tables };
  });
}

const project = randomUUID() as ProjectUuid;
const signals = (count: number, from = 1) =>
  Array.from({ length: count }, (_, n) => signalAt(BigInt(from + n), project));

const schemas = async (): Promise<string[]> =>
  (await sql`select nspname from pg_namespace where nspname like 'ledger%' order by 1`).map(
    ({ nspname }) => nspname,
  );

async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A feed that hands out nothing behind a position until it is opened. */
function gated(feed: LogFeed, gate: bigint): { readonly feed: LogFeed; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    open,
    feed: {
      ...feed,
      async *follow(options) {
        const ended = new Promise<void>((resolve) =>
          options.signal.addEventListener("abort", () => resolve()),
        );
        for await (const batch of feed.follow(options)) {
          if (batch.upTo > gate) await Promise.race([opened, ended]);
          if (options.signal.aborted) return;
          yield batch;
        }
      },
    },
  };
}

/** The position up to which tables are built aside. */
async function builtUpTo(): Promise<string | undefined> {
  const [there] = await sql`select to_regclass('ledger_next.checkpoints') is not null as is_there`;
  if (there?.is_there !== true) return undefined;
  return (await sql`select position from ledger_next.checkpoints`.catch(() => []))[0]?.position;
}

describe("dropped and built anew", () => {
  test("every table holds the same bytes, dead letters too, whatever the batches", async () => {
    let position = 0n;
    let rows = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(histories, { minLength: 25, maxLength: 25 }), async (some) => {
        await sql`drop schema if exists ledger cascade`;
        const events = some
          .flatMap(({ log }) => log)
          .map((entry, at) => {
            const event = recordedAt(++position, entry);
            return at % 40 === 7 ? { ...event, data: "{" } : event;
          });
        const play = async (size: number) => {
          const feed = createLogFeed(() => size);
          feed.append(events);
          expect(await start(feed).waitFor(position, 30_000)).toBe(true);
          await stopAll();
          return tablesOf(sql);
        };
        const before = await play(23);
        await sql`drop schema ledger cascade`;
        expect(await play(1_000)).toEqual(before);
        expect(before.dead_letters?.length).toBeGreaterThan(0);
        rows += Object.values(before).reduce((sum, table) => sum + table.length, 0);
      }),
      { numRuns: 4, endOnFailure: true },
    );
    console.log(`rebuild: ${rows} rows compared`);
  }, 120_000);
});

describe("under a projector at work", () => {
  test("dropped tables are built anew without being asked for", async () => {
    const feed = createLogFeed();
    feed.append(signals(10));
    const projector = start(feed);
    expect(await projector.waitFor(10n, 20_000)).toBe(true);
    const before = await tablesOf(sql);
    await sql`drop schema ledger cascade`;
    await until(async () => (await schemas()).includes("ledger"), "they are there again");
    expect(await tablesOf(sql)).toEqual(before);
  }, 60_000);

  test("tables whose checkpoint is called something else are built anew beside those that answer", async () => {
    const feed = createLogFeed();
    feed.append(signals(10));
    const projector = start(feed);
    expect(await projector.waitFor(10n, 20_000)).toBe(true);
    const { incidents } = readModelQueries(sql);
    await sql`update ledger.checkpoints set name = 'anew'`;
    await sql`delete from ledger.incidents where incident_id = 'incident 3'`;
    feed.append(signals(1, 11));
    expect(await projector.waitFor(11n, 20_000)).toBe(true);
    const seen = await incidents(project, {}, { limit: 500, cursor: undefined });
    expect(seen.items.length).toBe(11);
  }, 60_000);
});

describe("while another version is built aside", () => {
  test("queries see the tables of before, whole, until the new ones are complete", async () => {
    const feed = createLogFeed(() => 10);
    feed.append(signals(100));
    expect(await start(feed).waitFor(100n, 20_000)).toBe(true);
    await stopAll();
    const pool = openPostgres(database.url, {
      maxConnections: 4,
      applicationName: "test",
      statementTimeoutMs: 0,
    });
    const queries = readModelQueries(pool);
    const seen = async () =>
      (await queries.incidents(project, {}, { limit: 500, cursor: undefined })).items.length;
    expect(await seen()).toBe(100);

    feed.append(signals(20, 101));
    const gate = gated(feed, 50n);
    const second = start(gate.feed, raised());
    const counts = new Set<number | string>();
    let isAsking = true;
    const asking = Array.from({ length: 10 }, async () => {
      while (isAsking) counts.add(await seen().catch((error) => String(error)));
    });
    await until(async () => (await builtUpTo()) === "50", "half of it is built");
    expect(second.position()).toBe(100n);
    expect(second.status()).toMatchObject({ caughtUp: false, leading: true });
    expect(await second.waitFor(101n, 50)).toBe(false);

    // What is built is kept over a fault.
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
              where datname = current_database() and application_name = 'incident-ledger projector'`;
    gate.open();
    expect(await second.waitFor(120n, 20_000)).toBe(true);
    expect(feed.starts).toEqual([undefined, undefined, 50n]);
    expect(await seen()).toBe(120);
    isAsking = false;
    await Promise.all(asking);
    expect([...counts].sort()).toEqual([100, 120]);
    await until(async () => (await schemas()).length === 1, "the tables of before are dropped");
    expect(await schemas()).toEqual(["ledger"]);
    feed.append(signals(1, 121));
    expect(await second.waitFor(121n, 20_000)).toBe(true);
    expect(await seen()).toBe(121);
    await pool.end({ timeout: 1 });
  }, 60_000);

  test("a long query neither holds up the change nor loses its tables", async () => {
    const feed = createLogFeed();
    feed.append(signals(10));
    expect(await start(feed).waitFor(10n, 20_000)).toBe(true);
    await stopAll();
    const long = openPostgres(database.url, {
      maxConnections: 1,
      applicationName: "test",
      statementTimeoutMs: 0,
    });
    await long`begin`;
    expect((await long`select count(*)::int as n from incidents`)[0]?.n).toBe(10);
    feed.append(signals(1, 11));
    const second = start(feed, raised());
    expect(await second.waitFor(11n, 20_000)).toBe(true);
    expect(await schemas()).toEqual(["ledger", "ledger_old"]);
    feed.append(signals(1, 12));
    expect(await second.waitFor(12n, 20_000)).toBe(true);
    expect((await long`select count(*)::int as n from ledger_old.incidents`)[0]?.n).toBe(10);
    await long`commit`;
    await long.end({ timeout: 1 });
    await until(async () => (await schemas()).length === 1, "the tables of before are dropped");
  }, 60_000);

  test("its dead letters are tried by themselves, and are gone where the fault is", async () => {
    const feed = createLogFeed();
    feed.append([signalAt(1n, project), signalAt(2n, project, { message: "refused: null" })]);
    const first = start(feed, faulty(projections));
    expect(await first.waitFor(2n, 20_000)).toBe(true);
    expect(first.status().deadLetters).toBe(1);
    await stopAll();
    const second = start(feed, raised());
    await until(() => second.status().caughtUp, "it is built anew");
    expect(second.status().deadLetters).toBe(0);
    expect((await sql`select 1 from incidents`).length).toBe(2);
  }, 60_000);

  test("tables as they were laid out before are taken over in the same way", async () => {
    const feed = createLogFeed();
    feed.append(signals(10));
    expect(await start(feed).waitFor(10n, 20_000)).toBe(true);
    await stopAll();
    const before = await tablesOf(sql);
    await sql`update checkpoints set name = 'registry@1 timeline@1 pairs@1 incidents@1'`;
    await sql`alter table dead_letters drop column revision, drop column asked, drop column tried`;
    const gate = gated(feed, 0n);
    const second = start(gate.feed);
    await until(() => second.status().leading, "it leads");
    expect(second.position()).toBe(10n);
    gate.open();
    await until(() => second.status().caughtUp, "it is built anew");
    expect(await tablesOf(sql)).toEqual(before);
  }, 60_000);
});

describe("built for the first time", () => {
  test("the tables are not there for queries until they are complete", async () => {
    const feed = createLogFeed(() => 10);
    feed.append(signals(40));
    const gate = gated(feed, 20n);
    const projector = start(gate.feed);
    await until(async () => (await builtUpTo()) === "20", "half of it is built");
    const { incidents } = readModelQueries(sql);
    const page = { limit: 500, cursor: undefined };
    expect(await incidents(project, {}, page).catch((error: Error) => error.name)).toBe(
      "ReadModelUnavailable",
    );
    gate.open();
    expect(await projector.waitFor(40n, 20_000)).toBe(true);
    expect((await incidents(project, {}, page)).items.length).toBe(40);
  }, 60_000);
});
