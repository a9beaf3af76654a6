// Runs every test, or with `faults` the tier of long ones, and says how it went: bun's own output as it comes, and as the
// very last line `N passed, N failed`. A test process that ends without saying how many of its tests failed counts as
// one failure.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";

const root = join(import.meta.dirname, "..");

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** A loss is a loss: what found one is not asked again. */
export const foundLoss = (output: string): boolean => /\b(?:lost|twice) [1-9]/.test(output);

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

/** These measure, and have the machine for themselves. */
const measuring = /\/(deep|health|huge|overload|slow|soak|timing)\.tier\.ts$/;

/** Each a process of its own: first those that measure, then the others, which mostly wait, two at a time. */
function faultPlan(): { readonly alone: readonly string[]; readonly inLanes: readonly string[] } {
  const tiers = readdirSync(join(root, "test"), { recursive: true })
    .map((name) => `./test/${name}`)
    .filter((name) => name.endsWith(".tier.ts") && !name.startsWith("./test/senders"))
    .sort();
  // The longest begin first, so that the lanes end together.
  const longest = ["syscalls.tier.ts", "killed-servers.tier.ts", "killed-service.tier.ts", "away.tier.ts"];
  const rank = (name: string): number => {
    const at = longest.indexOf(basename(name));
    return at < 0 ? longest.length : at;
  };
  return {
    alone: tiers.filter((name) => measuring.test(name)),
    inLanes: tiers.filter((name) => !measuring.test(name)).sort((one, other) => rank(one) - rank(other)),
  };
}

const hasTests = (folder: string): boolean =>
  readdirSync(join(root, "test", folder), { recursive: true }).some((name) =>
    String(name).endsWith(".test.ts"),
  );

/** `print`: as it comes, or at the end where another run prints beside it. */
function run(
  paths: readonly string[],
  print: "at once" | "at the end" = "at once",
): Promise<Tally & { readonly output: string }> {
  const startedAt = Date.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["test", ...paths], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const pass = (to: NodeJS.WriteStream) => (chunk: Buffer) => {
      output += chunk.toString();
      if (print === "at once") to.write(chunk);
    };
    child.stdout.on("data", pass(process.stdout));
    child.stderr.on("data", pass(process.stderr));
    child.once("error", (error) => {
      process.stderr.write(`Cannot run the tests: ${error.message}\n`);
      resolve({ passed: 0, failed: 1, output });
    });
    child.once("close", (code, signal) => {
      if (print === "at the end") process.stdout.write(output);
      console.log(`${paths.join(" ")}: ${Math.round((Date.now() - startedAt) / 1000)} s`);
      if (signal !== null) process.stderr.write(`The test process was ended by ${signal}.\n`);
      resolve({ ...readTally(output, code), output });
    });
  });
}

if (import.meta.main) {
  let passed = 0;
  let failed = 0;
  const count = (tally: Tally): void => {
    passed += tally.passed;
    failed += tally.failed;
  };
  if (process.argv[2] === "faults") {
    const { alone, inLanes } = faultPlan();
    for (const path of alone) count(await run([path]));
    const left = inLanes.values();
    const again: string[] = [];
    const lane = async (): Promise<void> => {
      for (const path of left) {
        const tally = await run([path], "at the end");
        if (tally.failed > 0 && !foundLoss(tally.output)) again.push(path);
        else count(tally);
      }
    };
    await Promise.all([lane(), lane()]);
    // It may have been the neighbour's load that was too much for a bound of time: alone it has to hold.
    for (const path of again) {
      console.log(`${path} failed beside another; once more, alone:`);
      count(await run([path]));
    }
  } else {
    for (const paths of plan()) count(await run(paths));
  }
  if (passed === 0 && failed === 0) failed = 1;
  await new Promise((resolve) => process.stderr.write("", resolve));
  process.stdout.write(`${passed} passed, ${failed} failed\n`, () => process.exit(failed === 0 ? 0 : 1));
}
