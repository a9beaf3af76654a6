// The read model after any history, in any order, with any repetition, in any batch sizes, with a cache of any size and
// across restarts, answers what the oracle makes of the set of its signals. Forty histories share one log, each in a
// project of its own. The quick test has a thousand histories, the tier ten thousand.

import { afterAll, beforeAll, expect } from "bun:test";
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { projections } from "../../projections/index.ts";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { openPostgres, type Sql } from "../../src/readmodel/postgres.ts";
import { startProjector } from "../../src/readmodel/projector.ts";
import { readModelQueries } from "../../src/readmodel/queries.ts";
import type { ReportedTest } from "../gate/reported-test.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import { createLogFeed, silent } from "../readmodel/log-feed.ts";
import { answered } from "./answered.ts";
import {
  type History,
  histories,
  type LogEntry,
  recordedAt,
  registered,
  second,
  settledSignals,
} from "./histories.ts";
import { oracle } from "./oracle.ts";
import { accounting, oracleAnswers } from "./oracle-answers.ts";

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
  how: { readonly stretches: number; readonly sizes: readonly number[]; readonly cachedIncidents: number },
): Promise<void> {
  let batch = 0;
  const feed = createLogFeed(() => how.sizes[batch++ % how.sizes.length] ?? 1);
  // The log before: only its end matters, the checkpoint is there.
  const events = entries.map((entry) => recordedAt(++position, entry));
  const length = Math.ceil(events.length / how.stretches);
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
      cachedIncidents: how.cachedIncidents,
    });
    const isThere = await projector.waitFor(last, 30_000);
    expect(projector.status().lastError).toBeUndefined();
    expect(isThere).toBe(true);
    expect(projector.status().deadLetters).toBe(0);
    await projector.stop();
  }
}

/** What the queries answer of a history's project, and what the oracle says they must. */
async function compared(history: History) {
  const { signals, matching } = settledSignals(history);
  const said = oracle(signals, matching);
  const counted = accounting(said);
  expect(counted.alertsInOutages).toBe(counted.alerts);
  expect(counted.endersAccountedFor).toBe(counted.enders);
  const { outageIds, ...answers } = await answered(readModelQueries(sql), history.project, [
    ...said.records.keys(),
  ]);
  expect(new Set(outageIds).size).toBe(outageIds.length);
  return { answers, expected: oracleAnswers(said) };
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

/** Any history gives the answers that the oracle gives. */
export function testAnyHistory(test: ReportedTest, runs: number): void {
  test(
    `queries answer what the oracle makes of the set of signals, for any history (${historiesARun * runs} of them)`,
    async (report) => {
      let checked = 0;
      report.tried({ histories: historiesARun * runs });
      await fc.assert(
        fc.asyncProperty(
          fc.array(histories, { minLength: historiesARun, maxLength: historiesARun }),
          fc.array(fc.nat(1000), { minLength: 50, maxLength: 50 }),
          fc.record({
            stretches: fc.integer({ min: 1, max: 4 }),
            sizes: fc
              .array(fc.constantFrom(1, 2, 5, 20, 100, 1000), { minLength: 1, maxLength: 5 })
              .map((sizes) => (sizes.every((size) => size < 5) ? [...sizes, 50] : sizes)),
            cachedIncidents: fc.constantFrom(1, 1, 10, 1000),
          }),
          async (some, choices, how) => {
            await play(interleaved(some, choices), how);
            for (const history of some) {
              const { answers, expected } = await compared(history);
              expect(answers).toEqual(expected);
              checked++;
            }
          },
        ),
        // Shrinking replays whole logs against the database; the failing history is told by its project's rows.
        { numRuns: runs, endOnFailure: true },
      );
      report.found({ asTheOracle: checked });
      expect(checked).toBe(historiesARun * runs);
    },
    runs * 5_000,
  );
}

/** Histories of one project that a rule once got wrong: [incident_id, status, second, monitor_id?] each. */
const told: Readonly<
  Record<
    string,
    {
      readonly signals: readonly (readonly [string, string, number, string?])[];
      /** Events a batch; the project's registration is the first. */
      readonly sizes: readonly number[];
      readonly matchedBy: readonly string[];
    }
  >
> = {
  "a RECOVERY between two ALERTs renames the outage that stays open, and an orphan may end it then": {
    signals: [
      ["a", "DOWN", 1, "m1"],
      ["a", "DOWN", 5],
      ["b", "UP", 9, "m2"],
      ["a", "UP", 3],
    ],
    sizes: [1],
    matchedBy: ["incident_id", "project"],
  },
  "an orphan that ends the beginning of an outage leaves the ALERTs of earlier batches to the next orphan": {
    signals: [
      ["a", "DOWN", 1],
      ["a", "DOWN", 10],
      ["a", "DOWN", 12],
      ["b", "UP", 5],
      ["c", "UP", 11],
    ],
    sizes: [3, 100],
    matchedBy: ["project", "project"],
  },
};

export function testToldHistories(test: ReportedTest): void {
  for (const [name, { signals, sizes, matchedBy }] of Object.entries(told)) {
    test(name, async (report) => {
      const project = randomUUID() as ProjectUuid;
      const log = [registered(project), ...signals.map((signal) => toldEntry(project, signal))];
      await play(log, { stretches: 1, sizes, cachedIncidents: 1 });
      const { answers, expected } = await compared({ project, log });
      report.tried({ histories: 1, events: log.length });
      report.found({ pairs: answers.pairs.length });
      expect(answers).toEqual(expected);
      const ended = answers.pairs as readonly { readonly matched_by: string | null }[];
      expect(ended.flatMap(({ matched_by }) => matched_by ?? []).sort()).toEqual([...matchedBy]);
    });
  }
}

function toldEntry(
  project: ProjectUuid,
  [incident_id, status, at, monitor_id]: readonly [string, string, number, string?],
): LogEntry {
  const data = { project_uuid: project, incident_id, status, incident_time: second(at), payload: "{}" };
  return {
    id: randomUUID(),
    stored: {
      type: "IncidentSignalRecorded",
      data: monitor_id === undefined ? data : { ...data, monitor_id },
    },
    metadata: { received_at: second(at), source: "contract" },
  };
}
