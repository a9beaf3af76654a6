// The directory that holds everything the service keeps on this machine, and the keys in it.

import { chmodSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory } from "./durable-directory.ts";
import { type KeptSecret, keepSecret } from "./kept-secret.ts";

/**
 * Makes the directory where it is missing and answers its real path. Only its owner may list it; as root, others may
 * pass through, since Postgres runs as another user there. Throws an error of one line where it cannot be used.
 */
export function openDataDirectory(path: string): string {
  try {
    const isRoot = process.getuid?.() === 0;
    const made = makeDirectory(path, 0o755);
    // The umask may have closed what was made on the way.
    if (made !== undefined && isRoot) openWay({ from: made, to: path });
    const owner = statSync(path).uid;
    if (owner === process.getuid?.()) chmodSync(path, isRoot ? 0o711 : 0o700);
    return realpathSync(path);
  } catch (error) {
    throw new Error(
      `Cannot use DATA_DIR "${path}": ${error instanceof Error ? error.message : String(error)}. Choose a directory that this user may write.`,
      { cause: error },
    );
  }
}

/** The admin key kept in the data directory, made on the first call: the moment to show it. */
export const keepAdminKey = (dataDir: string): KeptSecret =>
  keepSecret(join(dataDir, "admin-key"), { prefix: "ila_" });

/** What signing secrets are sealed with, kept like the admin key. Without it they have to be given anew. */
export const keepSecretsKey = (dataDir: string): string => keepSecret(join(dataDir, "secrets-key")).secret;

/**
 * The secret that seals the dashboard's sessions where no SECRETS_KEY is set. Sessions of this process alone: several
 * processes need SECRETS_KEY.
 */
export const keepSessionKey = (dataDir: string): string => keepSecret(join(dataDir, "session-key")).secret;

function openWay(way: { readonly from: string; readonly to: string }): void {
  let at = way.from;
  chmodSync(at, 0o755);
  for (const part of way.to.slice(way.from.length).split("/").filter(Boolean)) {
    at = join(at, part);
    chmodSync(at, 0o755);
  }
}
