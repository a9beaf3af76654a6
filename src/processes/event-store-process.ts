// Runs the embedded event store as a process of its own on its file, and keeps it running. Each start gets a password of
// its own over its input. Knows how it is started, not what it does.

import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeDirectory } from "./durable-directory.ts";
import { newSecret } from "./kept-secret.ts";
import { endProcess, identify, type ProcessIdentity } from "./process-identity.ts";
import { type SupervisedProcess, supervise, type Watcher } from "./supervised-process.ts";

export interface EmbeddedEventStore {
  /** The path of the Unix domain socket that it listens on, in a directory that only this user may enter. */
  readonly socket: string;
  /** Of the process that runs now. */
  readonly password: () => string;
  readonly pid: SupervisedProcess["pid"];
  readonly stop: () => Promise<void>;
}

const program = fileURLToPath(new URL("../eventstore/embedded/main.ts", import.meta.url));
// Deno has to be told that it is to run a program, and that the program may do what programs may.
const runtimeArguments = process.versions.deno === undefined ? [] : ["run", "--allow-all", "--quiet"];
/** The kernel takes no longer path for a socket: 108 bytes on Linux, 104 on macOS. */
const longestSocketBytes = 100;

/**
 * Starts it on a directory of its own, made where it is missing and closed to everybody else. One that an earlier, killed
 * run left behind is ended first: the caller holds the lock that says nobody else uses it. Throws ProcessStartError where
 * it does not start.
 */
export async function startEmbeddedEventStore(options: {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly watcher: Watcher;
}): Promise<EmbeddedEventStore> {
  const { directory } = options;
  makeDirectory(directory, 0o700);
  chmodSync(directory, 0o700);
  const identityFile = join(directory, "process.json");
  const socket = placeSocket(directory);
  let password = "";
  const spawnStore = () => {
    const child = spawn(
      process.execPath,
      [
        ...runtimeArguments,
        program,
        "--file",
        join(directory, "events.sqlite"),
        "--socket",
        socket,
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
    password = newSecret();
    // One that ends before it has read this is told of by its end.
    child.stdin.on("error", () => {});
    child.stdin.write(`${password}\n`);
    rememberIdentity(identityFile, child.pid);
    return child;
  };
  const supervised = await supervise(
    {
      name: "embedded event store",
      prepare: () => endLeftover(identityFile),
      spawn: spawnStore,
      isReady: saysListening,
      readyWithinMs: 60_000,
      stopSignals: ["SIGTERM", "SIGKILL"],
      stopEachMs: 1_600,
    },
    options.watcher,
  );
  return {
    socket,
    password: () => password,
    pid: supervised.pid,
    stop: async () => {
      await supervised.stop();
      if (dirname(socket) !== directory) rmSync(dirname(socket), { recursive: true, force: true });
    },
  };
}

/** Beside the log, or where that path is too long in a directory of its own, which nobody else may enter either. */
function placeSocket(directory: string): string {
  const besideLog = join(directory, "socket");
  return Buffer.byteLength(besideLog) <= longestSocketBytes
    ? besideLog
    : join(mkdtempSync(join(tmpdir(), "incident-ledger-")), "socket");
}

/** Whether this is the line by which it tells that it listens. */
export function saysListening(line: string): boolean {
  if (!line.startsWith("{")) return false;
  try {
    const said: unknown = JSON.parse(line);
    return typeof said === "object" && said !== null && "event" in said && said.event === "listening";
  } catch {
    return false;
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
