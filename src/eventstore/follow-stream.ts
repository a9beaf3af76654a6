// Follows one stream from its start for ever, resuming after every drop behind the last event handed over.

import { type EventStoreDBClient, START } from "@eventstore/db-client";
import type { FollowStream } from "../intake/event-log.ts";
import { toRecordedEvent } from "./recorded-event.ts";
import { faultReason } from "./store-error.ts";
import { openSubscription, type Subscription } from "./subscription.ts";
import { pause, settledWithin } from "./within.ts";

const confirmMs = 15_000;
/** How long nothing may come before a server that never says "caught up" (before 23.10) is asked for the last event. */
const idleMs = 1000;
const firstBackoffMs = 100;
/** Short enough that a store that is back is followed again within the time that readiness promises. */
const longestBackoffMs = 1000;

/** `lastRevision` of a stream: undefined where it does not exist; throws when the store does not answer. */
export function createFollowStream(
  client: EventStoreDBClient,
  lastRevision: (stream: string) => Promise<bigint | undefined>,
): FollowStream {
  return (stream, handlers) => {
    const stopping = new AbortController();
    let last: bigint | undefined;
    let backoffMs = firstBackoffMs;

    async function follow(subscription: Subscription): Promise<string> {
      const { pull } = subscription;
      const openedAt = performance.now();
      let told = 0;
      for (;;) {
        const resolved = subscription.take();
        if (stopping.signal.aborted) return "stopped";
        const event = resolved === undefined ? undefined : toRecordedEvent(resolved);
        if (event !== undefined && (last === undefined || event.revision > last)) {
          handlers.event(event);
          last = event.revision;
          backoffMs = firstBackoffMs;
        }
        if (subscription.timesCaughtUp() > told) {
          told = subscription.timesCaughtUp();
          backoffMs = firstBackoffMs;
          handlers.caughtUp();
        }
        if (resolved !== undefined) continue;
        const over = pull.over();
        if (over !== undefined)
          return over.error === undefined ? "the server ended it" : faultReason(over.error);
        if ((await pull.changed(idleMs)) || told > 0) continue;
        if (!subscription.confirmed()) {
          if (performance.now() - openedAt > confirmMs) return "not confirmed";
        } else if (await reachedEnd()) {
          told = Number.POSITIVE_INFINITY;
          handlers.caughtUp();
        }
      }
    }

    async function reachedEnd(): Promise<boolean> {
      try {
        const end = await lastRevision(stream);
        return end === undefined || (last !== undefined && last >= end);
      } catch {
        return false;
      }
    }

    async function loop(): Promise<void> {
      while (!stopping.signal.aborted) {
        const subscription = openSubscription(() =>
          client.subscribeToStream(stream, { fromRevision: last ?? START }),
        );
        const wake = (): void => subscription.pull.ring();
        stopping.signal.addEventListener("abort", wake);
        let reason: string;
        try {
          reason = await follow(subscription);
        } catch (error) {
          // A handler threw. The event stays unread and is handed over again.
          reason = faultReason(error);
        } finally {
          stopping.signal.removeEventListener("abort", wake);
          await subscription.stop();
        }
        if (stopping.signal.aborted) return;
        handlers.dropped(reason);
        await pause(backoffMs, stopping.signal);
        backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
      }
    }

    const done = loop();
    return async () => {
      stopping.abort();
      await settledWithin(done, 2000);
    };
  };
}
