// What a process is before it opens anything: the owner of a data directory, with an admin key and a key for secrets.

import { randomBytes } from "node:crypto";
import {
  keepAdminKey,
  keepSecretsKey,
  keepSessionKey,
  openDataDirectory,
} from "../processes/data-directory.ts";
import { lockDirectory } from "../processes/directory-lock.ts";
import type { Stopping } from "../processes/stopping.ts";
import type { WelcomeFacts } from "../welcome.ts";
import type { Surroundings } from "./create-app.ts";

export interface AdminKeyInUse {
  readonly key: string;
  /** Where the key comes from, to be shown. */
  readonly facts: WelcomeFacts["adminKey"];
}

export interface Keys {
  readonly admin: AdminKeyInUse;
  /** undefined: keys cannot have signing secrets. */
  readonly secrets: string | undefined;
  /** Seals the sessions of the dashboard. */
  readonly sessions: string;
}

/** Makes the directory and keeps everybody else off it until the app is stopped. */
export function claimDataDirectory(path: string, stopping: Stopping): string {
  const dataDir = openDataDirectory(path);
  const locking = lockDirectory(dataDir);
  if (locking.tag === "held") {
    const holder = locking.holder === undefined ? "" : ` (process ${locking.holder})`;
    throw new Error(
      `Cannot start: another Incident Ledger${holder} uses DATA_DIR "${dataDir}". Stop it, or set DATA_DIR and PORT to others.`,
    );
  }
  stopping.add("lock", 100, locking.release);
  return dataDir;
}

/** Those that the configuration names, else those that the data directory keeps. */
export function readKeys(dataDir: string, around: Pick<Surroundings, "config" | "log">): Keys {
  const { adminApiKey, secretsKey, eventstoreUrl, databaseUrl } = around.config;
  // Several processes on servers of their own must agree on one admin key, so none of them may make one up.
  const embedsSome = eventstoreUrl === undefined || databaseUrl === undefined;
  const kept = embedsSome ? dataDir : undefined;
  const secrets = secretsKey ?? (kept === undefined ? undefined : keepSecretsKey(kept));
  return {
    admin:
      adminApiKey === undefined
        ? keptAdminKey(kept, around)
        : { key: adminApiKey, facts: { tag: "from_environment" } },
    secrets,
    sessions: secrets ?? keepSessionKey(dataDir),
  };
}

function keptAdminKey(dataDir: string | undefined, { log }: Pick<Surroundings, "log">): AdminKeyInUse {
  if (dataDir === undefined) {
    log.warn({}, "ADMIN_API_KEY is not set: nobody can register projects or issue keys with this process");
    return { key: randomBytes(32).toString("hex"), facts: { tag: "none" } };
  }
  const { secret: key, file, isNew } = keepAdminKey(dataDir);
  return { key, facts: isNew ? { tag: "new", key, file } : { tag: "kept", file } };
}
