// Starts the service as a user would, as a process of its own on a data directory of its own, reads what it prints, and
// talks to it over HTTP.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { chmod, chown, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../src/processes/ports.ts";
import { checkedFetch } from "./http/answer-check.ts";
import { childrenOn, killLeftOn } from "./service-processes.ts";

export const adminKey = "admin-key-for-tests-0123456789";
export const checkout = join(import.meta.dirname, "..");

export interface LaunchedService {
  readonly child: ChildProcess;
  /** Everything the process has printed so far. */
  readonly output: () => string;
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

export interface RunningService extends LaunchedService {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** Throws for every answer but a 2xx. */
  readonly json: <T>(method: string, path: string, options?: { key?: string; body?: unknown }) => Promise<T>;
  readonly get: (path: string, key: string) => Promise<Answer>;
  readonly post: (path: string, key: string, body: unknown) => Promise<Answer>;
  /** SIGTERM and the wait for its end. */
  readonly stop: () => Promise<number | null>;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

interface LaunchOptions {
  readonly dataDir: string;
  readonly port?: number;
  /** An empty ADMIN_API_KEY: the service makes one. */
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly cwd?: string;
  readonly account?: Account;
  /** Called at once with the process, for whoever has to end it before it is ready. */
  readonly spawned?: (child: ChildProcess) => void;
}

/**
 * A data directory that the service's Postgres may enter also where the tests run as root. `made` hears of it in the
 * moment in which it is made.
 */
export async function temporaryDataDir(
  account?: Account,
  made: (directory: string) => void = () => {},
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "incident-ledger-test-"));
  made(directory);
  await chmod(directory, 0o711);
  if (account !== undefined) await chown(directory, account.uid, account.gid);
  return directory;
}

/** Removes it, and ends what a failed test left running on it. */
export async function removeDataDir(dataDir: string): Promise<void> {
  killLeftOn(dataDir);
  await waitFor(
    () => childrenOn(dataDir).length === 0,
    60_000,
    () => `Something still runs on ${dataDir}.`,
  );
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
}

/**
 * Starts it and waits, at most `readyWithinMs` (60 s), until it is ready, or only until it has printed its welcome: then
 * it listens, whatever it depends on. Throws with all it printed where it ends before that.
 */
export async function startService(
  options: Partial<LaunchOptions> & {
    readonly readyWithinMs?: number;
    readonly awaits?: "ready" | "welcome";
  } = {},
): Promise<RunningService> {
  const dataDir = options.dataDir ?? (await temporaryDataDir());
  const port = options.port ?? (await freePort());
  const launched = launch({ ...options, dataDir, port });
  const { child, output } = launched;
  const url = `http://127.0.0.1:${port}`;
  const isThere =
    options.awaits === "welcome"
      ? () => output().includes(`Incident Ledger listens on ${url}`) && /Ctrl-C stops/.test(output())
      : async () => (await checkedFetch(`${url}/health/ready`).catch(() => undefined))?.status === 200;
  await waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`The service ended at its start:\n${output()}`);
      return isThere();
    },
    options.readyWithinMs ?? 60_000,
    () => `The service did not start:\n${output()}`,
  );
  return {
    ...launched,
    url,
    port,
    dataDir,
    json: (method, path, request = {}) => requestJson(url, method, path, request),
    get: (path, key) => ask(url + path, "GET", { key }),
    post: (path, key, body) => ask(url + path, "POST", { key, body }),
    stop: () => end(child, "SIGTERM"),
  };
}

/** Starts it and waits for its end. */
export async function runToItsEnd(options: LaunchOptions): Promise<{ code: number | null; output: string }> {
  const { output, ended } = launch(options);
  return { code: await ended, output: output() };
}

/** Starts it and waits for nothing. What the tests' own environment says of servers and keys is not passed on. */
export function launch(options: LaunchOptions): LaunchedService {
  const [program = process.execPath, ...args] = options.command ?? [process.execPath, "src/main.ts"];
  const { DATABASE_URL: _database, EVENTSTORE_URL: _store, ...inherited } = process.env;
  const child = spawn(program, args, {
    cwd: options.cwd ?? checkout,
    env: {
      ...inherited,
      ADMIN_API_KEY: adminKey,
      DATA_DIR: options.dataDir,
      PORT: String(options.port ?? 0),
      LOG_LEVEL: "warn",
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    ...options.account,
  });
  options.spawned?.(child);
  let printed = "";
  const keep = (chunk: Buffer): void => {
    printed = (printed + chunk.toString()).slice(-500_000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  });
  return { child, output: () => printed, ended };
}

/** Sends the signal and waits for the end of the process; its exit code, or null where the signal ended it. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  child.kill(signal);
  return ended;
}

/** Waits until `holds` answers true, looking every 25 ms. */
export async function waitFor(
  holds: () => boolean | Promise<boolean>,
  withinMs: number,
  otherwise: () => string,
): Promise<void> {
  const until = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > until) throw new Error(otherwise());
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A project with one key that may do both; what most flows begin with. */
export async function registerProject(service: RunningService): Promise<{ project: string; key: string }> {
  const made = await service.json<{ project_uuid: string }>("POST", "/api/projects", {
    key: adminKey,
    body: { name: "Shop" },
  });
  const issued = await service.json<{ key: string }>("POST", `/api/projects/${made.project_uuid}/keys`, {
    key: adminKey,
    body: { label: "tests", scopes: ["ingest", "read"] },
  });
  return { project: made.project_uuid, key: issued.key };
}

export const webhook = (project: string, incident: string, status: string, time: string): object => ({
  incident_id: incident,
  project_uuid: project,
  status,
  incident_time: time,
});

async function requestJson<T>(
  url: string,
  method: string,
  path: string,
  request: { key?: string; body?: unknown },
): Promise<T> {
  const answer = await send(url + path, method, request);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
  return JSON.parse(text) as T;
}

async function ask(url: string, method: string, request: { key: string; body?: unknown }): Promise<Answer> {
  const answer = await send(url, method, request);
  const text = await answer.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  return { status: answer.status, body: typeof body === "object" && body !== null ? { ...body } : { text } };
}

const send = (url: string, method: string, request: { key?: string; body?: unknown }): Promise<Response> =>
  checkedFetch(url, {
    method,
    headers: {
      ...(request.key === undefined ? {} : { "X-API-Key": request.key }),
      ...(request.body === undefined ? {} : { "Content-Type": "application/json" }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    signal: AbortSignal.timeout(60_000),
  });
