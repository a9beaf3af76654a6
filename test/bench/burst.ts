// Measures ingest side by side on one machine: two baselines that INSERT each webhook into Postgres, and this service in
// its embedded default with ACK=store and with ACK=spool, in turn, all with fsync on and a flush before every answer.
// Prints requests a second, p50, p99 and the ratios; judges nothing. What was spooled is drained before the next turn,
// and then everything has to be in the event store.
//
//   bun run bench:ingest burst  ROUNDS (5), SECONDS (8) and CONNECTIONS (64) change how often, how long and how hard.

import { mkdir } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { freePort } from "../../src/processes/ports.ts";
import { startEmbeddedPostgres } from "../../src/readmodel/embedded-postgres.ts";
import { end, registerProject, removeDataDir, startService, waitFor } from "../running-service.ts";
import { createText } from "./baselines/webhook-row.mjs";
import { benchKey, drive, gauge, replayedLines, runtimeOfBaselines, startBaseline } from "./contenders.ts";
import type { Load, LoadResult } from "./load-driver.ts";
import { benchDirectory, started } from "./started.ts";

const rounds = Number(process.env.ROUNDS ?? 5);
const seconds = Number(process.env.SECONDS ?? 8);
const connections = Number(process.env.CONNECTIONS ?? 64);
const warmUpSeconds = 2;
const drainWithinMs = 300_000;

interface Turn {
  readonly target: Pick<Load, "port" | "path" | "key" | "project">;
  /** How many of this turn's webhooks are stored. */
  readonly stored: () => Promise<number>;
}

interface Contender {
  readonly name: string;
  readonly turn: () => Promise<Turn>;
  readonly stop: () => Promise<unknown>;
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
const contenders = [
  await baseline("Express 5 + pg", "express-pg.mjs", "bench_express"),
  await baseline("Fastify 5 + postgres.js", "fastify-postgres.mjs", "bench_fastify"),
  await ledger("store"),
  await ledger("spool"),
];
const results = new Map<string, LoadResult[]>(contenders.map(({ name }) => [name, []]));

const [{ fsync } = { fsync: "?" }] = await sql<{ fsync: string }[]>`show fsync`;
console.log(
  `${cpus().length} cores (${cpus()[0]?.model.trim()}), Bun ${process.versions.bun}, baselines on ${await runtimeOfBaselines()}`,
);
console.log(`Postgres fsync=${fsync}; ${connections} connections, ${rounds} rounds of ${seconds} s in turn`);
for (const contender of contenders) {
  const turn = await contender.turn();
  await driveTurn(turn, warmUpSeconds, "warm");
  await turn.stored();
}
for (let round = 1; round <= rounds; round++) {
  for (const contender of contenders) {
    const turn = await contender.turn();
    const result = await driveTurn(turn, seconds, String(round));
    const endedAt = performance.now();
    const rows = await turn.stored();
    const drainedSeconds = (performance.now() - endedAt) / 1000;
    if (rows !== result.ok || result.failed > 0) {
      console.log(
        `VOID  ${contender.name}: ${result.ok} answers 2xx, ${result.failed} others, ${rows} rows stored`,
      );
      process.exitCode = 1;
      continue;
    }
    results.get(contender.name)?.push(result);
    const spooled =
      result.spooled === 0
        ? ""
        : `   ${result.spooled} of ${result.ok} spooled, all in the event store ${drainedSeconds.toFixed(1)} s later`;
    console.log(`${String(round).padStart(5)}  ${line(contender.name, result)}${spooled}`);
  }
}

console.log("\nmedian of the rounds");
const medians = contenders.map(({ name }) => ({
  name,
  perSecond: median(name, (result) => result.perSecond),
  p50Ms: median(name, (result) => result.p50Ms),
  p99Ms: median(name, (result) => result.p99Ms),
}));
const [express, fastify] = medians;
for (const figures of medians) {
  const ratios = [express, fastify].map(
    (baseline) =>
      `${(figures.perSecond / (baseline?.perSecond ?? Number.NaN)).toFixed(2)} x ${baseline?.name}`,
  );
  console.log(`       ${line(figures.name, figures)}   ${ratios.join(", ")}`);
}

for (const contender of contenders) await contender.stop();
await sql.end();
await server.stop();
await removeDataDir(directory);
process.exit();

function line(name: string, figures: Pick<LoadResult, "perSecond" | "p50Ms" | "p99Ms">): string {
  return `${name.padEnd(26)} ${figures.perSecond.toFixed(0).padStart(7)} req/s   p50 ${figures.p50Ms.toFixed(1).padStart(6)} ms   p99 ${figures.p99Ms.toFixed(1).padStart(6)} ms`;
}

function median(name: string, figure: (result: LoadResult) => number): number {
  const figures = (results.get(name) ?? []).map(figure).sort((a, b) => a - b);
  return figures[Math.floor(figures.length / 2)] ?? Number.NaN;
}

function driveTurn(turn: Turn, forSeconds: number, run: string): Promise<LoadResult> {
  return drive({ ...turn.target, connections, seconds: forSeconds, run });
}

async function baseline(name: string, file: string, table: string): Promise<Contender> {
  await sql.unsafe(createText(table));
  const { child, port } = await startBaseline(file, server.url);
  const count = async (): Promise<number> =>
    Number((await sql.unsafe(`select count(*) as n from ${table}`))[0]?.n);
  return {
    name,
    turn: async () => {
      const before = await count();
      return {
        target: { port, path: "/webhook", key: benchKey, project: "7b1c2b52-6c0a-4f0e-9d43-0d4b5a6c7e8f" },
        stored: async () => (await count()) - before,
      };
    },
    stop: () => end(child, "SIGTERM"),
  };
}

async function ledger(ack: "store" | "spool"): Promise<Contender> {
  const service = await startService({
    dataDir: await benchDirectory(),
    env: { ACK: ack },
    spawned: started,
  });
  return {
    name: `Incident Ledger, ACK=${ack}`,
    turn: async () => {
      const { project, key } = await registerProject(service);
      return {
        target: { port: service.port, path: "/api/incidents/webhook/", key, project },
        stored: async () => {
          await waitFor(
            async () => (await gauge(service.url, "ledger_spool_records")) === 0,
            drainWithinMs,
            () => "The spool was not drained in time.",
          );
          const stored = await replayedLines(`${service.url}/api/projects/${project}/replay`, key);
          // The read model has caught up before the next turn: nobody's measurement pays for another's.
          await waitFor(
            async () => (await gauge(service.url, "ledger_projector_lag_seconds")) === 0,
            drainWithinMs,
            () => "The read model did not catch up in time.",
          );
          return stored;
        },
      };
    },
    stop: async () => {
      await service.stop();
      await removeDataDir(service.dataDir);
    },
  };
}
