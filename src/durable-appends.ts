// Wires what makes a webhook durable before it is acknowledged: the event store, the spool, and the forwarder between.

import { join } from "node:path";
import type { Config } from "./config.ts";
import type { AppendEvents, ReadStream } from "./intake/event-log.ts";
import type { AppendDurably } from "./intake/record-webhook.ts";
import type { Stopping } from "./processes/stopping.ts";
import { spoolFirst, storeFirst } from "./spool/durability.ts";
import { startForwarder } from "./spool/forwarder.ts";
import type { SpoolLog } from "./spool/segments.ts";
import { openSpool, type SpoolStats } from "./spool/spool.ts";

export interface DurableAppends {
  readonly append: AppendDurably;
  readonly spool: () => SpoolStats;
  /** Why the spool takes nothing now; undefined where it does. */
  readonly spoolProblem: () => string | undefined;
  /** Since the start: records that the event store has got from the spool, and events that it refuses for ever. */
  readonly drained: () => { readonly forwarded: number; readonly refused: number };
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
 * Appends in the event store at one moment, of which one key alone gets half. Enough to keep a store busy that answers
 * in milliseconds; more would only wait there, where a flush of the spool acknowledges them at once.
 */
const mostInStore = 32;
/** What the spool must have room for to count as taking webhooks: a large one. */
const roomBytes = 2 * 1024 * 1024;
const stopBoundsMs = { forwarder: 600, spool: 400 };

/** `onFailed`: the spool's disk failed in a way after which nothing may be acknowledged; the process has to end. */
export async function openDurableAppends(options: {
  readonly config: Pick<Config, "ack" | "spoolMaxBytes">;
  readonly dataDir: string;
  readonly append: AppendEvents;
  readonly readStream: ReadStream;
  readonly parts: DurableParts;
  readonly log: SpoolLog;
  readonly stopping: Pick<Stopping, "add">;
  readonly onFailed: (reason: string) => void;
}): Promise<DurableAppends> {
  const { config, append, readStream, parts, log, stopping } = options;
  const spool = await parts.openSpool({
    directory: join(options.dataDir, "spool"),
    maxBytes: config.spoolMaxBytes,
    log,
    onFailed: (error) => options.onFailed(`the spool's disk has failed: ${String(error)}`),
  });
  stopping.add("spool", stopBoundsMs.spool, spool.close);
  const forwarder = parts.startForwarder({ spool, append, readStream, log });
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
    drained: forwarder.stats,
  };
}
