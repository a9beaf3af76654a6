// bun run import FILE: sends the incidents that a tool kept before this ledger was there through the webhook route.

import { createHash } from "node:crypto";
import { appendFileSync, createReadStream, existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CommandError, exitCodes, progressLine, runCommand, UsageError } from "../command-line.ts";
import type { Config } from "../config.ts";
import { replaceFile } from "../processes/durable-file.ts";
import { type RowKind, rowKinds } from "./read-export.ts";
import { type FileFormat, type FileRow, fileFormats, formatOf, readRows } from "./read-rows.ts";
import { type ImportTarget, nothingSent, type RowRefusal, type Sent, sendRows } from "./send-rows.ts";

const usage = `Usage: bun run import FILE [--from ${rowKinds.join("|")}] [--as ${fileFormats.join("|")}]
                       [--project UUID] [--url URL] [--key-file FILE]
Sends the incidents in FILE to a running service and says what it refused, and why, in FILE.refused.ndjson.
--from      whose rows these are; "contract" (default): the fields of the webhook route, one signal a row.
--as        by default what the file's name ends in says.
--project   for rows that name no project_uuid; exports name none.
--url       of the service; by default HOST and PORT of the environment.
--key-file  a file that holds a key of the project; by default the admin key of the environment or of DATA_DIR.
Run again after a stop, it goes on where it was (FILE.import.json). Sending a row twice changes nothing.`;

/** The import is over, and not every row was taken. */
class RowsRefused extends CommandError {
  override readonly exitCode = exitCodes.verification;
}

await runCommand(async (config) => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      from: { type: "string", default: "contract" },
      as: { type: "string" },
      project: { type: "string" },
      url: { type: "string", default: `http://${config.host}:${config.port}` },
      "key-file": { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) return console.log(usage);
  const [named] = positionals;
  if (named === undefined || positionals.length > 1) throw new UsageError(usage);
  const file = resolve(named);
  if (!existsSync(file)) throw new UsageError(`There is no file "${file}".`);
  const kind = oneOf(rowKinds, values.from, "--from");
  const format = values.as === undefined ? formatOf(file) : oneOf(fileFormats, values.as, "--as");
  if (format === undefined) throw new UsageError(`Say what "${file}" holds: --as ${fileFormats.join("|")}`);
  if (kind !== "contract" && values.project === undefined)
    throw new UsageError("Say which project the incidents belong to: --project UUID");
  const target: ImportTarget = {
    url: values.url.endsWith("/") ? values.url.slice(0, -1) : values.url,
    key: keyOf(config, values["key-file"]),
    project: values.project,
    kind,
  };
  await importFile({ file, format }, target);
});

function oneOf<T extends string>(words: readonly T[], given: string, option: string): T {
  const word = words.find((one) => one === given);
  if (word === undefined) throw new UsageError(`Cannot use ${option} "${given}": say ${words.join(", ")}.`);
  return word;
}

function keyOf(config: Config, keyFile: string | undefined): string {
  if (keyFile !== undefined) return readFileSync(keyFile, "utf8").trim();
  const kept = join(config.dataDir, "admin-key");
  const key = config.adminApiKey ?? (existsSync(kept) ? readFileSync(kept, "utf8").trim() : undefined);
  if (key === undefined) throw new UsageError(`There is no key in "${kept}". Say --key-file FILE.`);
  return key;
}

async function importFile(
  { file, format }: { readonly file: string; readonly format: FileFormat },
  target: ImportTarget,
): Promise<void> {
  const progress = openProgress(file, await fingerprintOf(file, target));
  const refusedFile = `${file}.refused.ndjson`;
  keepRefusals(refusedFile, progress.before.rows);
  if (progress.before.rows > 0) console.error(`Goes on after row ${progress.before.rows}.`);
  const say = progressLine();
  let all = progress.before;
  await sendRows(after(all.rows, readRows(file, format)), target, (group, refusals) => {
    for (const refusal of refusals)
      appendFileSync(refusedFile, `${JSON.stringify(refusal)}\n`, { mode: 0o600 });
    all = sum(all, group);
    progress.keep(all);
    say(`${all.rows} rows, ${all.webhooks} webhooks recorded, ${all.refused} rows refused`);
  });
  progress.remove();
  console.log(
    `Read ${all.rows} rows of "${file}": ${all.webhooks} webhooks recorded, ${all.refused} rows refused, ${all.left_out} left out.`,
  );
  if (all.refused + all.left_out > 0) console.log(`The reasons are in "${refusedFile}".`);
  if (all.refused > 0) throw new RowsRefused(`${all.refused} rows were refused.`);
}

/** Of an earlier import, only what it said of the rows that are not sent again. */
function keepRefusals(file: string, upToRow: number): void {
  if (!existsSync(file)) return;
  const lines = readFileSync(file, "utf8").split("\n");
  const kept = lines.filter((line) => line !== "" && (JSON.parse(line) as RowRefusal).row <= upToRow);
  if (kept.length === 0) rmSync(file);
  else replaceFile(file, `${kept.join("\n")}\n`);
}

async function* after(rows: number, all: AsyncIterable<FileRow>): AsyncGenerator<FileRow> {
  for await (const row of all) if (row.row > rows) yield row;
}

function sum(one: Sent, other: Sent): Sent {
  return {
    rows: one.rows + other.rows,
    webhooks: one.webhooks + other.webhooks,
    refused: one.refused + other.refused,
    left_out: one.left_out + other.left_out,
  };
}

interface Progress {
  readonly before: Sent;
  readonly keep: (sent: Sent) => void;
  readonly remove: () => void;
}

/** An import of the same rows to the same place goes on; any other begins anew. */
function openProgress(file: string, fingerprint: string): Progress {
  const keptIn = `${file}.import.json`;
  let keptAt = 0;
  const keep = (sent: Sent): void => {
    if (performance.now() - keptAt < 1_000) return;
    keptAt = performance.now();
    replaceFile(keptIn, JSON.stringify({ fingerprint, ...sent }));
  };
  return { before: readProgress(keptIn, fingerprint), keep, remove: () => rmSync(keptIn, { force: true }) };
}

function readProgress(file: string, fingerprint: string): Sent {
  try {
    const kept = JSON.parse(readFileSync(file, "utf8")) as Partial<Sent> & { fingerprint?: unknown };
    if (kept.fingerprint !== fingerprint) return nothingSent;
    const { rows = 0, webhooks = 0, refused = 0, left_out = 0 } = kept;
    return { rows, webhooks, refused, left_out };
  } catch {
    return nothingSent;
  }
}

async function fingerprintOf(
  file: string,
  target: { url: string; kind: RowKind; project: string | undefined },
) {
  const hash = createHash("sha256").update(JSON.stringify([target.url, target.kind, target.project ?? ""]));
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest("hex");
}
