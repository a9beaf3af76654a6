// The registry's rules: given what was registered, when a change is asked for, then its event or the reason against it.

import { describe, expect, test } from "bun:test";
import type { KeyId } from "../../src/domain/ids.ts";
import type { Instant } from "../../src/domain/instant.ts";
import {
  applyRegistryEvent,
  type Decision,
  decideKey,
  decideMappingChange,
  decideMappings,
  decideProject,
  decideProjectChange,
  decideQuota,
  decideRepository,
  decideRevocation,
  emptyRegistry,
  type Project,
  type Registry,
  type RegistryEvent,
} from "../../src/domain/registry.ts";

const now = "2025-01-15T10:30:00.000000000Z" as Instant;
const uuids = {
  shop: "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11",
  bank: "7c1d8f6e-0a54-4f2b-9d55-0e4b5a6c7d88",
  repo: "1d2f6f0a-6a0c-4d0c-9a53-0a8b3c1f5e01",
  key: "0b4f6a50-1c8e-4f0e-9a41-1f7a3f1f6f01",
};
const given = { newUuid: uuids.bank, now };

const shop: RegistryEvent = {
  type: "ProjectRegistered",
  data: { project_uuid: uuids.shop, name: "Shop", created_at: now },
};
const bank: RegistryEvent = {
  type: "ProjectRegistered",
  data: { project_uuid: uuids.bank, name: "Bank", created_at: now },
};
const repository: RegistryEvent = {
  type: "RepositoryRegistered",
  data: { repo_uuid: uuids.repo, project_uuid: uuids.shop, name: "web", created_at: now },
};
const key: RegistryEvent = {
  type: "ApiKeyIssued",
  data: {
    key_id: uuids.key,
    project_uuid: uuids.shop,
    label: "monitors",
    scopes: ["ingest"],
    sha256: "ab".repeat(32),
    expires_at: null,
    created_at: now,
  },
};

function registered(...events: readonly RegistryEvent[]): Registry {
  const registry = emptyRegistry();
  for (const event of events) applyRegistryEvent(registry, event);
  return registry;
}

function projectIn(registry: Registry, uuid = uuids.shop): Project {
  const found = [...registry.projects.values()].find(({ project_uuid }) => project_uuid === uuid);
  if (found === undefined) throw new Error(`no project ${uuid}`);
  return found;
}

function eventOf(decision: Decision<unknown>): RegistryEvent | null {
  if (!decision.ok) throw new Error(`refused: ${decision.refusal.details}`);
  return decision.event;
}

function refusalOf(decision: Decision<unknown>): string {
  if (decision.ok) throw new Error("expected a refusal");
  return `${decision.refusal.code}: ${decision.refusal.details}`;
}

describe("a project", () => {
  test("is registered under the UUID given, in lower case, or under a new one", () => {
    const asked = { name: " Shop ", project_uuid: uuids.shop.toUpperCase() };
    expect(eventOf(decideProject(emptyRegistry(), asked, given))).toEqual(shop);
    expect(eventOf(decideProject(emptyRegistry(), { name: "Bank" }, given))).toEqual(bank);
  });

  test("is not registered twice, nor under what is no UUID", () => {
    expect(refusalOf(decideProject(registered(shop), { name: "x", project_uuid: uuids.shop }, given))).toBe(
      `exists: A project with UUID '${uuids.shop}' exists already`,
    );
    expect(refusalOf(decideProject(registered(), { name: "x", project_uuid: "42" }, given))).toContain(
      "invalid:",
    );
  });

  test("has a name of 1 to 200 characters", () => {
    const named = (name: string) => decideProject(emptyRegistry(), { name }, given);
    for (const name of ["", "  ", "x".repeat(201)]) expect(refusalOf(named(name))).toContain("invalid: name");
    for (const name of ["x", "x".repeat(200)]) expect(named(name).ok).toBe(true);
  });

  test("changes its name and its matching, each alone too, and nothing where nothing is new", () => {
    const project = projectIn(registered(shop));
    const data = { project_uuid: uuids.shop };
    expect(eventOf(decideProjectChange(project, { name: "Store" }))).toMatchObject({
      data: { ...data, name: "Store" },
    });
    const narrowed = eventOf(decideProjectChange(project, { matching: "monitor" }));
    expect(narrowed as unknown).toEqual({ type: "ProjectChanged", data: { ...data, matching: "monitor" } });
    expect(eventOf(decideProjectChange(project, {}))).toBeNull();
    expect(eventOf(decideProjectChange(project, { name: " Shop", matching: "project" }))).toBeNull();
    expect(refusalOf(decideProjectChange(project, { name: "" }))).toContain("invalid: name");
  });
});

