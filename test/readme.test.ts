// The README's commands work as they stand, and its tables say what the code says.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { adminKey, type RunningService, removeDataDir, startService } from "./running-service.ts";
import { shownTable, sourceTable } from "./source-table.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
let service: RunningService;

beforeAll(async () => {
  service = await startService();
}, 90_000);
afterAll(async () => {
  await service.stop();
  await removeDataDir(service.dataDir);
}, 30_000);

test("the commands from the first webhook to MTTR and replay work when pasted", () => {
  const blocks = [...section("Send a webhook"), ...section("Ask for MTTR")].join("\n");
  const commands = blocks
    .replace(/^URL=.*$/m, `URL=${service.url}`)
    .replace(/^ADMIN_API_KEY=.*$/m, `ADMIN_API_KEY=${adminKey}`);
  // A reader pastes slower than the read model follows; a script has to wait.
  const script = commands.replace("$PROJECT/mttr", () => "$PROJECT/mttr?fresh=true");
  const run = spawnSync("sh", ["-eu", "-c", script], { encoding: "utf8", timeout: 30_000 });
  expect(run.status).toBe(0);
  expect(run.stdout).toContain('"message":"Incident recorded successfully"');
  expect(run.stdout).toContain('"n":1,"open":0,"dismissed":0,"mean_seconds":750');
  expect(run.stdout).toContain('"status":"UP","kind":"RECOVERY"');
  expect(run.stdout).toContain('"recovery_seconds":750');
  expect(run.stdout.match(/"type":"IncidentSignalRecorded"/g)).toHaveLength(2);
  expect(run.stdout).not.toContain('"success":false');
});

test("the table of tools is the one that the sources make (bun test/source-table.ts writes it)", () => {
  expect(shownTable()).toBe(sourceTable());
});

test("the source that it shows whole is the one in src/sources", () => {
  const [, shown = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(shown).toBe(readFileSync(join(import.meta.dirname, "../src/sources/onlineornot.ts"), "utf8"));
});

test("every test that holds a promise is there, and every long test holds one", () => {
  const [, promises = ""] = /^## What we promise\n([\s\S]*?)(?=^## )/m.exec(readme) ?? [];
  const named = [...promises.matchAll(/`([^`]+\.(?:test|tier)\.ts)`/g)].map(([, path = ""]) =>
    basename(path),
  );
  // What is planted in test/gate fails on purpose.
  const files = readdirSync(import.meta.dirname, { recursive: true })
    .filter((path) => !String(path).startsWith("gate/planted/"))
    .map((path) => basename(String(path)));
  const patterns = named.map(
    (name) => new RegExp(`^${name.replaceAll(".", "\\.").replace("*", "[\\w-]*")}$`),
  );
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((_, at) => !files.some((file) => patterns[at]?.test(file)))).toEqual([]);
  const long = files.filter((file) => file.endsWith(".tier.ts") && file !== "senders.tier.ts");
  expect(long.filter((file) => !patterns.some((pattern) => pattern.test(file)))).toEqual([]);
});

/** The shell blocks of a section. */
function section(title: string): string[] {
  const [, text = ""] = new RegExp(`^## ${title}\n([\\s\\S]*?)(?=^## )`, "m").exec(readme) ?? [];
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
}
