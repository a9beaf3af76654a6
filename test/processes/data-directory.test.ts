// Who may see what in the data directory, and when the admin key is new.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepAdminKey, openDataDirectory } from "../../src/processes/data-directory.ts";
import { freePort, steadyPort } from "../../src/processes/ports.ts";

let directory = "";

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "ledger-data-")));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("a missing directory is made, and nobody else may list it", () => {
  const path = openDataDirectory(join(directory, "a", "b"));
  expect(path).toBe(join(directory, "a", "b"));
  expect(statSync(path).mode & 0o066).toBe(0);
});

test("a directory that cannot be made is refused in one line that names it", () => {
  writeFileSync(join(directory, "file"), "");
  const path = join(directory, "file", "below");
  expect(() => openDataDirectory(path)).toThrow(`Cannot use DATA_DIR "${path}"`);
});

test("the admin key is made once, and only its owner may read it", () => {
  const made = keepAdminKey(directory);
  expect(made.isNew).toBe(true);
  expect(made.secret).toMatch(/^ila_[0-9a-f]{48}$/);
  expect(statSync(made.file).mode & 0o777).toBe(0o600);
  expect(readFileSync(made.file, "utf8").trim()).toBe(made.secret);
  expect(keepAdminKey(directory)).toEqual({ ...made, isNew: false });
});

test("a port stays the same for each name, until somebody else takes it", async () => {
  const file = join(directory, "ports.json");
  const port = await steadyPort(file, "postgres");
  expect(await steadyPort(file, "eventstore")).not.toBe(0);
  expect(await steadyPort(file, "postgres")).toBe(port);
  const squatter = Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
  const moved = await steadyPort(file, "postgres");
  squatter.stop(true);
  expect(moved).not.toBe(port);
  expect(await steadyPort(file, "postgres")).toBe(moved);
});

test("a file of ports that was cut short is no reason to fail", async () => {
  const file = join(directory, "ports.json");
  writeFileSync(file, '{"postgres": 54');
  expect(await steadyPort(file, "postgres")).toBeGreaterThan(0);
  expect(await freePort()).toBeGreaterThan(0);
});
