// Appends through the one client of this process that may append, each within a bound of our own.
// The client keeps the replies it waits for in one table per process: a second appending client would have its
// appends rejected by the first one's faults, and a late reply would then bring the process down.

import type { EventStoreDBClient } from "@eventstore/db-client";
import type { NewEvent, RecordedEvent } from "../domain/stored-events.ts";
import type { AppendEvents, AppendOutcome, ExpectedRevision } from "../intake/event-log.ts";
import { closeClient } from "./open-client.ts";
import { faultReason, spoilsClient, storeFault } from "./store-error.ts";
import { within } from "./within.ts";

export interface AppendOptions {
  readonly open: () => EventStoreDBClient;
  /** Events of the stream from a revision on, at most `count`; throws when they cannot be read within `timeoutMs`. */
  readonly readSome: (
    stream: string,
    from: bigint,
    limits: { readonly count: number; readonly timeoutMs: number },
  ) => Promise<readonly RecordedEvent[]>;
  /** The bound of one append, retries included. */
  readonly timeoutMs: number;
  /** Called when appends begin to fail and when they work again. */
  readonly standing: (state: { readonly failing: string | undefined }) => void;
}

export interface Appender {
  readonly append: AppendEvents;
  readonly close: () => Promise<void>;
}

/** While the store does not answer, one append is let through this often to find out; the others fail at once. */
const probeEveryMs = 200;
const firstRetryMs = 25;
/**
 * The client sends a deadline by its own clock; one an hour ahead survives clocks that differ. The server caps it to
 * its write timeout, and the bound here is ours.
 */
const serverDeadlineMs = 3_600_000;

type Attempt = AppendOutcome | { readonly tag: "late" };

export function createAppender(options: AppendOptions): Appender {
  const { timeoutMs } = options;
  /** Less than the bound, so that one append that ran into it or gave up its retries is enough. */
  const stallMs = timeoutMs * 0.75;
  let client = options.open();
  let renewing: Promise<void> | undefined;
  let closed = false;
  let failingSince: number | undefined;
  let announced = false;
  let lastProbeAt = 0;

  const answered = (): void => {
    failingSince = undefined;
    if (!announced) return;
    announced = false;
    options.standing({ failing: undefined });
  };
  const failed = (startedAt: number, reason: string): void => {
    failingSince ??= startedAt;
    if (announced || performance.now() - failingSince < stallMs) return;
    announced = true;
    options.standing({ failing: reason });
  };
  /** Nothing has been answered for that long: waiting would only pile up requests. */
  const stalled = (): boolean => failingSince !== undefined && performance.now() - failingSince >= stallMs;

  /** The old client's streams have ended before the new client is used, so that they cannot reject its appends. */
  const renew = (): Promise<void> => {
    renewing ??= (async () => {
      const old = client;
      await closeClient(old);
      if (!closed) client = options.open();
      renewing = undefined;
    })();
    return renewing;
  };

  async function attempt(
    stream: string,
    events: readonly NewEvent[],
    call: { readonly expected: ExpectedRevision; readonly leftMs: number },
  ): Promise<Attempt> {
    const startedAt = performance.now();
    const reply = client
      .appendToStream(stream, events.map(toProposed), {
        expectedRevision: call.expected,
        deadline: serverDeadlineMs,
      })
      .then((result) => {
        answered();
        return result;
      });
    try {
      const result = await within(reply, call.leftMs, undefined);
      if (result === undefined) {
        failed(startedAt, `no answer within ${timeoutMs} ms`);
        return { tag: "late" };
      }
      const revision = result.nextExpectedRevision;
      return result.position === undefined
        ? { tag: "appended", revision }
        : { tag: "appended", revision, position: result.position.commit };
    } catch (error) {
      const fault = storeFault(error);
      if (fault === "conflict" || fault === "too_large") {
        answered();
        return { tag: fault };
      }
      const reason = faultReason(error);
      failed(startedAt, reason);
      if (spoilsClient(error)) await within(renew(), call.leftMs, undefined);
      return { tag: "unavailable", reason };
    }
  }

  async function attempts(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendOutcome> {
    const endsAt = performance.now() + timeoutMs;
    for (let retryMs = firstRetryMs; ; retryMs *= 2) {
      const outcome = await attempt(stream, events, { expected, leftMs: endsAt - performance.now() });
      if (outcome.tag === "late") return { tag: "unavailable", reason: `no answer within ${timeoutMs} ms` };
      if (outcome.tag === "conflict") return settleConflict(stream, events, { expected, endsAt });
      // Sent again it could be stored again: a store may have forgotten its id. Who asked decides what to do.
      if (outcome.tag === "unavailable" && expected === "any") return outcome;
      const leftMs = endsAt - performance.now();
      if (outcome.tag !== "unavailable" || closed || stalled() || leftMs <= retryMs) return outcome;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }

  /** After an append whose outcome stayed unknown, the conflict may be with these very events. */
  async function settleConflict(
    stream: string,
    events: readonly NewEvent[],
    call: { readonly expected: ExpectedRevision; readonly endsAt: number },
  ): Promise<AppendOutcome> {
    if (call.expected === "any" || events.length === 0) return { tag: "conflict" };
    const from = call.expected === "no_stream" ? 0n : call.expected + 1n;
    const timeoutMs = Math.max(1, call.endsAt - performance.now());
    try {
      const stored = await options.readSome(stream, from, { count: events.length, timeoutMs });
      const last = stored.at(-1);
      return last !== undefined &&
        stored.length === events.length &&
        stored.every((event, index) => event.id === events[index]?.id)
        ? { tag: "appended", revision: last.revision, position: last.position }
        : { tag: "conflict" };
    } catch (error) {
      return { tag: "unavailable", reason: faultReason(error) };
    }
  }

  const append: AppendEvents = async (stream, events, expected) => {
    if (closed) return unsent("the event store client is closed");
    if (stalled()) {
      if (performance.now() - lastProbeAt < probeEveryMs) return unsent("the event store does not answer");
      lastProbeAt = performance.now();
    }
    return attempts(stream, events, expected);
  };

  return {
    append,
    close: async () => {
      closed = true;
      await closeClient(client);
    },
  };
}

const unsent = (reason: string): AppendOutcome => ({ tag: "unavailable", reason, unsent: true });

const toProposed = (event: NewEvent) => ({
  id: event.id,
  type: event.type,
  contentType: "application/json" as const,
  data: event.data as unknown as Record<string, unknown>,
  metadata: event.metadata,
});
