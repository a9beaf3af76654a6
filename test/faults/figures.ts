// What a fault run measured: how long things took, and how much they weigh; and what "within" means for many figures.

import { readdirSync, readFileSync } from "node:fs";
import { loadavg } from "node:os";
import type { Report } from "../gate/reported-test.ts";
import { checkedFetch } from "../http/answer-check.ts";

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
 * "Within `boundMs`" for many figures, as bounds of time: half of them are within it, nine of ten within twice as much,
 * and the worst within five times as much, for a machine that does something else meanwhile.
 */
export function boundSpread(report: Report, name: string, figures: readonly number[], boundMs: number): void {
  const spread = spreadOf(figures);
  if (spread.n === 0) throw new Error(`Cannot judge "${name}": nothing was measured`);
  report.figures({ [name]: spread });
  report.timeBound(`${name}, p50 in ms`, spread.p50, { below: boundMs });
  report.timeBound(`${name}, p90 in ms`, spread.p90, { below: 2 * boundMs });
  report.timeBound(`${name}, worst in ms`, spread.most, { below: 5 * boundMs });
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
    const answer = await checkedFetch(`${url}/metrics`, { signal: AbortSignal.timeout(2_000) });
    const found = new RegExp(`^${name} (\\S+)$`, "m").exec(await answer.text())?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}
