// What the benchmarks of ingest share: the programs that are measured, how they are driven, and how they are asked what
// they have.

import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Load, LoadResult } from "./load-driver.ts";
import { started } from "./started.ts";

export const benchKey = "bench-key-0123456789";
let runtime: Promise<string> | undefined;

/** Node where there is one, as its users would run them; else the runtime that runs this. */
export function runtimeOfBaselines(): Promise<string> {
  runtime ??= new Promise((resolve) => {
    const probe = spawn("node", ["--version"], { stdio: "ignore" });
    probe.on("error", () => resolve(process.execPath));
    probe.on("exit", (code) => resolve(code === 0 ? "node" : process.execPath));
  });
  return runtime;
}

export interface Baseline {
  readonly child: ChildProcess;
  readonly port: number;
}

export async function startBaseline(file: string, databaseUrl: string): Promise<Baseline> {
  const child = spawn(await runtimeOfBaselines(), [join(import.meta.dir, "baselines", file)], {
    env: { ...process.env, NODE_ENV: "production", DATABASE_URL: databaseUrl, API_KEY: benchKey },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { port } = JSON.parse(await firstLine(started(child))) as { port: number };
  return { child, port };
}

export async function drive(load: Load): Promise<LoadResult> {
  const driver = spawn(process.execPath, [join(import.meta.dir, "load-driver.ts"), JSON.stringify(load)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(await firstLine(started(driver))) as LoadResult;
}

export async function gauge(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.+)$`, "m").exec(text)?.[1]);
}

/** Counts what an audit replay answers: straight from the event store, a line an event. */
export async function replayedLines(url: string, key: string): Promise<number> {
  const answer = await fetch(url, { headers: { "X-API-Key": key } });
  if (!answer.ok || answer.body === null) throw new Error(`The replay answered ${answer.status}`);
  let lines = 0;
  for await (const chunk of answer.body) for (const byte of chunk) if (byte === 10) lines++;
  return lines;
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("The process has no output to read.");
  for await (const text of createInterface({ input: child.stdout })) return text;
  throw new Error(`The process ended with ${child.exitCode} and printed nothing`);
}

/** Seconds of processor time that these processes, and those they started, have used. Linux only. */
export function cpuSeconds(pids: readonly number[]): number {
  const wanted = new Set(pids);
  const stats = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const text = readFileSync(`/proc/${name}/stat`, "utf8");
        const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
        return [{ pid: Number(name), parent: Number(fields[1]), ticks: sum(fields.slice(11, 15)) }];
      } catch {
        return [];
      }
    });
  const own = stats.filter(({ pid, parent }) => wanted.has(pid) || wanted.has(parent));
  return own.reduce((total, { ticks }) => total + ticks, 0) / ticksPerSecond;
}

const ticksPerSecond = 100;
const sum = (texts: readonly string[]): number => texts.reduce((total, text) => total + Number(text), 0);
