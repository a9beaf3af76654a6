import { describe, expect, test } from "bun:test";
import { type ProjectUuid, parseProjectUuid } from "../../src/domain/ids.ts";
import { createQuarantineBounds } from "../../src/intake/quarantine-bounds.ts";

const uuid = (last: string): ProjectUuid =>
  parseProjectUuid(`6d0f3a52-8f0e-4c7d-9a51-0c2be1f7a00${last}`) as ProjectUuid;
const [shop, bank] = [uuid("1"), uuid("2")];
const day = 86_400_000;

const bounded = (entriesPerDay: number, bytesPerDay: number) => {
  let nowMs = 0;
  const bounds = createQuarantineBounds({ nowMs: () => nowMs, entriesPerDay, bytesPerDay });
  return { ...bounds, pass: (ms: number) => (nowMs += ms) };
};

describe("a project's quarantine takes so much in a day", () => {
  test("of payloads", () => {
    const { take, pass } = bounded(2, 0);
    expect([take(shop, "a", 10), take(shop, "b", 10)]).toEqual([undefined, undefined]);
    expect(take(shop, "c", 10)).toBe(day / 2 / 1_000);
    pass(day / 2);
    expect([take(shop, "c", 10), take(shop, "d", 10)]).toEqual([undefined, day / 2 / 1_000]);
  });

  test("of bytes; a payload that does not fit takes no other's room", () => {
    const { take } = bounded(2, 100);
    expect(take(shop, "a", 60)).toBeUndefined();
    expect(take(shop, "b", 60)).toBe(Math.ceil((day / 100) * 20) / 1_000);
    expect(take(shop, "c", 40)).toBeUndefined();
  });

  test("each project for itself", () => {
    const { take } = bounded(1, 0);
    expect([take(shop, "a", 1), take(bank, "b", 1)]).toEqual([undefined, undefined]);
    expect(take(bank, "c", 1)).toBeGreaterThan(0);
  });

  test("and a payload that is sent again takes no room again", () => {
    const { take } = bounded(1, 0);
    expect([1, 2, 3].map(() => take(shop, "a", 1))).toEqual([undefined, undefined, undefined]);
    expect(take(shop, "b", 1)).toBeGreaterThan(0);
  });

  test("without bounds, whatever comes", () => {
    const { take } = bounded(0, 0);
    for (let at = 0; at < 30_000; at++) expect(take(shop, String(at), 1e9)).toBeUndefined();
  });
});
