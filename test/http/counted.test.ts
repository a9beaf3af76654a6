// Every webhook is counted once: with what became of it where it is acknowledged, else with the reason against it.

import { describe, expect, test } from "bun:test";
import type { HttpDependencies } from "../../src/http/ports.ts";
import { adminKey, createHttpSide, type HttpSide, projectA, projectB } from "./http-side.ts";

const contract = "/api/incidents/webhook/";
const webhook = {
  incident_id: "checkout",
  project_uuid: projectA,
  status: "DOWN",
  incident_time: "2025-01-15T10:30:00Z",
};
const native: HttpDependencies["native"] = {
  sources: [{ name: "lamp", title: "Lamp", documentation: "", setup: {} as never }],
  receive: async () => ({ tag: "unavailable", reason: "away" }),
  preview: ({ source }) => ({ tag: "unrecognised", source, reason: "" }),
  isSignedBySns: () => false,
  checkSns: async () => ({ ok: true }),
  quarantine: async () => undefined,
  redrive: async () => ({ tag: "not_found" }),
  redriveMapped: async () => 0,
};
const nobody = "00000000-0000-4000-8000-000000000000";

interface Case {
  readonly why: string;
  readonly counted: string;
  readonly path?: string;
  readonly body?: unknown;
  readonly raw?: NonNullable<RequestInit["body"]>;
  readonly key?: string;
  readonly scopes?: readonly string[];
  readonly before?: (http: HttpSide, key: string) => Promise<unknown> | unknown;
  readonly overrides?: Parameters<typeof createHttpSide>[0];
}

const failing = (tag: "unavailable" | "too_large") => (http: HttpSide) =>
  http.failAppends(tag === "unavailable" ? { tag, reason: "away" } : { tag });
const cases: readonly Case[] = [
  { why: "an alert", body: webhook, counted: "stored ALERT" },
  { why: "a recovery", body: { ...webhook, status: "UP" }, counted: "stored RECOVERY" },
  { why: "no known status", body: { ...webhook, status: "?" }, counted: "stored none" },
  {
    why: "one that is spooled",
    body: webhook,
    overrides: {
      record: async () => ({ tag: "recorded", durability: "spooled", signals: [] }),
    },
    counted: "spooled ALERT",
  },
  { why: "no key", key: "", body: webhook, counted: "unauthorized" },
  { why: "an unknown key", key: "wrong", body: webhook, counted: "unauthorized" },
  { why: "no scope", scopes: ["read"], body: webhook, counted: "unauthorized" },
  { why: "no JSON", raw: "{", counted: "invalid" },
  { why: "no field", body: {}, counted: "invalid" },
  { why: "another's project", body: { ...webhook, project_uuid: projectB }, counted: "unknown_project" },
  { why: "no project", body: { ...webhook, project_uuid: nobody }, counted: "unknown_project" },
  { why: "no UUID", key: adminKey, body: { ...webhook, project_uuid: "x" }, counted: "unknown_project" },
  { why: "no repository", body: { ...webhook, repo_uuid: nobody }, counted: "unknown_repository" },
  {
    why: "a repository that is no UUID",
    body: { ...webhook, repo_uuid: "x" },
    counted: "unknown_repository",
  },
  { why: "a large body", raw: "x".repeat(5_000), counted: "too_large" },
  { why: "an event too large", body: webhook, before: failing("too_large"), counted: "too_large" },
  { why: "no store", body: webhook, before: failing("unavailable"), counted: "unavailable" },
  {
    why: "a key above its quota",
    body: webhook,
    before: async (http, key) => {
      const keys = await http.ask("GET", `/api/projects/${projectA}/keys`, { key: adminKey });
      await http.ask("PATCH", `/api/projects/${projectA}/keys/${keys.body.items[0].key_id}`, {
        key: adminKey,
        body: { quota: { webhooks: 1, per: "minute" } },
      });
      await http.ask("POST", contract, { key, body: webhook });
    },
    counted: "rate_limited",
  },
  {
    why: "a fault",
    body: webhook,
    overrides: { record: () => Promise.reject(new Error("a bug")) },
    counted: "fault",
  },
  { why: "a tool's, no store", path: "lamp", body: {}, overrides: { native }, counted: "unavailable" },
  {
    why: "a tool's, no key",
    path: "lamp",
    key: "",
    body: {},
    overrides: { native },
    counted: "unauthorized",
  },
  { why: "a tool's, admin", path: "lamp", key: adminKey, overrides: { native }, counted: "unauthorized" },
  {
    why: "a tool's, no scope",
    path: "lamp",
    scopes: ["read"],
    overrides: { native },
    counted: "unauthorized",
  },
  { why: "a tool that is not known", path: "x", overrides: { native }, counted: "unknown_source" },
  {
    why: "a tool's, no UUID",
    path: "lamp?repo_uuid=x",
    overrides: { native },
    counted: "unknown_repository",
  },
  {
    why: "a tool's, no repository",
    path: `lamp?repo_uuid=${nobody}`,
    overrides: { native },
    counted: "unknown_repository",
  },
  {
    why: "a tool's, too large",
    path: "lamp",
    raw: "x".repeat(5_000),
    overrides: { native },
    counted: "too_large",
  },
  {
    why: "a tool's, not by Amazon",
    path: "lamp",
    overrides: {
      native: {
        ...native,
        isSignedBySns: () => true,
        checkSns: async () => ({ ok: false, tag: "refused", reason: "forged" }),
      },
    },
    counted: "bad_signature",
  },
  {
    why: "a tool's, a fault",
    path: "lamp",
    overrides: { native: { ...native, receive: () => Promise.reject(new Error("a bug")) } },
    counted: "fault",
  },
];

