// Applies a batch, and where Postgres refuses its data, the parts of it that it accepts: one bad event costs itself and
// nothing else. Knows no feed.

import type { RecordedEvent } from "../domain/stored-events.ts";
import {
  type AppliedBatch,
  type BatchApplier,
  isRefused,
  type PreparedEvents,
  prepareEvents,
} from "./apply-batch.ts";
import { faultReason } from "./database-fault.ts";
import type { HeldLead } from "./lead.ts";
import { type EventPlace, lastPlace } from "./log-identity.ts";
import type { DeadLetter } from "./read-model-store.ts";

/** The session that leads, with its folds. */
export interface Lead extends HeldLead {
  readonly applier: BatchApplier;
}

export interface SplittableBatch {
  readonly logId: string;
  readonly events: readonly RecordedEvent[];
  readonly prepared: PreparedEvents;
  readonly from: bigint | undefined;
  readonly upTo: bigint;
  /** Told of each part once it is in the tables. */
  readonly applied: (part: AppliedPart) => void;
}

export interface AppliedPart {
  readonly upTo: bigint;
  /** The last event of the part. */
  readonly last: EventPlace | undefined;
  readonly deadLetters: readonly DeadLetter[];
}

/** A part that was refused is cut down by this, one that was accepted is followed by one as much larger. */
const factor = 4;
/** So much text is applied at once at most: a message to Postgres has a bound, and the projector's pace too. */
const mostCharacters = 8_000_000;
/** Where event after event is refused, what was found out is stored this often. */
const lettersAtOnce = 50;

/**
 * Throws CheckpointLost and every fault of the database but a refusal; then the stored checkpoint says how far it came.
 *
 * The parts grow and shrink so that the cost is bounded whatever the mix of good and bad: for n events at most 2n
 * statements and a few, and about 25 for one bad event in a thousand.
 */
export async function applyOrSplit(lead: Lead, batch: SplittableBatch): Promise<void> {
  const { logId, events, upTo } = batch;
  let from = batch.from;
  let next = 0;
  let size = Math.max(1, events.length);
  let refused: DeadLetter[] = [];
  const store = async (some: PreparedEvents["events"], letters: readonly DeadLetter[], until: bigint) => {
    const deadLetters = [...refused, ...letters];
    const last = lastPlace(events.filter(({ position }) => position <= until));
    await apply(lead, { events: some, deadLetters, from, upTo: until, log: { id: logId, last } });
    from = until;
    refused = [];
    batch.applied({ upTo: until, last, deadLetters });
  };
  do {
    const part = events.slice(next, next + size);
    const isWhole = part.length === events.length;
    const prepared = isWhole ? batch.prepared : prepareEvents(part);
    if (prepared.characters > mostCharacters && part.length > 1) {
      size = Math.ceil(part.length / factor);
      continue;
    }
    const after = next + part.length;
    const last = part.at(-1);
    const until = after === events.length || last === undefined ? upTo : last.position;
    try {
      await store(prepared.events, prepared.deadLetters, until);
    } catch (error) {
      const [first] = part;
      if (!isRefused(error) || first === undefined) throw error;
      if (part.length > 1) {
        size = Math.ceil(part.length / factor);
        continue;
      }
      refused.push({ event: first, reason: faultReason(error) });
      if (refused.length >= lettersAtOnce || after === events.length) await store([], [], until);
      next = after;
      continue;
    }
    next = after;
    size = part.length * factor;
  } while (next < events.length);
}

/** Applies a batch in the session that leads; throws where that has lost its lock on the way. */
export async function apply({ applier, pid }: Lead, batch: AppliedBatch): Promise<void> {
  const appliedBy = await applier.apply(batch);
  if (appliedBy !== pid) {
    throw new Error("the projector's connection was replaced, and with it went the lock it held");
  }
}
