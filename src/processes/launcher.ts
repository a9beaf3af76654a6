// Notices that the npx that started the service is gone. npm passes SIGTERM on to a shell that keeps it to itself, so
// the service would stay behind when npx is told to end.

import { commandLineOf, isTaken, parentOf } from "./process-identity.ts";

const furthestAncestor = 5;
const lookEveryMs = 250;

/** Calls `gone` once when the npx among this process's ancestors ends. Without one it watches nothing. */
export function watchLauncher(gone: () => void): () => void {
  const launcher = findLauncher();
  if (launcher === undefined) return () => {};
  const timer = setInterval(() => {
    if (isTaken(launcher)) return;
    clearInterval(timer);
    gone();
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

function findLauncher(): number | undefined {
  let pid = parentOf(process.pid);
  for (let step = 0; step < furthestAncestor && pid !== undefined && pid > 1; step++) {
    if (/^npm exec |[/ ](npx|npx-cli\.js)( |$)/.test(commandLineOf(pid))) return pid;
    pid = parentOf(pid);
  }
  return undefined;
}
