// The embedded event store's own rule for the ledger: each id is stored once in a stream, wherever it stands in an append.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { NewEvent } from "../../src/domain/stored-events.ts";
import { connectEventStore, type EventStore } from "../../src/eventstore/client.ts";
import { storeProcess } from "./adapter-store.ts";

let server: Awaited<ReturnType<typeof storeProcess>>;
let store: EventStore;
beforeAll(async () => {
  server = await storeProcess();
  store = connectEventStore({ url: server.url, log: { info: () => undefined, warn: () => undefined } });
});
afterAll(async () => {
  await store.close();
  await server.remove();
});

const event = (id: string): NewEvent => ({
  id,
  type: "ApiKeyRevoked",
  data: { key_id: "k", project_uuid: "p", revoked_at: "t" },
  metadata: { source: "test" },
});
const [a, b, c] = [event(randomUUID()), event(randomUUID()), event(randomUUID())];

async function idsIn(stream: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of store.readStream(stream)) ids.push(id);
  return ids;
}

test("to a stream in any state, and behind the revision that is expected", async () => {
  const stream = `incident-${randomUUID()}.a`;
  expect(await store.append(stream, [a], "any")).toMatchObject({ tag: "appended", revision: 0n });
  const some = await store.append(stream, [b, a, b], "any");
  expect(some).toMatchObject({ tag: "appended", revision: 1n });
  const none = await store.append(stream, [b, a], "any");
  expect(none).toMatchObject({ tag: "appended", revision: 1n });
  expect("position" in none && "position" in some && none.position === some.position).toBe(true);
  expect(await store.append(stream, [a, c], 1n)).toMatchObject({ tag: "appended", revision: 2n });
  expect(await store.append(stream, [c, event(randomUUID())], 0n)).toEqual({ tag: "conflict" });
  expect(await idsIn(stream)).toEqual([a.id, b.id, c.id]);
});

test("reads backwards from the end, or from a revision on, and nothing where there is no stream", async () => {
  const stream = `incident-${randomUUID()}.b`;
  for (const one of [a, b, c]) await store.append(stream, [one], "any");
  const backwards = async (options?: { fromRevision: bigint }): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { id } of store.readBackwards(stream, options)) ids.push(id);
    return ids;
  };
  expect(await backwards()).toEqual([c.id, b.id, a.id]);
  expect(await backwards({ fromRevision: 1n })).toEqual([b.id, a.id]);
  for await (const _ of store.readBackwards(`incident-${randomUUID()}.none`))
    throw new Error("There is an event.");
});
