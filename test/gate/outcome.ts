// What a test process came to, from its exit code, its JUnit file and its verdicts. Never from what it printed.

import { normalize, relative } from "node:path";
import { readJunit, type TestCase } from "./junit.ts";
import { boundText, holds, type TimeBound, type Verdict } from "./verdict.ts";

export interface ProcessEnd {
  readonly cwd: string;
  /** As given to bun: "./test/log.test.ts". */
  readonly plannedFiles: readonly string[];
  /** "overdue": the runner ended it. */
  readonly end: { readonly exitCode: number } | { readonly signal: string } | "overdue";
  readonly junit: string | undefined;
  /** Undefined where the results file cannot be read. */
  readonly verdicts: readonly Verdict[] | undefined;
}

export interface Late {
  readonly file: string;
  readonly name: string;
  readonly seed: number;
  readonly times: readonly TimeBound[];
}

export interface Outcome {
  readonly passed: number;
  /** One text for each failure. */
  readonly failures: readonly string[];
  readonly late: readonly Late[];
  /** What each test said about time, by its name. */
  readonly times: ReadonlyMap<string, readonly TimeBound[]>;
}

/** Every test of these files has to write a verdict. */
const allReport = /\.tier\.ts$|^test\/(simulation\/simulation|projections\/histories)\.test\.ts$/;

export function outcomeOf({ cwd, plannedFiles, end, junit, verdicts }: ProcessEnd): Outcome {
  const failures: string[] = [];
  const late: Late[] = [];
  let passed = 0;
  const cases = junit === undefined ? undefined : readJunit(junit);
  const left = new Map<string, Verdict[]>();
  for (const verdict of verdicts ?? []) {
    const key = keyOf(relative(cwd, verdict.file), verdict.name);
    left.set(key, [...(left.get(key) ?? []), verdict]);
  }
  for (const one of cases ?? []) {
    const verdict = left.get(keyOf(one.file, one.name))?.shift();
    const problem = problemOf(one, verdict);
    if (problem !== undefined) failures.push(`${one.file}: ${one.name}: ${problem}`);
    else if (verdict?.verdict === "late")
      late.push({ file: one.file, name: one.name, seed: verdict.seed, times: verdict.times });
    else passed++;
  }
  for (const planned of plannedFiles.map((path) => normalize(path)))
    if (!cases?.some(({ file }) => file === planned))
      failures.push(`${planned}: no test of this file is in the JUnit file`);
  for (const { file, name, ...verdict } of [...left.values()].flat()) {
    const problem = verdict.verdict === "failed" ? problemIn(verdict) : "is not in the JUnit file";
    // Where there is no such file, that has failed already; what was found before that counts all the same.
    if (cases !== undefined || verdict.verdict === "failed")
      failures.push(`${relative(cwd, file)}: ${name}: ${problem}`);
  }
  if (verdicts === undefined) failures.push("the results file cannot be read");
  if (end === "overdue") failures.push(`${plannedFiles.join(" ")}: not over in time, and so ended`);
  else if ("signal" in end) failures.push(`${plannedFiles.join(" ")}: ended by ${end.signal}`);
  else if (end.exitCode !== 0 && failures.length === 0)
    failures.push(`exit code ${end.exitCode}, though no test says that it failed`);
  const times = new Map((verdicts ?? []).map((verdict) => [verdict.name, verdict.times]));
  return { passed, failures, late, times };
}

/** Undefined for a test that passed, or was only late. */
function problemOf(one: TestCase, verdict: Verdict | undefined): string | undefined {
  if (one.state !== "passed") return verdict?.verdict === "failed" ? problemIn(verdict) : one.state;
  if (verdict === undefined) return allReport.test(one.file) ? "wrote no verdict" : undefined;
  if (verdict.verdict === "failed") return problemIn(verdict);
  if (Object.keys(verdict.tried).length === 0) return "its verdict does not say what was tried";
  const isLate = verdict.times.some((time) => !holds(time));
  return isLate === (verdict.verdict === "late") ? undefined : "its verdict contradicts its figures";
}

/** In one line. */
const problemIn = ({ problem = "failed", found, seed }: Omit<Verdict, "file" | "name">): string =>
  `${problem.split("\n").slice(0, 3).join(" ")}; seed ${seed}, found ${JSON.stringify(found).slice(0, 1_000)}`;

const keyOf = (file: string, name: string): string => JSON.stringify([file, name]);

/** "ready after the kill 2413, then 1200 (below 2000)". */
export function flakyText(first: Late, times: readonly TimeBound[]): string {
  const texts = first.times
    .filter((time) => !holds(time))
    .map((time) => {
      const again = times.find(({ name }) => name === time.name)?.figure;
      return `${time.name} ${rounded(time.figure)}, then ${rounded(again)} (${boundText(time)})`;
    });
  return `${first.name}: ${texts.join(", ")}, seed ${first.seed}`;
}

const rounded = (figure: number | undefined): string =>
  typeof figure === "number" ? String(Math.round(figure * 10) / 10) : String(figure);
