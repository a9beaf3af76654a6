// Drains the spool into the event store: with the ids the records came with, each stream's records in their order, many
// of one stream in one append. Knows nothing of files. What this process sent and saw acknowledged is never looked for;
// what may have been sent before is (look-back.ts).

import type { NewEvent } from "../domain/stored-events.ts";
import type { AppendEvents, ExpectedRevision, ReadBackwards } from "../intake/event-log.ts";
import { createLines, type Line } from "./lines.ts";
import { lookBack, type Sending } from "./look-back.ts";
import type { Spooled } from "./reader.ts";
import type { SpoolLog } from "./segments.ts";
import type { Spool } from "./spool.ts";
import { type After, realAfter } from "./timer.ts";

export interface ForwarderOptions {
  readonly spool: Spool;
  readonly append: AppendEvents;
  readonly readBackwards: ReadBackwards;
  readonly log: SpoolLog;
  readonly appendsAtOnce?: number;
  readonly after?: After;
  /** Never goes back. */
  readonly nowMs?: () => number;
}

export interface Forwarder {
  readonly stats: () => {
    readonly forwarded: number;
    readonly refused: number;
    /** How long what waits takes at the pace of the last second in which something drained; 0 while nothing waits. */
    readonly backlogSeconds: number;
  };
  /** Stops after the appends under way. What is not acknowledged is sent again after the next start. */
  readonly stop: () => Promise<void>;
}

/** Records read and held in memory at a time: so many that a stream has several of them to be appended together. */
const loaded = { records: 16_384, bytes: 16 * 1024 * 1024 };
/** One append, well below the 1 MiB that event stores take in one by default. */
const together = { records: 64, bytes: 512 * 1024 };
/** How often a line is looked at again before it is taken for one that others always write to, or that is deleted. */
const mostConflicts = 5;
const firstBackoffMs = 50;
const longestBackoffMs = 1_000;
const idleMs = 1_000;
/** Before every position. */
const unknown = -1n;
/** Records a second. */
const unknownPace = 2_000;

/** `again`: part of it is to go in another way. `later`: the store does not answer. */
type Sent = "done" | "again" | "later";

export function startForwarder({
  spool,
  append,
  readBackwards,
  log,
  appendsAtOnce = 64,
  after = realAfter,
  nowMs = () => performance.now(),
}: ForwarderOptions): Forwarder {
  const lines = createLines();
  const { promise: stopped, resolve: tellStopped } = Promise.withResolvers<void>();
  const pace = createPace(nowMs);
  let stopping = false;
  let serving = 0;
  let forwarded = 0;
  let refused = 0;
  /** While the store does not answer: how long to wait before the next try, one line at a time. */
  let backoffMs = 0;
  let resting = false;
  let wake: () => void = () => undefined;

  /** Resolves when `wake` is called, at the latest after `ms`. */
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = after(ms, resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });
  // Small pieces would cost a read of the disk each.
  const hasRoom = (): boolean =>
    lines.records() <= 0.75 * loaded.records && lines.bytes() <= 0.75 * loaded.bytes;

  async function load(): Promise<void> {
    for (let waitMs = firstBackoffMs; !stopping; ) {
      if (!hasRoom()) {
        await pause(idleMs);
        continue;
      }
      try {
        const room = { records: loaded.records - lines.records(), bytes: loaded.bytes - lines.bytes() };
        const spooled = await spool.read(room);
        for (const one of spooled) lines.add(sendingOf(one, spool.lastBefore));
        serve();
        if (spooled.length === 0) await Promise.race([spool.changed(idleMs), stopped]);
        waitMs = firstBackoffMs;
      } catch (error) {
        log.error({ error: String(error) }, "cannot read the spool; trying again");
        await pause(waitMs);
        waitMs = Math.min(waitMs * 2, longestBackoffMs);
      }
    }
  }

  function serve(): void {
    while (!stopping && !resting && serving < (backoffMs > 0 ? 1 : appendsAtOnce)) {
      const line = lines.next();
      if (line === undefined) return;
      serving += 1;
      void serveLine(line).then((sent) => {
        serving -= 1;
        if (sent === "later") rest();
        serve();
        if (stopping || hasRoom()) wake();
      });
    }
  }

  function rest(): void {
    if (resting) return;
    resting = true;
    backoffMs = Math.min(Math.max(firstBackoffMs, backoffMs * 2), longestBackoffMs);
    after(backoffMs, () => {
      resting = false;
      serve();
    });
  }

  async function serveLine(line: Line): Promise<Sent> {
    const group = groupOf(line);
    let sent: Sent = "later";
    try {
      sent = await send(line, group);
    } catch (error) {
      // Of the disk that keeps what is refused, say: that must not cost the records.
      log.error({ error: String(error), stream: line.stream }, "cannot forward from the spool; trying again");
    }
    const done = group.filter(({ events }) => events.length === 0);
    lines.giveBack(line, done);
    if (done.length > 0) acknowledge(done);
    return sent;
  }

  async function send(line: Line, group: readonly Sending[]): Promise<Sent> {
    const { stream } = line;
    const doubts = new Map(line.records.map((sending) => [sending, sending.doubt]));
    const isDoubtful = group.some(({ doubt }) => doubt !== undefined);
    if (isDoubtful) {
      try {
        await lookBack(readBackwards, { stream, records: line.records, known: line });
      } catch (error) {
        return later(String(error));
      }
    }
    const events = line.mode === "together" ? eventsOf(group) : eventsOf(group).slice(0, 1);
    if (events.length === 0) return "done";
    const before = spool.position() ?? unknown;
    // What was looked for may come in between now: an append of an earlier life may still be on its way. One event alone
    // a store recognises then; of several it looks for the first only.
    const isSafe = !isDoubtful || events.length === 1 || line.conflicts >= mostConflicts;
    const expected = isSafe ? "any" : expectedOf(line);
    const outcome = await append(stream, events, expected);
    switch (outcome.tag) {
      case "appended":
        if (outcome.position !== undefined) spool.notePosition(outcome.position);
        line.last = outcome.revision;
        leave(group, events);
        drains();
        return "done";
      case "unavailable":
        restore(doubts);
        if (outcome.unsent !== true) doubtAll(group, before);
        line.last = undefined;
        return later(outcome.reason);
      case "conflict":
        line.last = undefined;
        // Nothing was written: it knows the first of them and not all. One by one it tells which.
        if (expected === "any") break;
        restore(doubts);
        line.conflicts += 1;
        return "again";
      case "too_large":
        break;
      default:
        return outcome satisfies never;
    }
    if (line.mode === "together") {
      line.mode = "one_by_one";
      return "again";
    }
    await refuse(group, events, outcome.tag);
    return "done";
  }

  async function refuse(
    group: readonly Sending[],
    [event]: readonly NewEvent[],
    reason: string,
  ): Promise<void> {
    const record = group.find(({ events }) => event !== undefined && events.includes(event));
    if (record === undefined || event === undefined) return;
    const { spooled } = record;
    await spool.refuse({ ...spooled, record: { ...spooled.record, events: [event] } }, reason);
    record.isRefused = true;
    leave(group, [event]);
  }

  function later(reason: string): Sent {
    if (backoffMs === 0 && !resting) log.warn({ reason }, "the spool cannot drain for now");
    return "later";
  }

  function drains(): void {
    if (backoffMs > 0) log.info({}, "the spool drains again");
    backoffMs = 0;
  }

  /** A cursor that cannot be written (no space, say) only means sending the same ids again after a restart. */
  function acknowledge(done: readonly Sending[]): void {
    for (const { isRefused } of done) {
      if (isRefused) refused += 1;
      else forwarded += 1;
    }
    pace.count(done.length);
    spool.acknowledge(done.map(({ spooled }) => spooled)).catch((error) => {
      log.warn({ error: String(error) }, "cannot note how far the spool has drained");
    });
  }

  const loading = load();
  return {
    stats: () => ({ forwarded, refused, backlogSeconds: pace.secondsFor(spool.stats().waiting) }),
    stop: async () => {
      stopping = true;
      tellStopped();
      wake();
      await loading;
      while (serving > 0) await pause(idleMs);
    },
  };
}

