// Which files a run consists of, and which of them share a process. A new test file is in the plan by its name.

import { readdirSync } from "node:fs";
import { basename, join } from "node:path";

export interface Plan {
  /** One process after the other. */
  readonly alone: readonly (readonly string[])[];
  /** Processes that mostly wait, two at a time, after the others. */
  readonly inLanes: readonly (readonly string[])[];
}

export type Suite = "tests" | "faults" | "senders";

export function planOf(suite: Suite, root: string): Plan {
  const found = readdirSync(join(root, "test"), { recursive: true })
    .map((name) => `./test/${String(name)}`)
    // What is planted fails on purpose: test/gate/gate.test.ts runs it.
    .filter((path) => !path.startsWith("./test/gate/planted/"))
    .sort();
  const tiers = found.filter((path) => path.endsWith(".tier.ts"));
  const isSender = (path: string): boolean => path.startsWith("./test/senders/");
  switch (suite) {
    case "tests":
      return { alone: testProcesses(found.filter((path) => path.endsWith(".test.ts"))), inLanes: [] };
    case "senders":
      return { alone: tiers.filter(isSender).map((path) => [path]), inLanes: [] };
    case "faults":
      return faultProcesses(tiers.filter((path) => !isSender(path)));
    default:
      return suite satisfies never;
  }
}

/** Most tests share one Postgres. The browser, the flows that start whole services, and the gate's own test, come last and alone. */
function testProcesses(files: readonly string[]): readonly (readonly string[])[] {
  const processOf = (path: string): string =>
    /^\.\/test\/(dashboard|end-to-end|gate)\//.exec(path)?.[1] ?? "all others";
  const groups = Map.groupBy(files, processOf);
  return ["all others", "dashboard", "end-to-end", "gate"].flatMap((name) => {
    const group = groups.get(name);
    return group === undefined ? [] : [group];
  });
}

/** These measure, and have the machine for themselves. */
const measuring = /\/(deep|health|huge|overload|slow|soak|timing)\.tier\.ts$/;

/** The longest begin first, so that the lanes end together. */
const longest = ["syscalls.tier.ts", "killed-servers.tier.ts", "killed-service.tier.ts", "away.tier.ts"];

function faultProcesses(tiers: readonly string[]): Plan {
  const rank = (path: string): number => {
    const at = longest.indexOf(basename(path));
    return at < 0 ? longest.length : at;
  };
  const lanes = tiers.filter((path) => !measuring.test(path));
  return {
    alone: tiers.filter((path) => measuring.test(path)).map((path) => [path]),
    inLanes: lanes.sort((one, other) => rank(one) - rank(other)).map((path) => [path]),
  };
}
