// The model of the read model: the tables hold the log's beginning, each event once, and pair it as the oracle does
// whatever the order in which its webhooks are told, and however often.

import * as tables from "../../projections/incidents/tables.ts";
import type { Matching } from "../../src/domain/signal.ts";
import type { Random } from "../faults/seed.ts";
import { type OracleSignal, oracle } from "../projections/oracle.ts";
import { payloadOf, type Seen } from "./ledger-check.ts";
import type { Commit } from "./simulated-database.ts";

export type CheckTables = (seen: Seen) => string[];

/**
 * `random` shuffles what is told, `told` hears of each history. What has not changed since it was looked at is not looked
 * at again.
 */
export function tablesCheck(random: Random, told: () => void): CheckTables {
  let looked: Commit | undefined;
  return (seen) => {
    const newest = seen.commits.at(-1);
    if (newest === undefined || newest === looked) return [];
    looked = newest;
    return wrongInTables(seen, newest.upTo, { random, tell: told });
  };
}

interface Told extends OracleSignal {
  readonly project_uuid: string;
}

function wrongInTables(
  { log, commits, tables: held, webhooks }: Seen,
  upTo: bigint,
  { random, tell }: { readonly random: Random; readonly tell: () => void },
): string[] {
  const wrong: string[] = [];
  const told: Told[] = [];
  const poisoned: string[] = [];
  for (const { event } of log) {
    if (event.position > upTo) break;
    const webhook = webhooks.get(payloadOf(event));
    if (webhook === undefined || webhook.isPoison) poisoned.push(event.id);
    else
      told.push({
        ...webhook.said,
        event_id: event.id,
        received_at: String(event.metadata.received_at),
        source: "contract",
      });
  }
  const inTables = [
    ...held.of(tables.records).filter((record) => record.webhooks === 1),
    ...held.of(tables.webhooks),
  ].map(({ event_id }) => String(event_id));
  // A store that has forgotten ids may hold one twice; it counts once.
  const different = [...new Set(told.map(({ event_id }) => event_id))];
  if (inTables.sort().join() !== different.sort().join())
    wrong.push(`the tables' ${inTables.length} webhooks up to ${upTo} are not the log's, each once`);
  const letters = commits.flatMap((commit) => commit.letters.map(({ event }) => event.id));
  if (letters.join() !== poisoned.join())
    wrong.push(`the ${letters.length} dead letters up to ${upTo} are not the events that nothing can hold`);

  if (commits.some(({ from }, place) => from !== commits[place - 1]?.upTo))
    wrong.push("a commit does not begin where the one before ended");

  for (const [project, signals] of Map.groupBy(told, ({ project_uuid }) => project_uuid)) {
    tell();
    // A repeat has a later time of receipt, which counts for nothing.
    const repeated = signals
      .filter(() => random.chance(0.2))
      .map((signal) => ({ ...signal, received_at: latest }));
    const anyOrder = shuffled([...signals, ...repeated], random);
    if (pairedInTables(held, project) !== paired(anyOrder, "project"))
      wrong.push(`${project}: the tables are paired otherwise than the webhooks`);
  }
  return wrong;
}

const latest = "9999-12-31T23:59:59.999999999Z";

/** Enough of each outage and record to tell it apart, as text. */
function paired(signals: readonly Told[], matching: Matching): string {
  const { records, outages } = oracle(signals, matching);
  const lines = outages.map(({ incident_id, alerts, latest_alert, end, matched_by, first_ns, latest_ns }) =>
    [
      incident_id,
      alerts.length,
      latest_alert?.event_id,
      end?.event_id ?? "open",
      end === null ? "" : matched_by,
      end === null ? "" : (end.effective_ns - latest_ns) / 1000n,
      end === null ? "" : (end.effective_ns - first_ns) / 1000n,
    ].join(" "),
  );
  for (const { incident_id, event_id, last, webhooks } of [...records.values()].flat())
    lines.push([incident_id, event_id, last.message, webhooks].join(" "));
  return lines.sort().join("\n");
}

function pairedInTables(held: Seen["tables"], project_uuid: string): string {
  const project = held.of(tables.words).find(({ word }) => word === project_uuid)?.id;
  const own = held.of(tables.incidents).filter((incident) => incident.project === project);
  const idOf = new Map<number, string>(own.map(({ incident, incident_id }) => [incident, incident_id]));
  const mine = (table: Parameters<typeof held.of>[0]) =>
    held.of(table).filter(({ incident }) => idOf.has(incident));
  const matches = ["incident_id", "monitor_id", "project"];
  const lines = [
    ...mine(tables.outages).map((row) => [
      idOf.get(row.incident),
      row.alerts,
      row.alert_event_id,
      row.end_event_id,
      matches[row.ended_by],
      row.recovery_us,
      row.outage_us,
    ]),
    ...mine(tables.openOutages)
      .filter(({ is_shown }) => is_shown)
      .map((row) => [
        idOf.get(row.incident),
        row.alerts,
        row.latest_event_id ?? row.first_event_id,
        "open",
        "",
        "",
        "",
      ]),
    ...mine(tables.records).map((row) => [idOf.get(row.incident), row.event_id, row.message, row.webhooks]),
  ];
  return lines
    .map((fields) => fields.join(" "))
    .sort()
    .join("\n");
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const all = [...list];
  for (let place = all.length - 1; place > 0; place--) {
    const other = random.below(place + 1);
    const one = all[place] as T;
    all[place] = all[other] as T;
    all[other] = one;
  }
  return all;
}
