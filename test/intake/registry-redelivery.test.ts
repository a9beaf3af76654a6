// The registry's subscription may hand an event over again after it was dropped: what was taken stays as it is.

import { expect, test } from "bun:test";
import type { Instant } from "../../src/domain/instant.ts";
import type { FollowStream } from "../../src/intake/event-log.ts";
import { startRegistry } from "../../src/intake/registry.ts";
import { memoryLog } from "./memory-log.ts";

const now = "2025-01-15T10:30:00.000000000Z" as Instant;

function made<T>(change: { readonly ok: true; readonly made: T } | { readonly ok: false }): T {
  if (!change.ok) throw new Error(`refused: ${JSON.stringify(change)}`);
  return change.made;
}

test("a key that was revoked stays revoked while its issue is heard again", async () => {
  const log = memoryLog();
  const handlers: Parameters<FollowStream>[1][] = [];
  const follow: FollowStream = (stream, given) => {
    handlers.push(given);
    return log.follow(stream, given);
  };
  const registry = startRegistry({ append: log.append, follow, adminKey: "admin", log: { warn: () => {} } });
  await Promise.resolve();
  expect(registry.ready()).toBe(true);
  const { project_uuid } = made(await registry.registerProject({ name: "shop" }, now));
  const { key, secret } = made(await registry.issueKey(project_uuid, { label: "a", scopes: ["read"] }, now));
  made(await registry.revokeKey(project_uuid, key.key_id, now));
  const issued = log.events.find(({ type }) => type === "ApiKeyIssued");
  if (issued === undefined) throw new Error("nothing was issued");
  for (const { event } of handlers) event(issued);
  expect(registry.authenticate(secret, now)).toEqual({ tag: "refused", reason: "revoked" });
  await registry.stop();
  expect(log.followers()).toBe(0);
});

test("what this process changed is in force before its own subscription hears of it, and once", async () => {
  const log = memoryLog();
  const registry = startRegistry({ ...log, adminKey: "admin", log: { warn: () => {} } });
  await Promise.resolve();
  log.lag(true);
  const { project_uuid } = made(await registry.registerProject({ name: "shop" }, now));
  expect(registry.project(project_uuid)?.name).toBe("shop");
  made(await registry.changeProject(project_uuid, { name: "store" }));
  log.lag(false);
  expect(registry.project(project_uuid)?.name).toBe("store");
  expect(log.events.length).toBe(2);
});