describe("is counted once", () => {
  for (const { why, counted, path = "", overrides, scopes, before, ...asked } of cases) {
    test(`${why}: ${counted}`, async () => {
      const http = await createHttpSide(overrides);
      const own = await http.keyFor(projectA, scopes ?? ["ingest"]);
      await before?.(http, own);
      const earlier = await counts(http);
      await http.ask("POST", contract + path, { key: own, ...asked });
      const now = await counts(http);
      const changed = [...now].flatMap(([name, count]) => {
        const more = count - (earlier.get(name) ?? 0);
        return more === 0 ? [] : [`${name} ${more}`];
      });
      const source = path === "" ? "contract" : path.startsWith("lamp") ? "lamp" : "unknown";
      const [outcome, kind] = counted.split(" ");
      expect(changed).toEqual([
        kind === undefined
          ? `ledger_webhooks_rejected_total{reason="${outcome}",source="${source}"} 1`
          : `ledger_webhooks_total{outcome="${outcome}",kind="${kind}",source="${source}"} 1`,
      ]);
    });
  }
});

test("what lies in the spool, what has left it and what never will is told", async () => {
  const { text } = await (await createHttpSide()).ask("GET", "/metrics");
  for (const line of [
    "ledger_spool_records 4",
    "ledger_spool_oldest_seconds 5",
    "ledger_spool_drained_total 6",
    "ledger_spool_refused_total 1",
  ]) {
    expect(text).toContain(`\n${line}\n`);
  }
});

test("names follow Prometheus: counters end in _total, nothing else does, and units are its base units", async () => {
  const { text } = await (await createHttpSide()).ask("GET", "/metrics");
  const own = [...text.matchAll(/^# TYPE (ledger_\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => ({
    name,
    type,
  }));
  expect(own.length).toBeGreaterThan(15);
  for (const { name, type } of own) {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect({ name, total: name.endsWith("_total") }).toEqual({ name, total: type === "counter" });
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|kb|mb|percent)(_|$)/);
  }
});

async function counts(http: HttpSide): Promise<ReadonlyMap<string, number>> {
  const { text } = await http.ask("GET", "/metrics");
  return new Map(
    [...text.matchAll(/^(ledger_webhooks(?:_rejected)?_total\{.*\}) (\d+)$/gm)].map(
      ([, name = "", count]) => [name, Number(count)],
    ),
  );
}
