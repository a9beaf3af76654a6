// Starts the service as a user would, as a process of its own on a data directory of its own, and talks to it over HTTP.

import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../src/processes/ports.ts";

export const adminKey = "admin-key-for-tests-0123456789";
const root = join(import.meta.dir, "..");

export interface RunningService {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly child: ChildProcess;
  /** Everything the process has printed so far. */
  readonly output: () => string;
  readonly json: <T>(method: string, path: string, options?: { key?: string; body?: unknown }) => Promise<T>;
  /** SIGTERM and the wait for its end. */
  readonly stop: () => Promise<number | null>;
}

/** A data directory that the service's Postgres may enter also where the tests run as root. */
export async function temporaryDataDir(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "incident-ledger-test-"));
  await chmod(directory, 0o711);
  return directory;
}

/** Starts it and waits until it is ready, at most `readyWithinMs` (60 s). */
export async function startService(
  options: {
    dataDir?: string;
    port?: number;
    env?: Readonly<Record<string, string>>;
    readyWithinMs?: number;
  } = {},
): Promise<RunningService> {
  const dataDir = options.dataDir ?? (await temporaryDataDir());
  const port = options.port ?? (await freePort());
  const child = spawn(process.execPath, ["src/main.ts"], {
    cwd: root,
    env: {
      ...process.env,
      ADMIN_API_KEY: adminKey,
      DATA_DIR: dataDir,
      PORT: String(port),
      LOG_LEVEL: "warn",
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const keep = (chunk: Buffer): void => {
    printed = (printed + chunk.toString()).slice(-200_000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const url = `http://127.0.0.1:${port}`;
  await waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`The service ended at its start:\n${printed}`);
      return (await fetch(`${url}/health/ready`).catch(() => undefined))?.status === 200;
    },
    options.readyWithinMs ?? 60_000,
    () => `The service did not become ready:\n${printed}`,
  );
  return {
    url,
    port,
    dataDir,
    child,
    output: () => printed,
    json: (method, path, request = {}) => requestJson(url, method, path, request),
    stop: () => end(child, "SIGTERM"),
  };
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

export async function removeDataDir(dataDir: string): Promise<void> {
  await rm(dataDir, { recursive: true, force: true });
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

async function requestJson<T>(
  url: string,
  method: string,
  path: string,
  request: { key?: string; body?: unknown },
): Promise<T> {
  const answer = await fetch(url + path, {
    method,
    headers: {
      ...(request.key === undefined ? {} : { "X-API-Key": request.key }),
      ...(request.body === undefined ? {} : { "Content-Type": "application/json" }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
  return JSON.parse(text) as T;
}
