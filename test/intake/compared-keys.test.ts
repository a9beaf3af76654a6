// How keys are compared: by their SHA-256 alone, in constant time, and however wrong a secret is in the same steps. Watches
// the comparison itself; how long it takes is measured in test/abuse/timing.tier.ts.

import { afterAll, beforeEach, expect, mock, test } from "bun:test";
import * as crypto from "node:crypto";
import { parseInstant } from "../../src/domain/instant.ts";
import { startRegistry } from "../../src/intake/registry.ts";
import { memoryLog } from "./memory-log.ts";

type Verdict = (one: Buffer, other: Buffer) => boolean;

const { timingSafeEqual } = { ...crypto };
const truth: Verdict = (one, other) => timingSafeEqual(one, other);
let verdict = truth;
let isWatching = false;
let compared: (readonly [string, string])[] = [];

mock.module("node:crypto", () => ({
  ...crypto,
  timingSafeEqual: (one: Buffer, other: Buffer) => {
    if (isWatching) compared.push([one.toString("hex"), other.toString("hex")]);
    return verdict(one, other);
  },
}));

beforeEach(() => {
  compared = [];
  verdict = truth;
  isWatching = true;
});
// Other files of this process go on with the watched comparison.
afterAll(() => {
  verdict = truth;
  isWatching = false;
});

const adminKey = "the-admin-key-of-this-test";
const sha256 = (text: string): string => crypto.hash("sha256", text);
const time = parseInstant("2025-03-01T00:00:00Z");
if (!time.ok) throw new Error(time.problem);
const now = time.value;

async function withKey() {
  const log = memoryLog();
  const registry = startRegistry({
    append: log.append,
    follow: log.follow,
    adminKey,
    log: { warn: () => {} },
  });
  while (!registry.ready()) await new Promise((resolve) => setImmediate(resolve));
  const made = await registry.registerProject({ name: "A" }, now);
  if (!made.ok) throw new Error("no project");
  const issued = await registry.issueKey(made.made.project_uuid, { label: "k", scopes: ["ingest"] }, now);
  if (!issued.ok) throw new Error("no key");
  return { log, registry, secret: issued.made.secret };
}

test("only digests are compared, of all kinds of secrets the given one's with the right one's", async () => {
  const { registry, secret } = await withKey();
  for (const [given, tag, others] of [
    [adminKey, "admin", [adminKey]],
    [secret, "key", [adminKey, secret]],
    [`${adminKey.slice(0, -1)}x`, "refused", [adminKey]],
    [`${secret.slice(0, -1)}~`, "refused", [adminKey]],
    ["x", "refused", [adminKey]],
    ["x".repeat(10_000), "refused", [adminKey]],
  ] as const) {
    compared = [];
    expect(registry.authenticate(given, now).tag).toBe(tag);
    expect(compared).toEqual(others.map((right) => [sha256(given), sha256(right)] as const));
  }
});

test("nobody is let in whom the comparison does not let in", async () => {
  const { registry, secret } = await withKey();
  verdict = () => false;
  for (const right of [adminKey, secret]) expect(registry.authenticate(right, now).tag).toBe("refused");
  expect(compared).toHaveLength(3);
});

test("of a key only its digest is stored", async () => {
  const { log, secret } = await withKey();
  const stored = log.ofType("ApiKeyIssued").map(({ data }) => data);
  expect(stored).toEqual([expect.objectContaining({ sha256: sha256(secret) })]);
  expect(JSON.stringify(stored)).not.toContain(secret.slice(3));
});
