// Follows one stream from its start for ever, resuming after every drop behind the last event handed over.

import type { FollowStream } from "../intake/event-log.ts";
import type { Pull } from "./pull.ts";
import type { LogMessage } from "./read-response.ts";
import { type Resolved, toRecordedEvent } from "./recorded-event.ts";
import { faultReason } from "./store-error.ts";
import type { Subscribe } from "./subscription.ts";
import { pause, settledWithin } from "./within.ts";

const confirmMs = 15_000;
/** How long nothing may come before a server that never says "caught up" (before 23.10) is asked for the last event. */
const idleMs = 1000;
const firstBackoffMs = 100;
/** Short enough that a store that is back is followed again within the time that readiness promises. */
const longestBackoffMs = 1000;

/** `lastRevision` of a stream: undefined where it does not exist; throws when the store does not answer. */
export function createFollowStream(
  subscribe: Subscribe,
  lastRevision: (stream: string) => Promise<bigint | undefined>,
): FollowStream {
  return (stream, handlers) => {
    const stopping = new AbortController();
    let last: bigint | undefined;
    let backoffMs = firstBackoffMs;

    async function follow(pull: Pull<LogMessage>): Promise<string> {
      const openedAt = performance.now();
      let confirmed = false;
      let told = false;
      const tellCaughtUp = (): void => {
        told = true;
        backoffMs = firstBackoffMs;
        handlers.caughtUp();
      };
      for (;;) {
        const message = pull.take();
        if (stopping.signal.aborted) return "stopped";
        if (message?.tag === "event") hand(message.resolved);
        else if (message?.tag === "caught_up") tellCaughtUp();
        else if (message?.tag === "confirmed") confirmed = true;
        if (message !== undefined) continue;
        const over = pull.over();
        if (over !== undefined)
          return over.error === undefined ? "the server ended it" : faultReason(over.error);
        if ((await pull.changed(idleMs)) || told) continue;
        if (!confirmed) {
          if (performance.now() - openedAt > confirmMs) return "not confirmed";
        } else if (await reachedEnd()) tellCaughtUp();
      }
    }

    function hand(resolved: Resolved): void {
      const event = toRecordedEvent(resolved);
      if (event === undefined || (last !== undefined && event.revision <= last)) return;
      handlers.event(event);
      last = event.revision;
      backoffMs = firstBackoffMs;
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
        const pull = subscribe({ stream, after: last });
        const wake = (): void => pull.ring();
        stopping.signal.addEventListener("abort", wake);
        let reason: string;
        try {
          reason = await follow(pull);
        } catch (error) {
          // A handler threw. The event stays unread and is handed over again.
          reason = faultReason(error);
        } finally {
          stopping.signal.removeEventListener("abort", wake);
          await pull.stop();
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
