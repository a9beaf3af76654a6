// Runs tests and says how it went: their own output as it comes, and as the very last line `N passed, N failed`. The
// verdict comes from exit codes, JUnit files and results files (test/gate), never from what a test printed.
//
//   bun test/run.ts [tests | faults | senders | FILE...] [--seed N] [--bound SECONDS] [--results FILE]
//
// `--bound` is the longest that one test process may take; `--results` keeps the verdicts, a line of JSON each.
// No failing test is run again until it passes. Only an assertion about time is repeated: once, alone, with the same
// seed; where it holds then, the test has passed and is named as flaky. Exit code 0 only where nothing failed.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { flakyText, type Late, type Outcome } from "./gate/outcome.ts";
import { type Plan, planOf } from "./gate/plan.ts";
import { seed as drawnSeed } from "./gate/run-settings.ts";
import { endAllTests, runTests, type TestProcess } from "./gate/test-process.ts";

const root = join(import.meta.dirname, "..");
/** Longer than any test process takes on a slow machine with 200 kills of each kind. */
const longestSeconds = 50 * 60;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string" }, bound: { type: "string" }, results: { type: "string" } },
});
const seed = numberOf(values.seed, drawnSeed);
/** What every test process is given. */
const shared = {
  cwd: root,
  seed,
  boundSeconds: numberOf(values.bound, longestSeconds),
  keptResults: values.results,
};

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, () => {
    endAllTests().finally(() => process.exit(code));
  });
}

const startedAt = performance.now();
console.log(`seed ${seed} (TEST_SEED=${seed} replays it)`);
const { passed, failures, flaky } = await runPlan(planned(positionals));
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
console.log(`flaky: ${flaky.length}${flaky.length === 0 ? "" : ` (${flaky.join("; ")})`}`);
// What the tests printed as errors comes first.
await new Promise((resolve) => process.stderr.write("", resolve));
process.stdout.write(`${passed} passed, ${failures.length} failed\n`, () =>
  process.exit(failures.length === 0 ? 0 : 1),
);

interface Tally {
  readonly passed: number;
  readonly failures: readonly string[];
  readonly flaky: readonly string[];
}

async function runPlan({ alone, inLanes }: Plan): Promise<Tally> {
  const outcomes: Outcome[] = [];
  const run = async (files: readonly string[], print: TestProcess["print"]): Promise<void> =>
    void outcomes.push(await runTests({ ...shared, files, print }));
  for (const files of alone) await run(files, "at once");
  const left = inLanes.values();
  const lane = async (): Promise<void> => {
    for (const files of left) await run(files, "at the end");
  };
  await Promise.all([lane(), lane()]);

  const late = outcomes.flatMap((outcome) => outcome.late);
  const again: Tally[] = [];
  for (const [file, some] of Map.groupBy(late, (one) => one.file)) again.push(await repeated(file, some));
  const tallies = [...outcomes.map((outcome) => ({ ...outcome, flaky: [] })), ...again];
  return {
    passed: tallies.reduce((sum, { passed }) => sum + passed, 0),
    failures: [
      ...tallies.flatMap(({ failures }) => failures),
      ...(outcomes.length === 0 ? ["there is nothing to run"] : []),
    ],
    flaky: tallies.flatMap(({ flaky }) => flaky),
  };
}

/** The file of tests that were late, once more, alone and with the same seed. Counts only what was late before. */
async function repeated(file: string, late: readonly Late[]): Promise<Tally> {
  console.log(`${file} was late; once more, alone:`);
  const again = await runTests({ ...shared, files: [`./${file}`], print: "at once" });
  const flaky: string[] = [];
  const failures = [...again.failures];
  for (const first of late) {
    const text = flakyText(first, again.times.get(first.name) ?? []);
    const isLateAgain = again.late.some(({ name }) => name === first.name);
    if (isLateAgain) failures.push(`${file}: late again: ${text}`);
    else if (again.failures.length > 0) failures.push(`${file}: late, and its repetition failed: ${text}`);
    else flaky.push(text);
  }
  return { passed: flaky.length, failures, flaky };
}

function planned([suite = "tests", ...more]: readonly string[]): Plan {
  if (suite === "tests" || suite === "faults" || suite === "senders") return planOf(suite, root);
  return { alone: [suite, ...more].map((path) => [path]), inLanes: [] };
}

function numberOf(text: string | undefined, otherwise: number): number {
  if (text === undefined || text === "") return otherwise;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0)
    throw new Error(`Cannot read "${text}": a whole number is needed`);
  return number;
}
