// What one key may cost: a quota and a budget hold for what is recorded, not for how few requests it comes in.

import { describe, expect, test } from "bun:test";
import { adminKey, instant, projectA } from "../http/http-side.ts";
import { createWholeSide, type WholeSide } from "./whole-side.ts";

const hookPath = "/api/incidents/webhook";
const keysPath = `/api/projects/${projectA}/keys`;
const quarantinePath = `/api/projects/${projectA}/quarantine`;

let now = instant("2025-03-01T00:00:00Z");

/** A quota of these tests hardly fills again while they run. */
async function sideWith(burst?: number, bytesPerDay = 0) {
  const side = await createWholeSide({
    now: () => now,
    settings: { MAX_BODY_BYTES: "1000000", KEY_BYTES_PER_DAY: String(bytesPerDay) },
  });
  const made = await side.ask("POST", keysPath, {
    key: adminKey,
    body: {
      label: "costly",
      scopes: ["ingest", "read"],
      ...(burst === undefined ? {} : { quota: { webhooks: 1, per: "minute", burst } }),
    },
  });
  return { side, key: made.body.key as string };
}

const group = (size: number): string =>
  JSON.stringify({
    version: "4",
    groupKey: "g",
    alerts: Array.from({ length: size }, (_, at) => ({
      status: "firing",
      startsAt: "2025-01-15T10:30:00Z",
      fingerprint: `f${at}`,
    })),
  });
const recorded = (side: WholeSide): number => side.log.ofType("IncidentSignalRecorded").length;
const send = (side: WholeSide, key: string, raw: string, source = "alertmanager") =>
  side.ask("POST", `${hookPath}/${source}`, { key, raw });

describe("a quota", () => {
  test("of one webhook lets no group of 3,400 through", async () => {
    const { side, key } = await sideWith(1);
    const answer = await send(side, key, group(3_400));
    // The bound of what one webhook records comes first: kept whole, it is one.
    expect([answer.status, answer.body.recorded, answer.body.quarantined]).toEqual([200, 0, 1]);
    expect((await send(side, key, group(1))).status).toBe(429);
    expect(recorded(side)).toBe(0);
  });

  test("refuses a group above what is left of it whole, and takes one that fits", async () => {
    const { side, key } = await sideWith(10);
    const refused = await send(side, key, group(11));
    expect([refused.status, refused.body.error]).toEqual([429, "Too many webhooks"]);
    expect(refused.body.details).toContain("The body holds 11 signals");
    expect(Number(refused.headers.get("retry-after"))).toBeWithin(1, 61);
    expect(refused.headers.get("ratelimit")).toStartWith('"webhooks";r=9;');
    expect(recorded(side)).toBe(0);
    const taken = await send(side, key, group(9));
    expect(taken.status).toBe(200);
    expect(taken.headers.get("ratelimit")).toStartWith('"webhooks";r=0;');
    expect(recorded(side)).toBe(9);
  });

  test("is asked before a preview too, which takes the scope of a webhook", async () => {
    const { side, key } = await sideWith(5);
    const path = "/api/sources/alertmanager/preview";
    expect((await side.ask("POST", path, { key, raw: group(4) })).body.signals).toHaveLength(4);
    expect((await side.ask("POST", path, { key, raw: group(2) })).status).toBe(429);
    const reader = await side.keyFor(projectA, ["read"]);
    const refused = await side.ask("POST", path, { key: reader, raw: group(1) });
    expect([refused.status, refused.body.error]).toEqual([401, "Insufficient scope"]);
    expect((await side.ask("POST", path, { key: adminKey, raw: group(1) })).status).toBe(200);
    expect(recorded(side)).toBe(0);
  });
});

describe("a group of more signals than one webhook records", () => {
  test("lies whole in the quarantine, and is read from there within the quota of who asks", async () => {
    const { side, key } = await sideWith();
    const body = group(1_001);
    const kept = await send(side, key, body);
    expect(kept.body).toMatchObject({
      recorded: 0,
      quarantined: 1,
      reason: "it holds 1001 signals, and one webhook records at most 1000",
    });
    expect((await side.ask("GET", quarantinePath, { key })).body.items[0].payload).toBe(body);
    const preview = await side.ask("POST", "/api/sources/alertmanager/preview", { key, raw: body });
    expect(preview.body.outcome).toBe("unrecognised");

    const path = `${quarantinePath}/${kept.body.quarantine_id}/redrive`;
    const limited = await side.ask("POST", keysPath, {
      key: adminKey,
      body: { label: "limited", scopes: ["ingest"], quota: { webhooks: 1, per: "minute", burst: 1_000 } },
    });
    expect((await side.ask("POST", path, { key: limited.body.key })).status).toBe(429);
    expect(recorded(side)).toBe(0);
    expect((await side.ask("POST", path, { key })).body.outcome).toBe("recorded");
    // A part of them goes through the spool.
    for (let turn = 0; turn < 200 && recorded(side) < 1_001; turn++) await Bun.sleep(20);
    expect(recorded(side)).toBe(1_001);
    expect((await send(side, key, group(1_000))).body.recorded).toBe(1_000);
  });
});

describe("the quarantine", () => {
  test("stores nothing when the same body comes again", async () => {
    const { side, key } = await sideWith();
    const first = await send(side, key, '{"lantern":1}', "gatus");
    const size = side.log.events.length;
    now = instant("2025-03-02T00:00:00Z");
    for (let more = 0; more < 5; more++) {
      const again = await send(side, key, '{"lantern":1}', "gatus");
      expect(again.body.quarantine_id).toBe(first.body.quarantine_id);
    }
    expect(side.log.events.length).toBe(size);
    expect((await side.ask("GET", quarantinePath, { key })).body.items).toHaveLength(1);
    await send(side, key, '{"lantern":2}', "gatus");
    expect(side.log.events.length).toBe(size + 1);
  });
});

describe("the budget of stored bytes", () => {
  test("refuses what goes beyond it whole, on every route; other keys and the admin key go on", async () => {
    const { side, key } = await sideWith(undefined, 10_000);
    const webhook = {
      project_uuid: projectA,
      incident_id: "belt-4",
      status: "DOWN",
      incident_time: "2025-01-15T10:30:00Z",
      message: "m".repeat(4_000),
    };
    const contract = (by: string) => side.ask("POST", `${hookPath}/`, { key: by, body: webhook });
    expect((await contract(key)).status).toBe(200);
    expect((await contract(key)).status).toBe(200);
    const before = side.log.events.length;
    for (const answer of [
      await contract(key),
      await send(side, key, group(100)),
      await send(side, key, "x".repeat(4_000)),
    ]) {
      expect([answer.status, answer.body.error]).toEqual([429, "Too many webhooks"]);
      expect(answer.body.details).toBe("The key may store 10000 bytes a day, and has.");
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(60);
    }
    expect(side.log.events.length).toBe(before);
    expect((await contract(await side.keyFor(projectA, ["ingest"]))).status).toBe(200);
    for (let more = 0; more < 5; more++) expect((await contract(adminKey)).status).toBe(200);
  });
});
