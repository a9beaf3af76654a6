// The service with `ACK=spool`, killed at a chosen system call, and what log and tables hold after the next start. Its
// event store and Postgres run on across the kills, the event store frozen where the scene says so.

import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../src/processes/ports.ts";
import { type StoreProcess, storeProcess } from "../eventstore/adapter-store.ts";
import { checkedFetch } from "../http/answer-check.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import {
  adminKey,
  end,
  registerProject,
  removeDataDir,
  startService,
  temporaryDataDir,
} from "../running-service.ts";
import { check, checkLine, faultsIn } from "./checker.ts";
import { openConnection } from "./connection.ts";
import { metric } from "./figures.ts";
import { noneSent, type Sent } from "./senders.ts";
import { startTraced, type Traced } from "./strace.ts";
import {
  type Died,
  deathIn,
  injectionOf,
  type Kill,
  type Place,
  placesIn,
  placesOfCalls,
} from "./syscalls-plan.ts";

/**
 * `first-start`: nothing is there yet, and the event store does not answer. `drain`: it does. `backlog`: an earlier life
 * left what now drains while more comes. `rotation`: more than a segment takes waits, and then drains.
 */
export const serviceScenes = ["first-start", "drain", "backlog", "rotation"] as const;
export type ServiceScene = (typeof serviceScenes)[number];

/** The system calls that change a file. */
const calls =
  "write,pwrite64,pwritev,fdatasync,fsync,ftruncate,truncate,rename,renameat,renameat2,unlink,unlinkat";
const rotationCalls = ["pwrite64", "fdatasync", "fsync", "rename", "unlink"];
const connections = 4;
const webhooks = 48;
/** A segment is closed at 16 MiB. */
const large = { webhooks: 72, bytes: 240_000 };

export interface Servers {
  readonly store: StoreProcess;
  readonly database: TestDatabase;
  readonly port: number;
  /** A project that nobody has used yet, and a key. */
  readonly nextProject: () => { readonly project: string; readonly key: string };
  readonly remove: () => Promise<void>;
}

/** What outlives the kills. */
export async function startOutliving(projects: number): Promise<Servers> {
  const [store, database, port] = await Promise.all([storeProcess(), createTestDatabase(), freePort()]);
  const service = await startService({ port, env: environmentOf({ store, database, port }) });
  const registered: { project: string; key: string }[] = [];
  for (let n = 0; n < projects; n++) registered.push(await registerProject(service));
  await end(service.child, "SIGKILL");
  await removeDataDir(service.dataDir);
  return {
    store,
    database,
    port,
    nextProject: () => {
      const next = registered.pop();
      if (next === undefined) throw new Error(`More than ${projects} rounds`);
      return next;
    },
    remove: async () => {
      await store.remove();
      await database.drop();
    },
  };
}

const environmentOf = ({
  store,
  database,
  port,
}: Pick<Servers, "store" | "database" | "port">): Record<string, string> => ({
  EVENTSTORE_URL: store.url,
  DATABASE_URL: database.url,
  ACK: "spool",
  PORT: String(port),
});

export interface ServiceRound extends Died {
  readonly places: ReadonlyMap<string, Place>;
}

