// The sources' fold over a log, whatever its batches, its order and its repetitions of quarantined payloads.

import { expect, test } from "bun:test";
import type { ProjectedEvent } from "../../projections/projection.ts";
import { sources } from "../../projections/sources/sources.ts";
import { instant } from "../http/http-side.ts";
import { MemoryTables, memoryStores } from "./memory-store.ts";

const project_uuid = "6d0f3a52-8f0e-4c7d-9a51-0c2be1f7a001";
const time = (minute: number) => instant(`2026-03-01T09:0${minute}:00Z`);
const kept = (id: number, unknown_status: string | null): ProjectedEvent => ({
  type: "PayloadQuarantined",
  data: {
    quarantine_id: `00000000-0000-5000-8000-00000000000${id}`,
    project_uuid,
    source: "lamp",
    received_at: time(id),
    unknown_status,
  },
});
const redriven = (id: number, unknown_status: string | null): ProjectedEvent => ({
  type: "QuarantineRedriven",
  data: { project_uuid, quarantine_id: `00000000-0000-5000-8000-00000000000${id}`, unknown_status },
});
const ignored = (count: number, minute: number): ProjectedEvent => ({
  type: "WebhooksIgnored",
  data: { project_uuid, source: "lamp", cause: "test", count, last_at: time(minute) },
});
const recorded = (minute: number): ProjectedEvent => ({
  type: "IncidentSignalRecorded",
  data: { project_uuid, source: "lamp", received_at: time(minute) } as never,
});

const log = [
  kept(1, "GLOWING"),
  ignored(3, 2),
  recorded(5),
  kept(1, "GLOWING"),
  kept(2, "DIM"),
  redriven(1, null),
  recorded(4),
  ignored(2, 1),
  redriven(2, "DIMMER"),
  kept(3, null),
];

async function played(batchSize: number): Promise<unknown> {
  const tables = new MemoryTables();
  let fold = sources.createFold(
    memoryStores(() => tables),
    { cacheSize: 1 },
  );
  for (let at = 0; at < log.length; at += batchSize) {
    tables.apply(await fold.fold(log.slice(at, at + batchSize)));
    // A restart in mid stream.
    if (at % 2 === 1)
      fold = sources.createFold(
        memoryStores(() => tables),
        { cacheSize: 1 },
      );
  }
  return sources.tables.map((table) =>
    tables
      .of(table)
      .map((row) => JSON.stringify(row))
      .sort(),
  );
}

test("counts and waiting words are the same in one batch and event by event", async () => {
  const whole = await played(log.length);
  const rows = (whole as string[][]).map((table) => table.map((row) => JSON.parse(row)));
  expect(
    rows[0]?.map(({ outcome, count, last_seen }) => [outcome, count, last_seen.slice(14, 16)]).sort(),
  ).toEqual([
    ["quarantined", 3, "03"],
    ["recorded", 2, "05"],
    ["test", 5, "02"],
  ]);
  expect(rows[1]?.map(({ unknown_status }) => unknown_status)).toEqual([null, "DIMMER", null]);
  for (const batchSize of [1, 2, 3, 7]) expect(await played(batchSize)).toEqual(whole);
});
