// The processes that live on a data directory: the service, its event store and its Postgres. Knows only what they keep
// there.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { identify, processesWorkingIn } from "../src/processes/process-identity.ts";

export const eventStorePid = (dataDir: string): number | undefined =>
  numberIn(join(dataDir, "eventstore/process.json"), /"pid":(\d+)/);
export const postgresPid = (dataDir: string): number | undefined =>
  numberIn(join(dataDir, "postgres/data/postmaster.pid"), /^(\d+)/);

/** The processes of the embedded event store and Postgres that live on this data directory. */
export function childrenOn(dataDir: string): readonly number[] {
  const backends = processesWorkingIn(join(dataDir, "postgres/data")).map((one) => one.pid);
  return [eventStorePid(dataDir), postgresPid(dataDir), ...backends].filter(
    (pid): pid is number => pid !== undefined && identify(pid) !== undefined,
  );
}

/** Kills what a failed test left running there. */
export function killLeftOn(dataDir: string): void {
  const service = numberIn(join(dataDir, "service.pid"), /^(\d+)/);
  const isService = service !== undefined && startedOn(service, dataDir);
  for (const pid of [...(isService ? [service] : []), ...childrenOn(dataDir)]) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

// The number may be another process's by now. Where the system does not tell, it counts as one.
function startedOn(pid: number, dataDir: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`DATA_DIR=${dataDir}`);
  } catch {
    return false;
  }
}

function numberIn(file: string, pattern: RegExp): number | undefined {
  try {
    const found = pattern.exec(readFileSync(file, "utf8"))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}
