// Wires what makes a webhook durable before it is acknowledged: the event store, the spool, and the forwarder between.

import { join } from "node:path";
import type { Config } from "./config.ts";
import type { AppendDurably, AppendEvents, ReadBackwards } from "./intake/event-log.ts";
import type { Stopping } from "./processes/stopping.ts";
import { spoolFirst, storeFirst } from "./spool/durability.ts";
import { type Forwarder, startForwarder } from "./spool/forwarder.ts";
import type { SpoolLog } from "./spool/segments.ts";
import { openSpool, type Spool, type SpoolStats } from "./spool/spool.ts";

export interface DurableAppends {
  readonly append: AppendDurably;
  readonly spool: () => SpoolStats;
  /** Why the spool takes nothing now; undefined where it does. */
  readonly spoolProblem: () => string | undefined;
  /** What waits on the spool and how long that takes, in words; undefined while nothing waits. */
  readonly backlog: () => string | undefined;
  /** As the spool's. */
  readonly whenDrained: Spool["whenDrained"];
  /** Since the start: records that the event store has got from the spool, and events that it refuses for ever. */
  readonly drained: Forwarder["stats"];
}

/** What they are put together from. A simulation puts its own disk and clock beneath each. */
export interface DurableParts {
  readonly openSpool: typeof openSpool;
  readonly startForwarder: typeof startForwarder;
  readonly storeFirst: typeof storeFirst;
}

export const durableParts: DurableParts = { openSpool, startForwarder, storeFirst };

/** How long the event store may take for an append before the spool takes it. */
const storeBoundMs = 1_000;
/**
 * Webhooks' appends in the event store at one moment, of which one key alone gets half: below 256 webhooks at once
 * nothing is spooled while the store answers. What a flood has beyond is acknowledged at once by a flush of the spool.
 */
const mostInStore = 512;
/** What the spool must have room for to count as taking webhooks: a large one. */
const roomBytes = 2 * 1024 * 1024;
const stopBoundsMs = { forwarder: 600, spool: 400 };

/** `onFailed`: the spool's disk failed in a way after which nothing may be acknowledged; the process has to end. */
export async function openDurableAppends(options: {
  readonly config: Pick<Config, "ack" | "spoolMaxBytes">;
  readonly dataDir: string;
  readonly append: AppendEvents;
  readonly readBackwards: ReadBackwards;
  /** The newest position in the event store's log. */
  readonly head: () => Promise<bigint | undefined>;
  readonly parts: DurableParts;
  readonly log: SpoolLog;
  readonly stopping: Pick<Stopping, "add">;
  readonly onFailed: (reason: string) => void;
}): Promise<DurableAppends> {
  const { config, append, readBackwards, parts, log, stopping } = options;
  const spool = await parts.openSpool({
    directory: join(options.dataDir, "spool"),
    maxBytes: config.spoolMaxBytes,
    log,
    onFailed: (error) => options.onFailed(`the spool's disk has failed: ${String(error)}`),
  });
  stopping.add("spool", stopBoundsMs.spool, spool.close);
  // Whatever is sent from now on lies behind it. Without it, what may have been sent is looked for a little further back.
  const head = await options.head().catch(() => undefined);
  if (head !== undefined) spool.notePosition(head);
  const forwarder = parts.startForwarder({ spool, append, readBackwards, log });
  stopping.add("forwarder", stopBoundsMs.forwarder, forwarder.stop);
  return {
    append:
      config.ack === "spool"
        ? spoolFirst({ spool })
        : parts.storeFirst({ append, spool, boundMs: storeBoundMs, maxInFlight: mostInStore }),
    spool: spool.stats,
    spoolProblem: () => {
      const { state, bytes } = spool.stats();
      if (state === "failed") return "its disk has failed";
      if (state === "full") return "its disk has no room";
      return bytes + roomBytes > config.spoolMaxBytes ? "SPOOL_MAX_BYTES are used up" : undefined;
    },
    backlog: () => {
      const { waiting } = spool.stats();
      const seconds = forwarder.stats().backlogSeconds.toFixed(1);
      return waiting === 0 ? undefined : `${waiting} webhooks wait, for ${seconds} s at the present pace`;
    },
    whenDrained: spool.whenDrained,
    drained: forwarder.stats,
  };
}
