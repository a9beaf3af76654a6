// Measures the embedded event store through the client: appends a second with one event each, and reads a second.
//
//   bun test/bench/eventstore.ts [CONNECTION_STRING]     without one, an embedded server of its own in a process

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { EventStoreDBClient, jsonEvent, START } from "@eventstore/db-client";
import { removeDataDir } from "../running-service.ts";
import { benchDirectory, started } from "./started.ts";

const seconds = Number(process.env.SECONDS ?? 5);
const directory = await benchDirectory();
const child =
  process.argv[2] === undefined
    ? spawn(
        process.execPath,
        [
          join(import.meta.dir, "../../src/eventstore/embedded/main.ts"),
          "--file",
          join(directory, "events.sqlite"),
          "--access-for-everyone",
        ],
        { stdio: ["ignore", "pipe", "inherit"] },
      )
    : undefined;
if (child !== undefined) started(child);
const url = process.argv[2] ?? (await connectionString());
const client = EventStoreDBClient.connectionString([url] as unknown as TemplateStringsArray);
const data = { status: "DOWN", message: "x".repeat(400) };

for (const inFlight of [1, 64, 256]) {
  const until = performance.now() + seconds * 1000;
  const startedAt = performance.now();
  const latencies: number[] = [];
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < until) {
        const sentAt = performance.now();
        await client.appendToStream(
          `bench-${randomUUID()}`,
          jsonEvent({ type: "Bench", data, metadata: { at: "now" } }),
        );
        latencies.push(performance.now() - sentAt);
      }
    }),
  );
  latencies.sort((a, b) => a - b);
  const perSecond = latencies.length / ((performance.now() - startedAt) / 1000);
  const at = (q: number): string => (latencies[Math.floor(latencies.length * q)] ?? Number.NaN).toFixed(2);
  console.log(
    `${String(inFlight).padStart(4)} in flight: ${perSecond.toFixed(0)} appends/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
  );
}
const readFrom = performance.now();
let read = 0;
for await (const _ of client.readAll({ fromPosition: START, maxCount: 100_000 })) read++;
console.log(
  `readAll: ${((read / (performance.now() - readFrom)) * 1000).toFixed(0)} events/s (${read} events)`,
);

child?.kill("SIGTERM");
await removeDataDir(directory);
process.exit();

async function connectionString(): Promise<string> {
  if (child?.stdout) {
    for await (const line of createInterface({ input: child.stdout })) {
      return `esdb://127.0.0.1:${(JSON.parse(line) as { port: number }).port}?tls=false`;
    }
  }
  throw new Error("The event store did not start.");
}
