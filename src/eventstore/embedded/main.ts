// The embedded event store as a process: for the service that starts it, or alone on a laptop (`bun run eventstore`).

import { dirname, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { parseArgs } from "node:util";
import { environment, type eventstoreAccesses, readConfig, thisMachine } from "../../config.ts";
import { makeDirectory } from "../../processes/durable-directory.ts";
import { forgetAddress, keepAddress } from "../../processes/event-store-address.ts";
import { keepSecret } from "../../processes/kept-secret.ts";
import { startEventStore } from "./server.ts";

const { values: given } = parseArgs({
  options: {
    file: { type: "string" },
    port: { type: "string" },
    /** Everybody may call; otherwise it asks for a password. */
    "access-for-everyone": { type: "boolean" },
    /** The socket for the service, which writes the password on the first line of the input. */
    socket: { type: "string" },
    "parent-pid": { type: "string" },
    "stdin-lifeline": { type: "boolean" },
  },
});
const { file, port, access } = given.file === undefined ? ofConfig() : ofArguments(given.file);
const directory = dirname(file);

try {
  const input = given["stdin-lifeline"] === true ? createInterface({ input: process.stdin }) : undefined;
  makeDirectory(directory, 0o700);
  const server = await startEventStore({
    file,
    host: "127.0.0.1",
    port,
    password: access === "everyone" ? undefined : await choosePassword(input),
    ...(given.socket === undefined ? {} : { socket: given.socket }),
  });
  keepForTools(server.connectionString);
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await server.stop();
    forgetAddress(directory);
    process.exit(0);
  };
  process.once("SIGTERM", () => void stop());
  process.once("SIGINT", () => void stop());
  // The service holds the other end: it closes however the service ends.
  input?.once("close", () => void stop());
  if (given["parent-pid"] !== undefined) watchParent(Number(given["parent-pid"]), stop);
  console.log(
    given.file === undefined
      ? `The event store listens on ${server.connectionString}\nIts events are in ${file}. Ctrl-C stops it.`
      : JSON.stringify({ event: "listening", port: server.port }),
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}

interface Settings {
  readonly file: string;
  readonly port: number;
  readonly access: (typeof eventstoreAccesses)[number];
}

function ofArguments(path: string): Settings {
  return {
    file: path,
    port: Number(given.port ?? 0),
    access: given["access-for-everyone"] === true ? "everyone" : "password",
  };
}

function ofConfig(): Settings {
  const reading = readConfig(environment(), thisMachine());
  if (!reading.ok) {
    for (const problem of reading.problems) console.error(problem);
    process.exit(1);
  }
  const { dataDir, eventstorePort, eventstoreAccess } = reading.value;
  return {
    file: join(dataDir, "eventstore", "events.sqlite"),
    port: eventstorePort,
    access: eventstoreAccess,
  };
}

/** The service's, new with each start; alone, the one that is kept beside the log, so that addresses stay as they are. */
async function choosePassword(input: Interface | undefined): Promise<string> {
  if (given.socket === undefined) return keepSecret(join(directory, "password")).secret;
  return new Promise((resolve, reject) => {
    input?.once("line", resolve);
    input?.once("close", () => reject(new Error("The service ended before it had named a password.")));
  });
}

/** A disk that is full is no reason to take no calls. */
function keepForTools(address: string): void {
  try {
    keepAddress(directory, address);
  } catch (error) {
    console.error(`Cannot keep the address for other tools: ${String(error)}`);
  }
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