/** One life and death of the service, and the check of what it left. `kill` undefined: the scene without a fault. */
export async function serviceRound(options: {
  readonly scene: ServiceScene;
  readonly servers: Servers;
  readonly kill: Kill | undefined;
}): Promise<ServiceRound> {
  const { scene, servers } = options;
  const dataDir = await temporaryDataDir();
  const env = environmentOf(servers);
  const sent = noneSent();
  try {
    const registered = servers.nextProject();
    const send = (count: number, bytes = 0): Promise<void> =>
      post({ ...registered, port: servers.port, count, bytes }, sent);
    if (scene === "backlog") {
      const earlier = await startService({ dataDir, port: servers.port, env });
      servers.store.freeze();
      await send(webhooks);
      await end(earlier.child, "SIGKILL");
      servers.store.thaw();
    }
    const traced = startTraced({
      command: [process.execPath, "src/main.ts"],
      traceFile: `${dataDir}/trace`,
      calls,
      env: { ...process.env, ...env, ADMIN_API_KEY: adminKey, DATA_DIR: dataDir, LOG_LEVEL: "warn" },
      ...injectionOf(options.kill, dataDir),
    });
    if (await ready(traced, servers.port)) {
      if (scene === "first-start" || scene === "rotation") servers.store.freeze();
      if (scene === "rotation") await send(large.webhooks, large.bytes);
      else await send(webhooks);
      servers.store.thaw();
      if (scene !== "first-start") await drained(traced, servers.port);
    }
    await traced.end("SIGKILL");
    const trace = readFileSync(traced.traceFile, "utf8");
    return {
      death: deathIn(trace, dataDir),
      acknowledged: sent.acknowledged.size,
      ...(await checkAfter({ servers, dataDir, project: registered.project, sent })),
      // Which segments there will be depends on how the records come together.
      places: scene === "rotation" ? placesOfCalls(trace, rotationCalls) : placesIn(trace, dataDir),
    };
  } finally {
    servers.store.thaw();
    await removeDataDir(dataDir);
  }
}

async function checkAfter(options: {
  readonly servers: Servers;
  readonly dataDir: string;
  readonly project: string;
  readonly sent: Sent;
}): Promise<{ readonly problems: string[]; readonly readyMs: number }> {
  const { servers, dataDir, project, sent } = options;
  const startedAt = performance.now();
  try {
    const service = await startService({ dataDir, port: servers.port, env: environmentOf(servers) });
    const readyMs = performance.now() - startedAt;
    const found = await check({
      eventstoreUrl: servers.store.url,
      databaseUrl: servers.database.url,
      project,
      sent,
    });
    const damaged = await metric(service.url, "ledger_spool_damaged_records");
    await end(service.child, "SIGKILL");
    const problems = faultsIn(found) === 0 ? [] : [checkLine(found)];
    // A kill leaves a torn end at most, which must not be taken for damage.
    if (damaged !== 0) problems.push(`${damaged} records of the spool were set aside as damaged`);
    return { problems, readyMs };
  } catch (error) {
    return { problems: [String(error)], readyMs: performance.now() - startedAt };
  }
}

/** Whether it became ready; false where it died before. */
async function ready(traced: Traced, port: number): Promise<boolean> {
  return untilOrDead(
    traced,
    async () =>
      (await checkedFetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.status === 200,
  );
}

async function drained(traced: Traced, port: number): Promise<boolean> {
  return untilOrDead(
    traced,
    async () => (await metric(`http://127.0.0.1:${port}`, "ledger_spool_records")) === 0,
  );
}

async function untilOrDead(traced: Traced, holds: () => Promise<boolean>): Promise<boolean> {
  const until = performance.now() + 60_000;
  while (traced.child.exitCode === null && traced.child.signalCode === null) {
    if (await holds()) return true;
    if (performance.now() > until) throw new Error(`It neither dies nor goes on:\n${traced.printed()}`);
    await pause(15);
  }
  return false;
}

/** Each of its own incident, by senders that do not try again. Ends with the first that finds nobody. */
async function post(
  options: {
    readonly port: number;
    readonly project: string;
    readonly key: string;
    readonly count: number;
    readonly bytes: number;
  },
  sent: Sent,
): Promise<void> {
  const from = sent.bodies.size;
  let next = 0;
  let isDead = false;
  const sender = async (): Promise<void> => {
    const connection = openConnection(options.port);
    while (next < options.count && !isDead) {
      const body = JSON.stringify({
        incident_id: `incident-${from + next++}`,
        project_uuid: options.project,
        status: "DOWN",
        incident_time: "2025-01-15T10:30:00Z",
        ...(options.bytes === 0 ? {} : { extra: "x".repeat(options.bytes) }),
      });
      sent.bodies.add(body);
      const answer = await connection.post("/api/incidents/webhook/", options.key, body);
      if (answer.status === 0) isDead = true;
      if (answer.status !== 200) continue;
      const acknowledged = JSON.parse(answer.body);
      sent.acknowledged.set(acknowledged.event_id, acknowledged);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, sender));
}
