// bun run backup DIR [--with-keys]

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { progressLine, runCommand, UsageError } from "../command-line.ts";
import { lockDirectory } from "../processes/directory-lock.ts";
import { makeDirectory } from "../processes/durable-directory.ts";
import { backUp } from "./backup.ts";
import { keyNames } from "./backup-files.ts";
import { openStore } from "./open-store.ts";

const usage = `Usage: bun run backup DIR [--with-keys]
Adds to DIR what EVENTSTORE_URL's or DATA_DIR's log holds since the last backup there, and the spool of DATA_DIR.
--with-keys also copies admin-key and secrets-key: then DIR opens everything.`;

await runCommand(async (config) => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { "with-keys": { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help === true) return console.log(usage);
  const [directory] = positionals;
  if (directory === undefined || positionals.length > 1) throw new UsageError(usage);
  const to = resolve(directory);
  makeDirectory(to, 0o700);
  const locking = lockDirectory(to);
  if (locking.tag === "held") throw new Error(`Another backup into "${to}" is under way.`);
  const store = await openStore(config, "refuse");
  try {
    const say = progressLine();
    const { manifest, newEvents } = await backUp({
      log: store.log,
      to,
      dataDir: config.dataDir,
      keys: values["with-keys"] === true ? "include" : "leave out",
      progress: ({ events, position, head }) => say(`${events} new events, position ${position} of ${head}`),
    });
    const all = manifest.segments.reduce((sum, { events }) => sum + events, 0);
    console.log(`Backed up ${store.shown} to "${to}", consistent to position ${manifest.position}.`);
    console.log(`Events: ${all}, of them ${newEvents} new. Files of the spool: ${manifest.spool.length}.`);
    for (const name of keyNames) console.log(`${name}: ${manifest.keys[name]}.`);
    if (manifest.damaged_positions.length > 0)
      console.log(`Damaged events that the store could not read: ${manifest.damaged_positions.join(", ")}.`);
  } finally {
    await store.close();
    locking.release();
  }
});
