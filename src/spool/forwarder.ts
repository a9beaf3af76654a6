// Drains the spool into the event store: at least once, with the ids the records came with, each stream's records in
// their order. Knows nothing of files. A crash between append and acknowledgement sends the same ids again.

import type { AppendEvents, ReadStream } from "../intake/event-log.ts";
import { appendingTogether } from "./append-together.ts";
import type { Spooled } from "./reader.ts";
import type { SpoolLog } from "./segments.ts";
import type { Spool } from "./spool.ts";
import { type After, realAfter } from "./timer.ts";

export interface ForwarderOptions {
  readonly spool: Spool;
  readonly append: AppendEvents;
  readonly readStream: ReadStream;
  readonly log: SpoolLog;
  /** Appends at once; what it leaves over is for the webhooks that come in now. */
  readonly appendsAtOnce?: number;
  readonly after?: After;
  /** Never goes back. */
  readonly nowMs?: () => number;
}

export interface Forwarder {
  readonly stats: () => { readonly forwarded: number; readonly refused: number };
  /** Stops after the appends under way. What is not acknowledged is sent again after the next start. */
  readonly stop: () => Promise<void>;
}

/** Records read and held in memory at a time. */
const window = { records: 1024, bytes: 4 * 1024 * 1024 };
/**
 * While a flood comes in, more than goes out, draining gives way: it only takes from what comes in the time that this
 * needs to be acknowledged, and cannot keep up anyway. A little is drained all the same, to see when that is over. Where
 * little comes in it is the store or this machine that is slow: small windows would only make draining slower still.
 */
const giveWay = { records: 32, ms: 750, floodPerSecond: 500 };
/** Below the 1 MiB that event stores take in one append by default. */
const appendBytes = 512 * 1024;
const firstBackoffMs = 50;
const longestBackoffMs = 2000;
const idleMs = 1000;

/** What goes to one stream together. */
interface Parcel {
  readonly stream: string;
  /** Without those that have gone one by one already. */
  readonly parts: Spooled[];
}

type Sent = "done" | "later";

export function startForwarder({
  spool,
  append,
  readStream,
  log,
  appendsAtOnce = 64,
  after = realAfter,
  nowMs = () => performance.now(),
}: ForwarderOptions): Forwarder {
  const appendTogether = appendingTogether(append, readStream);
  let stopping = false;
  let wake: () => void = () => undefined;
  let forwarded = 0;
  let refused = 0;
  let failing = false;

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = after(ms, resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });

  async function drain(): Promise<void> {
    let backoffMs = firstBackoffMs;
    let givesWay = false;
    while (!stopping) {
      try {
        if (givesWay) await pause(giveWay.ms);
        if (stopping) return;
        const before = spool.stats().waiting;
        const spooled = await spool.read(givesWay ? { ...window, records: giveWay.records } : window);
        const last = spooled.at(-1);
        if (last === undefined) {
          await Promise.race([spool.changed(idleMs), pause(idleMs)]);
          continue;
        }
        const startedAt = nowMs();
        if (!(await sendAll(spooled))) return;
        await acknowledge(last.sequence);
        const { waiting, bytes, maxBytes } = spool.stats();
        const came = waiting + spooled.length - before;
        const isFlood = came * 1000 > giveWay.floodPerSecond * (nowMs() - startedAt);
        givesWay = waiting > before && isFlood && bytes < maxBytes / 2;
        backoffMs = firstBackoffMs;
      } catch (error) {
        log.error({ error: String(error) }, "cannot read the spool; trying again");
        await pause(backoffMs);
        backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
      }
    }
  }

  /** Every record of the window is stored or refused when this returns true; false when stopped before that. */
  async function sendAll(spooled: readonly Spooled[]): Promise<boolean> {
    let queues = queuesOf(spooled);
    for (let backoffMs = firstBackoffMs; ; backoffMs = Math.min(backoffMs * 2, longestBackoffMs)) {
      const before = forwarded + refused;
      const next = queues.values();
      await Promise.all(Array.from({ length: appendsAtOnce }, () => sendLane(next)));
      queues = queues.filter((queue) => queue.length > 0);
      if (queues.length === 0) return true;
      if (stopping) return false;
      if (forwarded + refused > before) backoffMs = firstBackoffMs;
      await pause(backoffMs);
      if (stopping) return false;
    }
  }

  /** Takes one stream after the other; each stream's parcels go one after the other. */
  async function sendLane(queues: Iterator<Parcel[]>): Promise<void> {
    for (let queue = queues.next(); !queue.done; queue = queues.next()) {
      for (let parcel = queue.value[0]; parcel !== undefined; parcel = queue.value[0]) {
        if (stopping || (await sendOrLater(parcel)) === "later") return;
        queue.value.shift();
      }
    }
  }

  /** A fault on the way (of the disk that keeps what is refused, say) must not cost the records of the window. */
  async function sendOrLater(parcel: Parcel): Promise<Sent> {
    try {
      return await send(parcel);
    } catch (error) {
      log.error(
        { error: String(error), stream: parcel.stream },
        "cannot forward from the spool; trying again",
      );
      return "later";
    }
  }

  async function send(parcel: Parcel): Promise<Sent> {
    const events = parcel.parts.flatMap(({ record }) => record.events);
    // One event too: it may be there from a try whose answer was lost, and a store forgets ids when it restarts.
    const together = await appendTogether(parcel.stream, events);
    if (together.tag === "later") return later(together.reason);
    if (together.tag === "one_by_one") return sendEventByEvent(parcel);
    forwarded += parcel.parts.length;
    drains();
    return "done";
  }

  async function sendEventByEvent({ stream, parts }: Parcel): Promise<Sent> {
    for (let part = parts[0]; part !== undefined; part = parts[0]) {
      let isRefused = false;
      for (const event of part.record.events) {
        const outcome = await append(stream, [event], "any");
        if (outcome.tag === "unavailable") return later(outcome.reason);
        if (outcome.tag === "appended") {
          drains();
          continue;
        }
        await spool.refuse({ ...part, record: { stream, events: [event] } }, outcome.tag);
        isRefused = true;
      }
      if (isRefused) refused += 1;
      else forwarded += 1;
      parts.shift();
    }
    return "done";
  }

  function later(reason: string): Sent {
    if (!failing) log.warn({ reason }, "the spool cannot drain for now");
    failing = true;
    return "later";
  }

  function drains(): void {
    if (failing) log.info({}, "the spool drains again");
    failing = false;
  }

  /** A cursor that cannot be written (no space, say) only means sending the same ids again after a restart. */
  async function acknowledge(sequence: bigint): Promise<void> {
    try {
      await spool.acknowledge(sequence);
    } catch (error) {
      log.warn({ error: String(error) }, "cannot note how far the spool has drained");
    }
  }

  const done = drain();
  return {
    stats: () => ({ forwarded, refused }),
    stop: async () => {
      stopping = true;
      wake();
      await done;
    },
  };
}

/** One queue a stream, its records in order, as many to a parcel as fit into one append. */
function queuesOf(spooled: readonly Spooled[]): Parcel[][] {
  const queues = new Map<string, { parts: Spooled[]; bytes: number; stream: string }[]>();
  for (const part of spooled) {
    const { stream } = part.record;
    const bytes = JSON.stringify(part.record.events).length * 2;
    const queue = queues.get(stream) ?? [];
    queues.set(stream, queue);
    const open = queue.at(-1);
    if (open === undefined || open.bytes + bytes > appendBytes) queue.push({ stream, parts: [part], bytes });
    else {
      open.parts.push(part);
      open.bytes += bytes;
    }
  }
  return [...queues.values()];
}
