import { describe, expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import { createFollowLog, type LogBatch, type LogQuestions } from "../../src/eventstore/follow-log.ts";
import { createFollowStream } from "../../src/eventstore/follow-stream.ts";
import { pullFrom } from "../../src/eventstore/pull.ts";
import type { LogMessage } from "../../src/eventstore/read-response.ts";
import type { Subscribe, Subscribed } from "../../src/eventstore/subscription.ts";

/** One subscription as it arrives: messages wait to be taken, in their order. */
class Feed extends PassThrough {
  unsubscribed = 0;
  readonly asked: Subscribed;
  constructor(asked: Subscribed) {
    super({ objectMode: true });
    this.asked = asked;
    this.#say({ tag: "confirmed" });
  }
  #say(message: LogMessage): void {
    this.write(message);
  }
  event(position: bigint, data: unknown = {}): void {
    const place = { streamId: "s", revision: position, position: { commit: position } };
    const event = { id: `id${position}`, type: "T", created: new Date(0), data, ...place };
    this.#say({ tag: "event", resolved: { event, commitPosition: position } });
  }
  checkpoint(position: bigint): void {
    this.#say({ tag: "checkpoint", position });
  }
  caughtUp(): void {
    this.#say({ tag: "caught_up" });
  }
  fail(message: string): void {
    this.emit("error", new Error(message));
  }
}

function storeThat(plays: (feed: Feed, n: number) => void) {
  const feeds: Feed[] = [];
  const subscribe: Subscribe = (to) => {
    const feed = new Feed(to);
    feeds.push(feed);
    const n = feeds.length;
    setTimeout(() => plays(feed, n));
    return pullFrom<LogMessage>(feed, async () => {
      feed.unsubscribed += 1;
    });
  };
  return { subscribe, feeds };
}

const positions = (batch: LogBatch) => batch.events.map(({ position }) => position);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => BigInt(from + n));

function follow(
  plays: (feed: Feed, n: number) => void,
  more: {
    from?: bigint;
    maxEvents?: number;
    head?: () => Promise<bigint | undefined>;
    foreignUpTo?: LogQuestions["foreignUpTo"];
  } = {},
) {
  const { subscribe, feeds } = storeThat(plays);
  const stop = new AbortController();
  const drops: string[] = [];
  const batches = createFollowLog(subscribe, {
    head: more.head ?? (async () => undefined),
    foreignUpTo: more.foreignUpTo ?? (async (after) => after),
  })({
    from: more.from,
    prefixes: ["incident-"],
    maxEvents: more.maxEvents ?? 100,
    maxWaitMs: 20,
    signal: stop.signal,
    dropped: (reason) => drops.push(reason),
  });
  const next = async (): Promise<LogBatch> => {
    const { value } = await batches.next();
    if (value === undefined) throw new Error("The feed has ended");
    return value;
  };
  return { next, batches, stop, drops, feeds };
}

