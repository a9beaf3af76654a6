import { describe, expect, test } from "bun:test";
import { type ProjectUuid, parseProjectUuid, parseRepoUuid } from "../../src/domain/ids.ts";
import { type Instant, parseInstant } from "../../src/domain/instant.ts";
import type { NativeWebhook } from "../../src/intake/native-payload.ts";
import { quarantineReader } from "../../src/intake/quarantine-reader.ts";
import { uncharged } from "../../src/intake/quotas.ts";
import { type ReadPayload, readNative, receiveNative } from "../../src/intake/receive-native.ts";
import { recordSignals } from "../../src/intake/record-webhook.ts";
import { redriveQuarantined } from "../../src/intake/redrive-quarantined.ts";
import type { SourceSignal } from "../../src/sources/source.ts";
import { memoryLog } from "./memory-log.ts";
import { unbounded } from "./unbounded.ts";

const instant = (text: string): Instant => {
  const parsed = parseInstant(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
};
const received_at = instant("2026-03-01T09:00:00.5Z");
const now = instant("2026-03-02T10:00:00Z");
const project = parseProjectUuid("6d0f3a52-8f0e-4c7d-9a51-0c2be1f7a001") as ProjectUuid;
const repo = parseRepoUuid("6d0f3a52-8f0e-4c7d-9a51-0c2be1f7a002");
const context = {
  project_uuid: project,
  key_id: "key-1",
  request_id: "request-1",
  signatures: "optional",
  charge: uncharged,
  words: {},
} as const;

const webhook = (body: string | Uint8Array, more: Partial<NativeWebhook> = {}): NativeWebhook => ({
  body: typeof body === "string" ? new TextEncoder().encode(body) : body,
  headers: { "user-agent": "Lamp/1.0", "ce-type": "lamp", "x-strange": "left out" },
  query: {},
  source: "lamp",
  received_at,
  ...more,
});

const sun = { reason: "the sun", cause: "no_change" } as const;

/** A tool of these tests: `{"lamps": [{"id", "on"}], "test"}`. */
const lamps: ReadPayload = (name, payload) => {
  if (name === "absent") return undefined;
  const body = payload.body as { lamps?: readonly { id: string; on: boolean }[]; test?: boolean; fault?: 1 };
  if (body.fault === 1) throw new TypeError("a fault of the source");
  if (body.test === true)
    return { source: "lamp", reading: { tag: "ignored", reason: "a test", cause: "test" } };
  if (body.lamps === undefined) {
    return { source: "lamp", reading: { tag: "unrecognised", reason: "lamps is missing" } };
  }
  const signals = body.lamps.map(
    (lamp): SourceSignal => ({
      incident_id: lamp.id,
      status: lamp.on ? "on" : "off",
      kind: lamp.on ? "ALERT" : "RECOVERY",
      incident_time: payload.received_at,
      time_basis: "received",
      monitor_name: "n".repeat(5_000),
      payload: JSON.stringify(lamp),
    }),
  );
  return { source: "lamp", reading: { tag: "signals", signals, ignored: [sun] } };
};

const world = (read: ReadPayload = lamps) => {
  const log = memoryLog();
  return {
    log,
    read,
    record: recordSignals(log.append),
    append: log.append,
    bounds: unbounded,
    hasRepository: () => false,
    quarantine: quarantineReader(log.readStream),
  };
};

describe("what a source reads is recorded", () => {
  test("each signal is an event of its own, with the source's kind and the time of receipt marked", async () => {
    const here = world();
    const body = '{"lamps": [{"id": "hall", "on": true}, {"id": "attic", "on": false}]}';
    const outcome = await receiveNative(
      webhook(body),
      { ...context, ...(repo === undefined ? {} : { repo_uuid: repo }) },
      here,
    );
    expect(outcome).toMatchObject({
      tag: "taken",
      source: "lamp",
      recorded: 2,
      ignored: 1,
      quarantined: 0,
      incident_ids: ["hall", "attic"],
      positions: [0n, 100n],
      reason: "the sun",
    });
    const events = here.log.ofType("IncidentSignalRecorded");
    expect(events.map(({ data }) => data)).toMatchObject([
      { incident_id: "hall", kind: "ALERT", incident_time: received_at, incident_time_basis: "received" },
      { incident_id: "attic", kind: "RECOVERY", payload: '{"id":"attic","on":false}', repo_uuid: repo },
    ]);
    expect(events[0]?.data).toMatchObject({ monitor_name: "n".repeat(4_096) });
    expect(events[0]?.metadata).toMatchObject({ source: "lamp", received_at, key_id: "key-1" });
  });

  test("a large group is recorded whole", async () => {
    const here = world();
    const many = Array.from({ length: 1_000 }, (_, at) => ({ id: `lamp-${at}`, on: true }));
    const outcome = await receiveNative(webhook(JSON.stringify({ lamps: many })), context, here);
    expect(outcome).toMatchObject({ recorded: 1_000 });
    expect(here.log.ofType("IncidentSignalRecorded")).toHaveLength(1_000);
  });

  test("what the source ignores is told with its reason and stored nowhere", async () => {
    const here = world();
    const outcome = await receiveNative(webhook('{"test": true}'), context, here);
    expect(outcome).toMatchObject({ tag: "taken", recorded: 0, ignored: 1, reason: "a test" });
    expect(here.log.events).toEqual([]);
  });

  test("an event store that does not answer is told, for signals and for the quarantine", async () => {
    const here = world();
    here.log.refuse("it is down");
    for (const body of ['{"lamps": [{"id": "hall", "on": true}]}', "{}"]) {
      expect(await receiveNative(webhook(body), context, here)).toEqual({
        tag: "unavailable",
        reason: "it is down",
      });
    }
  });
});

describe("what no source reads lies in the quarantine as it came", () => {
  test("and on the spool where the event store is away", async () => {
    const here = { ...world(), append: async () => ({ tag: "spooled" }) as const };
    expect(await receiveNative(webhook('{"lantern": 1}'), context, here)).toMatchObject({
      tag: "taken",
      quarantined: 1,
      durability: "spooled",
      positions: [],
    });
  });

  const unreadable: readonly (readonly [string, string | Uint8Array, Partial<NativeWebhook>, string])[] = [
    ["an unknown shape", '{"lantern": 1}', {}, "lamps is missing"],
    ["broken JSON", '{"lamps": [', {}, "the body is neither JSON nor a form"],
    ["bytes that are no text", new Uint8Array([0xff, 0x00]), {}, "the body is neither JSON nor a form"],
    ["no source of that name", "{}", { source: "absent" }, "no source recognises the payload"],
    ["a fault of the source", '{"fault": 1}', {}, "the source failed: TypeError"],
    ["an empty incident_id", '{"lamps": [{"id": "", "on": true}]}', {}, "an incident_id has 0 characters"],
  ];
  for (const [name, body, more, reason] of unreadable) {
    test(name, async () => {
      const here = world();
      const query = { room: "cellar", token: "secret" };
      const outcome = await receiveNative(webhook(body, { query, ...more }), context, here);
      expect(outcome).toMatchObject({ tag: "taken", recorded: 0, quarantined: 1, reason });
      const page = await here.quarantine.list(project, { limit: 10 });
      expect(page?.items).toHaveLength(1);
      expect(page?.items[0]).toMatchObject({
        reason,
        state: "waiting",
        received_at: "2026-03-01T09:00:00.500Z",
        headers: { "user-agent": "Lamp/1.0", "ce-type": "lamp" },
        query: { room: "cellar" },
        payload: typeof body === "string" ? body : null,
        payload_base64: typeof body === "string" ? null : "/wA=",
      });
      expect(JSON.stringify(here.log.events.map(({ data }) => data))).not.toContain("secret");
      expect(here.log.events[0]?.stream).toBe(`quarantine-${project}`);
    });
  }

  test("reading alone stores nothing", () => {
    expect(readNative(webhook('{"lamps": []}'), lamps)).toMatchObject({ tag: "signals", source: "lamp" });
    expect(readNative(webhook("{}"), lamps)).toEqual({
      tag: "unrecognised",
      source: "lamp",
      reason: "lamps is missing",
    });
  });
});

describe("a quarantined payload is read again", () => {
  const blind: ReadPayload = () => ({
    source: "lamp",
    reading: { tag: "unrecognised", reason: "an old release" },
  });

  const quarantined = async (body: string, more: Partial<NativeWebhook> = {}) => {
    const here = world(blind);
    const outcome = await receiveNative(webhook(body, more), context, here);
    if (outcome.tag !== "taken" || outcome.quarantine_id === undefined)
      throw new Error("it was not quarantined");
    return { here: { ...here, read: lamps }, quarantine_id: outcome.quarantine_id };
  };

  test("its signals get the time of the first receipt, and the note says what came of it", async () => {
    const { here, quarantine_id } = await quarantined('{"lamps": [{"id": "hall", "on": true}]}', {
      query: { repo_uuid: String(repo) },
    });
    const outcome = await redriveQuarantined({ quarantine_id, now }, context, here);
    expect(outcome).toMatchObject({
      tag: "redriven",
      result: { outcome: "recorded", incident_ids: ["hall"], source: "lamp" },
      positions: [100n, 200n],
    });
    expect(here.log.ofType("IncidentSignalRecorded")[0]).toMatchObject({
      data: { incident_id: "hall", incident_time: received_at, repo_uuid: repo },
      metadata: { received_at, key_id: "key-1" },
    });
    const page = await here.quarantine.list(project, { limit: 10 });
    expect(page?.items[0]).toMatchObject({
      state: "recorded",
      redriven: { incident_ids: ["hall"], ignored: 1, redriven_at: "2026-03-02T10:00:00.000Z" },
    });
    expect(await here.quarantine.count(project)).toEqual({
      waiting: 0,
      recorded: 1,
      ignored: 0,
      unrecognised: 0,
    });
  });

  test("once recorded it is not recorded again", async () => {
    const { here, quarantine_id } = await quarantined('{"lamps": [{"id": "hall", "on": true}]}');
    await redriveQuarantined({ quarantine_id, now }, context, here);
    const before = here.log.events.length;
    expect(await redriveQuarantined({ quarantine_id, now }, context, here)).toEqual({
      tag: "already",
      source: "lamp",
      incident_ids: ["hall"],
    });
    expect(here.log.events).toHaveLength(before);
  });

  test("a redrive that died before its note records nothing twice", async () => {
    const { here, quarantine_id } = await quarantined('{"lamps": [{"id": "hall", "on": true}]}');
    let appends = 0;
    const dying = {
      ...here,
      append: async () => {
        appends++;
        return { tag: "unavailable", reason: "killed" } as const;
      },
    };
    expect(await redriveQuarantined({ quarantine_id, now }, context, dying)).toEqual({
      tag: "unavailable",
      reason: "killed",
    });
    expect(appends).toBe(1);
    expect(await redriveQuarantined({ quarantine_id, now }, context, here)).toMatchObject({
      tag: "redriven",
    });
    expect(here.log.ofType("IncidentSignalRecorded")).toHaveLength(1);
  });

  test("what still cannot be read stays, and another source can be asked", async () => {
    const { here, quarantine_id } = await quarantined('{"lamps": [{"id": "hall", "on": true}]}', {
      source: "absent",
    });
    expect(await redriveQuarantined({ quarantine_id, now }, context, here)).toMatchObject({
      tag: "redriven",
      result: { outcome: "unrecognised", reason: "no source recognises the payload" },
    });
    const page = await here.quarantine.list(project, { limit: 1, state: "unrecognised" });
    expect(page?.items).toHaveLength(1);
    expect(await redriveQuarantined({ quarantine_id, source: "lamp", now }, context, here)).toMatchObject({
      tag: "redriven",
      result: { outcome: "recorded" },
    });
  });

  test("what is not there is told so", async () => {
    expect(await redriveQuarantined({ quarantine_id: "none", now }, context, world())).toEqual({
      tag: "not_found",
    });
  });
});

test("the quarantine is listed in pages, each payload once, the oldest first", async () => {
  const here = world();
  for (let at = 0; at < 5; at++) await receiveNative(webhook(`{"at": ${at}}`), context, here);
  const seen: (string | null)[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await here.quarantine.list(project, {
      limit: 2,
      ...(typeof cursor === "string" ? { cursor } : {}),
    });
    if (page === undefined) throw new Error("the cursor was refused");
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map(({ payload }) => payload));
    cursor = page.next_cursor;
  } while (cursor !== null && seen.length < 100);
  expect(seen).toEqual([0, 1, 2, 3, 4].map((at) => `{"at": ${at}}`));
  expect(await here.quarantine.list(project, { limit: 2, cursor: "x" })).toBeUndefined();
});
