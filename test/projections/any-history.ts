// The read model after any history, in any order, with any repetition, in any batch sizes and across restarts, equals
// the pure rules over the set of its signals. Forty histories share one log, each in a project of its own. The quick
// test has a thousand histories, the tier ten thousand.

import { afterAll, beforeAll, expect } from "bun:test";
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { projections } from "../../projections/index.ts";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { openPostgres, type Sql } from "../../src/readmodel/postgres.ts";
import { startProjector } from "../../src/readmodel/projector.ts";
import type { ReportedTest } from "../gate/reported-test.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import { createLogFeed, silent } from "../readmodel/log-feed.ts";
import { type History, histories, type LogEntry, recordedAt, registered, second } from "./histories.ts";
import { expectedReadModel, storedReadModels } from "./read-model.ts";

const historiesARun = 40;

let database: TestDatabase;
let sql: Sql;
let position = 0n;

/** A database of their own for the tests of a file. */
export function useDatabase(): void {
  beforeAll(async () => {
    database = await createTestDatabase();
    sql = openPostgres(database.url, { maxConnections: 4, applicationName: "test", statementTimeoutMs: 0 });
  }, 60_000);
  afterAll(async () => {
    await sql.end({ timeout: 1 });
    await database.drop();
  });
}

/** Plays the entries through projectors that are stopped after each stretch; `sizes` are those of their batches. */
async function play(
  entries: readonly LogEntry[],
  stretches: number,
  sizes: readonly number[],
): Promise<void> {
  let batch = 0;
  const feed = createLogFeed(() => sizes[batch++ % sizes.length] ?? 1);
  // The log before: only its end matters, the checkpoint is there.
  const events = entries.map((entry) => recordedAt(++position, entry));
  const length = Math.ceil(events.length / stretches);
  for (let from = 0; from < events.length; from += length) {
    const stretch = events.slice(from, from + length);
    const last = stretch.at(-1)?.position ?? 0n;
    feed.append(stretch);
    const projector = startProjector({
      databaseUrl: database.url,
      projections,
      follow: feed.follow,
      readStream: feed.readStream,
      head: feed.head,
      identity: feed.identity,
      log: silent,
    });
    expect(await projector.waitFor(last, 30_000)).toBe(true);
    expect(projector.status().deadLetters).toBe(0);
    await projector.stop();
  }
}

/** One log of all histories, each in its own order. */
function interleaved(some: readonly History[], choices: readonly number[]): LogEntry[] {
  const left = some.map(({ log }) => [...log]);
  const log: LogEntry[] = [];
  for (let turn = 0; left.some(({ length }) => length > 0); turn++) {
    const full = left.filter(({ length }) => length > 0);
    const next = full[(choices[turn % choices.length] ?? 0) % full.length]?.shift();
    if (next !== undefined) log.push(next);
  }
  return log;
}

/** Any history gives the tables that the pure rules give. */
export function testAnyHistory(test: ReportedTest, runs: number): void {
  test(
    `the read model equals the pure rules over the set of signals, for any history (${historiesARun * runs} of them)`,
    async (report) => {
      let checked = 0;
      report.tried({ histories: historiesARun * runs });
      await fc.assert(
        fc.asyncProperty(
          fc.array(histories, { minLength: historiesARun, maxLength: historiesARun }),
          fc.array(fc.nat(1000), { minLength: 50, maxLength: 50 }),
          fc.integer({ min: 1, max: 4 }),
          fc.array(fc.constantFrom(1, 2, 5, 20, 100, 1000), { minLength: 1, maxLength: 5 }),
          async (some, choices, stretches, sizes) => {
            await play(
              interleaved(some, choices),
              stretches,
              sizes.every((size) => size < 5) ? [...sizes, 50] : sizes,
            );
            const stored = await storedReadModels(
              sql,
              some.map(({ project }) => project),
            );
            for (const history of some) {
              expect(stored.get(history.project)).toEqual(expectedReadModel(history));
              checked++;
            }
          },
        ),
        // Shrinking replays whole logs against the database; the failing history is told by its project's rows.
        { numRuns: runs, endOnFailure: true },
      );
      report.found({ asTheRules: checked });
      expect(checked).toBe(historiesARun * runs);
    },
    runs * 5_000,
  );
}

export function testRenamedOutage(test: ReportedTest): void {
  test("a RECOVERY between two ALERTs renames the outage that stays open, and an orphan may end it then", async () => {
    const project = randomUUID() as ProjectUuid;
    const entry = (incident_id: string, status: string, at: number, monitor_id?: string): LogEntry => {
      const data = { project_uuid: project, incident_id, status, incident_time: second(at), payload: "{}" };
      return {
        id: randomUUID(),
        stored: {
          type: "IncidentSignalRecorded",
          data: monitor_id === undefined ? data : { ...data, monitor_id },
        },
        metadata: { received_at: second(at), source: "webhook" },
      };
    };
    const log = [
      registered(project),
      entry("a", "DOWN", 1, "m1"),
      entry("a", "DOWN", 5),
      entry("b", "UP", 9, "m2"),
      entry("a", "UP", 3),
    ];
    await play(log, 1, [1]);
    const stored = (await storedReadModels(sql, [project])).get(project);
    expect(stored).toEqual(expectedReadModel({ project, log }));
    expect(stored).toMatchObject({ outages: [{ matched_by: "incident_id" }, { matched_by: "project" }] });
  });
}

/** Any order and any repetition gives the tables of a play in order of time without repetition. */
export function testAnyOrder(test: ReportedTest): void {
  test("tables after any order equal those after a play in order of time without repetition", async (report) => {
    report.tried({ histories: 5 * 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(histories, { minLength: 20, maxLength: 20 }), async (some) => {
        await play(interleaved(some, [3, 1, 2]), 2, [7, 30]);
        const before = await storedReadModels(
          sql,
          some.map(({ project }) => project),
        );
        await sql`drop schema ledger cascade`;
        await play(some.flatMap(inOrder), 1, [500]);
        const after = await storedReadModels(
          sql,
          some.map(({ project }) => project),
        );
        expect(after).toEqual(before);
      }),
      { numRuns: 5, endOnFailure: true },
    );
  }, 60_000);
}

/** The settings first, then each event once, with its smallest receive time, by incident_time. */
function inOrder({ log }: History): LogEntry[] {
  const settings = log.filter(({ stored }) => stored.type !== "IncidentSignalRecorded");
  const events = new Map<string, LogEntry>();
  for (const entry of log) {
    if (entry.stored.type !== "IncidentSignalRecorded") continue;
    const known = events.get(entry.id);
    const isEarlier = (entry.metadata.received_at ?? "") < (known?.metadata.received_at ?? "");
    if (known === undefined || isEarlier) events.set(entry.id, entry);
  }
  const time = ({ stored }: LogEntry) => ("incident_time" in stored.data ? stored.data.incident_time : "");
  return [...settings, ...[...events.values()].sort((a, b) => (time(a) < time(b) ? -1 : 1))];
}
