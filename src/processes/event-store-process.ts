// Runs the embedded event store as a process of its own on its file, and keeps it running on the same port.
// Knows how it is started, not what it does.

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeDirectory } from "./durable-directory.ts";
import { endProcess, identify, type ProcessIdentity } from "./process-identity.ts";
import { type SupervisedProcess, supervise, type Watcher } from "./supervised-process.ts";

export interface EmbeddedEventStore {
  /** `esdb://...` */
  readonly url: string;
  readonly pid: SupervisedProcess["pid"];
  readonly stop: () => Promise<void>;
}

const program = fileURLToPath(new URL("../eventstore/embedded/main.ts", import.meta.url));
// Deno has to be told that it is to run a program, and that the program may do what programs may.
const runtimeArguments = process.versions.deno === undefined ? [] : ["run", "--allow-all", "--quiet"];

/**
 * Starts it on a directory of its own, made where it is missing. One that an earlier, killed run left behind is ended
 * first: the caller holds the lock that says nobody else uses it. Throws ProcessStartError where it does not start.
 */
export async function startEmbeddedEventStore(options: {
  readonly directory: string;
  /** Or how to choose one, asked once nothing that was left behind holds it any more. */
  readonly port: number | (() => Promise<number>);
  readonly env: Readonly<Record<string, string>>;
  readonly watcher: Watcher;
}): Promise<EmbeddedEventStore> {
  makeDirectory(options.directory, 0o700);
  const identityFile = join(options.directory, "process.json");
  await endLeftover(identityFile);
  const port = typeof options.port === "number" ? options.port : await options.port();
  let url = "";
  const supervised = await supervise(
    {
      name: "embedded event store",
      prepare: () => endLeftover(identityFile),
      spawn: () => {
        const child = spawn(
          process.execPath,
          [
            ...runtimeArguments,
            program,
            "--file",
            join(options.directory, "events.sqlite"),
            "--port",
            String(port),
            "--parent-pid",
            String(process.pid),
            "--stdin-lifeline",
          ],
          {
            cwd: dirname(program),
            env: { ...options.env },
            // It ends when its input ends, so it never outlives the service, however that ends.
            stdio: ["pipe", "pipe", "pipe"],
            // A group of its own: Ctrl-C is for the service, which still has to store what it accepted.
            detached: true,
          },
        );
        rememberIdentity(identityFile, child.pid);
        return child;
      },
      isReady: (line) => {
        const found = connectionStringIn(line);
        if (found !== undefined) url = found;
        return found !== undefined;
      },
      readyWithinMs: 60_000,
      stopSignals: ["SIGTERM", "SIGKILL"],
      stopEachMs: 1_600,
    },
    options.watcher,
  );
  return { url, pid: supervised.pid, stop: supervised.stop };
}

/** The connection string in the line that says it listens; undefined for any other line. */
export function connectionStringIn(line: string): string | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const said: unknown = JSON.parse(line);
    if (typeof said !== "object" || said === null || !("event" in said) || said.event !== "listening") {
      return undefined;
    }
    return "connection_string" in said && typeof said.connection_string === "string"
      ? said.connection_string
      : undefined;
  } catch {
    return undefined;
  }
}

function rememberIdentity(file: string, pid: number | undefined): void {
  const identity = pid === undefined ? undefined : identify(pid);
  if (identity !== undefined) writeFileSync(file, `${JSON.stringify(identity)}\n`);
}

async function endLeftover(file: string): Promise<void> {
  const left = readIdentity(file);
  if (left !== undefined) await endProcess(left, ["SIGTERM", "SIGKILL"], 4_000);
}

function readIdentity(file: string): ProcessIdentity | undefined {
  try {
    const said: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof said === "object" &&
      said !== null &&
      "pid" in said &&
      typeof said.pid === "number" &&
      "began" in said &&
      typeof said.began === "string"
      ? { pid: said.pid, began: said.began }
      : undefined;
  } catch {
    return undefined;
  }
}
