// Announcements to watchers of a project: their own project's changes, once queries show them, from where they left off.

import { expect, test } from "bun:test";
import type { RecordedEvent } from "../../src/domain/stored-events.ts";
import { openChanges } from "../../src/readmodel/changes.ts";
import type { FeedBatch } from "../../src/readmodel/event-feed.ts";

const project = "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11";
const other = "b0000000-0000-4000-8000-00000000000b";

function event(position: bigint, stream: string, data: object): RecordedEvent {
  return {
    id: String(position),
    type: "x",
    stream,
    revision: 0n,
    position,
    recorded_at: new Date(0),
    data,
    metadata: {},
  };
}
const signal = (position: bigint, incident_id: string, of = project): RecordedEvent =>
  event(position, `incident-${of}.${incident_id}`, { incident_id });

/** A log that hands over what it is given, at once. */
function scriptedLog(mostRemembered = 100) {
  const waiting: ((batch: FeedBatch) => void)[] = [];
  const shown: bigint[] = [];
  const from: (bigint | undefined)[] = [];
  const feed = openChanges({
    mostRemembered,
    head: async () => 10n,
    waitFor: async (position) => {
      shown.push(position);
      return true;
    },
    follow: async function* (options) {
      from.push(options.from);
      const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
      options.signal.addEventListener("abort", () => resolve(undefined));
      for (;;) {
        const { promise, resolve: hand } = Promise.withResolvers<FeedBatch>();
        waiting.push(hand);
        const batch = await Promise.race([promise, aborted]);
        if (batch === undefined) return;
        yield batch;
      }
    },
  });
  const hand = async (...events: RecordedEvent[]): Promise<void> => {
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    waiting.shift()?.({ events, upTo: events.at(-1)?.position ?? 0n, caughtUp: true });
    // It has been published when the next one is asked for.
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
  };
  return { feed, hand, shown, from };
}

test("a watcher hears of its own project alone, after queries show it", async () => {
  const { feed, hand, shown, from } = scriptedLog();
  const told: unknown[] = [];
  const watch = await feed.follow(project, { after: undefined, take: (changes) => told.push(...changes) });
  expect(watch).toMatchObject({ missed: true, position: 10n });
  await hand(
    signal(11n, "a"),
    signal(12n, "b", other),
    event(13n, `quarantine-${project}`, {}),
    event(14n, "registry", { project_uuid: project }),
    event(15n, "ledger", {}),
  );
  expect(told).toEqual([
    { project, about: "incident", incident: "a", position: 11n },
    { project, about: "quarantine", incident: null, position: 13n },
    { project, about: "settings", incident: null, position: 14n },
  ]);
  expect([shown, from]).toEqual([[15n], [10n]]);
  watch.end();
  await hand(signal(16n, "a"));
  expect(told).toHaveLength(3);
  await feed.stop();
});

test("a watcher that comes back hears the missed changes, or that more were missed than are remembered", async () => {
  const { feed, hand } = scriptedLog(2);
  const first = await feed.follow(project, { after: undefined, take: () => {} });
  await hand(signal(11n, "a"), signal(12n, "b"), signal(13n, "c"));
  const since = async (after: bigint) => {
    const told: (string | null)[] = [];
    const watch = await feed.follow(project, {
      after,
      take: (changes) => told.push(...changes.map(({ incident }) => incident)),
    });
    watch.end();
    return { missed: watch.missed, told, position: watch.position };
  };
  expect(await since(12n)).toEqual({ missed: false, told: ["c"], position: 13n });
  expect(await since(11n)).toEqual({ missed: false, told: ["b", "c"], position: 13n });
  expect(await since(13n)).toEqual({ missed: false, told: [], position: 13n });
  expect(await since(10n)).toEqual({ missed: true, told: [], position: 13n });
  first.end();
  await feed.stop();
});
