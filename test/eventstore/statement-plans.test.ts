// Each statement of the embedded event store goes straight to its rows, however long a stream is, on every runtime.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./statement-plans.ts", import.meta.url));
const denoPackages = join(import.meta.dir, "../../node_modules/@deno");
const stream = "SEARCH s USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN";
const range = "SEARCH e USING INDEX events_of_stream (stream=? AND revision>? AND revision<?)";

const expected = {
  // The greatest key of a table is at the end of its tree.
  head: ["SEARCH events"],
  insertEvent: [],
  insertStream: [],
  updateStream: ["SEARCH streams USING INTEGER PRIMARY KEY (rowid=?)"],
  findStream: ["SEARCH streams USING INDEX sqlite_autoindex_streams_1 (name=?)"],
  revisionOfId: ["SEARCH events USING INDEX events_by_id (stream=? AND id=?)"],
  idAtRevision: ["SEARCH events USING INDEX events_of_stream (stream=? AND revision=?)"],
  positionAtRevision: ["SEARCH events USING COVERING INDEX events_of_stream (stream=? AND revision=?)"],
  at: ["SEARCH e USING INTEGER PRIMARY KEY (rowid=?)", stream],
  streams: ["SEARCH streams USING COVERING INDEX sqlite_autoindex_streams_1 (name>? AND name<?)"],
  positions: ["SEARCH events USING COVERING INDEX events_of_stream (stream=? AND revision>?)"],
  forwards: ["SEARCH e USING INTEGER PRIMARY KEY (rowid>?)", stream],
  backwards: ["SEARCH e USING INTEGER PRIMARY KEY (rowid<?)", stream],
  streamForwards: [range, stream],
  streamBackwards: [range, stream],
};

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ledger-plans-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const runtimes: readonly (readonly [string, () => readonly [string, ...string[]]])[] = [
  ["Bun", () => [process.execPath, program]],
  [
    "Deno",
    () => {
      const [platform = ""] = readdirSync(denoPackages);
      return [join(denoPackages, platform, "deno"), "run", "--allow-all", "--quiet", program];
    },
  ],
];

for (const [runtime, commandOf] of runtimes)
  test(`every statement is planned over the right index on ${runtime}`, () => {
    const [command, ...more] = commandOf();
    const scratch = mkdtempSync(join(directory, "run-"));
    const plans = JSON.parse(execFileSync(command, [...more, scratch], { encoding: "utf8" }));
    expect(plans).toEqual({ fresh: expected, analysed: expected });
  }, 60_000);
