// Writes small files for their owner only, so that whatever happens the file is the old one or the new one, whole.
// Knows nothing of what is in them.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { flushDirectory } from "./durable-directory.ts";

/** On the disk for good once it returns, its name too. Throws where it cannot be written. */
export function replaceFile(file: string, text: string): void {
  const unfinished = `${file}.new`;
  // One that a crash left behind may have other rights.
  rmSync(unfinished, { force: true });
  const handle = openSync(unfinished, "wx", 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(unfinished, file);
  flushDirectory(dirname(file));
}
