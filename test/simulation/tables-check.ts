// The model of the read model: the tables hold the log's beginning, each event once, and pair it as the rules do whatever
// the order in which its webhooks are told, and however often.

import { pairIncidents } from "../../src/domain/pairing.ts";
import type { Matching, Signal } from "../../src/domain/signal.ts";
import type { Random } from "../faults/seed.ts";
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

function wrongInTables(
  { log, commits, webhooks }: Seen,
  upTo: bigint,
  { random, tell }: { readonly random: Random; readonly tell: () => void },
): string[] {
  const wrong: string[] = [];
  const told: Signal[] = [];
  const poisoned: string[] = [];
  for (const { event } of log) {
    if (event.position > upTo) break;
    const webhook = webhooks.get(payloadOf(event));
    if (webhook === undefined || webhook.isPoison) poisoned.push(event.id);
    else told.push(inOrder({ ...webhook.said, event_id: event.id, received_at: receiptOf(event.metadata) }));
  }
  const held = commits.flatMap(({ rows }) => rows.map(signalOf));
  const letters = commits.flatMap((commit) => commit.letters.map(({ event_id }) => event_id));
  const idsOf = (signals: readonly Signal[]): string => signals.map(({ event_id }) => event_id).join();
  if (idsOf(held) !== idsOf(told))
    wrong.push(`the tables' ${held.length} rows up to ${upTo} are not the log's, each once and in order`);
  if (letters.join() !== poisoned.join())
    wrong.push(`the ${letters.length} dead letters up to ${upTo} are not the events that nothing can hold`);

  const byProject = (signals: readonly Signal[]) => Map.groupBy(signals, ({ project_uuid }) => project_uuid);
  const inTables = byProject(held);
  for (const [project, signals] of byProject(told)) {
    for (const matching of ["project", random.pick<Matching>(["monitor", "incident"])] as const) {
      tell();
      // A repeat has a later time of receipt, which counts for nothing.
      const repeated = signals
        .filter(() => random.chance(0.2))
        .map((signal) => ({ ...signal, received_at: latest }));
      const anyOrder = shuffled([...signals, ...repeated], random);
      if (paired(inTables.get(project) ?? [], matching) !== paired(anyOrder, matching))
        wrong.push(`${project}: the tables are paired otherwise than the webhooks (${matching})`);
    }
  }
  return wrong;
}

const latest = "9999-12-31T23:59:59.999999999Z" as Signal["received_at"];

const receiptOf = (metadata: Readonly<Record<string, unknown>>): Signal["received_at"] =>
  metadata.received_at as Signal["received_at"];

/** Its fields in one order, so that equal signals are equal texts. */
const inOrder = (signal: Omit<Signal, "source">): Signal => ({
  project_uuid: signal.project_uuid,
  incident_id: signal.incident_id,
  kind: signal.kind,
  status: signal.status,
  incident_time: signal.incident_time,
  event_id: signal.event_id,
  received_at: signal.received_at,
  source: "webhook",
  ...(signal.monitor_id == null ? {} : { monitor_id: signal.monitor_id }),
  ...(signal.message == null ? {} : { message: signal.message }),
});

const signalOf = (row: Commit["rows"][number]): Signal => {
  const kind = (["ALERT", "RECOVERY", null] as const)[row.own_kind as 0 | 1 | 2];
  return inOrder({ ...(row as unknown as Omit<Signal, "source" | "kind">), kind });
};

function paired(signals: readonly Signal[], matching: Matching): string {
  const { records, outages, orphans } = pairIncidents(signals, { matching });
  const negative = outages.some(({ recovery }) => recovery !== null && recovery.recovery_seconds < 0);
  const texts = [...[...records.values()].flat(), ...outages, ...orphans].map((one) => JSON.stringify(one));
  return `${negative ? "a negative duration\n" : ""}${texts.sort().join("\n")}`;
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