describe("a key's quota", () => {
  const quota = { webhooks: 60, per: "minute", burst: 5 } as const;
  const set = { key_id: uuids.key, project_uuid: uuids.shop, quota };

  test("is set and lifted by events; keys of before there were quotas have none", () => {
    const registry = registered(shop, key);
    expect(projectIn(registry).keys.get(uuids.key as KeyId)?.quota).toBeUndefined();
    applyRegistryEvent(registry, { type: "ApiKeyQuotaSet", data: set });
    expect(projectIn(registry).keys.get(uuids.key as KeyId)?.quota).toEqual(quota);
    expect(registry.keysByDigest.get("ab".repeat(32))?.quota).toEqual(quota);
    applyRegistryEvent(registry, { type: "ApiKeyQuotaSet", data: { ...set, quota: null } });
    expect(registry.keysByDigest.get("ab".repeat(32))).not.toHaveProperty("quota");
  });

  test("is decided once, for a key that is there and in force", () => {
    const project = projectIn(registered(shop, key));
    expect(eventOf(decideQuota(project, uuids.key, { ...quota }))).toEqual({
      type: "ApiKeyQuotaSet",
      data: set,
    });
    expect(eventOf(decideQuota(project, uuids.key, null))).toBeNull();
    expect(refusalOf(decideQuota(project, uuids.key, { webhooks: 0, per: "minute" }))).toContain("invalid:");
    expect(refusalOf(decideQuota(project, uuids.repo, null))).toContain("not_found:");
  });
});

describe("a repository", () => {
  test("is registered once, whichever project asks, and nobody is told whose it is", () => {
    const empty = registered(shop);
    const asked = { name: "web", repo_uuid: uuids.repo };
    expect(eventOf(decideRepository(empty, projectIn(empty), asked, given))).toEqual(repository);
    const taken = registered(shop, bank, repository);
    for (const uuid of [uuids.shop, uuids.bank]) {
      const refusal = refusalOf(decideRepository(taken, projectIn(taken, uuid), asked, given));
      expect(refusal).toBe(`exists: The repo_uuid '${uuids.repo}' is in use`);
    }
    const odd = { name: "web", repo_uuid: "no" };
    expect(refusalOf(decideRepository(empty, projectIn(empty), odd, given))).toContain("invalid: repo_uuid");
    expect(refusalOf(decideRepository(empty, projectIn(empty), { name: "" }, given))).toContain(
      "invalid: name",
    );
  });
});

describe("a key", () => {
  const made = { keyId: uuids.key as KeyId, sha256: "ab".repeat(32), now };
  const asked = { label: "monitors", scopes: ["ingest"] };
  const issue = (changes: Partial<Parameters<typeof decideKey>[1]>) =>
    decideKey(projectIn(registered(shop)), { ...asked, ...changes }, made);

  test("is issued with its digest, never with a secret", () => {
    expect(eventOf(issue({}))).toEqual(key);
  });

  test("has at least one scope, each once, and no unknown one", () => {
    expect(eventOf(issue({ scopes: ["read", "read", "ingest"] }))?.data).toMatchObject({
      scopes: ["read", "ingest"],
    });
    for (const scopes of [[], ["admin"], ["read", "INGEST"]])
      expect(refusalOf(issue({ scopes }))).toContain("invalid: scopes");
  });

  test("may expire, in the future only", () => {
    const later = "2025-01-15T12:30:00+01:00";
    expect(eventOf(issue({ expires_at: later }))?.data).toMatchObject({
      expires_at: "2025-01-15T11:30:00.000000000Z",
    });
    expect(eventOf(issue({ expires_at: null }))?.data).toMatchObject({ expires_at: null });
    for (const expires_at of [now, "2020-01-01T00:00:00Z"])
      expect(refusalOf(issue({ expires_at }))).toContain("has passed");
    expect(refusalOf(issue({ expires_at: "2025-02-30T00:00:00Z" }))).toContain("February has no day 30");
  });

  test("has a label of 1 to 200 characters", () => {
    expect(refusalOf(issue({ label: " " }))).toContain("invalid: label");
    expect(refusalOf(issue({ label: "x".repeat(201) }))).toContain("invalid: label");
  });

  test("is revoked once; again changes nothing; of another project it is not found", () => {
    const live = registered(shop, bank, key);
    const revoked: RegistryEvent = {
      type: "ApiKeyRevoked",
      data: { key_id: uuids.key, project_uuid: uuids.shop, revoked_at: now },
    };
    expect(eventOf(decideRevocation(projectIn(live), uuids.key.toUpperCase(), { now }))).toEqual(revoked);
    expect(refusalOf(decideRevocation(projectIn(live, uuids.bank), uuids.key, { now }))).toContain(
      "not_found:",
    );
    expect(refusalOf(decideRevocation(projectIn(live), "nothing", { now }))).toContain("not_found:");
    applyRegistryEvent(live, revoked);
    expect(eventOf(decideRevocation(projectIn(live), uuids.key, { now }))).toBeNull();
    expect(live.keysByDigest.get("ab".repeat(32))?.revoked_at).toBe(now);
  });
});

