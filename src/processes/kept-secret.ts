// Secrets that are kept in a file of their own: made once, on the disk for good before anybody uses them, for their owner
// only. Knows nothing of what they open.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { replaceFile } from "./durable-file.ts";

export interface KeptSecret {
  readonly secret: string;
  readonly file: string;
  /** Made by this call. */
  readonly isNew: boolean;
}

/**
 * The secret in the file, made on the first call. Throws an Error of one line where the file holds none that can be
 * used: another in its place would lock out whoever holds the first, or what is sealed with it.
 */
export function keepSecret(file: string, { prefix = "" }: { readonly prefix?: string } = {}): KeptSecret {
  if (existsSync(file)) {
    const secret = readFileSync(file, "utf8").trim();
    if (/^[\x20-\x7e]{16,256}$/.test(secret)) return { secret, file, isNew: false };
    throw new Error(
      `Cannot use "${file}": it is empty or damaged, and is never replaced by itself. Restore it from a backup, or remove it to have a new one made.`,
    );
  }
  const secret = newSecret(prefix);
  replaceFile(file, `${secret}\n`);
  return { secret, file, isNew: true };
}

/** 192 random bits. */
export const newSecret = (prefix = ""): string => `${prefix}${randomBytes(24).toString("hex")}`;
