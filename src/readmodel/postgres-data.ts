// The files of the embedded Postgres's database and its password: made on the first start, and again where they are lost,
// since a replay of the log fills them. Starts no server.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { flushDirectory } from "../processes/durable-directory.ts";
import { replaceFile } from "../processes/durable-file.ts";
import { newSecret } from "../processes/kept-secret.ts";
import type { ServiceUser } from "../processes/service-user.ts";
import type { PostgresPrograms } from "./postgres-installation.ts";

export interface DataOptions {
  readonly directory: string;
  readonly owner: string;
  readonly programs: PostgresPrograms;
  readonly user: ServiceUser | undefined;
  readonly env: Readonly<Record<string, string>>;
}

export const dataIn = (directory: string): string => join(directory, "data");

/**
 * Answers the owner's password once the files are there. `known` is the password that is in use already; it is kept.
 * Files whose password is lost are made anew. Throws with one line where they cannot be made.
 */
export async function ensureData(options: DataOptions, known: string | undefined): Promise<string> {
  const { directory } = options;
  const data = dataIn(directory);
  const passwordFile = join(directory, "password");
  const kept = readPassword(passwordFile);
  const password = known ?? kept ?? newSecret();
  if (password !== kept) replaceFile(passwordFile, `${password}\n`);
  await removeUnfinished(directory);
  if (isWhole(data) && (known ?? kept) !== undefined) return password;
  await rm(data, { recursive: true, force: true });
  await initialise(options, password);
  return password;
}

function readPassword(file: string): string | undefined {
  try {
    return /^[0-9a-f]{48}$/.exec(readFileSync(file, "utf8").trim())?.[0];
  } catch {
    return undefined;
  }
}

/** Whether it may be a database at all: Postgres itself says the rest. */
const isWhole = (data: string): boolean =>
  existsSync(join(data, "PG_VERSION")) && existsSync(join(data, "global", "pg_control"));

/** What a start left behind that was killed. Its initdb may still be at it: then the next start removes the rest. */
async function removeUnfinished(directory: string): Promise<void> {
  for (const name of readdirSync(directory).filter((entry) => /^(data|password)\.new-/.test(entry)))
    await rm(join(directory, name), { recursive: true, force: true }).catch(() => {});
}

// Into another directory first, so that a start that was cut short is never taken for a whole database; and into one of
// its own, because the initdb of a killed start goes on by itself.
async function initialise(options: DataOptions, password: string): Promise<void> {
  const { directory, user } = options;
  const data = dataIn(directory);
  const attempt = randomBytes(6).toString("hex");
  const unfinished = `${data}.new-${attempt}`;
  const passwordForUser = join(directory, `password.new-${attempt}`);
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(passwordForUser, `${password}\n`, { mode: 0o600 });
  if (user !== undefined) {
    chownSync(unfinished, user.uid, user.gid);
    chownSync(passwordForUser, user.uid, user.gid);
  }
  try {
    await promisify(execFile)(
      options.programs.initdb,
      [
        `--pgdata=${unfinished}`,
        `--username=${options.owner}`,
        `--pwfile=${passwordForUser}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-instructions",
      ],
      { cwd: "/", env: options.env, timeout: 120_000, ...user },
    );
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    throw new Error(`Cannot make the embedded Postgres's database in "${data}": ${said}`, { cause: error });
  } finally {
    await rm(passwordForUser, { force: true });
  }
  renameSync(unfinished, data);
  flushDirectory(directory);
}
