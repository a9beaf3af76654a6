// Starts the service the way its users do, as a process of its own, and reads what it prints.

import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandLineOf, identify, processesWorkingIn } from "../../src/processes/process-identity.ts";

export const checkout = join(import.meta.dirname, "../..");

export interface StartedService {
  readonly child: ChildProcess;
  readonly url: string;
  /** All it has printed so far. */
  readonly printed: () => string;
  readonly get: (path: string, key: string) => Promise<Answer>;
  readonly post: (path: string, key: string, body: unknown) => Promise<Answer>;
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

interface StartOptions {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly cwd?: string;
  readonly account?: Account;
}

/** Starts it and waits for its welcome. Throws with all it printed where it ends before that. */
export async function startService(options: StartOptions): Promise<StartedService> {
  const { child, printed, ended } = launch(options);
  let early = false;
  ended.then(() => {
    early = true;
  });
  await until(
    () => early || /Ctrl-C stops/.test(printed()),
    () => `It did not start:\n${printed()}`,
  );
  const url = /Incident Ledger listens on (\S+)/.exec(printed())?.[1];
  if (url === undefined) throw new Error(`It ended at its start:\n${printed()}`);
  return {
    child,
    url,
    printed,
    ended,
    get: (path, key) => request(`${url}${path}`, { headers: { "X-API-Key": key } }),
    post: (path, key, body) =>
      request(`${url}${path}`, {
        method: "POST",
        headers: { "X-API-Key": key, "Content-Type": "application/json" },
        body: JSON.stringify(body),
      }),
  };
}

/** Starts it and waits for its end. */
export async function runToItsEnd(options: StartOptions): Promise<{ code: number | null; printed: string }> {
  const { printed, ended } = launch(options);
  return { code: await ended, printed: printed() };
}

export async function stop(
  service: StartedService,
  signal: NodeJS.Signals = "SIGTERM",
): Promise<number | null> {
  service.child.kill(signal);
  return service.ended;
}

/** A new data directory, and what removes it together with whatever still runs on it. */
export function temporaryDataDir(account?: Account): {
  readonly path: string;
  readonly remove: () => Promise<void>;
} {
  const path = mkdtempSync(join(tmpdir(), "ledger-e2e-"));
  if (account !== undefined) chownSync(path, account.uid, account.gid);
  return {
    path,
    remove: async () => {
      for (const pid of [...serviceOn(path), ...childrenOn(path)]) process.kill(pid, "SIGKILL");
      await until(
        () => childrenOn(path).length === 0,
        () => `Something still runs on ${path}.`,
      );
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The processes of the embedded event store and Postgres that live on this data directory. */
export function childrenOn(dataDir: string): readonly number[] {
  return [eventStorePid(dataDir), postgresPid(dataDir), ...postgresProcesses(dataDir)].filter(
    (pid): pid is number => pid !== undefined && identify(pid) !== undefined,
  );
}

// One that a failed test left running.
function serviceOn(dataDir: string): readonly number[] {
  const pid = numberIn(join(dataDir, "service.pid"), /^(\d+)/);
  return pid !== undefined && commandLineOf(pid).includes("main.ts") ? [pid] : [];
}

export const eventStorePid = (dataDir: string): number | undefined =>
  numberIn(join(dataDir, "eventstore/process.json"), /"pid":(\d+)/);
export const postgresPid = (dataDir: string): number | undefined =>
  numberIn(join(dataDir, "postgres/data/postmaster.pid"), /^(\d+)/);

const postgresProcesses = (dataDir: string): readonly number[] =>
  processesWorkingIn(join(dataDir, "postgres/data")).map((one) => one.pid);

/** A project with a key that may ingest and read. */
export async function registerProject(
  service: StartedService,
  adminKey: string,
): Promise<{ project: string; key: string }> {
  const project = await service.post("/api/projects", adminKey, { name: "Shop" });
  const path = `/api/projects/${String(project.body.project_uuid)}/keys`;
  const key = await service.post(path, adminKey, { label: "test", scopes: ["ingest", "read"] });
  if (key.status !== 201) throw new Error(`No key was issued: ${JSON.stringify([project, key])}`);
  return { project: String(project.body.project_uuid), key: String(key.body.key) };
}

export const webhook = (project: string, incident: string, status: string, time: string): object => ({
  incident_id: incident,
  project_uuid: project,
  status,
  incident_time: time,
});

/** Waits for a condition, at most 60 s. */
export async function until(holds: () => boolean | Promise<boolean>, otherwise: () => string): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(otherwise());
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Starts it and waits for nothing. */
export function launch(options: StartOptions): {
  child: ChildProcess;
  printed: () => string;
  ended: Promise<number | null>;
} {
  const [program = process.execPath, ...args] = options.command ?? [process.execPath, "src/main.ts"];
  const { ADMIN_API_KEY: _key, DATABASE_URL: _database, EVENTSTORE_URL: _store, ...inherited } = process.env;
  const child = spawn(program, args, {
    cwd: options.cwd ?? checkout,
    env: { ...inherited, PORT: "0", DATA_DIR: options.dataDir, LOG_LEVEL: "info", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    ...options.account,
  });
  let printed = "";
  const keep = (chunk: Buffer): void => {
    printed = (printed + chunk.toString()).slice(-500_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  });
  return { child, printed: () => printed, ended };
}

async function request(url: string, init: RequestInit): Promise<Answer> {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(20_000) });
  const text = await answer.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  return { status: answer.status, body: typeof body === "object" && body !== null ? { ...body } : { text } };
}

function numberIn(file: string, pattern: RegExp): number | undefined {
  try {
    const found = pattern.exec(readFileSync(file, "utf8"))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}
