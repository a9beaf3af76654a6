// Runs every test, or with `faults` the tier of long ones, and says how it went: bun's own output as it comes, and as the
// very last line `N passed, N failed`. A test process that ends without saying how many of its tests failed counts as
// one failure.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** What one run of `bun test` came to, read from what it printed and how it ended. */
export function readTally(output: string, exitCode: number | null): Tally {
  const count = (pattern: RegExp): number => {
    let total = 0;
    for (const found of output.matchAll(pattern)) total += Number(found[1]);
    return total;
  };
  const passed = count(/^ *(\d+) pass$/gm);
  const failed = count(/^ *(\d+) fail$/gm) + count(/^ *(\d+) errors?$/gm);
  const finished = /^Ran \d+ tests? across \d+ files?/m.test(output);
  const wentWrong = exitCode !== 0 || !finished;
  return { passed, failed: wentWrong && failed === 0 ? 1 : failed };
}

/**
 * The runs, each a process of its own, so that a crash in one hides nothing of the others: the folders of test/ share
 * one Postgres, and the flows that start whole services come last and alone.
 */
function plan(): readonly (readonly string[])[] {
  const last = "end-to-end";
  const entries = readdirSync(join(root, "test"), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const files = entries.filter((entry) => entry.name.endsWith(".test.ts")).map((entry) => entry.name);
  const first = [
    ...files,
    ...folders.filter((name) => name !== last && hasTests(name)).map((name) => `${name}/`),
  ];
  return [first, folders.includes(last) && hasTests(last) ? [`${last}/`] : []]
    .map((names) => names.map((name) => `./test/${name}`))
    .filter((names) => names.length > 0);
}

/** Each a process of its own, one after the other: they measure, kill and fill disks. Real senders have a tier of theirs. */
const faultPlan = (): readonly (readonly string[])[] =>
  readdirSync(join(root, "test"), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".tier.ts") && !name.startsWith("senders"))
    .sort()
    .map((name) => [`./test/${name}`]);

const hasTests = (folder: string): boolean =>
  readdirSync(join(root, "test", folder), { recursive: true }).some((name) =>
    String(name).endsWith(".test.ts"),
  );

function run(paths: readonly string[]): Promise<Tally> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["test", ...paths], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const pass = (to: NodeJS.WriteStream) => (chunk: Buffer) => {
      output += chunk.toString();
      to.write(chunk);
    };
    child.stdout.on("data", pass(process.stdout));
    child.stderr.on("data", pass(process.stderr));
    child.once("error", (error) => {
      process.stderr.write(`Cannot run the tests: ${error.message}\n`);
      resolve({ passed: 0, failed: 1 });
    });
    child.once("close", (code, signal) => {
      if (signal !== null) process.stderr.write(`The test process was ended by ${signal}.\n`);
      resolve(readTally(output, code));
    });
  });
}

if (import.meta.main) {
  let passed = 0;
  let failed = 0;
  for (const paths of process.argv[2] === "faults" ? faultPlan() : plan()) {
    const startedAt = Date.now();
    const tally = await run(paths);
    console.log(`${paths.join(" ")}: ${Math.round((Date.now() - startedAt) / 1000)} s`);
    passed += tally.passed;
    failed += tally.failed;
  }
  if (passed === 0 && failed === 0) failed = 1;
  await new Promise((resolve) => process.stderr.write("", resolve));
  process.stdout.write(`${passed} passed, ${failed} failed\n`, () => process.exit(failed === 0 ? 0 : 1));
}
