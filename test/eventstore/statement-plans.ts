// Prints how SQLite plans each statement of the embedded event store, on a file of one long stream among many, before
// and after the file has been analysed. The test runs it on each runtime: `statement-plans.ts DIRECTORY`.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EventFile } from "../../src/eventstore/embedded/event-file.ts";
import { prefixQueries } from "../../src/eventstore/embedded/prefix-index.ts";
import { statements } from "../../src/eventstore/embedded/statements.ts";

const [longStreamEvents, otherStreams] = [20_000, 1_000];
const path = join(process.argv[2] ?? "", "plans.sqlite");

function fill(): void {
  const file = new EventFile(path);
  let events = 0;
  const event = () => ({
    id: createHash("sha256").update(`event ${events++}`).digest().subarray(0, 16),
    type: "Test",
    isJson: true,
    data: Buffer.from("{}"),
    metadata: new Uint8Array(),
  });
  file.begin();
  const long = file.makeStream("long");
  for (let revision = 0; revision < longStreamEvents; revision++) file.add(long, revision, event(), 0);
  for (let number = 0; number < otherStreams; number++)
    file.add(file.makeStream(`other-${number}`), 0, event(), 0);
  file.commit();
  file.close();
}

function plans(): Record<string, readonly string[]> {
  const db = new DatabaseSync(path);
  const planOf = (text: string): readonly string[] =>
    (db.prepare(`explain query plan ${text}`).all() as { detail: string }[]).map(({ detail }) => detail);
  const found = Object.fromEntries(
    Object.entries({ ...statements, ...prefixQueries }).map(([name, text]) => [name, planOf(text)] as const),
  );
  db.close();
  return found;
}

function analyse(): void {
  const db = new DatabaseSync(path);
  db.exec("analyze");
  db.close();
}

fill();
const fresh = plans();
analyse();
console.log(JSON.stringify({ fresh, analysed: plans() }));
