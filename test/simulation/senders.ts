// Senders: they tell the stories of incidents in any order, each webhook one to five times, and send again what was not
// answered 200, across the service's crashes. What they said is the truth that the ledger is compared with.

import type { IncidentId, ProjectUuid } from "../../src/domain/ids.ts";
import { type Instant, instantFromEpochMs, toRfc3339 } from "../../src/domain/instant.ts";
import type { Signal } from "../../src/domain/signal.ts";
import type { RecordOutcome } from "../../src/intake/record-webhook.ts";
import { poison } from "./simulated-database.ts";
import { forEver, type World } from "./world.ts";

/** What a webhook says, apart from what the ledger makes of it. */
export type Said = Omit<Signal, "event_id" | "received_at" | "source">;

export interface Webhook {
  readonly body: string;
  readonly said: Said;
  /** No projection can hold it. */
  readonly isPoison: boolean;
}

/** One POST: a webhook, or several of one project at once. */
export interface Delivery {
  readonly webhooks: readonly Webhook[];
}

export interface SenderFaults {
  /** Chances of a request and of an answer. */
  lost: number;
  twice: number;
  late: number;
}

export interface Senders {
  /** By body. */
  readonly webhooks: ReadonlyMap<string, Webhook>;
  readonly isIdle: () => boolean;
  /** Sends one more webhook, until it is recorded or all hope is gone. */
  readonly sendOneMore: () => void;
  /** Whether that was recorded. */
  readonly isOneMoreRecorded: () => boolean;
  readonly faults: SenderFaults;
  readonly counts: {
    posts: number;
    lost: number;
    twice: number;
    late: number;
    repeats: number;
    gaveUp: number;
  };
}

const projects = ["6f2f8f0e-2d4c-4d0b-9a53-4f1b4f6d1a01", "0d3c6a52-77aa-4a0e-8f59-1c6b1d2e3f40"];
const clientTimeoutMs = 3_000;

export function startSenders(
  world: World,
  options: {
    readonly webhooks: number;
    /** Over how much time they begin. */
    readonly overMs: number;
    /** What the service answers; undefined: nobody listens. */
    readonly post: (bodies: readonly string[]) => Promise<RecordOutcome> | undefined;
  },
): Senders {
  const random = world.random.fork("senders");
  const webhooks = new Map<string, Webhook>();
  const faults: SenderFaults = { lost: 0, twice: 0, late: 0 };
  const counts = { posts: 0, lost: 0, twice: 0, late: 0, repeats: 0, gaveUp: 0 };
  const later = world.after(forEver, "sender");
  let underWay = 0;

  const delayMs = (): number => {
    if (!random.chance(faults.late)) return 1 + random.below(5);
    counts.late += 1;
    return 100 + random.below(4_000);
  };
  const isLost = (): boolean => {
    if (!random.chance(faults.lost)) return false;
    counts.lost += 1;
    return true;
  };

  /** Sends it until it is answered 200, or as often as this sender tries. */
  function send(delivery: Delivery, triesLeft: number, recorded: () => void = () => undefined): void {
    const bodies = delivery.webhooks.map(({ body }) => body);
    let isOver = false;
    const end = (isRecorded: boolean): void => {
      if (isOver) return;
      isOver = true;
      giveUpWaiting();
      if (isRecorded) recorded();
      if (isRecorded || triesLeft <= 1) {
        if (!isRecorded) counts.gaveUp += 1;
        underWay -= 1;
      } else later(50 + random.below(2_000), () => send(delivery, triesLeft - 1, recorded));
    };
    const giveUpWaiting = later(clientTimeoutMs, () => end(false));
    const arrive = (): void => {
      counts.posts += 1;
      const answer = options.post(bodies);
      if (answer === undefined) {
        end(false);
        return;
      }
      answer.then(
        ({ tag }) => {
          if (!isLost()) later(delayMs(), () => end(tag === "recorded"));
        },
        (error) => {
          throw error;
        },
      );
    };
    if (!isLost()) later(delayMs(), arrive);
    if (random.chance(faults.twice)) {
      counts.twice += 1;
      later(delayMs() * 4, arrive);
    }
  }

  function plan(delivery: Delivery): void {
    const startsAt = random.below(options.overMs);
    const times = random.chance(0.5) ? 1 : 1 + random.below(5);
    counts.repeats += times - 1;
    for (let time = 0; time < times; time++) {
      underWay += 1;
      // Some never try again: what they are told then is all there is.
      const tries = random.chance(0.3) ? 1 : 2 + random.below(12);
      const apartMs =
        time === 0 ? 0 : random.chance(0.3) ? random.below(5) : random.below(options.overMs / 4);
      later(startsAt + apartMs, () => send(delivery, tries));
    }
  }

  const stories = random.fork("stories");
  while (webhooks.size < options.webhooks) {
    const project = stories.pick(projects);
    const group: Webhook[] = [];
    const size = stories.chance(0.15) ? 2 + stories.below(4) : 1;
    for (let n = 0; n < size; n++) {
      const webhook = webhookOf(project as ProjectUuid, webhooks.size, stories);
      webhooks.set(webhook.body, webhook);
      group.push(webhook);
    }
    plan({ webhooks: group });
  }
  let isOneMoreRecorded = false;
  return {
    webhooks,
    isIdle: () => underWay === 0,
    sendOneMore: () => {
      let webhook = webhookOf(projects[0] as ProjectUuid, webhooks.size, stories);
      // One that no store refuses.
      while (webhook.body.length > 1_000)
        webhook = webhookOf(projects[0] as ProjectUuid, webhooks.size, stories);
      webhooks.set(webhook.body, webhook);
      underWay += 1;
      send({ webhooks: [webhook] }, 20, () => {
        isOneMoreRecorded = true;
      });
    },
    isOneMoreRecorded: () => isOneMoreRecorded,
    faults,
    counts,
  };
}

type Chance = World["random"];

/** Times lie on a coarse grid, so that many fall together; now and then they are ten years off. */
function webhookOf(project: ProjectUuid, number: number, random: Chance): Webhook {
  const incident = random.chance(0.7) ? `api ${random.below(12)}` : `job ${random.below(200)}`;
  const farYears = random.chance(0.03) ? random.pick([-10, 10]) : 0;
  const epochMs = Date.UTC(2026, 0, 15, 10) + random.below(40) * 30_000 + farYears * 31_556_952_000;
  const incident_time = instantFromEpochMs(epochMs) as Instant;
  const [status, kind] = random.pick([
    ["DOWN", "ALERT"],
    ["firing", "ALERT"],
    ["UP", "RECOVERY"],
    ["Resolved", "RECOVERY"],
    ["UP", "RECOVERY"],
    ["degraded", null],
  ] as const);
  const monitor = random.chance(0.5) ? random.pick(["m1", "m2", ""]) : undefined;
  const isPoison = random.chance(0.01);
  // The same key with another message is another webhook of the same record.
  const filler = "x".repeat(
    random.chance(0.1) ? random.below(random.pick([1_000, 8_000])) : random.below(60),
  );
  const message = `${isPoison ? poison : "said"} ${number} ${filler}`;
  const body = JSON.stringify({
    incident_id: incident,
    project_uuid: project,
    status,
    incident_time: toRfc3339(incident_time),
    message,
    ...(monitor === undefined ? {} : { monitor_id: monitor }),
  });
  return {
    body,
    isPoison,
    said: {
      project_uuid: project,
      incident_id: incident as IncidentId,
      kind,
      status,
      incident_time,
      message,
      exact: false,
      reminder: false,
      ...(monitor === undefined ? {} : { monitor_id: monitor }),
    },
  };
}
