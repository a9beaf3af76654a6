// An event log in memory that keeps the port's promises also where several processes change one stream: expected
// revisions, same ids stored once, followers that hear of every event in order. It can be told to refuse, to store
// without acknowledging, and to tell its followers later.

import type { NewEvent, RecordedEvent } from "../../src/domain/stored-events.ts";
import type { AppendEvents, FollowStream } from "../../src/intake/event-log.ts";

type Trouble = "refused" | "stored_unacknowledged";

export function followedLog() {
  const events: RecordedEvent[] = [];
  const followers = new Set<{ stream: string; told: number; handlers: Parameters<FollowStream>[1] }>();
  let trouble: Trouble | undefined;
  let holdsBack = false;

  const tell = (): void => {
    if (holdsBack) return;
    for (const follower of followers) {
      const all = events.filter(({ stream }) => stream === follower.stream);
      for (const event of all.slice(follower.told)) follower.handlers.event(event);
      follower.told = all.length;
    }
  };
  const store = (stream: string, event: NewEvent): void => {
    const revision = BigInt(events.filter((other) => other.stream === stream).length);
    const position = BigInt(events.length + 1) * 100n;
    events.push({ ...event, stream, revision, position, recorded_at: new Date(0) });
  };

  const append: AppendEvents = async (stream, proposed, expected) => {
    if (trouble === "refused") return { tag: "unavailable", reason: "down" };
    const last = events.findLast((event) => event.stream === stream);
    const fresh = proposed.filter(({ id }) => !events.some((event) => event.id === id));
    const isExpected =
      expected === "any" || (expected === "no_stream" ? last === undefined : last?.revision === expected);
    if (fresh.length > 0 && !isExpected) return { tag: "conflict" };
    for (const event of fresh) store(stream, event);
    tell();
    const stored = events.findLast((event) => event.stream === stream);
    if (stored === undefined || trouble === "stored_unacknowledged") {
      return { tag: "unavailable", reason: "no answer in time" };
    }
    return { tag: "appended", revision: stored.revision, position: stored.position };
  };

  const follow: FollowStream = (stream, handlers) => {
    const follower = { stream, told: 0, handlers };
    followers.add(follower);
    queueMicrotask(() => {
      tell();
      handlers.caughtUp();
    });
    return async () => {
      followers.delete(follower);
    };
  };

  return {
    events,
    append,
    follow,
    followers: () => followers.size,
    trouble: (kind: Trouble | undefined) => {
      trouble = kind;
    },
    /** While held back, followers hear nothing; what they missed reaches them when it ends. */
    holdBack: (on: { readonly now: boolean }) => {
      holdsBack = on.now;
      tell();
    },
  };
}
