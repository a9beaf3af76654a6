// Webhooks from monitors that use their incident_ids again, for a minute: a row counts when it is acknowledged, stored and
// visible. Two baselines beside this service (ACK=store), all with fsync on, in turn: Express 5 with pg and one INSERT a
// webhook, which pairs nothing, and Fastify 5 with emmett's event store and an inline projection of outages. Prints rates
// and ratios, what is left to do 5 s after the last webhook, processor time a webhook by process, the drain of the spool
// alone, how soon webhooks are stored again after the event store was away, and what the bare client appends. Judges
// nothing.
//
//   SECONDS (60), CONNECTIONS (64,8,1), MONITORS (2000) and FROZEN_SECONDS (10) change how long and how hard.

import { mkdir } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { EventStoreDBClient, jsonEvent } from "@eventstore/db-client";
import postgres from "postgres";
import { freePort } from "../../src/processes/ports.ts";
import { startEmbeddedPostgres } from "../../src/readmodel/embedded-postgres.ts";
import { startedEmbedded } from "../eventstore/embedded-process.ts";
import {
  end,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  waitFor,
} from "../running-service.ts";
import { eventStorePid, postgresPid } from "../service-processes.ts";
import { createText } from "./baselines/webhook-row.mjs";
import { benchKey, cpuSeconds, drive, gauge, replayedLines, startBaseline } from "./contenders.ts";
import type { Load, LoadResult } from "./load-driver.ts";
import { benchDirectory, started } from "./started.ts";
import { drainAlone, storedAgain } from "./store-away.ts";

const seconds = Number(process.env.SECONDS ?? 60);
const monitors = Number(process.env.MONITORS ?? 2_000);
const frozenSeconds = Number(process.env.FROZEN_SECONDS ?? 10);
const connectionCounts = (process.env.CONNECTIONS ?? "64,8,1").split(",").map(Number);
const warmUpSeconds = Math.min(3, seconds);
const settlesWithinMs = 900_000;
const lookAfterMs = 5_000;

interface Turn {
  readonly target: Pick<Load, "port" | "path" | "key" | "project">;
  /** Webhooks of this turn that are stored and visible. */
  readonly visible: () => Promise<number>;
  /** What is left to do, in words; undefined where nothing is. */
  readonly left: () => Promise<string | undefined>;
  /** Webhooks of this turn in the event store. */
  readonly stored: () => Promise<number>;
}

interface Contender {
  readonly name: string;
  readonly pids: () => Readonly<Record<string, readonly number[]>>;
  readonly turn: () => Promise<Turn>;
  readonly stop: () => Promise<unknown>;
}

interface Measured {
  readonly load: LoadResult;
  /** Webhooks a second, from the first one until the last one was visible. */
  readonly visiblePerSecond: number;
  readonly leftAfter: string | undefined;
  readonly settledSeconds: number;
  /** Microseconds of a processor for each webhook, by process. */
  readonly cpu: Readonly<Record<string, number>>;
}

const directory = await benchDirectory();
await mkdir(join(directory, "postgres"), { mode: 0o755 });
const server = await startEmbeddedPostgres({
  directory: join(directory, "postgres"),
  port: await freePort(),
  env: {},
  watcher: { line: () => {}, ready: () => {}, lost: () => {} },
});
const sql = postgres(server.url, { max: 1, onnotice: () => {} });
const serverPid = Number((await sql`select pg_read_file('postmaster.pid') as text`)[0]?.text.split("\n")[0]);
console.log(
  `${cpus().length} cores (${cpus()[0]?.model.trim()}), Bun ${process.versions.bun}; ${monitors} monitors, ${seconds} s, load average ${loadavg()[0]?.toFixed(1)}`,
);
const contenders = [await express(), await emmett(), await ledger()];
for (const connections of connectionCounts) {
  console.log(`\n${connections} connection${connections === 1 ? "" : "s"}`);
  const rates: { readonly name: string; readonly perSecond: number }[] = [];
  for (const contender of contenders) {
    await measure(contender, { connections, seconds: warmUpSeconds });
    const measured = await measure(contender, { connections, seconds });
    print(contender.name, measured);
    for (const other of rates)
      console.log(
        `  ${" ".repeat(26)} ${(measured.visiblePerSecond / other.perSecond).toFixed(2)} x ${other.name}`,
      );
    rates.push({ name: contender.name, perSecond: measured.visiblePerSecond });
  }
}
for (const contender of contenders) await contender.stop();
await sql.end();
await server.stop();
await removeDataDir(directory);
const drain = await drainAlone({ seconds: frozenSeconds, monitors });
await storedAgain(64);
const bare = await bareClient();
console.log(
  `\nthe bare client, 64 single appends in flight: ${bare.toFixed(0)}/s; the drain alone: ${drain.toFixed(0)}/s, ${(drain / bare).toFixed(2)} of that; load average ${loadavg()[0]?.toFixed(1)}`,
);
process.exit();

