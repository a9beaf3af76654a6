// Installs the locked dependencies for the scripts of package.json, in an environment without the service's secrets:
// packages may bring scripts that run then. Needs no dependency itself.

import { spawnSync } from "node:child_process";
import { childEnvironment, environment } from "./config.ts";

const installing = spawnSync(
  process.execPath,
  ["install", "--frozen-lockfile", ...process.argv.slice(2)],
  // What comes on stdout is for whoever reads what the script itself prints.
  { env: childEnvironment(environment()), stdio: ["inherit", 2, 2] },
);
process.exitCode = installing.status ?? 1;
