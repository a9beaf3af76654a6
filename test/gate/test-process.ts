// One process of `bun test`, alone in its process group: bounded in time, and with nothing left behind at its end.

import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
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
  /** Gets the verdicts too, for whoever wants to read them later. */
  readonly keptResults?: string | undefined;
}

const running = new Set<ChildProcess>();
let isInterrupted = false;
/** For services that a test left behind, to end their servers. */
const endsWithinMs = 10_000;

/** Runs the files to their end, and says what they came to. */
export async function runTests(options: TestProcess): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), "ledger-test-run-"));
  const [junitFile, resultsFile] = [join(directory, "junit.xml"), join(directory, "results.ndjson")];
  const startedAt = performance.now();
  try {
    const end = await endOf(options, { junitFile, resultsFile });
    if (options.keptResults !== undefined && existsSync(resultsFile))
      appendFileSync(options.keptResults, readFileSync(resultsFile));
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

/** For a runner that is interrupted: ends every test process that still runs, with its group, and starts no more. */
export async function endAllTests(): Promise<void> {
  isInterrupted = true;
  await Promise.all([...running].map(endGroup));
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
      void endGroup(child);
    }, boundSeconds * 1000);
    // What a test left in the group ends with it; otherwise it could keep the output open for ever.
    child.once("exit", () => void endGroup(child));
    child.once("error", (error) => {
      process.stderr.write(`Cannot run the tests: ${error.message}\n`);
      finish({ signal: "an error at its start" });
    });
    child.once("close", (code, signal) =>
      finish(isOverdue ? "overdue" : signal === null ? { exitCode: code ?? 1 } : { signal }),
    );
    const finish = async (end: ProcessEnd["end"]): Promise<void> => {
      clearTimeout(bound);
      await endGroup(child);
      if (isInterrupted) return;
      running.delete(child);
      for (const chunk of printed.splice(0)) process.stdout.write(chunk);
      resolve(end);
    };
  });
}

/** Resolves once no process is left in the group: what does not end by itself is killed. */
async function endGroup({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return;
  const until = performance.now() + endsWithinMs;
  let isThere = signalGroup(pid, "SIGTERM");
  while (isThere && performance.now() < until) {
    await pause(20);
    isThere = signalGroup(pid, 0);
  }
  if (isThere) signalGroup(pid, "SIGKILL");
}

function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    // The group has ended.
    return false;
  }
}

function verdictsIn(resultsFile: string): readonly Verdict[] | undefined {
  try {
    return readVerdicts(resultsFile);
  } catch {
    return undefined;
  }
}
