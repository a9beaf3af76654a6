// The native verb against a real event store: every fixture of every source, and the quarantine across a restart.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { type ProjectUuid, parseProjectUuid } from "../../src/domain/ids.ts";
import { connectEventStore, type EventStore } from "../../src/eventstore/client.ts";
import type { NativeWebhook } from "../../src/intake/native-payload.ts";
import { quarantineReader } from "../../src/intake/quarantine-reader.ts";
import { uncharged } from "../../src/intake/quotas.ts";
import { receiveNative } from "../../src/intake/receive-native.ts";
import { recordSignals } from "../../src/intake/record-webhook.ts";
import { redriveQuarantined } from "../../src/intake/redrive-quarantined.ts";
import { readPayload } from "../../src/sources/read-payload.ts";
import { sourceNamed } from "../../src/sources/registry.ts";
import { quiet, type StoreProcess, storeProcess } from "../eventstore/adapter-store.ts";
import { fixtures, receivedAt } from "../sources/fixtures.ts";
import { unbounded } from "./unbounded.ts";

let server: StoreProcess;
let store: EventStore;
beforeAll(async () => {
  server = await storeProcess();
  store = connectEventStore({ url: server.url, log: quiet });
}, 30_000);
afterAll(async () => {
  await store.close();
  await server.remove();
}, 30_000);

const world = () => ({
  read: readPayload,
  append: store.append,
  bounds: unbounded,
  hasRepository: () => false,
  quarantine: quarantineReader(store.readStream),
  record: recordSignals(store.append),
});
const inNewProject = () => ({
  project_uuid: parseProjectUuid(randomUUID()) as ProjectUuid,
  key_id: "key-1",
  request_id: "request-1",
  signatures: "optional" as const,
  charge: uncharged,
  words: {},
});
const webhook = (body: string | Uint8Array, more: Partial<NativeWebhook> = {}): NativeWebhook => ({
  body: typeof body === "string" ? new TextEncoder().encode(body) : body,
  headers: {},
  query: {},
  source: "auto",
  received_at: receivedAt,
  ...more,
});

test("every fixture is recorded, ignored or quarantined as its source reads it", async () => {
  const context = inNewProject();
  let unread = 0;
  for (const fixture of fixtures) {
    const { headers, query, text } = fixture.payload;
    const contentType = headers["content-type"];
    const outcome = await receiveNative(
      webhook(text, {
        headers,
        query,
        source: fixture.source,
        signature: sourceNamed(fixture.source)?.signature ?? "none",
        ...(contentType === undefined ? {} : { content_type: contentType }),
      }),
      context,
      world(),
    );
    const told = `${fixture.source}: ${fixture.name}`;
    if (outcome.tag !== "taken") throw new Error(`${told}: ${outcome.tag}`);
    const { recorded, ignored, quarantined } = outcome;
    const wanted = fixture.expect;
    if (wanted.tag === "unrecognised") unread++;
    expect([told, recorded, ignored, quarantined]).toEqual(
      wanted.tag === "signals"
        ? [told, wanted.signals.length, wanted.ignored ?? 0, 0]
        : [told, 0, wanted.tag === "ignored" ? 1 : 0, wanted.tag === "unrecognised" ? 1 : 0],
    );
  }
  let listed = 0;
  let cursor: string | null = "0";
  while (cursor !== null) {
    const page = await quarantineReader(store.readStream).list(context.project_uuid, { limit: 7, cursor });
    listed += page?.items.length ?? 0;
    cursor = page?.next_cursor ?? null;
  }
  expect(unread).toBeGreaterThan(0);
  expect(listed).toBe(unread);
}, 60_000);

test("what lies in the quarantine outlives the store, bytes and all, and can be read later", async () => {
  const context = inNewProject();
  const bytes = Uint8Array.from({ length: 262_144 }, (_, at) => (at * 7) % 256);
  const text = JSON.stringify({ event: "uptime.down", url: "https://shop.example", name: "Shop\nfront" });
  const controls = "\u0001".repeat(262_144);
  for (const body of [bytes, controls]) {
    expect(await receiveNative(webhook(body), context, world())).toMatchObject({ quarantined: 1 });
  }
  const taken = await receiveNative(webhook(text, { source: "gatus" }), context, world());
  if (taken.tag !== "taken" || taken.quarantine_id === undefined) throw new Error("it was not quarantined");
  await server.kill();
  await server.start();
  const page = await quarantineReader(store.readStream).list(context.project_uuid, { limit: 10 });
  expect(page?.items.map(({ payload }) => payload)).toEqual([null, controls, text]);
  expect(page?.items[0]?.payload_base64).toBe(Buffer.from(bytes).toString("base64"));
  const redriven = await redriveQuarantined(
    { quarantine_id: taken.quarantine_id, source: "onlineornot", now: receivedAt },
    context,
    world(),
  );
  expect(redriven).toMatchObject({
    tag: "redriven",
    result: { outcome: "recorded", incident_ids: ["https://shop.example"] },
  });
}, 60_000);
