// The embedded event store as a process: for the service that starts it, or alone on a laptop (`bun run eventstore`).

import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { environment, readConfig, thisMachine } from "../../config.ts";
import { makeDirectory } from "../../processes/durable-directory.ts";
import { startEventStore } from "./server.ts";

const { values: given } = parseArgs({
  options: {
    file: { type: "string" },
    port: { type: "string" },
    "parent-pid": { type: "string" },
    "stdin-lifeline": { type: "boolean" },
  },
});
const supervised = given.file !== undefined;
const { file, port } =
  given.file === undefined ? ofConfig() : { file: given.file, port: Number(given.port ?? 0) };

try {
  makeDirectory(dirname(file), 0o700);
  const server = await startEventStore({ file, host: "127.0.0.1", port });
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await server.stop();
    process.exit(0);
  };
  process.once("SIGTERM", () => void stop());
  process.once("SIGINT", () => void stop());
  if (given["stdin-lifeline"] === true) {
    // The service holds the other end: it closes however the service ends.
    process.stdin.on("end", () => void stop()).on("error", () => void stop());
    process.stdin.resume();
  }
  if (given["parent-pid"] !== undefined) watchParent(Number(given["parent-pid"]), stop);
  console.log(
    supervised
      ? JSON.stringify({
          event: "listening",
          port: server.port,
          connection_string: server.connectionString,
        })
      : `The event store listens on ${server.connectionString}\nIts events are in ${file}. Ctrl-C stops it.`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}

function ofConfig(): { file: string; port: number } {
  const reading = readConfig(environment(), thisMachine());
  if (!reading.ok) {
    for (const problem of reading.problems) console.error(problem);
    process.exit(1);
  }
  return {
    file: join(reading.value.dataDir, "eventstore", "events.sqlite"),
    port: reading.value.eventstorePort,
  };
}

function watchParent(parent: number, stop: () => Promise<void>): void {
  const timer = setInterval(() => {
    try {
      process.kill(parent, 0);
    } catch {
      clearInterval(timer);
      void stop();
    }
  }, 500);
  timer.unref();
}
