// What bun.lock pins: each package with its version, its hash, whether it has an install script, and what needs it.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export const checkout = join(import.meta.dirname, "../..");

export interface LockedPackage {
  /** Where it lies: "elysia/cookie" is the cookie in elysia's own node_modules. */
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** As the registry states it: "sha512-" and base64. */
  readonly integrity: string;
  readonly hasInstallScript: boolean;
  readonly needs: readonly Need[];
}

interface Need {
  readonly key: string;
  readonly isOptional: boolean;
}

export interface ProductionPackage extends LockedPackage {
  /** False where nothing but optional dependencies leads to it, as to the builds for other platforms. */
  readonly isRequired: boolean;
}

interface Entry {
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalPeers?: readonly string[];
}

interface Lock {
  readonly workspaces: Readonly<Record<string, Pick<Entry, "dependencies" | "optionalDependencies">>>;
  readonly trustedDependencies?: readonly string[];
  readonly packages: Readonly<Record<string, readonly [string, string, Entry, string]>>;
}

// JSON but for a comma after a last element.
export function readLock(): Lock {
  const text = readFileSync(join(checkout, "bun.lock"), "utf8");
  return JSON.parse(text.replace(/,(\s*[}\]])/g, "$1")) as Lock;
}

export function lockedPackages(lock: Lock): ReadonlyMap<string, LockedPackage> {
  const all = Object.entries(lock.packages).map(([key, [identity, , entry, integrity]]): LockedPackage => {
    const at = identity.lastIndexOf("@");
    return {
      key,
      name: identity.slice(0, at),
      version: identity.slice(at + 1),
      integrity,
      hasInstallScript: entry.hasInstallScript === true,
      needs: needsOf(lock, key, entry),
    };
  });
  return new Map(all.map((one) => [one.key, one]));
}

/** All that `bun install --production` installs, on whatever platform. */
export function productionPackages(lock: Lock): readonly ProductionPackage[] {
  const packages = lockedPackages(lock);
  const required = new Map<string, boolean>();
  const { dependencies = {}, optionalDependencies = {} } = lock.workspaces[""] ?? {};
  const waiting: Need[] = [
    ...Object.keys(dependencies).map((key) => ({ key, isOptional: false })),
    ...Object.keys(optionalDependencies).map((key) => ({ key, isOptional: true })),
  ];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { key, isOptional } = next;
    const known = required.get(key);
    if (known === true || (known === false && isOptional)) continue;
    required.set(key, !isOptional);
    for (const need of packages.get(key)?.needs ?? []) {
      waiting.push({ key: need.key, isOptional: isOptional || need.isOptional });
    }
  }
  return [...packages.values()]
    .filter(({ key }) => required.has(key))
    .map((one) => ({ ...one, isRequired: required.get(one.key) === true }));
}

/** The folder it is installed in, from the checkout. */
export const folderOf = ({ key }: LockedPackage): string =>
  join("node_modules", key.match(/(@[^/]+\/)?[^/]+/g)?.join("/node_modules/") ?? key);

function needsOf(lock: Lock, key: string, entry: Entry): readonly Need[] {
  const named = [
    ...Object.keys(entry.dependencies ?? {}).map((name) => ({ name, isOptional: false })),
    ...Object.keys(entry.optionalDependencies ?? {}).map((name) => ({ name, isOptional: true })),
    ...Object.keys(entry.peerDependencies ?? {}).map((name) => ({
      name,
      isOptional: (entry.optionalPeers ?? []).includes(name),
    })),
  ];
  return named.flatMap(({ name, isOptional }) => {
    const found = nearest(lock, key, name);
    // An optional peer that nobody asked for is in no lockfile.
    if (found === undefined && isOptional) return [];
    if (found === undefined) throw new Error(`bun.lock does not say which ${name} ${key} gets.`);
    return [{ key: found, isOptional }];
  });
}

/** As Node resolves: in its own node_modules first, then in those of what it lies in. */
function nearest(lock: Lock, from: string, name: string): string | undefined {
  const path = from.match(/(@[^/]+\/)?[^/]+/g) ?? [];
  for (let depth = path.length; depth >= 0; depth--) {
    const key = [...path.slice(0, depth), name].join("/");
    if (lock.packages[key] !== undefined) return key;
  }
  return undefined;
}
