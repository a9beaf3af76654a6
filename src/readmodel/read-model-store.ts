// The port through which a session reads and writes the read model's tables. Knows the projections only as values.

import { normalForm } from "../../projections/exact-text.ts";
import type { Projection, Stores } from "../../projections/projection.ts";
import type { Changes } from "../../projections/table.ts";
import type { RecordedEvent } from "../domain/stored-events.ts";
import { faultCode } from "./database-fault.ts";
import { incidentsStore } from "./incidents-store.ts";
import { keyUsageStore } from "./key-usage-store.ts";
import { type EventPlace, placeRow } from "./log-identity.ts";
import type { Sql } from "./postgres.ts";
import { checkpointName } from "./schema.ts";
import { sourcesStore } from "./sources-store.ts";
import { checkpointStatement, writeStatement } from "./write-statement.ts";

/** An event that could not be projected, and why. */
export interface DeadLetter {
  readonly event: RecordedEvent;
  readonly reason: string;
}

/** What is written at once, or not at all. */
export interface WrittenBatch {
  /** Undefined: no table's rows. */
  readonly changes: Changes | undefined;
  readonly deadLetters: readonly DeadLetter[];
  /** The checkpoint moves from one position (undefined: none yet) to another. */
  readonly from: bigint | undefined;
  readonly upTo: bigint;
  /** The log that the events are of, and the last of them; undefined: the mark of the tables stays. */
  readonly log: { readonly id: string; readonly last: EventPlace | undefined };
  /** The position of a dead letter that is none any more. */
  readonly revived?: bigint;
}

export interface ReadModelStore {
  readonly stores: Stores;
  /** Answers the number of the server process that did it. Throws CheckpointLost, or what the database said. */
  readonly write: (written: WrittenBatch) => Promise<number>;
  /** Resolves once what has been asked is on its way, so that work that keeps this process busy is done meanwhile. */
  readonly sent: () => Promise<void>;
}

/** Somebody else has moved the checkpoint: nothing of the batch was applied. */
export class CheckpointLost extends Error {
  override readonly name = "CheckpointLost";
}

export function postgresStore(sql: Sql, projections: readonly Projection[]): ReadModelStore {
  const statement = writeStatement(projections.flatMap(({ tables }) => tables));
  return {
    stores: { incidents: incidentsStore(sql), keyUsage: keyUsageStore(sql), sources: sourcesStore(sql) },
    // The client writes what it was given before on its next turn.
    sent: () => new Promise((resolve) => setImmediate(resolve)),
    write: async ({ changes, deadLetters, from, upTo, log, revived }) => {
      try {
        const [answer] = await sql.unsafe(
          changes === undefined ? checkpointStatement : statement.text,
          [
            checkpointName(projections),
            from === undefined ? null : from.toString(),
            upTo.toString(),
            JSON.stringify(deadLetters.map(letterRow)),
            revived === undefined ? null : revived.toString(),
            log.id,
            placeRow(log.last),
            ...(changes === undefined ? [] : statement.values(changes)),
          ],
          { prepare: true },
        );
        return Number(answer?.pid);
      } catch (error) {
        if (faultCode(error) === "LC001") throw new CheckpointLost((error as Error).message);
        throw error;
      }
    },
  };
}

const letterRow = ({ event, reason }: DeadLetter) => ({
  position: event.position.toString(),
  revision: event.revision.toString(),
  event_id: normalForm(event.id),
  stream: normalForm(event.stream),
  type: normalForm(event.type),
  // Cut first: the cut may leave half a character.
  reason: normalForm(reason.slice(0, 2_000)),
});
