// What is recorded: which event, under which id, in which stream, and what becomes of a webhook that the event store
// cannot take.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { IncidentId, ProjectUuid } from "../../src/domain/ids.ts";
import type { Instant } from "../../src/domain/instant.ts";
import type { NewEvent } from "../../src/domain/stored-events.ts";
import { eventId, sha256 } from "../../src/intake/event-id.ts";
import type { AppendEvents, AppendOutcome } from "../../src/intake/event-log.ts";
import { recordSignals, type SignalToRecord, type WebhookContext } from "../../src/intake/record-webhook.ts";
import { memoryLog } from "./memory-log.ts";

const context: WebhookContext = {
  project_uuid: "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11" as ProjectUuid,
  key_id: "0b4f6a50-1c8e-4f0e-9a41-1f7a3f1f6f01",
  source: "contract",
  received_at: "2025-01-15T10:30:05.000000000Z" as Instant,
  request_id: "request-1",
};

function signal(
  incidentId: string,
  changes: Partial<SignalToRecord["fields"]> = {},
  rest: Partial<SignalToRecord> = {},
): SignalToRecord {
  const fields = {
    incident_id: incidentId as IncidentId,
    status: "Down",
    incident_time: "2025-01-15T10:30:00.000000000Z" as Instant,
    ...changes,
  };
  return { fields, payload: JSON.stringify(fields), ...rest };
}

const idOf = async (signals: readonly SignalToRecord[], given = context): Promise<string | undefined> => {
  const log = memoryLog();
  await recordSignals(log.append)(signals, given);
  return log.events[0]?.id;
};

describe("the event", () => {
  test("says what the source said of it, without another id", async () => {
    const log = memoryLog();
    const said = {
      kind: "RECOVERY",
      exact: true,
      started_at: "2025-01-15T10:20:00.000000000Z" as Instant,
    } as const;
    await recordSignals(log.append)([signal("api", {}, said)], context);
    await recordSignals(log.append)(
      [signal("web", {}, { kind: "ALERT", exact: false, reminder: true })],
      context,
    );
    await recordSignals(log.append)([signal("job", {}, { kind: "DISMISSAL" })], context);
    expect(log.events.map(({ data }) => data)).toMatchObject([
      said,
      { kind: "ALERT", exact: false, reminder: true },
      { kind: "DISMISSAL" },
    ]);
    expect(Object.keys(log.events[2]?.data ?? {})).not.toContain("exact");
    expect(log.events[0]?.id).toBe((await idOf([signal("api")])) ?? "");
  });

  test("holds the fields, the payload as it came and who sent it; absent fields are absent", async () => {
    const log = memoryLog();
    const sent = signal("api/checkout", { message: "" }, { payload: ' {"verbatim": true}' });
    const outcome = await recordSignals(log.append)([sent], context);
    const [event] = log.events;
    expect(event).toMatchObject({
      type: "IncidentSignalRecorded",
      stream: `incident-${context.project_uuid}.api%2Fcheckout`,
      metadata: {
        $correlationId: "request-1",
        $causationId: "request-1",
        source: "contract",
        received_at: context.received_at,
        key_id: context.key_id,
      },
    });
    expect(event?.data).toEqual({
      project_uuid: context.project_uuid,
      incident_id: "api/checkout",
      status: "Down",
      incident_time: "2025-01-15T10:30:00.000000000Z",
      message: "",
      payload: ' {"verbatim": true}',
    });
    expect(outcome).toMatchObject({
      tag: "recorded",
      signals: [{ incident_id: "api/checkout", event_id: event?.id, position: event?.position }],
    });
  });

  test("says that it was repaired, what kind its source gave it, and where its time comes from", async () => {
    const log = memoryLog();
    await recordSignals(log.append)(
      [signal("a", {}, { repaired: true, kind: null, incident_time_basis: "received" })],
      context,
    );
    expect(log.events[0]?.data).toMatchObject({
      repaired: true,
      kind: null,
      incident_time_basis: "received",
    });
  });

  test("the longest incident_id in the widest characters has a stream of its own", async () => {
    const log = memoryLog();
    const ids = ["\uffff".repeat(512), `${"\uffff".repeat(511)}\ufffe`];
    await recordSignals(log.append)(
      ids.map((id) => signal(id)),
      context,
    );
    expect(new Set(log.events.map(({ stream }) => stream)).size).toBe(2);
  });
});

