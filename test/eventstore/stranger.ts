// What another user of this machine tries against the embedded event store: reads, appends, deletes, and listens in its
// place. Run as a process of its own, it prints what came of each as one line of JSON.

import { createServer } from "node:net";
import { EventStoreDBClient, jsonEvent } from "@eventstore/db-client";

const [port = "", socket = "", connectionName = "stranger"] = process.argv.slice(2);
const over = (endpoint: string): EventStoreDBClient =>
  new EventStoreDBClient({ endpoint, connectionName, defaultDeadline: 5_000 }, { insecure: true });
const event = jsonEvent({ type: "ApiKeyIssued", data: { digest: "mine" } });
const credentials = { username: "admin", password: "changeit" };

const all = async (events: AsyncIterable<unknown>): Promise<string> => {
  let count = 0;
  for await (const _ of events) count++;
  return `read ${count}`;
};

const attempts = (client: EventStoreDBClient): Record<string, () => Promise<unknown>> => ({
  "read all": () => all(client.readAll({ maxCount: 10 })),
  "read stream": () => all(client.readStream("registry", { maxCount: 10 })),
  "read metadata": () => all(client.readStream("$$registry", { maxCount: 10 })),
  subscribe: () => all(client.subscribeToAll()),
  append: () => client.appendToStream("registry", event),
  "append, the older way": () => client.appendToStream("registry", event, { credentials }),
  delete: () => client.deleteStream("registry"),
  tombstone: () => client.tombstoneStream("registry"),
  "set metadata": () => client.setStreamMetadata("registry", { truncateBefore: 1_000 }),
});

const outcomes: Record<string, string> = {};
for (const [way, endpoint] of [
  ["port", `127.0.0.1:${port}`],
  ["socket", `unix:${socket}`],
] as const) {
  for (const [name, attempt] of Object.entries(attempts(over(endpoint)))) {
    outcomes[`${name} over the ${way}`] = await attempt().then(String, (error: unknown) => {
      const { type, code } = error as { type?: string; code?: unknown };
      return type ?? `error ${code}`;
    });
  }
}
outcomes["listen on the socket"] = await new Promise((resolve) => {
  const server = createServer().once("error", (error) =>
    resolve((error as { code?: string }).code ?? "error"),
  );
  server.listen(socket, () => resolve("listens"));
});
console.log(JSON.stringify(outcomes));
process.exit();
