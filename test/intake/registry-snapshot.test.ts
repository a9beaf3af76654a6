// The registry that a process remembers: told from it while the event store is away, replaced by what the log says, and
// never the home of a key.

import { expect, test } from "bun:test";
import type { RepoUuid } from "../../src/domain/ids.ts";
import { type Instant, parseInstant } from "../../src/domain/instant.ts";
import type { Registry } from "../../src/domain/registry.ts";
import { type RegistryService, startRegistry } from "../../src/intake/registry.ts";
import { readSnapshot, snapshotText } from "../../src/intake/registry-snapshot.ts";
import { createSealing } from "../../src/intake/sealing.ts";
import { memoryLog } from "./memory-log.ts";

const now = instant("2025-03-01T00:00:00Z");
const later = instant("2025-03-02T00:00:00Z");
const sealing = createSealing("a-secrets-key-for-this-test");
const adminKey = "the-admin-key-of-this-test";

type Log = ReturnType<typeof memoryLog>;

function start(log: Log, saved: string[], remembered?: Registry): RegistryService {
  return startRegistry({
    append: log.append,
    follow: log.follow,
    adminKey,
    sealing,
    log: { warn: () => {} },
    snapshots: {
      remembered,
      save: async (text) => {
        saved.push(text);
      },
    },
  });
}

/** Everything that has been appended is heard, and saved, after a turn of the event loop. */
const heard = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function filled() {
  const log = memoryLog();
  const saved: string[] = [];
  const registry = start(log, saved);
  await heard();
  const { project_uuid } = made(await registry.registerProject({ name: "shop" }, now));
  const repo = made(await registry.registerRepository(project_uuid, { name: "api" }, now)).repo_uuid;
  const issue = async (label: string) =>
    made(
      await registry.issueKey(
        project_uuid,
        {
          label,
          scopes: ["ingest"],
          signing_secrets: ["hush, hush, hush"],
          quota: { webhooks: 5, per: "second" },
        },
        now,
      ),
    );
  const [live, revoked] = [await issue("live"), await issue("revoked")];
  made(await registry.revokeKey(project_uuid, revoked.key.key_id, later));
  made(await registry.changeProject(project_uuid, { matching: "monitor" }));
  made(await registry.mapStatuses(project_uuid, { BROKEN: "ALERT" }));
  await heard();
  return { log, saved, registry, project_uuid, repo, live, revoked };
}

/** As a process that finds its event store away. */
async function restarted(saved: readonly string[]) {
  const log = memoryLog();
  log.lag(true);
  const registry = start(log, [], readSnapshot(saved.at(-1) ?? ""));
  await heard();
  return { log, registry };
}

test("what was remembered tells keys, projects, repositories, words and quotas as before", async () => {
  const { registry: before, saved, project_uuid, repo, live, revoked } = await filled();
  const { registry } = await restarted(saved);
  expect([registry.ready(), registry.tellsKeys()]).toEqual([false, true]);
  expect(registry.authenticate(live.secret, later)).toEqual(before.authenticate(live.secret, later));
  expect(registry.authenticate(live.secret, later).tag).toBe("key");
  expect(registry.authenticate(revoked.secret, later)).toEqual({ tag: "refused", reason: "revoked" });
  expect(registry.authenticate("il_nobody", later)).toEqual({ tag: "refused", reason: "unknown" });
  expect(registry.authenticate(adminKey, later)).toEqual({ tag: "admin" });
  expect(registry.project(project_uuid)).toEqual(before.project(project_uuid));
  expect(registry.hasRepository(project_uuid, repo as RepoUuid)).toBe(true);
  expect(registry.signingSecrets(live.key)).toEqual(["hush, hush, hush"]);
});

test("nothing is changed from memory", async () => {
  const { saved, project_uuid, live } = await filled();
  const { registry, log } = await restarted(saved);
  for (const change of [
    await registry.registerProject({ name: "other" }, later),
    await registry.revokeKey(project_uuid, live.key.key_id, later),
  ]) {
    expect(change).toMatchObject({ ok: false, refusal: { code: "unavailable" } });
  }
  expect(log.events).toEqual([]);
});

test("what the log says counts once it has been read, also where it says less", async () => {
  const { saved, log, live, project_uuid, registry: other } = await filled();
  made(await other.revokeKey(project_uuid, live.key.key_id, later));
  log.lag(true);
  const remembered = readSnapshot(saved.at(-2) ?? "");
  const registry = start(log, [], remembered);
  await heard();
  expect(registry.authenticate(live.secret, later).tag).toBe("key");
  log.lag(false);
  await heard();
  expect(registry.ready()).toBe(true);
  expect(registry.authenticate(live.secret, later)).toEqual({ tag: "refused", reason: "revoked" });

  const empty = start(memoryLog(), [], remembered);
  await heard();
  expect(empty.projects()).toEqual([]);
  expect(empty.authenticate(live.secret, later)).toEqual({ tag: "refused", reason: "unknown" });
});

test("no key and no secret is in it, and a text that was changed is not believed", async () => {
  const { saved, live, revoked } = await filled();
  const text = saved.at(-1) ?? "";
  for (const secret of [live.secret, revoked.secret, adminKey, "hush, hush, hush"])
    expect(text).not.toContain(secret);
  expect(text).toContain(live.key.sha256);
  expect(readSnapshot(text)).toBeDefined();
  expect(readSnapshot(text.replace('"shop"', '"shoq"'))).toBeUndefined();
  expect(readSnapshot(text.slice(0, -20))).toBeUndefined();
  expect(readSnapshot("")).toBeUndefined();
  expect(snapshotText(readSnapshot(text) as Registry)).toBe(text);
});

test("it is saved once everything has been read and after each change, one at a time", async () => {
  const { log } = await filled();
  let running = 0;
  let most = 0;
  const texts: string[] = [];
  const registry = startRegistry({
    append: log.append,
    follow: log.follow,
    adminKey,
    sealing,
    log: { warn: () => {} },
    snapshots: {
      remembered: undefined,
      save: async (text) => {
        most = Math.max(most, ++running);
        await heard();
        running--;
        texts.push(text);
      },
    },
  });
  await heard();
  for (let n = 0; n < 50; n++) made(await registry.registerProject({ name: `p${n}` }, now));
  await registry.stop();
  expect(most).toBe(1);
  expect(texts.length).toBeLessThan(50);
  expect(readSnapshot(texts.at(-1) ?? "")?.projects.size).toBe(51);
});

test("where it cannot be saved the registry goes on, says so once, and saves the next", async () => {
  const log = memoryLog();
  const warnings: string[] = [];
  const saved: string[] = [];
  let fails = true;
  const registry = startRegistry({
    append: log.append,
    follow: log.follow,
    adminKey,
    log: { warn: (_, message) => warnings.push(message) },
    snapshots: {
      remembered: undefined,
      save: async (text) => {
        if (fails) throw new Error("no room");
        saved.push(text);
      },
    },
  });
  await heard();
  for (const name of ["a", "b"]) {
    made(await registry.registerProject({ name }, now));
    await heard();
  }
  expect(warnings).toEqual(["the registry's snapshot cannot be kept"]);
  fails = false;
  made(await registry.registerProject({ name: "c" }, now));
  await registry.stop();
  expect(readSnapshot(saved.at(-1) ?? "")?.projects.size).toBe(3);
});

function made<T>(change: { readonly ok: true; readonly made: T } | { readonly ok: false }): T {
  if (!change.ok) throw new Error(`refused: ${JSON.stringify(change)}`);
  return change.made;
}

function instant(text: string): Instant {
  const parsed = parseInstant(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}
