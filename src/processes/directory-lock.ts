// At most one service on one data directory. Knows nothing of what the directory holds beside the lock.

import { chmodSync, closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export type Locking =
  | { readonly tag: "locked"; readonly release: () => void }
  /** `holder` is the other's process id, where it could be read. */
  | { readonly tag: "held"; readonly holder: number | undefined };

/**
 * Takes the lock for as long as this process lives or until it is released. Node has no call for a file lock, SQLite
 * has: the kernel holds it for the process, so kill -9 frees it, a reused process id cannot hold it, and it works
 * between containers that share a volume. Throws where the directory cannot be written.
 */
export function lockDirectory(directory: string): Locking {
  const holderFile = join(directory, "service.pid");
  const lockFile = join(directory, "service.lock");
  // Whoever may open it may hold it, and so keep the service from starting. SQLite would let everybody read it.
  closeSync(openSync(lockFile, "a", 0o600));
  chmodSync(lockFile, 0o600);
  const database = new DatabaseSync(lockFile);
  try {
    database.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && /locked|busy/i.test(error.message)) {
      return { tag: "held", holder: readHolder(holderFile) };
    }
    throw error;
  }
  writeFileSync(holderFile, `${process.pid}\n`, { mode: 0o644 });
  return { tag: "locked", release: () => database.close() };
}

function readHolder(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
