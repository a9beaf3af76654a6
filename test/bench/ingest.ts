// Measures ingest side by side on one machine: two baselines that INSERT each webhook into Postgres, and this service in
// its embedded default, in turn, all with fsync on. Prints requests a second, p50, p99 and the ratios; judges nothing.
//
//   bun run bench:ingest        ROUNDS (5), SECONDS (8) and CONNECTIONS (64) change how often, how long and how hard.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import postgres from "postgres";
import { freePort } from "../../src/processes/ports.ts";
import { startEmbeddedPostgres } from "../../src/readmodel/embedded-postgres.ts";
import { end, registerProject, removeDataDir, startService, temporaryDataDir } from "../running-service.ts";
import { createText } from "./baselines/webhook-row.mjs";
import type { Load, LoadResult } from "./load-driver.ts";

const rounds = Number(process.env.ROUNDS ?? 5);
const seconds = Number(process.env.SECONDS ?? 8);
const connections = Number(process.env.CONNECTIONS ?? 64);
const warmUpSeconds = 2;
let runtime: Promise<string> | undefined;

interface Contender {
  readonly name: string;
  readonly target: Pick<Load, "port" | "path" | "key" | "project">;
  /** How many of the webhooks it has answered are stored. */
  readonly stored: () => Promise<number>;
  readonly stop: () => Promise<unknown>;
}

const directory = await temporaryDataDir();
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
  await ledger(),
];
const results = new Map<string, LoadResult[]>(contenders.map(({ name }) => [name, []]));

const [{ fsync } = { fsync: "?" }] = await sql<{ fsync: string }[]>`show fsync`;
console.log(
  `${cpus().length} cores (${cpus()[0]?.model.trim()}), Bun ${process.versions.bun}, baselines on ${await runtimeOfBaselines()}`,
);
console.log(`Postgres fsync=${fsync}; ${connections} connections, ${rounds} rounds of ${seconds} s in turn`);
for (const contender of contenders) await drive(contender, warmUpSeconds, "warm");
for (let round = 1; round <= rounds; round++) {
  for (const contender of contenders) {
    const before = await contender.stored();
    const result = await drive(contender, seconds, String(round));
    const rows = (await contender.stored()) - before;
    if (rows !== result.ok || result.failed > 0) {
      console.log(
        `VOID  ${contender.name}: ${result.ok} answers 2xx, ${result.failed} others, ${rows} rows stored`,
      );
      process.exitCode = 1;
      continue;
    }
    results.get(contender.name)?.push(result);
    console.log(`${String(round).padStart(5)}  ${line(contender.name, result)}`);
  }
}

console.log("\nmedian of the rounds");
const ours = median(contenders[2], (result) => result.perSecond);
for (const contender of contenders) {
  const figures = {
    perSecond: median(contender, (result) => result.perSecond),
    p50Ms: median(contender, (result) => result.p50Ms),
    p99Ms: median(contender, (result) => result.p99Ms),
  };
  console.log(
    `       ${line(contender.name, figures)}   ${(ours / figures.perSecond).toFixed(2)} x this by Incident Ledger`,
  );
}

for (const contender of contenders) await contender.stop();
await sql.end();
await server.stop();
await removeDataDir(directory);
process.exit();

function line(name: string, figures: Pick<LoadResult, "perSecond" | "p50Ms" | "p99Ms">): string {
  return `${name.padEnd(26)} ${figures.perSecond.toFixed(0).padStart(7)} req/s   p50 ${figures.p50Ms.toFixed(1).padStart(6)} ms   p99 ${figures.p99Ms.toFixed(1).padStart(6)} ms`;
}

function median(contender: Contender | undefined, figure: (result: LoadResult) => number): number {
  const figures = (results.get(contender?.name ?? "") ?? []).map(figure).sort((a, b) => a - b);
  return figures[Math.floor(figures.length / 2)] ?? Number.NaN;
}

async function drive(contender: Contender, forSeconds: number, run: string): Promise<LoadResult> {
  const load: Load = { ...contender.target, connections, seconds: forSeconds, run };
  const driver = spawn(process.execPath, [join(import.meta.dir, "load-driver.ts"), JSON.stringify(load)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(await firstLine(driver)) as LoadResult;
}

async function baseline(name: string, file: string, table: string): Promise<Contender> {
  await sql.unsafe(createText(table));
  const key = "bench-key-0123456789";
  const child = spawn(await runtimeOfBaselines(), [join(import.meta.dir, "baselines", file)], {
    env: { ...process.env, NODE_ENV: "production", DATABASE_URL: server.url, API_KEY: key },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { port } = JSON.parse(await firstLine(child)) as { port: number };
  return {
    name,
    target: { port, path: "/webhook", key, project: "7b1c2b52-6c0a-4f0e-9d43-0d4b5a6c7e8f" },
    stored: async () => Number((await sql.unsafe(`select count(*) as n from ${table}`))[0]?.n),
    stop: () => end(child, "SIGTERM"),
  };
}

async function ledger(): Promise<Contender> {
  const service = await startService();
  const { project, key } = await registerProject(service);
  return {
    name: "Incident Ledger",
    target: { port: service.port, path: "/api/incidents/webhook/", key, project },
    stored: () => replayedLines(`${service.url}/api/projects/${project}/replay`, key),
    stop: async () => {
      await service.stop();
      await removeDataDir(service.dataDir);
    },
  };
}

/** Counts what an audit replay answers: straight from the event store, a line an event. */
async function replayedLines(url: string, key: string): Promise<number> {
  const answer = await fetch(url, { headers: { "X-API-Key": key } });
  if (!answer.ok || answer.body === null) throw new Error(`The replay answered ${answer.status}`);
  let lines = 0;
  for await (const chunk of answer.body) for (const byte of chunk) if (byte === 10) lines++;
  return lines;
}

/** Node where there is one, as its users would run them; else the runtime that runs this. */
function runtimeOfBaselines(): Promise<string> {
  runtime ??= new Promise((resolve) => {
    const probe = spawn("node", ["--version"], { stdio: "ignore" });
    probe.on("error", () => resolve(process.execPath));
    probe.on("exit", (code) => resolve(code === 0 ? "node" : process.execPath));
  });
  return runtime;
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("The process has no output to read.");
  for await (const text of createInterface({ input: child.stdout })) return text;
  throw new Error(`The process ended with ${child.exitCode} and printed nothing`);
}