describe("following the log", () => {
  test("a checkpoint announced early is handed on only with the events before it", async () => {
    const { next } = follow(
      (feed) => {
        for (const position of range(1, 10)) feed.event(position);
        feed.checkpoint(50n);
        feed.event(60n);
      },
      { maxEvents: 4 },
    );
    expect((await next()).upTo).toBe(4n);
    expect((await next()).upTo).toBe(8n);
    const last = await next();
    expect(positions(last)).toEqual([9n, 10n, 60n]);
    expect(last.upTo).toBe(60n);
  });

  test("a batch of very large events is cut sooner, and loses none", async () => {
    const { next } = follow((feed) => {
      for (const position of range(1, 20)) feed.event(position, { payload: "x".repeat(1_000_000) });
      for (const position of range(21, 30)) feed.event(position, "y".repeat(7_000_000));
      feed.caughtUp();
    });
    const sizes: number[] = [];
    const seen: bigint[] = [];
    while (seen.at(-1) !== 30n) {
      const batch = await next();
      sizes.push(batch.events.length);
      seen.push(...positions(batch));
    }
    expect(seen).toEqual(range(1, 30));
    expect(Math.max(...sizes)).toBe(16);
    expect(sizes.slice(-3).every((size) => size <= 3)).toBe(true);
  });

  test("a checkpoint behind the last event moves upTo beyond it", async () => {
    const { next } = follow((feed) => {
      feed.event(1n);
      feed.checkpoint(50n);
      feed.caughtUp();
    });
    expect(await next()).toMatchObject({ upTo: 50n, caughtUp: true });
  });

  test("a stretch that matched nothing moves upTo without events", async () => {
    const { next } = follow((feed) => {
      feed.checkpoint(1000n);
      feed.checkpoint(2000n);
      feed.caughtUp();
    });
    expect(await next()).toEqual({ events: [], upTo: 2000n, caughtUp: true });
  });

  test("an empty log is caught up at once", async () => {
    const { next } = follow((feed) => feed.caughtUp());
    expect(await next()).toEqual({ events: [], upTo: 0n, caughtUp: true });
  });

  test("is caught up only with the batch that holds the last event", async () => {
    const { next } = follow(
      (feed) => {
        for (const position of range(1, 8)) feed.event(position);
        feed.caughtUp();
      },
      { maxEvents: 4 },
    );
    expect(await next()).toMatchObject({ upTo: 4n, caughtUp: false });
    expect(await next()).toMatchObject({ upTo: 8n, caughtUp: true });
  });

  test("resumes after a drop behind the last batch, each event once, and ends the dropped subscription", async () => {
    const { next, drops, feeds } = follow(
      (feed, n) => {
        const from = n === 1 ? 1 : 4;
        for (const position of range(from, from + 4)) feed.event(position);
        if (n === 1) setTimeout(() => feed.fail("14 UNAVAILABLE"), 5);
        else feed.caughtUp();
      },
      { maxEvents: 3 },
    );
    const seen: bigint[] = [];
    while (seen.at(-1) !== 8n) seen.push(...positions(await next()));
    expect(seen).toEqual(range(1, 8));
    expect(drops).toEqual(["14 UNAVAILABLE"]);
    expect(feeds[0]?.unsubscribed).toBe(1);
    expect(feeds[1]?.asked.after).toBe(5n);
  });

  test("resumes when the server ends the subscription without an error", async () => {
    const { next, drops } = follow((feed, n) => {
      feed.event(BigInt(n));
      if (n === 1) feed.end();
      else feed.caughtUp();
    });
    expect(positions(await next())).toEqual([1n]);
    expect(positions(await next())).toEqual([2n]);
    expect(drops).toEqual(["the server ended it"]);
  });

  test("starts behind the given position and never hands that over again", async () => {
    const { next, feeds } = follow(
      (feed) => {
        for (const position of range(6, 9)) feed.event(position);
        feed.caughtUp();
      },
      { from: 7n },
    );
    expect(positions(await next())).toEqual([8n, 9n]);
    expect(feeds[0]?.asked.after).toBe(7n);
  });

  test("ends when stopped, and a loop left early leaves no subscription behind", async () => {
    const first = follow((feed) => feed.event(1n));
    await first.next();
    const waiting = first.batches.next();
    first.stop.abort();
    expect((await waiting).done).toBe(true);
    expect(first.feeds[0]?.unsubscribed).toBe(1);
    const second = follow((feed) => feed.event(1n));
    for await (const _ of second.batches) break;
    expect(second.feeds[0]?.unsubscribed).toBe(1);
    expect(second.feeds[0]?.destroyed).toBe(true);
  });

  test("a server that never says so is caught up once it answers and sends nothing", async () => {
    const { next } = follow((feed) => feed.event(1n), { head: async () => 7n });
    expect(await next()).toMatchObject({ upTo: 1n, caughtUp: false });
    expect(await next()).toEqual({ events: [], upTo: 1n, caughtUp: true });
  });

  test("passes events of others that no checkpoint follows, while nothing comes", async () => {
    const asked: bigint[] = [];
    const { next } = follow(
      (feed) => {
        feed.event(1n);
        feed.caughtUp();
      },
      {
        foreignUpTo: async (after, { prefixes }) => {
          expect(prefixes).toEqual(["incident-"]);
          asked.push(after);
          if (asked.length === 1) throw new Error("the store is away");
          return 9n;
        },
      },
    );
    expect(await next()).toMatchObject({ upTo: 1n, caughtUp: true });
    expect(await next()).toEqual({ events: [], upTo: 9n, caughtUp: true });
    expect(asked.slice(0, 2)).toEqual([1n, 1n]);
  });

  test("errors after the end are nobody's and harmless", async () => {
    const { next, stop, batches, feeds } = follow((feed) => feed.event(1n));
    await next();
    stop.abort();
    await batches.next();
    expect(() => feeds[0]?.fail("late")).not.toThrow();
  });
});

describe("following one stream", () => {
  const until = async (condition: () => boolean) => {
    const end = performance.now() + 5000;
    while (!condition()) {
      if (performance.now() > end) throw new Error("The condition did not come true within 5 s");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };

  test("hands over each event once, tells when caught up, and resumes after a drop", async () => {
    const { subscribe, feeds } = storeThat((feed, n) => {
      for (const revision of n === 1 ? range(0, 40) : range(39, 45)) feed.event(revision);
      feed.caughtUp();
    });
    const log: string[] = [];
    const stop = createFollowStream(subscribe, async () => undefined)("s", {
      event: ({ revision }) => log.push(String(revision)),
      caughtUp: () => log.push("caught up"),
      dropped: (reason) => log.push(reason),
    });
    await until(() => log.at(-1) === "caught up");
    feeds[0]?.fail("14 UNAVAILABLE");
    await until(() => log.filter((line) => line === "caught up").length === 2);
    await stop();
    const line = (from: number, to: number) => range(from, to).map(String);
    expect(log).toEqual([...line(0, 40), "caught up", "14 UNAVAILABLE", ...line(41, 45), "caught up"]);
    expect(feeds[1]?.asked.after).toBe(40n);
    expect(feeds.map(({ unsubscribed }) => unsubscribed)).toEqual([1, 1]);
  });

  test("an event whose handler failed is handed over again", async () => {
    const { subscribe } = storeThat((feed, n) => {
      for (const revision of n === 1 ? range(0, 2) : range(1, 2)) feed.event(revision);
      feed.caughtUp();
    });
    const seen: bigint[] = [];
    let caughtUp = false;
    let failed = false;
    const stop = createFollowStream(subscribe, async () => undefined)("s", {
      event: ({ revision }) => {
        if (revision === 1n && !failed) {
          failed = true;
          throw new Error("not now");
        }
        seen.push(revision);
      },
      caughtUp: () => {
        caughtUp = true;
      },
      dropped: () => undefined,
    });
    await until(() => caughtUp);
    await stop();
    expect(seen).toEqual([0n, 1n, 2n]);
  });

  test("a server that never says so is caught up when its last event has been handed over", async () => {
    const { subscribe } = storeThat((feed) => {
      feed.event(0n);
    });
    let caughtUp = 0;
    const stop = createFollowStream(subscribe, async () => 0n)("s", {
      event: () => undefined,
      caughtUp: () => {
        caughtUp += 1;
      },
      dropped: () => undefined,
    });
    await until(() => caughtUp === 1);
    await stop();
    expect(caughtUp).toBe(1);
  });
});
