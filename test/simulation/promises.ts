// What the service has promised its senders, and what was seen on the way to keeping it. Judges only what an answer says
// by itself.

import type { RecordedSignal } from "../../src/intake/record-webhook.ts";
import type { Spooled } from "../../src/spool/reader.ts";
import type { StoredEvent } from "./simulated-store.ts";

export interface ReadRecord {
  readonly sequence: bigint;
  readonly received_at: string;
}

export interface Acknowledged {
  /** The webhooks that it may stand for. */
  readonly bodies: readonly string[];
  /** Of the attempt first acknowledged. */
  readonly received_at: string;
}

export interface Promises {
  /** By event id. */
  readonly acknowledged: Map<string, Acknowledged>;
  readonly acknowledgedBodies: Set<string>;
  /** What a webhook that was sent alone was answered: the same each time. */
  readonly idOf: Map<string, string>;
  /** By body: the times at which it was received, acknowledged or not. */
  readonly received: Map<string, Set<string>>;
  /** By the service's life and the event's id, and by its receipt too: the first record that the forwarder read. */
  readonly read: Map<string, ReadRecord>;
  /** Texts of what was found damaged on the spool, reported and set aside. */
  readonly setAside: string[];
  /** Events that a repeat had stored directly while the first, acknowledged receipt waited on the spool. */
  readonly overtaken: (log: readonly StoredEvent[]) => number;
}

export function createPromises(): Promises {
  const acknowledged = new Map<string, Acknowledged>();
  return {
    acknowledged,
    acknowledgedBodies: new Set(),
    idOf: new Map(),
    received: new Map(),
    read: new Map(),
    setAside: [],
    overtaken: (log) =>
      log.filter(({ event }) => {
        const first = acknowledged.get(event.id);
        return first !== undefined && first.received_at < String(event.metadata.received_at);
      }).length,
  };
}

export function noteReceipt({ received }: Promises, bodies: readonly string[], received_at: string): void {
  for (const body of bodies) {
    const times = received.get(body) ?? new Set();
    received.set(body, times.add(received_at));
  }
}

/** What a 200 promises; answers what is wrong with it. */
export function noteAnswer(
  { acknowledged, acknowledgedBodies, idOf }: Promises,
  { bodies, received_at }: { readonly bodies: readonly string[]; readonly received_at: string },
  signals: readonly RecordedSignal[],
): string[] {
  const wrong: string[] = [];
  if (new Set(signals.map(({ event_id }) => event_id)).size !== new Set(bodies).size)
    wrong.push(`${bodies.length} webhooks were acknowledged as ${signals.length} events`);
  for (const body of bodies) acknowledgedBodies.add(body);
  const [alone] = bodies;
  const [only] = signals;
  if (bodies.length === 1 && alone !== undefined && only !== undefined) {
    const before = idOf.get(alone) ?? only.event_id;
    if (before !== only.event_id) wrong.push(`one webhook is ${before} and ${only.event_id}`);
    idOf.set(alone, before);
  }
  for (const { event_id } of signals) {
    const known = acknowledged.get(event_id);
    if (known === undefined) acknowledged.set(event_id, { bodies, received_at });
    else if (!known.bodies.some((body) => bodies.includes(body)))
      wrong.push(`${event_id} stands for two webhooks`);
  }
  return wrong;
}

export const readKey = (life: number, id: string, receipt = ""): string => `${life} ${id} ${receipt}`;

/** Notes what the forwarder reads. */
export function noteRecord(promises: Promises, life: number, { sequence, record }: Spooled): void {
  for (const { id, metadata } of record.events) {
    const received_at = metadata.received_at ?? "";
    for (const key of [readKey(life, id), readKey(life, id, metadata.$correlationId)])
      if (!promises.read.has(key)) promises.read.set(key, { sequence, received_at });
  }
}
