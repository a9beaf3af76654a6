// Keys that are kept: made once, whole whatever happens, never replaced where they are damaged.

import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepSecretsKey } from "../../src/processes/data-directory.ts";
import { keepSecret } from "../../src/processes/kept-secret.ts";

let directory = "";
let file = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ledger-secret-"));
  file = join(directory, "secrets-key");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("a key is made once, for its owner only", () => {
  const made = keepSecret(file);
  expect(made).toMatchObject({ file, isNew: true });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(keepSecret(file)).toEqual({ ...made, isNew: false });
  expect(keepSecretsKey(directory)).toBe(made.secret);
});

test("what a crash left of a first try is no obstacle and is not used", () => {
  writeFileSync(`${file}.new`, "half a k", { mode: 0o644 });
  const { secret } = keepSecret(file);
  expect(secret).toHaveLength(48);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toEqual(["secrets-key"]);
});

for (const [name, content] of [
  ["empty", ""],
  ["cut short", "0123456789"],
  ["zeroed", "\0".repeat(49)],
  ["overwritten", "\u00ff".repeat(48)],
] as const) {
  test(`one that is ${name} is refused in one line, and left as it is`, () => {
    writeFileSync(file, content);
    expect(() => keepSecret(file)).toThrow(`Cannot use "${file}"`);
    expect(() => keepSecret(file)).not.toThrow(/\n/);
    expect(readFileSync(file, "utf8")).toBe(content);
  });
}

test("truncated after it was made it is refused too", () => {
  keepSecret(file);
  truncateSync(file, 3);
  expect(() => keepSecret(file)).toThrow("empty or damaged");
});
