// Where a running embedded event store is found by other tools: a file beside its log, for its owner only, that holds its
// address, password and all. Knows nothing of how it is reached.

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identify, isAlive } from "./process-identity.ts";

interface Kept {
  readonly address: string;
  readonly process: { readonly pid: number; readonly began: string };
}

const fileIn = (directory: string): string => join(directory, "address");

/** For as long as this process lives. `directory` is that of the log. */
export function keepAddress(directory: string, address: string): void {
  const file = fileIn(directory);
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, `${JSON.stringify({ address, process: identify(process.pid) })}\n`, {
    mode: 0o600,
  });
  renameSync(`${file}.new`, file);
}

export const forgetAddress = (directory: string): void => rmSync(fileIn(directory), { force: true });

/** The address of the store that runs on the directory now; undefined where none does. Throws where it may not be read. */
export function readAddress(directory: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(fileIn(directory), "utf8");
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
  const kept = JSON.parse(text) as Kept;
  // What a killed one left behind leads to whoever took its port since.
  return isAlive(kept.process) ? kept.address : undefined;
}
