// What quick-bytes.ts and open-client.ts change or call inside EventStoreDB's client: each test fails when an update of
// the client takes the place away that they reach for.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createRequire } from "node:module";
import { EventStoreDBClient, UnavailableError } from "@eventstore/db-client";
import { connectivityState } from "@grpc/grpc-js";
import { closeClient, openClient } from "../../src/eventstore/open-client.ts";
import { type ContractStore, event, openContractStore, unique } from "./contract-store.ts";

interface Inside {
  handleError(client: { getChannel(): unknown }, error: Error): Promise<void>;
  getChannel(): Promise<{ getConnectivityState(connect: boolean): connectivityState }>;
}
const insideOf = (client: EventStoreDBClient): Inside => client as unknown as Inside;

interface Proposed {
  getData(): Uint8Array | string;
  getCustomMetadata(): Uint8Array | string;
}
const { BatchAppendReq } = createRequire(import.meta.url)(
  "@eventstore/db-client/generated/streams_pb.js",
) as {
  BatchAppendReq: { prototype: { addProposedMessages(message: Proposed): unknown } };
};

let store: ContractStore;
beforeAll(async () => {
  store = await openContractStore();
});
afterAll(() => store.close());

test("an append's data and metadata are bytes in the client's message, no base64 text", async () => {
  const { prototype } = BatchAppendReq;
  const { addProposedMessages } = prototype;
  const seen: Proposed[] = [];
  prototype.addProposedMessages = function (message) {
    seen.push(message);
    return addProposedMessages.call(this, message);
  };
  const client = openClient(store.url, "append");
  try {
    await client.appendToStream(unique("bytes"), { ...event(1), metadata: { at: "now" } });
  } finally {
    prototype.addProposedMessages = addProposedMessages;
    await closeClient(client);
  }
  expect(seen.map((message) => message.getData() instanceof Uint8Array)).toEqual([true]);
  expect(seen.map((message) => message.getCustomMetadata() instanceof Uint8Array)).toEqual([true]);
});

test("the client's own handling of an error rejects where no node answers; ours does not", async () => {
  const url = "esdb://127.0.0.1:1,127.0.0.1:2?tls=false&maxDiscoverAttempts=1&discoveryInterval=1";
  const theirs = EventStoreDBClient.connectionString([url] as unknown as TemplateStringsArray);
  const ours = openClient(url, "append");
  const handled = async (client: EventStoreDBClient): Promise<string> => {
    const inside = insideOf(client);
    const failed = await inside.getChannel().catch(() => undefined);
    const error = new UnavailableError({ message: "gone" } as unknown as ConstructorParameters<
      typeof UnavailableError
    >[0]);
    return inside.handleError({ getChannel: () => failed }, error).then(
      () => "resolves",
      () => "rejects",
    );
  };
  expect(await handled(theirs)).toBe("rejects");
  expect(await handled(ours)).toBe("resolves");
});

test("a closed client's channel is shut down", async () => {
  const client = openClient(store.url, "head");
  await client.appendToStream(unique("closed"), event(1));
  const channel = await insideOf(client).getChannel();
  expect(channel.getConnectivityState(false)).toBe(connectivityState.READY);
  await closeClient(client);
  expect(channel.getConnectivityState(false)).toBe(connectivityState.SHUTDOWN);
});