describe("the event id", () => {
  test("is a UUID of version 5, the same for the same webhook whenever it comes", async () => {
    const first = await idOf([signal("a")]);
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const later = { ...context, received_at: "2026-01-01T00:00:00.000000000Z" as Instant, request_id: "2" };
    expect(await idOf([signal("a")], later)).toBe(first);
  });

  test("differs where project, incident, time, status or content differ", async () => {
    const payload = "same";
    const otherProject = { ...context, project_uuid: "7c1d8f6e-0a54-4f2b-9d55-0e4b5a6c7d88" as ProjectUuid };
    const ids = [
      await idOf([signal("a", {}, { payload })]),
      await idOf([signal("b", {}, { payload })]),
      await idOf([signal("a", { status: "up" }, { payload })]),
      await idOf([signal("a", { incident_time: "2025-01-15T10:30:00.000000001Z" as Instant }, { payload })]),
      await idOf([signal("a", {}, { payload: "other" })]),
      await idOf([signal("a", {}, { payload })], otherProject),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(await idOf([signal("a", { status: " DOWN " }, { payload })])).toBe(String(ids[0]));
  });

  test("two lists of parts never run together", () => {
    const parts = fc.array(fc.string({ unit: "binary", maxLength: 6 }), { maxLength: 5 });
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(eventId(a) === eventId(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
    for (const [a, b] of [
      [
        ["ab", "c"],
        ["a", "bc"],
      ],
      [["1:a"], ["1:", "a"]],
      [["a"], ["a", ""]],
      [["\ud800"], ["\ufffd"]],
    ] as const) {
      expect(eventId(a)).not.toBe(eventId(b));
    }
    expect(sha256("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });
});

describe("a redelivery", () => {
  test("answers the same and stores nothing", async () => {
    const log = memoryLog();
    const record = recordSignals(log.append);
    const first = await record([signal("a")], context);
    expect(await record([signal("a")], { ...context, request_id: "2" })).toEqual(first);
    expect(log.events.length).toBe(1);
  });

  test("after an outage records the webhook once", async () => {
    const log = memoryLog();
    const record = recordSignals(log.append);
    log.refuse("down");
    expect(await record([signal("a")], context)).toEqual({ tag: "unavailable", reason: "down" });
    log.refuse(undefined);
    expect((await record([signal("a")], context)).tag).toBe("recorded");
    expect(log.events.length).toBe(1);
  });
});

describe("a webhook with several signals", () => {
  const counting = (answer: (stream: string, events: readonly NewEvent[]) => AppendOutcome) => {
    const calls: { stream: string; ids: readonly string[] }[] = [];
    const append: AppendEvents = async (stream, events) => {
      calls.push({ stream, ids: events.map(({ id }) => id) });
      return answer(stream, events);
    };
    return { calls, append };
  };
  const up = { status: "up", incident_time: "2025-01-15T10:40:00.000000000Z" as Instant };

  test("appends each signal as an event of its own, an incident's in the order given", async () => {
    const { calls, append } = counting(() => ({ tag: "appended", revision: 0n }));
    const outcome = await recordSignals(append)([signal("a"), signal("b"), signal("a", up)], context);
    expect(calls.map(({ ids }) => ids.length)).toEqual([1, 1, 1]);
    const ofA = calls.filter(({ stream }) => stream.endsWith(".a")).flatMap(({ ids }) => ids);
    expect(outcome.tag === "recorded" && outcome.signals.slice(0, 2).map(({ event_id }) => event_id)).toEqual(
      ofA,
    );
    expect(
      outcome.tag === "recorded" && outcome.signals.map(({ incident_id }) => String(incident_id)).sort(),
    ).toEqual(["a", "a", "b"]);
  });

  test("that says the same twice is stored once", async () => {
    const { calls, append } = counting(() => ({ tag: "appended", revision: 0n }));
    await recordSignals(append)([signal("a"), signal("a")], context);
    expect(calls.map(({ ids }) => ids.length)).toEqual([1]);
  });

  test("is spooled where one of an incident's events is", async () => {
    let n = 0;
    const record = recordSignals(async () =>
      n++ === 0 ? { tag: "spooled" } : { tag: "appended", revision: 0n },
    );
    expect(await record([signal("a"), signal("a", up)], context)).toMatchObject({ durability: "spooled" });
  });

  test("is not recorded while one of them is not", async () => {
    const refusing = (outcome: AppendOutcome) =>
      counting((stream) => (stream.endsWith(".b") ? outcome : { tag: "appended", revision: 0n })).append;
    const both = [signal("a"), signal("b")];
    expect(await recordSignals(refusing({ tag: "unavailable", reason: "down" }))(both, context)).toEqual({
      tag: "unavailable",
      reason: "down",
    });
    expect(await recordSignals(refusing({ tag: "too_large" }))(both, context)).toEqual({ tag: "too_large" });
    expect((await recordSignals(refusing({ tag: "conflict" }))(both, context)).tag).toBe("unavailable");
  });

  test("with no signal at all appends nothing", async () => {
    const { calls, append } = counting(() => ({ tag: "too_large" }));
    expect(await recordSignals(append)([], context)).toEqual({
      tag: "recorded",
      signals: [],
      durability: "stored",
    });
    expect(calls).toEqual([]);
  });
});
