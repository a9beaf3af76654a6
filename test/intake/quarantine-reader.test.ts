// Reading a quarantine costs what is asked for and what came since, not what it holds; and misses nothing.

import { expect, test } from "bun:test";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import {
  type PayloadQuarantined,
  type QuarantineRedriven,
  quarantineStream,
} from "../../src/domain/quarantine.ts";
import { EventLogUnavailable, type ReadStream } from "../../src/intake/event-log.ts";
import { quarantineReader } from "../../src/intake/quarantine-reader.ts";
import { memoryLog } from "./memory-log.ts";

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}` as ProjectUuid;
const project = uuid(1);
const received_at = "2025-01-15T10:30:00.000000000Z";

const payload = (id: string, of = project): PayloadQuarantined => ({
  project_uuid: of,
  quarantine_id: id,
  source: "auto",
  reason: "no source recognises the payload",
  payload: `{"id":"${id}"}`,
  headers: {},
  query: {},
  received_at,
  key_id: "key-1",
});

const note = (id: string, outcome: QuarantineRedriven["outcome"]): QuarantineRedriven => ({
  project_uuid: project,
  quarantine_id: id,
  outcome,
  source: "lamp",
  incident_ids: outcome === "recorded" ? ["hall"] : [],
  ignored: 0,
  redriven_at: received_at,
  key_id: "key-1",
});

function quarantine(remembered?: number) {
  const log = memoryLog();
  let events = 0;
  let isDown = false;
  const readStream: ReadStream = async function* (stream, options) {
    for await (const event of log.readStream(stream, options)) {
      if (isDown) throw new EventLogUnavailable("down");
      events += 1;
      yield event;
    }
  };
  const add = (id: string, of = project) =>
    log.append(
      quarantineStream(of),
      [
        {
          id: crypto.randomUUID(),
          type: "PayloadQuarantined",
          data: payload(id, of),
          metadata: { received_at },
        },
      ],
      "any",
    );
  const redrive = (id: string, outcome: QuarantineRedriven["outcome"]) =>
    log.append(
      quarantineStream(project),
      [
        {
          id: crypto.randomUUID(),
          type: "QuarantineRedriven",
          data: note(id, outcome),
          metadata: { received_at },
        },
      ],
      "any",
    );
  return {
    add,
    redrive,
    reader: quarantineReader(readStream, remembered),
    /** How many events the last call read. */
    cost: async (call: () => Promise<unknown>): Promise<number> => {
      events = 0;
      await call();
      return events;
    },
    down: (now: boolean) => {
      isDown = now;
    },
  };
}

test("a page and a payload cost themselves and what came since", async () => {
  const { add, redrive, reader, cost } = quarantine();
  for (let n = 0; n < 1_000; n += 1) await add(`p${n}`);
  expect(await cost(() => reader.list(project, { limit: 10 }))).toBe(1_010);
  expect(await cost(() => reader.list(project, { limit: 10, cursor: "500" }))).toBe(10);
  expect(await cost(() => reader.find(project, "p900"))).toBe(1);
  await redrive("p5", "ignored");
  await add("p1000");
  expect(await cost(() => reader.list(project, { limit: 10 }))).toBe(12);
  expect(await cost(() => reader.find(project, "unheard"))).toBe(0);
  const [first] = (await reader.list(project, { limit: 1, cursor: "5" }))?.items ?? [];
  expect(first).toMatchObject({ quarantine_id: "p5", state: "ignored", redriven: { source: "lamp" } });
  expect(await reader.count(project)).toEqual({ waiting: 1_000, recorded: 0, ignored: 1, unrecognised: 0 });
});

test("pages of one state name each payload once, whatever stands between them", async () => {
  const { add, redrive, reader } = quarantine();
  for (let n = 0; n < 30; n += 1) await add(`p${n}`);
  for (let n = 0; n < 30; n += 3) await redrive(`p${n}`, "recorded");
  await redrive("p0", "ignored");
  const seen: string[] = [];
  let cursor: string | null = "0";
  while (cursor !== null && seen.length < 100) {
    const page = await reader.list(project, { limit: 4, cursor, state: "recorded" });
    seen.push(...(page?.items.map(({ quarantine_id }) => quarantine_id) ?? []));
    cursor = page?.next_cursor ?? null;
  }
  expect(seen).toEqual(Array.from({ length: 10 }, (_, n) => `p${n * 3}`));
});

test("who asks at the same moment is answered from one reading", async () => {
  const { add, reader, cost } = quarantine();
  for (let n = 0; n < 100; n += 1) await add(`p${n}`);
  const asked = () => Promise.all(Array.from({ length: 20 }, () => reader.find(project, "p50")));
  expect(await cost(asked)).toBe(100 + 20);
});

test("a store that is away in mid stream loses nothing and repeats nothing", async () => {
  const { add, reader, down } = quarantine();
  for (let n = 0; n < 10; n += 1) await add(`p${n}`);
  down(true);
  await expect(reader.list(project, { limit: 5 })).rejects.toThrow(EventLogUnavailable);
  down(false);
  expect(await reader.count(project)).toMatchObject({ waiting: 10 });
});

test("what is remembered has a bound: who was asked for longest ago is read again", async () => {
  const { add, reader, cost } = quarantine(3_000);
  for (let n = 0; n < 4; n += 1) for (let m = 0; m < 10; m += 1) await add(`p${m}`, uuid(n));
  for (let n = 0; n < 4; n += 1) expect(await cost(() => reader.count(uuid(n)))).toBe(10);
  for (let n = 3; n > 0; n -= 1) expect(await cost(() => reader.count(uuid(n)))).toBe(0);
  expect(await cost(() => reader.count(uuid(0)))).toBe(10);
});
