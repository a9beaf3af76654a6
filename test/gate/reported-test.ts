// Tests that report their verdict as data: what was tried with which seed, what was found, the figures, and whether only
// an assertion about time failed. Each writes one line to the results file that the runner reads.

import { test as bunTest, expect } from "bun:test";
import { type Random, randomFrom } from "../faults/seed.ts";
import { noMisfits } from "../http/misfits.ts";
import { resultsFile, seed } from "./run-settings.ts";
import { boundText, type Facts, holds, type TimeBound, type Verdict, writeVerdict } from "./verdict.ts";

export interface Report {
  /** How much was tried: kills, webhooks, histories. */
  readonly tried: (facts: Facts) => void;
  /** What the checkers said. Judges nothing: the test asserts what has to hold. */
  readonly found: (facts: object) => void;
  /** What was measured and is not judged. */
  readonly figures: (facts: Facts) => void;
  /** An assertion about time. It is judged at the end of the test, after all others, and may be repeated once. */
  readonly timeBound: (name: string, figure: number, bound: TimeBound["bound"]) => void;
}

type Body = (report: Report) => void | Promise<void>;

export interface ReportedTest {
  (name: string, body: Body, timeoutMs?: number): void;
  readonly concurrent: (name: string, body: Body, timeoutMs?: number) => void;
}

export interface ReportedTests {
  readonly random: Random;
  /** In the place of bun's. */
  readonly test: ReportedTest;
}

/** For the test file at this path (`import.meta.path`), whose choices are all drawn from `random`. */
export function reportedTests(file: string): ReportedTests {
  const alone = (name: string, body: Body, timeoutMs?: number): void =>
    bunTest(
      name,
      () => {
        expect.hasAssertions();
        return run({ file, name }, body);
      },
      timeoutMs,
    );
  const concurrent = (name: string, body: Body, timeoutMs?: number): void =>
    bunTest.concurrent(name, () => run({ file, name }, body), timeoutMs);
  return { random: randomFrom(seed), test: Object.assign(alone, { concurrent }) };
}

async function run(one: Pick<Verdict, "file" | "name">, body: Body): Promise<void> {
  const facts: Record<"tried" | "found" | "figures", Facts> = { tried: {}, found: {}, figures: {} };
  const times: TimeBound[] = [];
  const add = (kind: keyof typeof facts) => (more: object) => {
    facts[kind] = { ...facts[kind], ...more };
  };
  const conclude = (verdict: Verdict["verdict"], problem?: string): void => {
    const line = { ...one, seed, ...facts, times, verdict, ...(problem === undefined ? {} : { problem }) };
    if (resultsFile !== undefined) writeVerdict(resultsFile, line);
  };
  try {
    await body({
      tried: add("tried"),
      found: add("found"),
      figures: add("figures"),
      timeBound: (name, figure, bound) => {
        expect({ name, isMeasured: Number.isFinite(figure) }).toEqual({ name, isMeasured: true });
        times.push({ name, figure, bound });
      },
    });
    noMisfits();
  } catch (error) {
    conclude("failed", String(error));
    throw error;
  }
  const late = times.filter((time) => !holds(time));
  conclude(late.length === 0 ? "passed" : "late");
  // The runner reads the verdict, and lets the exit code speak of all other failures. Without one, the test itself fails.
  if (late.length === 0) return;
  const text = late.map((time) => `${time.name}: ${time.figure}, not ${boundText(time)}`).join("; ");
  if (resultsFile === undefined) throw new Error(`Late: ${text} (TEST_SEED=${seed})`);
  console.log(`  late: ${text}`);
}
