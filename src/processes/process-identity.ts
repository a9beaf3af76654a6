// Which process is meant: its id and when it began, so that a reused id is never taken for the process it once was.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { platform } from "node:os";
import { setTimeout as pause } from "node:timers/promises";

export interface ProcessIdentity {
  readonly pid: number;
  /** Compared, never read: the kernel's own mark of when the process began. */
  readonly began: string;
}

/** undefined where no such process lives. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const began = platform() === "linux" ? beganOnLinux(pid) : beganElsewhere(pid);
  return began === undefined ? undefined : { pid, began };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.began === identity.began;
}

/** Whether the id belongs to anything, be it a process that has ended and was not collected by its parent yet. */
export function isTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Cheap enough to be asked often; where the system has no /proc, an ended process counts until it is collected. */
export const runs = (pid: number): boolean =>
  platform() === "linux" ? identify(pid) !== undefined : isTaken(pid);

/**
 * Sends each signal in turn until the process is gone, waiting `eachMs` after each.
 * Answers whether it is gone.
 */
export async function endProcess(
  identity: ProcessIdentity,
  signals: readonly NodeJS.Signals[],
  eachMs: number,
): Promise<boolean> {
  for (const signal of signals) {
    if (!isAlive(identity)) return true;
    try {
      process.kill(identity.pid, signal);
    } catch {
      // Gone in between, or not ours to end: the look below tells which.
    }
    const until = Date.now() + eachMs;
    while (Date.now() < until) {
      if (!isAlive(identity)) return true;
      await pause(20);
    }
  }
  return !isAlive(identity);
}

/** Linux only (empty elsewhere): the processes whose working directory is this one. Postgres works in its data directory. */
export function processesWorkingIn(directory: string): readonly ProcessIdentity[] {
  if (platform() !== "linux") return [];
  const found: ProcessIdentity[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (readlinkSync(`/proc/${name}/cwd`) !== directory) continue;
    } catch {
      continue; // gone, or another user's
    }
    const identity = identify(Number(name));
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

/** The command line as the system shows it; empty where it cannot be read. */
export function commandLineOf(pid: number): string {
  try {
    if (platform() === "linux")
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return processStatus(pid, "command=");
  } catch {
    return "";
  }
}

/** undefined for the first process, and where it cannot be read. */
export function parentOf(pid: number): number | undefined {
  try {
    const parent = Number(platform() === "linux" ? statusFields(pid)[1] : processStatus(pid, "ppid="));
    return parent > 0 ? parent : undefined;
  } catch {
    return undefined;
  }
}

function beganOnLinux(pid: number): string | undefined {
  try {
    const fields = statusFields(pid);
    // A process that has ended but was not yet collected by its parent holds nothing any more.
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    // Ticks since boot: unique for a process id only together with the boot it counts from.
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

// proc(5): the second field is the command in brackets and may hold anything, so fields are counted from the last bracket.
function statusFields(pid: number): readonly string[] {
  const status = readFileSync(`/proc/${pid}/stat`, "utf8");
  return status.slice(status.lastIndexOf(")") + 2).split(" ");
}

function beganElsewhere(pid: number): string | undefined {
  try {
    const [state = "", ...began] = processStatus(pid, "stat=,lstart=").split(/\s+/);
    return began.length === 0 || state.startsWith("Z") ? undefined : began.join(" ");
  } catch {
    return undefined;
  }
}

const processStatus = (pid: number, columns: string): string =>
  execFileSync("ps", ["-o", columns, "-p", String(pid)], { encoding: "utf8", timeout: 5_000 }).trim();
