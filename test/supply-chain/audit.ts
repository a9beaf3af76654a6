// Asks the registry whether what bun.lock pins has known weaknesses. Fails where one is high or critical; where the
// registry cannot tell, it says so and fails nothing: a check without a network has to pass too.

import { spawn } from "node:child_process";
import { checkout } from "./lockfile.ts";

export type Audit =
  | { readonly tag: "answered"; readonly advisories: readonly Advisory[] }
  | { readonly tag: "unreachable"; readonly reason: string };

interface Advisory {
  readonly name: string;
  readonly severity: string;
  readonly title: string;
  readonly url: string;
}

const boundMs = 20_000;

/** Runs `bun audit` in the checkout, at most this long. `env` is what it gets beside this process's environment. */
export async function audit(options: {
  readonly withinMs: number;
  readonly env?: Readonly<Record<string, string>>;
}): Promise<Audit> {
  const child = spawn(process.execPath, ["audit", "--json"], {
    cwd: checkout,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: options.withinMs,
    killSignal: "SIGKILL",
  });
  let answer = "";
  let problem = "";
  child.stdout.on("data", (chunk: Buffer) => {
    answer += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    problem += chunk.toString();
  });
  const signal = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (_, killedBy) => resolve(killedBy));
  });
  if (signal !== null) return { tag: "unreachable", reason: `no answer within ${options.withinMs} ms` };
  const advisories = readAdvisories(answer);
  // Bun ends with 1 both where it found something and where it could not ask: only its answer tells.
  return advisories === undefined
    ? { tag: "unreachable", reason: problem.trim().split("\n").at(-1) ?? "" }
    : { tag: "answered", advisories };
}

export const isGrave = ({ severity }: Advisory): boolean => severity === "high" || severity === "critical";

function readAdvisories(answer: string): readonly Advisory[] | undefined {
  let found: unknown;
  try {
    found = JSON.parse(answer);
  } catch {
    return undefined;
  }
  if (typeof found !== "object" || found === null || Array.isArray(found)) return undefined;
  return Object.entries(found).flatMap(([name, about]: [string, unknown]) =>
    (Array.isArray(about) ? about : []).map((one: Readonly<Record<string, unknown>>) => ({
      name,
      severity: String(one.severity),
      title: String(one.title),
      url: String(one.url),
    })),
  );
}

if (import.meta.main) {
  const found = await audit({ withinMs: boundMs });
  if (found.tag === "unreachable") {
    console.log(`audit: the data could not be reached, so nothing was checked (${found.reason})`);
  } else {
    for (const one of found.advisories)
      console.log(`audit: ${one.severity}: ${one.name}: ${one.title} ${one.url}`);
    const grave = found.advisories.filter(isGrave).length;
    console.log(`audit: ${found.advisories.length} advisories, ${grave} of them high or critical`);
    if (grave > 0) process.exitCode = 1;
  }
}
