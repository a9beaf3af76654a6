// Runs a program under strace, which makes a chosen system call fail, die or stay as it is, and reads what strace wrote
// down. Knows nothing of what the program is for.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** What becomes of the calls named: `when` as strace writes it, counted for each thread by itself. */
export interface Injection {
  readonly calls: string;
  /** `signal=KILL`, `error=EIO`, `delay_enter=1000`. */
  readonly what: string;
  /** `7`: the seventh; `7+`: from the seventh on; `7..9`. Absent: every one. */
  readonly when?: string;
}

export interface Traced {
  /** strace itself: it ends as the program does, by the same signal. */
  readonly child: ChildProcess;
  readonly traceFile: string;
  /** The exit code, or the name of the signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly printed: () => string;
  /** The program's own process id, once it runs. */
  readonly pid: () => number;
  /** Sends the program a signal, strace none, and waits for the end. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals>;
}

/** Throws one clear line where this machine has no strace. */
export function needStrace(): void {
  const { error, status } = spawnSync("strace", ["-V"], { stdio: "ignore" });
  if (error !== undefined || status !== 0)
    throw new Error("The fault tier needs strace 6 (Debian: apt-get install strace).");
}

export function startTraced(options: {
  readonly command: readonly string[];
  readonly traceFile: string;
  /** Names of calls, by commas: what is written down. */
  readonly calls: string;
  readonly inject?: readonly Injection[];
  /** Only calls on these files are written down and made to fail. */
  readonly paths?: readonly string[];
  /** Whether what is not written down runs at full speed; strace cannot inject signals then. */
  readonly fast?: true;
  readonly stringBytes?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}): Traced {
  const inject = options.inject ?? [];
  const child = spawn(
    "strace",
    [
      "-f",
      "-qq",
      "-y",
      "-ttt",
      ...(options.fast ? ["--seccomp-bpf"] : []),
      "-s",
      String(options.stringBytes ?? 16),
      "-o",
      options.traceFile,
      ...(options.paths ?? []).flatMap((path) => ["-P", path]),
      "-e",
      `trace=${options.calls}`,
      ...inject.flatMap(({ calls, what, when }) => [
        "-e",
        `inject=${calls}:${what}${when === undefined ? "" : `:when=${when}`}`,
      ]),
      "--",
      ...options.command,
    ],
    {
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    },
  );
  let printed = "";
  const keep = (chunk: Buffer): void => {
    printed = (printed + chunk.toString()).slice(-100_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  child.stdin.on("error", () => {});
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? signal ?? -1));
  });
  const pid = (): number => {
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
    const first = Number(children.trim().split(" ")[0]);
    if (!(first > 0)) throw new Error("strace has not started the program yet");
    return first;
  };
  return {
    child,
    traceFile: options.traceFile,
    ended,
    printed: () => printed,
    pid,
    end: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) {
        try {
          process.kill(pid(), signal);
        } catch {
          // It ended by itself in this moment.
        }
      }
      return ended;
    },
  };
}

/** One call as strace saw it. Lines stand in the order of what happened; a call counts as over at its last line. */
export interface Call {
  readonly thread: number;
  readonly name: string;
  /** What stood between the parentheses. */
  readonly args: string;
  /** `?`: it never returned. */
  readonly result: string;
  /** The line numbers of its beginning and end. */
  readonly from: number;
  readonly to: number;
}

const whole = /^(\d+) +[\d.]+ (\w+)\((.*)\) += (\?|-?\w+.*)$/;
const begun = /^(\d+) +[\d.]+ (\w+)\((.*) <unfinished \.\.\.>$/;
const resumed = /^(\d+) +[\d.]+ <\.\.\. (\w+) resumed>(.*)\) += (\?|-?\w+.*)$/;

export function readTrace(text: string): readonly Call[] {
  const calls: Call[] = [];
  const open = new Map<string, { readonly args: string; readonly from: number }>();
  for (const [number, line] of text.split("\n").entries()) {
    const one = whole.exec(line);
    if (one !== null) {
      calls.push(call(one, one[3] ?? "", { from: number, to: number }));
      continue;
    }
    const start = begun.exec(line);
    if (start !== null) {
      open.set(`${start[1]} ${start[2]}`, { args: start[3] ?? "", from: number });
      continue;
    }
    const end = resumed.exec(line);
    if (end === null) continue;
    const began = open.get(`${end[1]} ${end[2]}`);
    open.delete(`${end[1]} ${end[2]}`);
    calls.push(call(end, `${began?.args ?? ""}${end[3]}`, { from: began?.from ?? number, to: number }));
  }
  return calls;
}

const call = (found: RegExpExecArray, args: string, lines: { from: number; to: number }): Call => ({
  thread: Number(found[1]),
  name: found[2] ?? "",
  args,
  result: found.at(-1) ?? "?",
  ...lines,
});

/** The file that a call's first argument is open on, or names; undefined where it is none. */
export const fileOf = ({ args }: Pick<Call, "args">): string | undefined =>
  /^(?:AT_FDCWD<[^>]*>, )?"([^"]+)"/.exec(args)?.[1] ?? /^\d+<(\/[^>]*)>/.exec(args)?.[1];

/** Where a killed program stood: the last call that never returned; undefined where every one returned. */
export const lastCallOf = (text: string): Call | undefined =>
  readTrace(text)
    .filter(({ result }) => result.startsWith("?"))
    .at(-1);
