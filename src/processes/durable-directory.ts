// Makes directories whose names survive a power cut: what is flushed into a file is lost with the file's directory.
// Knows nothing of what they are for.

import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Makes it and what is missing above it; answers the uppermost that was made, undefined where all was there. */
export function makeDirectory(path: string, mode: number): string | undefined {
  const first = mkdirSync(path, { recursive: true, mode });
  if (first === undefined) return undefined;
  const top = dirname(resolve(first));
  for (let at = dirname(resolve(path)); ; at = dirname(at)) {
    flushDirectory(at);
    if (at === top || at === dirname(at)) return first;
  }
}

/** What was made, renamed or removed in it is on the disk once it returns. */
export function flushDirectory(directory: string): void {
  // Windows can neither open nor flush a directory; its names are kept by the file system's own journal.
  if (process.platform === "win32") return;
  let handle: number | undefined;
  try {
    handle = openSync(directory, "r");
    fsyncSync(handle);
  } catch (error) {
    // One may add names to a directory that one may not read, and then not flush it either.
    if ((error as { code?: unknown }).code !== "EACCES") throw error;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
