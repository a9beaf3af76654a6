// Brings together what a query that waits for acknowledged webhooks needs to know: of the spool, of the event store's
// log, and of the read model.

import { setTimeout as pause } from "node:timers/promises";
import type { DurableAppends } from "../durable-appends.ts";
import type { EventStore } from "../eventstore/client.ts";
import type { HttpDependencies } from "../http/ports.ts";
import type { AcknowledgedLog } from "../intake/acknowledged-log.ts";
import type { ReadSide } from "./read-side.ts";
import type { WriteSide } from "./write-side.ts";

/** How often the event store is asked for its newest position while it is behind. */
const lookEveryMs = 100;

export function readYourWrites({
  store,
  writeSide: { durable, noteIgnored },
  readSide,
}: {
  readonly store: Pick<EventStore, "head"> & AcknowledgedLog;
  readonly writeSide: Pick<WriteSide, "noteIgnored"> & {
    readonly durable: Pick<DurableAppends, "whenDrained">;
  };
  readonly readSide: Pick<ReadSide, "waitFor">;
}): Pick<HttpDependencies, "acknowledgedUpTo" | "holdsUpTo" | "waitFor"> {
  return {
    acknowledgedUpTo: async (project, timeoutMs) => {
      const end = performance.now() + timeoutMs;
      await atMost(noteIgnored(), timeoutMs);
      if (!(await durable.whenDrained(project, end - performance.now()))) return undefined;
      return atMost(store.acknowledgedUpTo(), end - performance.now());
    },
    holdsUpTo: async (position, timeoutMs) => {
      for (const end = performance.now() + timeoutMs; ; await pause(lookEveryMs)) {
        const head = await atMost(store.head(), end - performance.now());
        if (head !== undefined && head >= position) return true;
        if (performance.now() + lookEveryMs > end) return false;
      }
    },
    waitFor: readSide.waitFor,
  };
}

/** Undefined where there is no answer in time. */
async function atMost<T>(answer: Promise<T>, ms: number): Promise<T | undefined> {
  const patience = new AbortController();
  const late = pause(Math.max(0, ms), undefined, { signal: patience.signal }).catch(() => undefined);
  try {
    return await Promise.race([answer.catch(() => undefined), late]);
  } finally {
    patience.abort();
  }
}