describe("status mappings", () => {
  const map = (asked: Readonly<Record<string, unknown>>, events: readonly RegistryEvent[] = []) =>
    decideMappings(projectIn(registered(shop, ...events)), asked);

  test("replace the whole table, with words in their normal form", () => {
    const event = eventOf(map({ " degraded ": "ALERT", Fine: "RECOVERY", FINE: "RECOVERY" }));
    expect(event).toEqual({
      type: "StatusesMapped",
      data: { project_uuid: uuids.shop, mappings: { DEGRADED: "ALERT", FINE: "RECOVERY" } },
    });
    if (event === null) throw new Error("expected an event");
    expect(eventOf(map({ fine: "RECOVERY", Degraded: "ALERT" }, [event]))).toBeNull();
    expect(eventOf(map({}, [event]))?.data).toMatchObject({ mappings: {} });
  });

  test("are ALERT or RECOVERY, of words of 1 to 512 characters, at most 500, none both", () => {
    for (const kind of ["alert", null, 1, {}]) expect(refusalOf(map({ X: kind }))).toContain("invalid:");
    expect(refusalOf(map({ " ": "ALERT" }))).toContain("1 to 512");
    expect(refusalOf(map({ ["x".repeat(513)]: "ALERT" }))).toContain("1 to 512");
    expect(refusalOf(map({ fine: "ALERT", FINE: "RECOVERY" }))).toContain("both ALERT and RECOVERY");
    const words = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`W${i}`, "ALERT"]));
    expect(map(words(500)).ok).toBe(true);
    expect(refusalOf(map(words(501)))).toContain("At most 500");
  });
});

describe("the state that events build", () => {
  test("is the same when events are taken again", () => {
    const events = [shop, bank, repository, key];
    expect(registered(...events, ...events)).toEqual(registered(...events));
  });

  test("an event that names what is not there changes nothing", () => {
    const registry = registered(
      repository,
      key,
      { type: "ProjectChanged", data: { project_uuid: uuids.shop, name: "x" } },
      { type: "StatusesMapped", data: { project_uuid: uuids.shop, mappings: { X: "ALERT" } } },
      { type: "ApiKeyRevoked", data: { key_id: uuids.key, project_uuid: uuids.shop, revoked_at: now } },
    );
    expect(registry).toEqual(emptyRegistry());
  });

  test("each decision's event builds what the decision said it would", () => {
    const registry = registered(shop, key);
    const change = decideProjectChange(projectIn(registry), { name: "Store", matching: "incident" });
    const event = eventOf(change);
    if (event === null || !change.ok) throw new Error("expected an event");
    applyRegistryEvent(registry, event);
    expect(projectIn(registry)).toEqual(change.made);
    expect(projectIn(registry).keys.size).toBe(1);
  });
});

describe("a change of some words", () => {
  const project = (mappings: Project["mappings"]): Project => ({ mappings }) as Project;

  test("leaves the others, and null takes one away", () => {
    const known = project({ DIM: "ALERT", FINE: "RECOVERY" });
    expect(decideMappingChange(known, { " dark ": "ALERT", dim: null })).toMatchObject({
      ok: true,
      made: { DARK: "ALERT", FINE: "RECOVERY" },
      event: { type: "StatusesMapped" },
    });
    expect(decideMappingChange(known, { Fine: "RECOVERY", gone: null })).toMatchObject({ event: null });
  });

  test("is refused where a word gets two kinds, or one that is none", () => {
    expect(decideMappingChange(project({}), { dark: "ALERT", DARK: "RECOVERY" })).toMatchObject({
      ok: false,
    });
    expect(decideMappingChange(project({}), { dark: "MAYBE" })).toMatchObject({ ok: false });
    expect(decideMappingChange(project({}), { " ": "ALERT" })).toMatchObject({ ok: false });
  });
});
