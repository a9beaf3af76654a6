// Compares what was acknowledged with the log, and the log with the answers of queries by the oracle of pairing: what is lost,
// what is there twice, and what nobody sent. Asks the servers themselves, never the service.

import type { ProjectUuid } from "../../src/domain/ids.ts";
import type { RecordedEvent, StoredEvent } from "../../src/domain/stored-events.ts";
import { incidentStreamPrefix } from "../../src/domain/stored-events.ts";
import { connectEventStore, type EventStore } from "../../src/eventstore/client.ts";
import { openPostgres, type Sql } from "../../src/readmodel/postgres.ts";
import { readModelQueries } from "../../src/readmodel/queries.ts";
import { answered } from "../projections/answered.ts";
import { type LogEntry, settledSignals } from "../projections/histories.ts";
import { oracle } from "../projections/oracle.ts";
import { oracleAnswers } from "../projections/oracle-answers.ts";
import type { Sent } from "./senders.ts";

export interface Check {
  readonly acknowledged: number;
  readonly events: number;
  /** Acknowledged, but not in the event store. */
  readonly lostInLog: number;
  /** Acknowledged or in the log, but not in the tables. */
  readonly lostInTables: number;
  /** Event ids that the log, or the tables, have more than once. */
  readonly twiceInLog: number;
  readonly twiceInTables: number;
  /** Events that nobody sent; rows of events that the log has not. */
  readonly phantomEvents: number;
  readonly phantomRows: number;
  /** Answers (incidents, pairs, records of timelines) that the oracle does not make of the log, and those that it makes
   * but the tables lack. */
  readonly wrongRows: number;
  readonly outages: number;
  readonly openOutages: number;
  readonly shortestRecoverySeconds: number | null;
  /** How long the log and the tables took to agree. */
  readonly settledAfterMs: number;
}

export interface CheckOptions {
  readonly eventstoreUrl: string;
  readonly databaseUrl: string;
  readonly project: string;
  readonly sent: Pick<Sent, "acknowledged" | "bodies">;
  /** The bound for the spool to be drained and the projector to catch up (180 s). */
  readonly withinMs?: number;
}

const quiet = { info: () => undefined, warn: () => undefined };

/**
 * Waits, at most `withinMs`, until the log has what was acknowledged and the tables what the log has; then compares all
 * of it, a few times over where something is still on its way. Nobody may send meanwhile.
 */
export async function check(options: CheckOptions): Promise<Check> {
  const store = connectEventStore({ url: options.eventstoreUrl, log: quiet });
  const sql = openPostgres(options.databaseUrl, {
    maxConnections: 2,
    applicationName: "fault-checker",
    statementTimeoutMs: 60_000,
  });
  const startedAt = performance.now();
  const until = startedAt + (options.withinMs ?? 180_000);
  try {
    let events: readonly RecordedEvent[] = [];
    let found: Omit<Check, "settledAfterMs"> | undefined;
    for (;;) {
      let reason: unknown;
      try {
        events = await eventsOf(store, options.project);
        if ((await isSettled(sql, events, options)) || performance.now() > until) {
          found = await compare(sql, events, options);
          if (faultsIn(found) === 0) return { ...found, settledAfterMs: performance.now() - startedAt };
        }
      } catch (error) {
        // A server that is starting again: the next look may find it.
        reason = error;
      }
      if (performance.now() > until) {
        if (found !== undefined) return { ...found, settledAfterMs: performance.now() - startedAt };
        throw new Error("Cannot check what was stored", { cause: reason });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await Promise.all([store.close(), sql.end({ timeout: 1 })]);
  }
}

/** Cheap beside the comparison: whether the spool can be empty, and the tables up to date. */
async function isSettled(
  sql: Sql,
  events: readonly RecordedEvent[],
  { sent }: CheckOptions,
): Promise<boolean> {
  const inLog = new Set(events.map(({ id }) => id));
  for (const id of sent.acknowledged.keys()) if (!inLog.has(id)) return false;
  const [checkpoint] = await sql<{ position: string | null }[]>`select position from checkpoints`;
  return BigInt(checkpoint?.position ?? 0) >= (events.at(-1)?.position ?? 0n);
}

/** 0: nothing lost, nothing doubled, nothing invented, nothing paired otherwise than the rules say. */
export const faultsIn = (found: Omit<Check, "settledAfterMs">): number =>
  found.lostInLog +
  found.lostInTables +
  found.twiceInLog +
  found.twiceInTables +
  found.phantomEvents +
  found.phantomRows +
  found.wrongRows;

export const checkLine = (found: Check): string =>
  `acknowledged ${found.acknowledged}, events ${found.events}; lost ${found.lostInLog} in the log, ${found.lostInTables} in the tables; twice ${found.twiceInLog} in the log, ${found.twiceInTables} in the tables; phantoms ${found.phantomEvents} events, ${found.phantomRows} rows; wrong rows ${found.wrongRows} (${found.outages} outages, ${found.openOutages} open); settled after ${found.settledAfterMs.toFixed(0)} ms`;

/** The project's incident events, in the order of the log. */
export async function eventsOf(store: EventStore, project: string): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of store.readLog({ prefixes: [`${incidentStreamPrefix}${project}.`] }))
    events.push(event);
  return events;
}