async function measure(
  contender: Contender,
  { connections, seconds: forSeconds }: { readonly connections: number; readonly seconds: number },
): Promise<Measured> {
  const turn = await contender.turn();
  const before = cpuOf(contender);
  const startedAt = performance.now();
  const run = String(startedAt);
  const load = await drive({ ...turn.target, connections, seconds: forSeconds, run, monitors });
  const endedAt = performance.now();
  await waitFor(
    async () => (await turn.left()) === undefined || performance.now() - endedAt >= lookAfterMs,
    2 * lookAfterMs,
    () => "It does not say what is left to do.",
  );
  const leftAfter = await turn.left();
  await waitFor(
    async () => (await turn.left()) === undefined && (await turn.visible()) >= load.ok,
    settlesWithinMs,
    () => `${contender.name} has not settled.`,
  );
  const settledAt = performance.now();
  const used = cpuOf(contender);
  const [visible, stored] = [await turn.visible(), await turn.stored()];
  if (visible !== load.ok || stored !== load.ok || load.failed > 0) {
    console.log(
      `VOID  ${contender.name}: ${load.ok} answers 2xx, ${load.failed} others, ${stored} stored, ${visible} visible`,
    );
    process.exitCode = 1;
  }
  const perWebhook = (cpu: number): number => (cpu * 1e6) / load.ok;
  return {
    load,
    visiblePerSecond: visible / ((settledAt - startedAt) / 1000),
    leftAfter,
    settledSeconds: (settledAt - endedAt) / 1000,
    cpu: {
      ...Object.fromEntries(
        Object.entries(used).map(([name, cpu]) => [name, perWebhook(cpu - (before[name] ?? 0))]),
      ),
      load: perWebhook(load.cpuSeconds),
    },
  };
}

function cpuOf(contender: Contender): Record<string, number> {
  return Object.fromEntries(Object.entries(contender.pids()).map(([name, pids]) => [name, cpuSeconds(pids)]));
}

function print(name: string, { load, visiblePerSecond, leftAfter, settledSeconds, cpu }: Measured): void {
  const used = Object.entries(cpu).map(([process, micros]) => `${process} ${micros.toFixed(0)}`);
  console.log(
    `  ${name.padEnd(26)} ${visiblePerSecond.toFixed(0).padStart(6)}/s visible, ${load.perSecond.toFixed(0)}/s acknowledged (${load.spooled} spooled), p50 ${load.p50Ms.toFixed(1)} p99 ${load.p99Ms.toFixed(1)} ms; 5 s later ${leftAfter ?? "nothing left"}; settled ${settledSeconds.toFixed(1)} s after the last; µs a webhook: ${used.join(", ")}`,
  );
}

async function express(): Promise<Contender> {
  await sql.unsafe(createText("bench_express"));
  const { child, port } = await startBaseline("express-pg.mjs", server.url);
  return baselineOf("Express 5 + pg", { child, port }, "select count(*) as n from bench_express");
}

