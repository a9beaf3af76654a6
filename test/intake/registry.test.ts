// The registry in memory: built from the log, changed through it, the same in every process that follows it.

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { KeyId, ProjectUuid, RepoUuid } from "../../src/domain/ids.ts";
import { type Instant, parseInstant } from "../../src/domain/instant.ts";
import { type RegistryService, startRegistry } from "../../src/intake/registry.ts";
import { createSealing } from "../../src/intake/sealing.ts";
import { memoryLog } from "./memory-log.ts";

const adminKey = "the-admin-key-of-this-test";
const now = instant("2025-03-01T00:00:00Z");
const later = instant("2025-03-02T00:00:00Z");
const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

function instant(text: string): Instant {
  const parsed = parseInstant(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}

type Log = ReturnType<typeof memoryLog>;

function start(log: Log): RegistryService {
  return startRegistry({ append: log.append, follow: log.follow, adminKey, log: { warn: () => {} } });
}

/** Everything that has been appended is heard after a turn of the event loop. */
const heard = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function started(log: Log): Promise<RegistryService> {
  const registry = start(log);
  await heard();
  expect(registry.ready()).toBe(true);
  return registry;
}

function made<T>(change: { readonly ok: true; readonly made: T } | { readonly ok: false }): T {
  if (!change.ok) throw new Error(`refused: ${JSON.stringify(change)}`);
  return change.made;
}

async function withProject() {
  const log = memoryLog();
  const registry = await started(log);
  const project = made(
    await registry.registerProject({ name: "shop", project_uuid: uuid(1) }, now),
  ).project_uuid;
  return { log, registry, project };
}

test("a short signing secret from before they were refused is warned about once, at the start, and works", async () => {
  const { log, registry, project } = await withProject();
  const sealing = createSealing("the-secrets-key-of-tests");
  const { key } = made(await registry.issueKey(project, { label: "old", scopes: ["ingest"] }, now));
  const { revoked_at: _, ...data } = key;
  const old = {
    ...data,
    key_id: uuid(7),
    sha256: "0".repeat(64),
    signing_secrets: [sealing.seal("too short")],
  };
  await log.append("registry", [{ id: uuid(8), type: "ApiKeyIssued", data: old, metadata: {} }], "any");
  const warned: object[] = [];
  const again = startRegistry({
    append: log.append,
    follow: log.follow,
    adminKey,
    sealing,
    log: { warn: (details) => warned.push(details) },
  });
  await heard();
  expect(warned).toEqual([{ key_id: uuid(7), project_uuid: project, label: "old" }]);
  const [, known] = [...(again.project(project)?.keys.values() ?? [])];
  expect(known && again.signingSecrets(known)).toEqual(["too short"]);
});

describe("before the log has been read", () => {
  test("nothing is changed and the registry says that it is not ready", async () => {
    const log = memoryLog();
    log.lag(true);
    const registry = start(log);
    await heard();
    expect(registry.ready()).toBe(false);
    const change = await registry.registerProject({ name: "shop" }, now);
    expect(change).toMatchObject({ ok: false, refusal: { code: "unavailable" } });
    expect(log.events).toEqual([]);
    log.lag(false);
    await heard();
    expect(registry.ready()).toBe(true);
    expect((await registry.registerProject({ name: "shop" }, now)).ok).toBe(true);
  });
});

describe("a change", () => {
  test("is in force in this process at once, and in one started afterwards", async () => {
    const { log, registry, project } = await withProject();
    made(await registry.registerRepository(project, { name: "web", repo_uuid: uuid(2) }, now));
    made(await registry.mapStatuses(project, { degraded: "ALERT" }));
    made(await registry.changeProject(project, { matching: "monitor" }));
    const again = await started(log);
    for (const one of [registry, again]) {
      expect(one.project(project)).toMatchObject({
        name: "shop",
        matching: "monitor",
        mappings: { DEGRADED: "ALERT" },
      });
      expect(one.hasRepository(project, uuid(2) as RepoUuid)).toBe(true);
      expect(one.hasRepository(uuid(9) as ProjectUuid, uuid(2) as RepoUuid)).toBe(false);
      expect(one.projects()).toHaveLength(1);
    }
  });

  test("that asks for what is so already appends nothing", async () => {
    const { log, registry, project } = await withProject();
    const before = log.events.length;
    made(await registry.changeProject(project, { name: "shop" }));
    made(await registry.mapStatuses(project, {}));
    expect(log.events.length).toBe(before);
  });

  test("of a project that is not there is refused", async () => {
    const { registry } = await withProject();
    const nobody = uuid(9) as ProjectUuid;
    for (const change of [
      registry.changeProject(nobody, { name: "x" }),
      registry.registerRepository(nobody, { name: "x" }, now),
      registry.issueKey(nobody, { label: "x", scopes: ["read"] }, now),
      registry.revokeKey(nobody, uuid(3), now),
      registry.mapStatuses(nobody, {}),
    ]) {
      expect(await change).toMatchObject({ ok: false, refusal: { code: "not_found" } });
    }
  });

  test("that the store does not acknowledge is no change here, and can be asked for again", async () => {
    const { log, registry, project } = await withProject();
    log.refuse("it sleeps");
    expect(await registry.changeProject(project, { name: "new" })).toEqual({
      ok: false,
      refusal: { code: "unavailable", details: "it sleeps" },
    });
    expect(registry.project(project)?.name).toBe("shop");
    log.refuse(undefined);
    made(await registry.changeProject(project, { name: "new" }));
    expect(registry.project(project)?.name).toBe("new");
  });

  test("that was stored although nobody acknowledged it is heard from the log", async () => {
    const { log, registry, project } = await withProject();
    let lost: Promise<unknown> = Promise.resolve();
    log.answerInstead(async () => {
      log.answerInstead(undefined);
      lost = log.append(
        "registry",
        [
          {
            id: uuid(50),
            type: "ProjectChanged",
            data: { project_uuid: project, name: "heard" },
            metadata: {},
          },
        ],
        "any",
      );
      return { tag: "unavailable", reason: "no answer" };
    });
    expect((await registry.changeProject(project, { name: "heard" })).ok).toBe(false);
    await lost;
    await heard();
    expect(registry.project(project)?.name).toBe("heard");
  });

  test("that the store finds too large is invalid", async () => {
    const { log, registry, project } = await withProject();
    log.answerInstead(async () => ({ tag: "too_large" }));
    expect(await registry.changeProject(project, { name: "new" })).toMatchObject({
      ok: false,
      refusal: { code: "invalid" },
    });
  });

  test("is given up after a bound where others are always faster", async () => {
    const { log, registry, project } = await withProject();
    let asked = 0;
    // Somebody else's change comes first, each time.
    const hook = async () => {
      asked++;
      log.answerInstead(undefined);
      const change = { project_uuid: project, name: `other ${asked}` };
      await log.append(
        "registry",
        [{ id: uuid(100 + asked), type: "ProjectChanged", data: change, metadata: {} }],
        "any",
      );
      log.answerInstead(hook);
      return { tag: "conflict" } as const;
    };
    log.answerInstead(hook);
    expect(await registry.changeProject(project, { name: "mine" })).toMatchObject({
      ok: false,
      refusal: { code: "unavailable" },
    });
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThan(20);
    expect(registry.project(project)?.name).toBe(`other ${asked}`);
  });

  test("many at once in one process are made one after the other, none lost", async () => {
    const { log, registry, project } = await withProject();
    const names = Array.from({ length: 50 }, (_, n) => `repo ${n}`);
    const changes = await Promise.all(
      names.map((name) => registry.registerRepository(project, { name }, now)),
    );
    expect(changes.every(({ ok }) => ok)).toBe(true);
    expect([...(registry.project(project)?.repositories.values() ?? [])].map(({ name }) => name)).toEqual(
      names,
    );
    expect(log.ofType("RepositoryRegistered")).toHaveLength(50);
  });
});

describe("two processes", () => {
  test("register one project_uuid once, whichever is first", async () => {
    const log = memoryLog();
    const [a, b] = [await started(log), await started(log)];
    const changes = await Promise.all(
      [a, b, a, b].map((one, n) => one.registerProject({ name: `name ${n}`, project_uuid: uuid(1) }, now)),
    );
    expect(changes.filter(({ ok }) => ok)).toHaveLength(1);
    for (const change of changes) if (!change.ok) expect(change.refusal.code).toBe("exists");
    expect(log.ofType("ProjectRegistered")).toHaveLength(1);
    await heard();
    expect(a.project(uuid(1) as ProjectUuid)).toEqual(b.project(uuid(1) as ProjectUuid));
  });

  test("register one repo_uuid once, also in two projects", async () => {
    const log = memoryLog();
    const [a, b] = [await started(log), await started(log)];
    const [one, two] = [1, 2].map((n) => ({ name: `p${n}`, project_uuid: uuid(n) }));
    for (const asked of [one, two]) if (asked) made(await a.registerProject(asked, now));
    await heard();
    const changes = await Promise.all([
      a.registerRepository(uuid(1) as ProjectUuid, { name: "web", repo_uuid: uuid(7) }, now),
      b.registerRepository(uuid(2) as ProjectUuid, { name: "web", repo_uuid: uuid(7) }, now),
    ]);
    expect(changes.filter(({ ok }) => ok)).toHaveLength(1);
    expect(log.ofType("RepositoryRegistered")).toHaveLength(1);
  });

  test("that lag behind decide anew with what the other did", async () => {
    const { log, registry: a, project } = await withProject();
    const b = await started(log);
    log.lag(true);
    made(await a.changeProject(project, { name: "by a" }));
    const change = b.changeProject(project, { matching: "incident" });
    await heard();
    log.lag(false);
    expect(made(await change)).toMatchObject({ name: "by a", matching: "incident" });
    await heard();
    expect(a.project(project)).toEqual(b.project(project));
  });

  test("a key issued by one is known to the other, and revoked by one to the other", async () => {
    const { log, registry: a, project } = await withProject();
    const b = await started(log);
    const { key, secret } = made(await a.issueKey(project, { label: "ci", scopes: ["ingest"] }, now));
    await heard();
    expect(b.authenticate(secret, now)).toMatchObject({ tag: "key", key: { key_id: key.key_id } });
    made(await b.revokeKey(project, key.key_id, later));
    expect(b.authenticate(secret, later)).toEqual({ tag: "refused", reason: "revoked" });
    await heard();
    expect(a.authenticate(secret, later)).toEqual({ tag: "refused", reason: "revoked" });
  });
});

describe("keys", () => {
  test("have a recognisable prefix and 256 random bits, and no two are alike", async () => {
    const { registry, project } = await withProject();
    const secrets = new Set<string>();
    for (let n = 0; n < 20; n++) {
      const { secret } = made(await registry.issueKey(project, { label: "ci", scopes: ["read"] }, now));
      expect(secret).toMatch(/^il_[A-Za-z0-9_-]{43}$/);
      secrets.add(secret);
    }
    expect(secrets.size).toBe(20);
  });

  test("are stored as SHA-256 only: nothing that was appended holds the secret, nor the admin key", async () => {
    const { log, registry, project } = await withProject();
    const { secret } = made(await registry.issueKey(project, { label: "ci", scopes: ["read"] }, now));
    const stored = JSON.stringify(log.events, (_, value) =>
      typeof value === "bigint" ? String(value) : value,
    );
    expect(stored).toContain(createHash("sha256").update(secret).digest("hex"));
    for (const text of [
      secret,
      secret.slice(3),
      adminKey,
      createHash("sha256").update(adminKey).digest("hex"),
    ])
      expect(stored).not.toContain(text);
  });

  test("several live ones of a project stand beside each other; revoking one leaves the others", async () => {
    const { registry, project } = await withProject();
    const [one, two] = await Promise.all(
      ["a", "b"].map(async (label) =>
        made(await registry.issueKey(project, { label, scopes: ["read"] }, now)),
      ),
    );
    if (one === undefined || two === undefined) throw new Error("two keys were asked for");
    made(await registry.revokeKey(project, one.key.key_id.toUpperCase(), now));
    expect(registry.authenticate(one.secret, now)).toEqual({ tag: "refused", reason: "revoked" });
    expect(registry.authenticate(two.secret, now).tag).toBe("key");
  });

  test("revoked twice keep the first time", async () => {
    const { log, registry, project } = await withProject();
    const { key } = made(await registry.issueKey(project, { label: "a", scopes: ["read"] }, now));
    made(await registry.revokeKey(project, key.key_id, now));
    expect(made(await registry.revokeKey(project, key.key_id, later)).revoked_at).toBe(now);
    expect(log.ofType("ApiKeyRevoked")).toHaveLength(1);
  });

  test("can be revoked by their own project only", async () => {
    const { registry, project } = await withProject();
    const other = made(await registry.registerProject({ name: "other" }, now)).project_uuid;
    const { key, secret } = made(await registry.issueKey(project, { label: "a", scopes: ["read"] }, now));
    expect(await registry.revokeKey(other, key.key_id, now)).toMatchObject({
      refusal: { code: "not_found" },
    });
    expect(registry.authenticate(secret, now).tag).toBe("key");
  });

  test("expire at the moment they say", async () => {
    const { registry, project } = await withProject();
    const asked = { label: "a", scopes: ["read"], expires_at: "2025-03-02T00:00:00Z" };
    const { secret } = made(await registry.issueKey(project, asked, now));
    expect(registry.authenticate(secret, instant("2025-03-01T23:59:59.999999999Z")).tag).toBe("key");
    expect(registry.authenticate(secret, later)).toEqual({ tag: "refused", reason: "expired" });
  });

  test("are told when they were last used here", async () => {
    const { registry, project } = await withProject();
    const { key, secret } = made(await registry.issueKey(project, { label: "a", scopes: ["read"] }, now));
    expect(registry.lastUsed(key.key_id)).toBeUndefined();
    registry.authenticate(`${secret}x`, now);
    expect(registry.lastUsed(key.key_id)).toBeUndefined();
    registry.authenticate(secret, later);
    expect(registry.lastUsed(key.key_id)).toBe(later);
    expect(registry.lastUsed(uuid(9) as KeyId)).toBeUndefined();
  });

  test("nobody's, nearly somebody's, and the admin's", async () => {
    const { registry, project } = await withProject();
    const { key, secret } = made(await registry.issueKey(project, { label: "a", scopes: ["read"] }, now));
    for (const wrong of [
      "",
      "il_",
      secret.slice(0, -1),
      secret.toLowerCase(),
      key.sha256,
      key.key_id,
      ` ${secret}`,
    ])
      expect(registry.authenticate(wrong, now)).toEqual({ tag: "refused", reason: "unknown" });
    expect(registry.authenticate(adminKey, now)).toEqual({ tag: "admin" });
  });
});

test("after it is stopped a registry hears nothing more", async () => {
  const { log, registry, project } = await withProject();
  const other = await started(log);
  await registry.stop();
  made(await other.changeProject(project, { name: "new" }));
  await heard();
  expect(registry.project(project)?.name).toBe("shop");
  expect(other.project(project)?.name).toBe("new");
});

test("an event of a type that this version does not know changes nothing", async () => {
  const { log, registry, project } = await withProject();
  const event = {
    id: uuid(60),
    type: "SomethingLater" as "ProjectChanged",
    data: { project_uuid: project },
    metadata: {},
  };
  await log.append("registry", [event], "any");
  await heard();
  expect(registry.project(project)?.name).toBe("shop");
  made(await registry.changeProject(project, { name: "still works" }));
});
