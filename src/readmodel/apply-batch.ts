// Applies a run of events to the read model: rows, dead letters and checkpoint in one statement, so in one
// transaction. Knows no feed.

import type { ProjectedEvent, Projection, Row } from "../../projections/projection.ts";
import type { RecordedEvent } from "../domain/stored-events.ts";
import { type EventPlace, placeRow } from "./log-identity.ts";
import type { Sql } from "./postgres.ts";
import { normalForm, projectedEvent } from "./projected-event.ts";
import { checkpointName } from "./schema.ts";

/** An event that could not be projected, and why. */
export interface DeadLetter {
  readonly event: RecordedEvent;
  readonly reason: string;
}

/** Events as the rows of each projection, in the projections' order. */
export interface PreparedRows {
  readonly rows: readonly (readonly Row[])[];
  readonly deadLetters: readonly DeadLetter[];
  /** How much text the rows hold. */
  readonly characters: number;
}

type Handler = (data: ProjectedEvent["data"]) => Row;

/** Somebody else has moved the checkpoint: nothing of the batch was applied. */
export class CheckpointLost extends Error {
  override readonly name = "CheckpointLost";
}

/**
 * Decodes events; those that cannot be read are dead letters, those of foreign types nothing. Decoding depends on the
 * event alone, so whatever it throws it would throw again: not even a mistake in it may stop the projector.
 */
export function prepareRows(
  projections: readonly Projection[],
  events: readonly RecordedEvent[],
): PreparedRows {
  const rows: Row[][] = projections.map(() => []);
  const deadLetters: DeadLetter[] = [];
  let characters = 0;
  for (const event of events) {
    try {
      const projected = projectedEvent(event);
      if (projected === undefined) continue;
      for (const [place, { handlers }] of projections.entries()) {
        const handler = handlers[projected.type] as Handler | undefined;
        if (handler === undefined) continue;
        const row = handler(projected.data);
        rows[place]?.push(row);
        characters += charactersOf(row);
      }
    } catch (error) {
      deadLetters.push({ event, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { rows, deadLetters, characters };
}

function charactersOf(row: Row): number {
  let characters = 0;
  for (const field in row) {
    const value = row[field];
    if (typeof value === "string") characters += value.length;
    else if (typeof value === "object" && value !== null) characters += JSON.stringify(value).length;
  }
  return characters;
}

/**
 * Applies prepared rows and moves the checkpoint from one position (undefined: none yet) to another, or does nothing
 * and throws: CheckpointLost, or what Postgres said. Rows seen before change nothing. Answers the number of the
 * server process that did it.
 */
export async function applyBatch(
  sql: Pick<Sql, "unsafe">,
  batch: Pick<PreparedRows, "rows" | "deadLetters"> & {
    readonly projections: readonly Projection[];
    readonly from: bigint | undefined;
    readonly upTo: bigint;
    /** The log that the events are of, and the last of them; undefined: the mark of the tables stays. */
    readonly log: { readonly id: string; readonly last: EventPlace | undefined };
    /** The position of a dead letter that is none any more. */
    readonly revived?: bigint;
  },
): Promise<number> {
  const { projections, rows, deadLetters, from, upTo, log, revived } = batch;
  const changes = projections.reduce(
    (before, { name }, place) => `${name}_apply($${place + 8}::text::json, ${before})`,
    "'{}'",
  );
  const isEmpty = rows.every((some) => some.length === 0);
  try {
    const [answer] = await sql.unsafe(
      "select advance_checkpoint($1::text, $2::text::numeric, $3::text::numeric, $4::text::json, $5::text::numeric), " +
        `mark_log($6::text::uuid, $7::text::json), pg_backend_pid() as pid${isEmpty ? "" : `, cardinality(${changes})`}`,
      [
        checkpointName(projections),
        from === undefined ? null : from.toString(),
        upTo.toString(),
        JSON.stringify(deadLetters.map(letterRow)),
        revived === undefined ? null : revived.toString(),
        log.id,
        placeRow(log.last),
        ...(isEmpty ? [] : rows.map((some) => JSON.stringify(some))),
      ],
      { prepare: true },
    );
    return Number(answer?.pid);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "LC001") {
      throw new CheckpointLost(error.message);
    }
    throw error;
  }
}

const letterRow = ({ event, reason }: DeadLetter): Row => ({
  position: event.position.toString(),
  revision: event.revision.toString(),
  event_id: normalForm(event.id),
  stream: normalForm(event.stream),
  type: normalForm(event.type),
  // Cut first: the cut may leave half a character.
  reason: normalForm(reason.slice(0, 2_000)),
});
