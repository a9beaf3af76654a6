// Applies a batch, and where Postgres refuses its data, the largest parts of it that it accepts: one bad event costs
// itself and nothing else. Knows no feed.

import type { Projection } from "../../projections/projection.ts";
import type { RecordedEvent } from "../domain/stored-events.ts";
import { applyBatch, type DeadLetter, type PreparedRows, prepareRows } from "./apply-batch.ts";
import { faultReason, isDataFault } from "./database-fault.ts";
import type { Sql } from "./postgres.ts";

/** A session, and the server process that holds its lock: another one means that the connection was replaced. */
export interface Lead {
  readonly sql: Sql;
  readonly pid: number;
}

export interface SplittableBatch {
  readonly projections: readonly Projection[];
  readonly events: readonly RecordedEvent[];
  readonly prepared: PreparedRows;
  readonly from: bigint | undefined;
  readonly upTo: bigint;
}

/**
 * Answers the dead letters, all stored. Throws CheckpointLost and every fault of the database; then the stored
 * checkpoint says how far it came.
 */
export async function applyOrSplit(lead: Lead, batch: SplittableBatch): Promise<readonly DeadLetter[]> {
  const { projections, events, prepared, from, upTo } = batch;
  try {
    await apply(lead, { projections, ...prepared, from, upTo });
    return prepared.deadLetters;
  } catch (error) {
    const [first] = events;
    if (!isDataFault(error) || first === undefined) throw error;
    if (events.length === 1) {
      const deadLetters = [{ event: first, reason: faultReason(error) }];
      await apply(lead, { projections, rows: [], deadLetters, from, upTo });
      return deadLetters;
    }
  }
  const half = Math.ceil(events.length / 2);
  const middle = events[half - 1]?.position ?? upTo;
  const parts = [
    { events: events.slice(0, half), from, upTo: middle },
    { events: events.slice(half), from: middle, upTo },
  ];
  const deadLetters: DeadLetter[] = [];
  for (const part of parts) {
    const again = prepareRows(projections, part.events);
    deadLetters.push(...(await applyOrSplit(lead, { projections, prepared: again, ...part })));
  }
  return deadLetters;
}

async function apply({ sql, pid }: Lead, batch: Parameters<typeof applyBatch>[1]): Promise<void> {
  const appliedBy = await applyBatch(sql, batch);
  if (appliedBy !== pid) {
    throw new Error("the projector's connection was replaced, and with it went the lock it held");
  }
}