function sendingOf(spooled: Spooled, lastBefore: bigint): Sending {
  const { events, after, sent } = spooled.record;
  const when = sent === true ? "now" : spooled.sequence <= lastBefore ? "earlier" : undefined;
  return {
    spooled,
    events,
    doubt: when && { after: after === undefined ? unknown : BigInt(after), when },
    isRefused: false,
  };
}

/** What goes together: the line's first records. */
function groupOf(line: Line): readonly Sending[] {
  let bytes = 0;
  const group: Sending[] = [];
  for (const sending of line.records) {
    bytes += sending.spooled.bytes;
    if (group.length > 0 && (group.length >= together.records || bytes > together.bytes)) break;
    group.push(sending);
  }
  return group;
}

/** Each once, in order. */
function eventsOf(group: readonly Sending[]): readonly NewEvent[] {
  const first = new Map<string, NewEvent>();
  for (const { events } of group)
    for (const event of events) if (!first.has(event.id)) first.set(event.id, event);
  return [...first.values()];
}

function leave(group: readonly Sending[], stored: readonly NewEvent[]): void {
  const ids = new Set(stored.map(({ id }) => id));
  for (const sending of group) sending.events = sending.events.filter(({ id }) => !ids.has(id));
}

/** What was looked for may have come since, or come yet. */
function restore(doubts: ReadonlyMap<Sending, Sending["doubt"]>): void {
  for (const [sending, doubt] of doubts) sending.doubt = doubt && { ...doubt, when: "now" };
}

/** They may be in the store now: behind this position, or where they may have been before. */
function doubtAll(group: readonly Sending[], before: bigint): void {
  for (const sending of group) {
    const after = sending.doubt?.after ?? before;
    sending.doubt = { after: after < before ? after : before, when: "now" };
  }
}

/** That nothing has come behind what is known; where nothing is known, any state will do. */
const expectedOf = ({ last }: Line): ExpectedRevision =>
  last === undefined ? "any" : last < 0n ? "no_stream" : last;

/** How fast the spool drained in the last second or so in which it did. */
function createPace(nowMs: () => number) {
  let since = nowMs();
  let last = since;
  let counted = 0;
  let perSecond = 0;
  return {
    count: (records: number): void => {
      const now = nowMs();
      // A pause in which nothing had to drain, or nothing could, says nothing of the pace.
      if (now - last > 500) {
        since = now;
        counted = 0;
      }
      last = now;
      counted += records;
      if (now - since < 1_000) return;
      perSecond = (counted * 1_000) / (now - since);
      since = now;
      counted = 0;
    },
    /** Before a pace is known, a cautious one. */
    secondsFor: (waiting: number): number => waiting / (perSecond === 0 ? unknownPace : perSecond),
  };
}
