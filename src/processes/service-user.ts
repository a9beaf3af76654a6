// Whom a child process runs as where the service itself is root, and what that user may reach.

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname } from "node:path";

export interface ServiceUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * undefined where this process is not root: its children run as it does. Otherwise the owner of what is already there,
 * else the user of this name, made where the system can make users, else nobody.
 */
export function serviceUser(name: string, existing: string): ServiceUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = ownerOf(existing);
  if (owner !== undefined && owner.uid !== 0) return owner;
  return lookUp(name) ?? create(name) ?? lookUp("nobody") ?? { uid: 65_534, gid: 65_534 };
}

/** The first directory on the way to this path that the user may not enter; undefined where the way is open. */
export function closedTo(user: ServiceUser | undefined, path: string): string | undefined {
  if (user === undefined) return undefined;
  const way: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    way.unshift(at);
    if (at === dirname(at)) break;
  }
  return way.find((at) => {
    const stats = statSync(at, { throwIfNoEntry: false });
    if (stats === undefined || !stats.isDirectory()) return false;
    const bit = stats.uid === user.uid ? 0o100 : stats.gid === user.gid ? 0o010 : 0o001;
    return (stats.mode & bit) === 0;
  });
}

function ownerOf(path: string): ServiceUser | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : { uid: stats.uid, gid: stats.gid };
}

function lookUp(name: string): ServiceUser | undefined {
  const uid = numberFrom("id", ["-u", name]);
  const gid = numberFrom("id", ["-g", name]);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

// The first that exists serves: shadow's tools, then BusyBox's.
function create(name: string): ServiceUser | undefined {
  const ways = [
    ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
    ["adduser", "-S", "-D", "-H", name],
  ];
  for (const [command = "", ...args] of ways) {
    try {
      execFileSync(command, args, { stdio: "ignore", timeout: 10_000 });
      return lookUp(name);
    } catch {
      // Not there, or not allowed: the next way, and at last the user nobody.
    }
  }
  return undefined;
}

function numberFrom(command: string, args: readonly string[]): number | undefined {
  try {
    const text = execFileSync(command, [...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 10_000,
    }).trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}
