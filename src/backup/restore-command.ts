// bun run restore DIR [--until INSTANT] [--with-keys]

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { progressLine, runCommand, UsageError } from "../command-line.ts";
import type { Config } from "../config.ts";
import { openDataDirectory } from "../processes/data-directory.ts";
import { replaceFile } from "../processes/durable-file.ts";
import { keyNames, type Manifest, readManifest } from "./backup-files.ts";
import { openStore } from "./open-store.ts";
import { restore } from "./restore.ts";

const usage = `Usage: bun run restore DIR [--until INSTANT] [--with-keys]
Writes the backup in DIR into the empty store of EVENTSTORE_URL or DATA_DIR.
--until 2025-01-15T10:30:00Z restores what was recorded up to then, and nothing of the spool.
--with-keys also puts the backup's admin-key and secrets-key into DATA_DIR, where there are none.`;

await runCommand(async (config) => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { until: { type: "string" }, "with-keys": { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help === true) return console.log(usage);
  const [directory] = positionals;
  if (directory === undefined || positionals.length > 1) throw new UsageError(usage);
  const from = resolve(directory);
  const untilMs = values.until === undefined ? undefined : instantIn(values.until);
  const manifest = readManifest(from);
  if (manifest === undefined) throw new UsageError(`There is no backup in "${from}".`);
  if (values["with-keys"] === true) putKeys(from, manifest, config);
  const store = await openStore(config, "make");
  try {
    const say = progressLine();
    const restored = await restore({
      log: store.log,
      from,
      manifest,
      untilMs,
      progress: ({ events, of }) => say(`${events} of ${of} events`),
    });
    console.log(
      `Restored ${restored.events} events to ${store.shown}, and ${restored.spooled} from the spool.`,
    );
    if (restored.damagedInSpool > 0) console.log(`Damaged records of the spool: ${restored.damagedInSpool}.`);
    if (manifest.damaged_positions.length > 0)
      console.log(`Events that were damaged before the backup: ${manifest.damaged_positions.join(", ")}.`);
  } finally {
    await store.close();
  }
});

/** With a zone, so that it means the same everywhere. */
function instantIn(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new UsageError(`Cannot read --until "${text}": write it like 2025-01-15T10:30:00Z.`);
  return ms;
}

function putKeys(from: string, manifest: Manifest, config: Config): void {
  openDataDirectory(config.dataDir);
  for (const name of keyNames.filter((one) => manifest.keys[one] !== "not there")) {
    const kept = join(from, "keys", name);
    const place = join(config.dataDir, name);
    if (!existsSync(kept))
      throw new UsageError(`The backup has no ${name}: it was made without --with-keys.`);
    const key = readFileSync(kept, "utf8");
    if (!existsSync(place)) replaceFile(place, key);
    else if (readFileSync(place, "utf8") !== key)
      throw new Error(
        `"${place}" is another key than the backup's, and stays. Remove it, or leave out --with-keys.`,
      );
  }
}
