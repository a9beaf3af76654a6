// Events in the registry stream that another client appended and that are not what their type says: each changes
// nothing, and the registry goes on.

import { expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { Instant } from "../../src/domain/instant.ts";
import { readRegistryEvent } from "../../src/domain/registry-events.ts";
import type { FollowStream } from "../../src/intake/event-log.ts";
import { startRegistry } from "../../src/intake/registry.ts";
import { memoryLog } from "./memory-log.ts";

const now = "2025-01-15T10:30:00.000000000Z" as Instant;

test("an event that is not what its type says changes nothing, and what comes after it counts", async () => {
  const log = memoryLog();
  const handlers: Parameters<FollowStream>[1][] = [];
  const warned: object[] = [];
  const follow: FollowStream = (stream, given) => {
    handlers.push(given);
    return log.follow(stream, given);
  };
  const registry = startRegistry({
    append: log.append,
    follow,
    adminKey: "admin",
    log: { warn: (details) => warned.push(details) },
  });
  await Promise.resolve();
  const made = await registry.registerProject({ name: "shop" }, now);
  if (!made.ok) throw new Error("the project was refused");
  const { project_uuid } = made.made;
  const key_id = randomUUID();
  const bad: readonly (readonly [type: string, data: unknown])[] = [
    ["ProjectRegistered", null],
    ["ProjectRegistered", "{"],
    ["ProjectRegistered", []],
    ["ProjectRegistered", { project_uuid: "shop", name: "n", created_at: now }],
    ["ProjectRegistered", { project_uuid: randomUUID(), name: 7, created_at: now }],
    ["ProjectRegistered", { project_uuid: randomUUID(), name: "n", created_at: "now" }],
    ["ProjectChanged", { project_uuid, name: { toString: 1 } }],
    ["ProjectChanged", { project_uuid, matching: "all" }],
    ["StatusesMapped", { project_uuid }],
    ["StatusesMapped", { project_uuid, mappings: { A: "ALARM" } }],
    ["RepositoryRegistered", { project_uuid, name: "r", created_at: now }],
    ["ApiKeyIssued", { key_id, project_uuid, label: "l", scopes: "read", sha256: "", created_at: now }],
    ["ApiKeyQuotaSet", { key_id, project_uuid, quota: { webhooks: 0, per: "year" } }],
    ["ApiKeyRevoked", { key_id, project_uuid }],
    ["__proto__", { project_uuid }],
    ["SomethingElse", null],
  ];
  for (const [at, [type, data]] of bad.entries()) {
    for (const { event } of handlers) {
      event({
        id: randomUUID(),
        type,
        stream: "registry",
        revision: BigInt(at + 1),
        position: BigInt(at + 1),
        recorded_at: new Date(0),
        data,
        metadata: {},
      });
    }
  }
  expect(warned.length).toBe(bad.length - 2);
  expect(registry.projects().map((project) => project.name)).toEqual(["shop"]);
  expect(registry.project(project_uuid)).toMatchObject({ matching: "project", mappings: {} });
  for (const { event } of handlers) {
    event({
      id: randomUUID(),
      type: "ProjectChanged",
      stream: "registry",
      revision: BigInt(bad.length + 1),
      position: 99n,
      recorded_at: new Date(0),
      data: { project_uuid, name: "store" },
      metadata: {},
    });
  }
  expect(registry.project(project_uuid)?.name).toBe("store");
});

test("every event that the registry itself makes can be read again", async () => {
  const log = memoryLog();
  const registry = startRegistry({ ...log, adminKey: "admin", log: { warn: () => {} } });
  await Promise.resolve();
  const project = await registry.registerProject({ name: "shop" }, now);
  if (!project.ok) throw new Error("the project was refused");
  const { project_uuid } = project.made;
  const quota = { webhooks: 5, per: "second" };
  const issued = await registry.issueKey(project_uuid, { label: "a", scopes: ["read"], quota }, now);
  if (!issued.ok) throw new Error("the key was refused");
  await registry.changeProject(project_uuid, { name: "store", matching: "monitor" });
  await registry.registerRepository(project_uuid, { name: "repo" }, now);
  await registry.setQuota(project_uuid, issued.made.key.key_id, null);
  await registry.revokeKey(project_uuid, issued.made.key.key_id, now);
  await registry.mapStatuses(project_uuid, { odd: "ALERT" });
  expect(log.events.length).toBe(7);
  for (const event of log.events) expect(readRegistryEvent(event)).toMatchObject({ ok: true });
});
