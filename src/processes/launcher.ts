// Notices that what started the service (npx, say) is gone. npm passes SIGTERM on to a shell that keeps it to itself, so
// the service would stay behind when npx is told to end.

import { commandLineOf, parentOf, runs } from "./process-identity.ts";

/** npx under its several names, and the script by which npm's deno package starts Deno: neither passes signals on. */
const launchers = /^npm exec |[/ ](npx|npx-cli\.js)( |$)|^\S*node \S*\/(\.bin\/deno|deno\/bin\.cjs) /;
const furthestAncestor = 5;
const lookEveryMs = 250;

/** Calls `gone` once when the launcher among this process's ancestors ends. Without one it watches nothing. */
export function watchLauncher(gone: () => void): () => void {
  const launcher = findLauncher();
  if (launcher === undefined) return () => {};
  const timer = setInterval(() => {
    if (runs(launcher)) return;
    clearInterval(timer);
    gone();
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

function findLauncher(): number | undefined {
  let pid = parentOf(process.pid);
  for (let step = 0; step < furthestAncestor && pid !== undefined && pid > 1; step++) {
    if (launchers.test(commandLineOf(pid))) return pid;
    pid = parentOf(pid);
  }
  return undefined;
}
