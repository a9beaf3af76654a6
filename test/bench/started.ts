// What a measurement has started, so that an interrupted one leaves no process and no directory behind.

import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { temporaryDataDir } from "../running-service.ts";
import { childrenOn, killLeftOn } from "../service-processes.ts";

const children = new Set<ChildProcess>();
const directories: string[] = [];
const endWithinMs = 10_000;

/** A data directory that goes with an interrupted measurement, and what lives on it with it. */
export const benchDirectory = (): Promise<string> =>
  // Noted as it is made: a signal may come before it is ready.
  temporaryDataDir(undefined, (directory) => directories.push(directory));

/** Notes a process that an interrupted measurement has to end. */
export function started<Child extends ChildProcess>(child: Child): Child {
  children.add(child);
  return child;
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)
  process.once(signal, () => {
    endAll();
    process.exit(code);
  });

/** In one go: meanwhile the measurement neither goes on nor starts anything more. */
function endAll(): void {
  for (const child of children) child.kill("SIGKILL");
  const until = performance.now() + endWithinMs;
  do {
    for (const directory of directories) killLeftOn(directory);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  } while (directories.some((directory) => childrenOn(directory).length > 0) && performance.now() < until);
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
