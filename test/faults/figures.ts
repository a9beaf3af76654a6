// What a fault run measured, in one line: how long things took, and how much they weigh. Judges nothing.

import { readdirSync, readFileSync } from "node:fs";
import { loadavg } from "node:os";

export interface Spread {
  readonly n: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly most: number;
}

export function spreadOf(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b);
  const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
  return { n: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), most: sorted.at(-1) ?? 0 };
}

export const spreadLine = (what: string, figures: readonly number[]): string => {
  const { n, p50, p90, p99, most } = spreadOf(figures);
  const texts = [p50, p90, p99, most].map((ms) => ms.toFixed(0));
  return `${what} (${n}): p50 ${texts[0]} ms, p90 ${texts[1]} ms, p99 ${texts[2]} ms, max ${texts[3]} ms (load average ${loadavg()[0]?.toFixed(1)})`;
};

/**
 * Whether "within `boundMs`" holds: as a rule, and with a reserve of as much again in nine of ten cases, for a machine
 * that does something else meanwhile. What the rest took is printed.
 */
export function holdsWithin(figures: readonly number[], boundMs: number): boolean {
  const { p50, p90 } = spreadOf(figures);
  return p50 < boundMs && p90 < 2 * boundMs;
}

/** Linux only. */
export function residentMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}

/** Linux only. */
export const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** The value of a metric without labels; undefined where the service does not answer. */
export async function metric(url: string, name: string): Promise<number | undefined> {
  try {
    const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2_000) });
    const found = new RegExp(`^${name} (\\S+)$`, "m").exec(await answer.text())?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}
