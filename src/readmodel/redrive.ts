// Tries dead letters again where somebody asked for it (redrive-requests.ts): reads the event back from the store and
// applies it with today's code, between two batches of the projector that leads. Knows no HTTP.

import { normalForm } from "../../projections/exact-text.ts";
import type { RecordedEvent } from "../domain/stored-events.ts";
import { isRefused, prepareEvents } from "./apply-batch.ts";
import { apply as applyInLead, type Lead } from "./apply-or-split.ts";
import { faultReason } from "./database-fault.ts";
import type { ReadStreamFrom } from "./event-feed.ts";
import { type ProjectorClock, realClock } from "./projector-clock.ts";
import type { Turns } from "./turns.ts";

export interface RedriveOptions {
  readonly readStream: ReadStreamFrom;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
  readonly clock?: ProjectorClock;
}

/** What a stint lends: its session, its turns, where its checkpoint stands, and whom to tell. */
export interface RedriveStint {
  readonly lead: Lead;
  readonly turns: Turns;
  readonly checkpoint: () => bigint | undefined;
  readonly logId: string;
  /** How often settings have been applied: events of the registry. */
  readonly settingsApplied: () => number;
  readonly revived: () => void;
}

interface AskedLetter {
  readonly position: bigint;
  readonly revision: bigint;
  readonly stream: string;
  readonly type: string;
  readonly asked: number;
}

/** How often the one that leads looks whether a try was asked for. */
const lookEveryMs = 250;
const lettersAtOnce = 100;
/** The store is left alone for this long after it could not be read. */
const storeAwayMs = 2_000;
/** A setting is tried again together with those that came after it: so many at most. */
const mostFollowing = 10_000;

const isSignal = ({ type }: { readonly type: string }): boolean => type === "IncidentSignalRecorded";

/** Goes on until the signal; throws what the database has against it. */
export async function keepRedriving(
  stint: RedriveStint,
  options: RedriveOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const letters = await stint.turns.take(() => askedLetters(stint.lead));
    let restMs = letters.length < lettersAtOnce ? lookEveryMs : 0;
    for (const letter of letters) {
      if (signal.aborted) return;
      try {
        await tryAgain(letter, stint, options);
      } catch (error) {
        if (!(error instanceof StoreAway)) throw error;
        options.log.warn({ reason: faultReason(error.cause) }, "dead letters cannot be read back yet");
        restMs = storeAwayMs;
        break;
      }
    }
    await (options.clock ?? realClock).pause(restMs, signal);
  }
}

async function askedLetters({ sql }: Lead): Promise<readonly AskedLetter[]> {
  const rows = await sql`
    select position, revision, stream, type, asked from dead_letters where asked > tried
    order by position limit ${lettersAtOnce}`;
  return rows.map(({ position, revision, stream, type, asked }) => ({
    position: BigInt(position),
    revision: BigInt(revision),
    stream,
    type,
    asked,
  }));
}

async function tryAgain(
  letter: AskedLetter,
  stint: RedriveStint,
  { readStream, log }: RedriveOptions,
): Promise<void> {
  const { lead, turns } = stint;
  const settingsBefore = stint.settingsApplied();
  const others = isSignal(letter) ? new Set<bigint>() : await turns.take(() => otherLetters(lead, letter));
  const read = await readBack(letter, others, readStream);
  await turns.take(async () => {
    // A setting that was applied meanwhile would be undone by those read before it: the next look tries again.
    if (!isSignal(letter) && stint.settingsApplied() !== settingsBefore) return;
    const reason = read.tag === "unreadable" ? read.reason : await apply(letter, read.events);
    if (reason === undefined) {
      stint.revived();
      log.info({ position: letter.position.toString() }, "a dead letter has been applied");
      return;
    }
    await lead.sql`
      update dead_letters set reason = ${normalForm(reason.slice(0, 2_000))}, tried = ${letter.asked}
      where position = ${letter.position.toString()}::text::numeric`;
  });

  /** Undefined where it is in the tables now, else why not. */
  async function apply(
    { position }: AskedLetter,
    recorded: readonly RecordedEvent[],
  ): Promise<string | undefined> {
    const { events, deadLetters } = prepareEvents(recorded);
    const own = deadLetters.find(({ event }) => event.position === position);
    if (own !== undefined) return own.reason;
    const at = stint.checkpoint();
    if (at === undefined) return "the read model is being built anew";
    try {
      const log = { id: stint.logId, last: undefined };
      await applyInLead(lead, { events, deadLetters: [], from: at, upTo: at, log, revived: position });
      return undefined;
    } catch (error) {
      if (!isRefused(error)) throw error;
      return faultReason(error);
    }
  }
}

/** Of the same stream, later ones. */
async function otherLetters({ sql }: Lead, { stream, position }: AskedLetter): Promise<Set<bigint>> {
  const rows = await sql`
    select position from dead_letters
    where stream = ${stream} and position > ${position.toString()}::text::numeric limit ${mostFollowing}`;
  return new Set(rows.map((row) => BigInt(row.position)));
}

type ReadBack =
  | { readonly tag: "read"; readonly events: readonly RecordedEvent[] }
  | { readonly tag: "unreadable"; readonly reason: string };

class StoreAway extends Error {}

/**
 * The letter's event. The order of signals does not matter, that of a project's settings does: a setting comes with all
 * of its project that were stored after it, to be applied again in the log's order, which ends where it would have
 * ended without the fault.
 */
async function readBack(
  letter: AskedLetter,
  others: ReadonlySet<bigint>,
  readStream: ReadStreamFrom,
): Promise<ReadBack> {
  const events: RecordedEvent[] = [];
  try {
    for await (const event of readStream(letter.stream, { fromRevision: letter.revision })) {
      if (events.length === 0 && event.position !== letter.position) break;
      if (events.length > 0 && (projectOf(event) !== projectOf(events[0]) || others.has(event.position)))
        continue;
      events.push(event);
      if (isSignal(event) || typeof projectOf(event) !== "string") break;
      if (events.length > mostFollowing)
        return {
          tag: "unreadable",
          reason: "too many settings of the project follow; a rebuild tries it again",
        };
    }
  } catch (error) {
    throw new StoreAway("the event store cannot be read", { cause: error });
  }
  return events.length === 0
    ? { tag: "unreadable", reason: "the event store does not hold the event any more" }
    : { tag: "read", events };
}

function projectOf(event: RecordedEvent | undefined): unknown {
  const data = event?.data;
  const uuid = typeof data === "object" && data !== null && "project_uuid" in data ? data.project_uuid : null;
  return typeof uuid === "string" ? uuid.toLowerCase() : uuid;
}
