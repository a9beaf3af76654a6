// The Postgres that comes with the service: made on the first start, ended with the service, on loopback only.
// Knows nothing of what is stored in it.

import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { platform, setPriority } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import postgres from "postgres";
import {
  commandLineOf,
  endProcess,
  identify,
  isTaken,
  type ProcessIdentity,
  processesWorkingIn,
} from "../processes/process-identity.ts";
import { closedTo, serviceUser } from "../processes/service-user.ts";
import { type SupervisedProcess, supervise, type Watcher } from "../processes/supervised-process.ts";
import { dataIn, ensureData } from "./postgres-data.ts";
import { locatePostgres } from "./postgres-installation.ts";

export interface EmbeddedPostgres {
  /** Holds the password. */
  readonly url: string;
  readonly pid: SupervisedProcess["pid"];
  /** Ends open connections, writes a last checkpoint and ends the server. */
  readonly stop: () => Promise<void>;
}

const owner = "incident_ledger";
const database = "incident_ledger";

/**
 * Starts Postgres on a directory of its own, and keeps it running on the same port. What it holds is made where it is
 * missing or its password is lost, also while it runs, with the same URL. What an
 * earlier run that was killed left running on the directory is ended first: the caller holds the lock that says nobody
 * else uses it. Throws with one line that says what to do where it cannot run there.
 */
export async function startEmbeddedPostgres(options: {
  readonly directory: string;
  /** Or how to choose one, asked once nothing that was left behind holds it any more. */
  readonly port: number | (() => Promise<number>);
  /** The environment it runs in. */
  readonly env: Readonly<Record<string, string>>;
  /** More `name=value` settings; fsync is on unless one says otherwise. */
  readonly settings?: readonly string[];
  readonly watcher: Watcher;
  /** 0 to 19: how far it gives way to others where the processor is short; its own processes inherit it. */
  readonly niceness?: number;
}): Promise<EmbeddedPostgres> {
  const directory = makeDirectory(options.directory);
  const data = dataIn(directory);
  const user = serviceUser("postgres", data);
  const closed = closedTo(user, directory);
  if (closed !== undefined) {
    throw new Error(
      `Cannot keep Postgres in "${directory}": as root it runs as another user (uid ${user?.uid}), who may not enter "${closed}". Choose a DATA_DIR that every user may reach, like /var/lib/incident-ledger, or start the service as an ordinary user.`,
    );
  }
  const locate = () => locatePostgres({ user, copyTo: join(directory, "programs") });
  let programs = locate();
  // Readiness is recognised by what the server says, so it has to say it in English.
  const env = { ...options.env, LC_ALL: "C", LANG: "C", TZ: "UTC" };
  await endLeftovers(data);
  const port = typeof options.port === "number" ? options.port : await options.port();
  const settings = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "logging_collector=off",
    "log_destination=stderr",
    "log_line_prefix=",
    "timezone=UTC",
    "log_timezone=UTC",
    "jit=off",
    // After a crash Postgres flushes its whole directory before it recovers: a call for each of a thousand files takes
    // it seconds on a busy machine, one call for the file system does not. Only Linux has that.
    ...(platform() === "linux" ? ["recovery_init_sync_method=syncfs"] : []),
    ...(options.settings ?? []),
  ];
  let password: string | undefined;
  const prepare = async (): Promise<void> => {
    await endLeftovers(data);
    makeDirectory(directory);
    if (!existsSync(programs.postgres)) programs = locate();
    password = await ensureData({ directory, owner, programs, user, env }, password);
  };
  const url = (name: string): string => `postgres://${owner}:${password}@127.0.0.1:${port}/${name}`;
  let made: Promise<void> = Promise.resolve();
  const supervised = await supervise(
    {
      name: "embedded Postgres",
      prepare,
      spawn: () => {
        const child = spawn(
          programs.postgres,
          ["-D", data, ...settings.flatMap((setting) => ["-c", setting])],
          {
            cwd: "/",
            env,
            stdio: ["ignore", "pipe", "pipe"],
            // A group of its own: Ctrl-C is for the service, which ends Postgres when nobody needs it any more.
            detached: true,
            ...user,
          },
        );
        givesWay(child.pid, options.niceness);
        return child;
      },
      isReady: (line) => line.includes("database system is ready to accept connections"),
      readyWithinMs: 60_000,
      // Fast shutdown, immediate shutdown, and the end.
      stopSignals: ["SIGINT", "SIGQUIT", "SIGKILL"],
      stopEachMs: 1_600,
    },
    {
      ...options.watcher,
      ready: (pid) => {
        options.watcher.ready(pid);
        made = createDatabase(url("postgres"));
        // A later one that fails leaves those who ask it to say so, until it is started again.
        made.catch(() => {});
      },
    },
  );
  try {
    await made;
  } catch (error) {
    await supervised.stop();
    throw error;
  }
  return { url: url(database), pid: supervised.pid, stop: supervised.stop };
}

function givesWay(pid: number | undefined, niceness: number | undefined): void {
  if (pid === undefined || niceness === undefined) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // Not every system lets one; Postgres then competes as everything else does.
  }
}

function makeDirectory(directory: string): string {
  mkdirSync(directory, { recursive: true });
  // Open to pass through, not to list: what is inside is closed by its own modes.
  chmodSync(directory, 0o711);
  return realpathSync(directory);
}

/**
 * Ends what runs on this data directory: a server whose parent was killed, or the workers of a server that was killed.
 * Then a postmaster.pid whose process id belongs to somebody else is removed, which Postgres would not dare.
 */
async function endLeftovers(data: string): Promise<void> {
  const pidFile = join(data, "postmaster.pid");
  const named = readPid(pidFile);
  const server = named === undefined ? undefined : serverOn(data, named);
  if (server !== undefined) await endProcess(server, ["SIGINT", "SIGQUIT"], 4_000);
  // Workers end by themselves once they notice that their server is gone.
  const until = Date.now() + 2_000;
  while (processesWorkingIn(data).length > 0 && Date.now() < until) await pause(20);
  for (const worker of processesWorkingIn(data)) await endProcess(worker, ["SIGQUIT", "SIGKILL"], 2_000);
  const left = readPid(pidFile);
  if (left !== undefined && isTaken(left) && serverOn(data, left) === undefined) {
    rmSync(pidFile, { force: true });
  }
}

function serverOn(data: string, pid: number): ProcessIdentity | undefined {
  const identity = identify(pid);
  if (identity === undefined) return undefined;
  const isOurs =
    processesWorkingIn(data).some((one) => one.pid === pid) || commandLineOf(pid).includes(` -D ${data} `);
  return isOurs ? identity : undefined;
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8").split("\n", 1)[0]);
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

async function createDatabase(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 10, onnotice: () => {} });
  try {
    const found = await sql`SELECT 1 FROM pg_database WHERE datname = ${database}`;
    if (found.length === 0) await sql`CREATE DATABASE ${sql(database)}`;
  } finally {
    await sql.end({ timeout: 2 });
  }
}
