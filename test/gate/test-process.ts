// One process of `bun test`, alone in its process group: bounded in time, and with nothing left behind at its end.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Outcome, outcomeOf, type ProcessEnd } from "./outcome.ts";
import { readVerdicts, type Verdict } from "./verdict.ts";

export interface TestProcess {
  /** As given to bun: "./test/log.test.ts". */
  readonly files: readonly string[];
  readonly cwd: string;
  readonly seed: number;
  readonly boundSeconds: number;
  /** "at once", or "at the end" where another process prints beside it. */
  readonly print: "at once" | "at the end";
}

const running = new Set<ChildProcess>();

/** Runs the files to their end, and says what they came to. */
export async function runTests(options: TestProcess): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), "ledger-test-run-"));
  const [junitFile, resultsFile] = [join(directory, "junit.xml"), join(directory, "results.ndjson")];
  const startedAt = performance.now();
  try {
    const end = await endOf(options, { junitFile, resultsFile });
    console.log(`${nameOf(options.files)}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
    return outcomeOf({
      cwd: options.cwd,
      plannedFiles: options.files,
      end,
      junit: existsSync(junitFile) ? readFileSync(junitFile, "utf8") : undefined,
      verdicts: verdictsIn(resultsFile),
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** For a runner that is interrupted: ends every test process that still runs, with its group. */
export function endAllTests(): void {
  for (const child of running) killGroup(child);
}

const nameOf = (files: readonly string[]): string =>
  files.length === 1 ? (files[0] ?? "") : `${files.length} files`;

function endOf(
  { files, cwd, seed, boundSeconds, print }: TestProcess,
  { junitFile, resultsFile }: { readonly junitFile: string; readonly resultsFile: string },
): Promise<ProcessEnd["end"]> {
  return new Promise((resolve) => {
    const reporter = ["--reporter=junit", `--reporter-outfile=${junitFile}`];
    const child = spawn(process.execPath, ["test", ...reporter, ...files], {
      cwd,
      env: { ...process.env, TEST_RESULTS: resultsFile, TEST_SEED: String(seed) },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    running.add(child);
    let isOverdue = false;
    const printed: Buffer[] = [];
    const pass = (to: NodeJS.WriteStream) => (chunk: Buffer) =>
      print === "at once" ? to.write(chunk) : printed.push(chunk);
    child.stdout.on("data", pass(process.stdout));
    child.stderr.on("data", pass(process.stderr));
    const bound = setTimeout(() => {
      isOverdue = true;
      killGroup(child);
    }, boundSeconds * 1000);
    // What a test left in the group ends with it; otherwise it could keep the output open for ever.
    child.once("exit", () => killGroup(child));
    child.once("error", (error) => {
      process.stderr.write(`Cannot run the tests: ${error.message}\n`);
      finish({ signal: "an error at its start" });
    });
    child.once("close", (code, signal) =>
      finish(isOverdue ? "overdue" : signal === null ? { exitCode: code ?? 1 } : { signal }),
    );
    const finish = (end: ProcessEnd["end"]): void => {
      clearTimeout(bound);
      running.delete(child);
      for (const chunk of printed.splice(0)) process.stdout.write(chunk);
      resolve(end);
    };
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has ended.
  }
}

function verdictsIn(resultsFile: string): readonly Verdict[] | undefined {
  try {
    return readVerdicts(resultsFile);
  } catch {
    return undefined;
  }
}