async function compare(
  sql: Sql,
  events: readonly RecordedEvent[],
  options: CheckOptions,
): Promise<Omit<Check, "settledAfterMs">> {
  const { project, sent } = options;
  const inLog = new Set(events.map(({ id }) => id));
  const rows = await sql<{ event_id: string; n: number }[]>`
    with own as (
      select incident from incidents where project = (select id from words where word = ${project})
    ), told as (
      select event_id from records join own using (incident) where webhooks = 1
      union all
      select event_id from webhooks join own using (incident)
    )
    select event_id, count(*)::integer as n from told group by event_id`;
  const inTables = new Set(rows.map(({ event_id }) => event_id));
  const { signals, matching } = settledSignals({
    project: project as ProjectUuid,
    log: events.map(entryOf),
  });
  const said = oracle(signals, matching);
  const expected = oracleAnswers(said);
  const stored = await answered(readModelQueries(sql), project, [...said.records.keys()]);
  const recoveries = (stored.pairs as { recovery_seconds: number | null }[]).map(
    ({ recovery_seconds }) => recovery_seconds,
  );
  const ended = recoveries.filter((seconds) => seconds !== null);
  return {
    acknowledged: sent.acknowledged.size,
    events: events.length,
    lostInLog: count(sent.acknowledged.keys(), (id) => !inLog.has(id)),
    lostInTables: count(new Set([...inLog, ...sent.acknowledged.keys()]), (id) => !inTables.has(id)),
    twiceInLog: events.length - inLog.size,
    twiceInTables: count(rows, ({ n }) => n > 1),
    phantomEvents: count(events, ({ data }) => !sent.bodies.has((data as { payload: string }).payload)),
    phantomRows: count(inTables, (id) => !inLog.has(id)),
    wrongRows:
      differences(stored.pairs, expected.pairs) +
      differences(stored.incidents, expected.incidents) +
      differences(Object.values(stored.timelines).flat(), Object.values(expected.timelines).flat()),
    outages: stored.pairs.length,
    openOutages: recoveries.length - ended.length,
    shortestRecoverySeconds: ended.length === 0 ? null : ended.reduce((least, one) => Math.min(least, one)),
  };
}

const entryOf = ({ id, type, data, metadata }: RecordedEvent): LogEntry => ({
  id,
  stored: { type, data } as StoredEvent,
  metadata: metadata as Readonly<Record<string, string>>,
});

/** Rows that only one of the two has. */
function differences(some: readonly unknown[], others: readonly unknown[]): number {
  const left = new Map<string, number>();
  for (const row of some) left.set(textOf(row), (left.get(textOf(row)) ?? 0) + 1);
  for (const row of others) left.set(textOf(row), (left.get(textOf(row)) ?? 0) - 1);
  return [...left.values()].reduce((sum, n) => sum + Math.abs(n), 0);
}

/** What an absent field is worth does not depend on the order of fields. */
const textOf = (row: unknown): string =>
  JSON.stringify(
    Object.entries(row as object)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

function count<T>(all: Iterable<T>, isOne: (one: T) => boolean): number {
  let n = 0;
  for (const one of all) if (isOne(one)) n++;
  return n;
}
