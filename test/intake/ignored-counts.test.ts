import { describe, expect, test } from "bun:test";
import { type ProjectUuid, parseProjectUuid } from "../../src/domain/ids.ts";
import { createIgnoredCounts } from "../../src/intake/ignored-counts.ts";
import { instant } from "../http/http-side.ts";
import { memoryLog } from "./memory-log.ts";

const project_uuid = parseProjectUuid("6d0f3a52-8f0e-4c7d-9a51-0c2be1f7a001") as ProjectUuid;
const never = 3_600_000;
const ignored = (cause: string, at: string) => ({ project_uuid, source: "lamp", cause, at: instant(at) });

describe("ignored webhooks are counted", () => {
  test("in one event for each source and cause, however many there were", async () => {
    const log = memoryLog();
    const counts = createIgnoredCounts(log.append, never);
    for (let at = 0; at < 100; at++) counts.add(ignored("test", "2026-03-01T09:00:00Z"));
    counts.add(ignored("test", "2026-03-01T09:00:01Z"));
    counts.add(ignored("maintenance", "2026-03-01T09:00:02Z"));
    await counts.note();
    await counts.note();
    expect(log.events.map(({ stream, data }) => [stream, data])).toMatchObject([
      [`ignored-${project_uuid}`, { cause: "test", count: 101, last_at: "2026-03-01T09:00:01.000000000Z" }],
      [`ignored-${project_uuid}`, { cause: "maintenance", count: 1 }],
    ]);
    await counts.stop();
    expect(log.events).toHaveLength(2);
  });

  test("once each, also where the store keeps them and does not say so, or is away for a while", async () => {
    const log = memoryLog();
    const counts = createIgnoredCounts(log.append, never);
    counts.add(ignored("test", "2026-03-01T09:00:00Z"));
    let asked = 0;
    const deaf = createIgnoredCounts(async (...call) => {
      asked += 1;
      const outcome = await log.append(...call);
      return asked === 1 ? { tag: "unavailable", reason: "no answer" } : outcome;
    }, never);
    deaf.add(ignored("test", "2026-03-01T09:00:00Z"));
    await deaf.note();
    deaf.add(ignored("test", "2026-03-01T09:00:05Z"));
    await deaf.note();
    await deaf.stop();
    expect(log.events.map(({ data }) => (data as { count: number }).count)).toEqual([1, 1]);
    log.refuse("it is away");
    await counts.note();
    log.refuse(undefined);
    await counts.stop();
    expect(log.events).toHaveLength(3);
  });
});