async function emmett(): Promise<Contender> {
  await sql`create table bench_open_outages (project_uuid uuid, incident_id text, first_alert_at timestamptz not null,
    latest_alert_at timestamptz not null, alerts integer not null, primary key (project_uuid, incident_id))`;
  await sql`create table bench_ended_outages (project_uuid uuid, incident_id text, first_alert_at timestamptz,
    latest_alert_at timestamptz, alerts integer, recovered_at timestamptz)`;
  await sql`create index on bench_ended_outages (project_uuid, recovered_at)`;
  const { child, port } = await startBaseline("fastify-emmett.mjs", server.url);
  return baselineOf("Fastify 5 + emmett", { child, port }, "select count(*) as n from emt_messages");
}

function baselineOf(
  name: string,
  { child, port }: Awaited<ReturnType<typeof startBaseline>>,
  countText: string,
): Contender {
  const count = async (): Promise<number> => Number((await sql.unsafe(countText))[0]?.n);
  return {
    name,
    pids: () => ({ service: [child.pid ?? 0], Postgres: [serverPid] }),
    turn: async () => {
      const before = await count();
      const project = crypto.randomUUID();
      const since = async (): Promise<number> => (await count()) - before;
      return {
        target: { port, path: "/webhook", key: benchKey, project },
        visible: since,
        stored: since,
        left: async () => undefined,
      };
    },
    stop: () => end(child, "SIGTERM"),
  };
}

async function ledger(): Promise<Contender> {
  const service = await startService({
    dataDir: await benchDirectory(),
    env: { ACK: "store" },
    spawned: started,
  });
  return {
    name: "Incident Ledger",
    pids: () => ({
      service: [service.child.pid ?? 0],
      "event store": [eventStorePid(service.dataDir) ?? 0],
      Postgres: [postgresPid(service.dataDir) ?? 0],
    }),
    turn: () => ledgerTurn(service),
    stop: async () => {
      await service.stop();
      await removeDataDir(service.dataDir);
    },
  };
}

async function ledgerTurn(service: RunningService): Promise<Turn> {
  const { project, key } = await registerProject(service);
  return {
    target: { port: service.port, path: "/api/incidents/webhook/", key, project },
    visible: () => visibleWebhooks(service, project, key),
    stored: () => replayedLines(`${service.url}/api/projects/${project}/replay`, key),
    left: async () => {
      const [spooled, lag] = [
        await gauge(service.url, "ledger_spool_records"),
        await gauge(service.url, "ledger_projector_lag_seconds"),
      ];
      return spooled === 0 && lag === 0
        ? undefined
        : `${spooled} on the spool, ${lag.toFixed(1)} s not projected`;
    },
  };
}

/** What the query API shows of the project's incidents. */
async function visibleWebhooks(service: RunningService, project: string, key: string): Promise<number> {
  let webhooks = 0;
  for (let cursor: unknown = ""; cursor !== null; ) {
    const page = cursor === "" ? "" : `&cursor=${cursor}`;
    const { body } = await service.get(`/api/projects/${project}/incidents?limit=500${page}`, key);
    for (const item of body.items as { webhooks: number }[]) webhooks += item.webhooks;
    cursor = body.next_cursor;
  }
  return webhooks;
}

/** Single appends a second to as many streams, through the client alone, on an event store of its own. */
async function bareClient(): Promise<number> {
  const scratch = await benchDirectory();
  const store = await startedEmbedded(join(scratch, "events.sqlite"));
  started(store.child);
  const client = EventStoreDBClient.connectionString([store.url] as unknown as TemplateStringsArray);
  const data = { status: "DOWN", message: "x".repeat(400) };
  const endsAt = performance.now() + 8_000;
  let appended = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (performance.now() < endsAt) {
        appended += 1;
        await client.appendToStream(
          `bench-${appended % monitors}`,
          jsonEvent({ type: "Bench", data, metadata: { at: "now" } }),
        );
      }
    }),
  );
  const perSecond = appended / ((performance.now() - startedAt) / 1000);
  await client.dispose();
  await store.end("SIGTERM");
  await pause(100);
  await removeDataDir(scratch);
  return perSecond;
}
