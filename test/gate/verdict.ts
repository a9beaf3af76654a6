// The verdict of one reported test, as a line of JSON in the results file: written by the test, read by the runner.

import { appendFileSync, existsSync, readFileSync } from "node:fs";

export type Facts = Readonly<Record<string, unknown>>;

/** One assertion about time, or about what was done in a time. The only kind that the runner repeats. */
export interface TimeBound {
  readonly name: string;
  readonly figure: number;
  /** The figure has to be less than `below`, or more than `above`. */
  readonly bound: { readonly below: number } | { readonly above: number };
}

export interface Verdict {
  /** The test file, as an absolute path. */
  readonly file: string;
  readonly name: string;
  /** Replays the choices of the test process. */
  readonly seed: number;
  readonly tried: Facts;
  readonly found: Facts;
  readonly figures: Facts;
  readonly times: readonly TimeBound[];
  /** "late": everything holds but an assertion about time. */
  readonly verdict: "passed" | "late" | "failed";
  /** The text of the error; only with "failed". */
  readonly problem?: string;
}

export const holds = ({ figure, bound }: TimeBound): boolean =>
  "below" in bound ? figure < bound.below : figure > bound.above;

export const boundText = ({ bound }: TimeBound): string =>
  "below" in bound ? `below ${bound.below}` : `above ${bound.above}`;

export function writeVerdict(resultsFile: string, verdict: Verdict): void {
  const plain = (_: string, value: unknown): unknown =>
    value instanceof Map
      ? Object.fromEntries(value)
      : typeof value === "bigint"
        ? value.toString()
        : typeof value === "number" && !Number.isFinite(value)
          ? String(value)
          : value;
  appendFileSync(resultsFile, `${JSON.stringify(verdict, plain)}\n`);
}

/** Throws where a line is no verdict: then nothing in the file can be relied on. */
export function readVerdicts(resultsFile: string): readonly Verdict[] {
  if (!existsSync(resultsFile)) return [];
  const lines = readFileSync(resultsFile, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => {
    const read = JSON.parse(line) as Verdict;
    if (!["passed", "late", "failed"].includes(read.verdict) || !Array.isArray(read.times))
      throw new Error(`This line of results is no verdict: ${line.slice(0, 200)}`);
    return read;
  });
}
