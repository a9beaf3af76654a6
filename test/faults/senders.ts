// Concurrent senders that post what monitors post: new incidents, alerts and recoveries of shared ones, repeats, and
// late ones. They note what was acknowledged. They know nothing of the service's inside.

import { setTimeout as pause } from "node:timers/promises";
import { type Connection, type HttpAnswer, openConnection } from "./connection.ts";
import type { Random } from "./seed.ts";

export interface Acknowledged {
  readonly event_id: string;
  readonly incident_id: string;
  readonly durability: "stored" | "spooled";
  /** Of its first acknowledgement, by performance.now(). */
  readonly sentAtMs: number;
  readonly answeredAtMs: number;
}

export interface Sent {
  /** By event id; "stored" where any of its answers said so. */
  readonly acknowledged: Map<string, Acknowledged>;
  /** Every body that was sent, answered or not: nothing else may turn up in the log. */
  readonly bodies: Set<string>;
  /** Answers by status; 0: no answer came. */
  readonly byStatus: Map<number, number>;
  /** Requests without an answer, by what became of them. */
  readonly failures: Map<NonNullable<HttpAnswer["failure"]>, number>;
}

export interface Senders extends Sent {
  /** Requests that were answered or failed. */
  readonly requests: () => number;
  readonly acknowledgements: () => number;
  /** Sends no more, and waits for the answers to what was sent. */
  readonly stop: () => Promise<Sent>;
}

export interface SendersOptions {
  readonly port: number;
  readonly project: string;
  readonly key: string;
  readonly concurrency: number;
  readonly random: Random;
  /** Of all senders together; absent: as fast as the answers come. */
  readonly perSecond?: number;
  /** Stops by itself after this many requests. */
  readonly most?: number;
  /** Whether one that was not acknowledged is sent again until it is (false: a sender that never retries). */
  readonly retries?: true;
  /** How many incidents all senders share. */
  readonly shared?: number;
}

const path = "/api/incidents/webhook/";
/** The senders' own clock: a second for each webhook, far from any real now. */
const epochMs = Date.UTC(2025, 0, 15, 10);
const keptForRepeats = 500;
const firstBackoffMs = 5;
const longestBackoffMs = 50;

export const noneSent = (): Sent => ({
  acknowledged: new Map(),
  bodies: new Set(),
  byStatus: new Map(),
  failures: new Map(),
});

let runs = 0;

/** `into` goes on with what earlier senders noted. */
export function startSenders(options: SendersOptions, into: Sent = noneSent()): Senders {
  const { random } = options;
  // Incidents of other runs on the same project are others.
  const run = `${random.seed.toString(36)}-${(runs++).toString(36)}`;
  const stopping = new AbortController();
  const recent: string[] = [];
  const startedAt = performance.now();
  let started = 0;
  let requests = 0;
  let acknowledgements = 0;

  const remember = (body: string): string => {
    if (recent.length < keptForRepeats) recent.push(body);
    else recent[random.below(keptForRepeats)] = body;
    return body;
  };

  const nextBody = (): string => {
    const number = started;
    if (recent.length > 0 && random.chance(0.15)) return random.pick(recent);
    const isShared = random.chance(0.6);
    const isLate = random.chance(0.15);
    const atMs = epochMs + (isLate ? random.below(number + 1) : number) * 1000;
    return remember(
      JSON.stringify({
        incident_id: isShared
          ? `shared-${run}-${random.below(options.shared ?? 20)}`
          : `own-${run}-${Math.floor(number / 2)}`,
        project_uuid: options.project,
        status: random.chance(0.55) ? "DOWN" : "UP",
        incident_time: new Date(atMs).toISOString(),
        ...(random.chance(0.7)
          ? { monitor_id: `m-${random.below(30)}`, monitor_name: `Monitor ${number}` }
          : {}),
        message: `webhook ${number}`,
      }),
    );
  };

  const sender = async (): Promise<void> => {
    const connection = openConnection(options.port);
    let backoffMs = firstBackoffMs;
    while (!stopping.signal.aborted && started < (options.most ?? Number.POSITIVE_INFINITY)) {
      const body = nextBody();
      const turn = started++;
      if (options.perSecond !== undefined)
        await wait(startedAt + (turn * 1000) / options.perSecond - performance.now());
      // What was prepared is sent, also where the stop came meanwhile: it counts as sent.
      for (;;) {
        const isAcknowledged = await postWebhook(connection, options.key, body, into);
        requests++;
        if (isAcknowledged) {
          acknowledgements++;
          backoffMs = firstBackoffMs;
          break;
        }
        if (stopping.signal.aborted) break;
        // Nobody listens, or the service has no room: a sender that gives up goes on with its next webhook.
        await wait(backoffMs);
        backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
        if (options.retries !== true) break;
      }
    }
    connection.close();
  };
  const wait = async (ms: number): Promise<void> => {
    if (ms > 1) await pause(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  };
  const sending = Promise.all(Array.from({ length: options.concurrency }, sender));

  return {
    ...into,
    requests: () => requests,
    acknowledgements: () => acknowledgements,
    stop: async () => {
      if (options.most === undefined) stopping.abort();
      await sending;
      return into;
    },
  };
}

/** Posts one webhook and notes what became of it; whether it was acknowledged. */
export async function postWebhook(
  connection: Connection,
  key: string,
  body: string,
  into: Sent,
): Promise<boolean> {
  into.bodies.add(body);
  const sentAtMs = performance.now();
  const answer = await connection.post(path, key, body);
  into.byStatus.set(answer.status, (into.byStatus.get(answer.status) ?? 0) + 1);
  if (answer.failure !== undefined)
    into.failures.set(answer.failure, (into.failures.get(answer.failure) ?? 0) + 1);
  if (answer.status < 200 || answer.status > 299) return false;
  const { event_id, incident_id, durability } = JSON.parse(answer.body) as Acknowledged;
  const known = into.acknowledged.get(event_id);
  into.acknowledged.set(event_id, {
    event_id,
    incident_id,
    durability: known?.durability === "stored" ? "stored" : durability,
    sentAtMs: known?.sentAtMs ?? sentAtMs,
    answeredAtMs: known?.answeredAtMs ?? performance.now(),
  });
  return true;
}

/** One line: how many answers of each status, and how many webhooks are acknowledged. */
export function sentLine({ acknowledged, byStatus, failures }: Sent): string {
  const spooled = [...acknowledged.values()].filter(({ durability }) => durability === "spooled").length;
  const statuses = [...byStatus].sort(([a], [b]) => a - b).map(([status, n]) => `${status}: ${n}`);
  const failed = [...failures].map(([failure, n]) => `${failure}: ${n}`);
  return `answers ${statuses.join(", ")}${failed.length > 0 ? ` (${failed.join(", ")})` : ""}; acknowledged events ${acknowledged.size}, of them only spooled ${spooled}`;
}
