// One service on one directory: who is refused, and who is not although it looks as if.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockDirectory } from "../../src/processes/directory-lock.ts";

const lockFile = join(import.meta.dirname, "../../src/processes/directory-lock.ts");
const children: ChildProcess[] = [];
let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ledger-lock-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

test("another process that holds the lock is named, and kill -9 frees it", async () => {
  const holder = await holdInAnotherProcess();
  expect(lockDirectory(directory)).toEqual({ tag: "held", holder: holder.pid });
  await killed(holder);
  const locking = lockDirectory(directory);
  expect(locking.tag).toBe("locked");
  if (locking.tag === "locked") locking.release();
});

test("a released lock is free for another process", async () => {
  const locking = lockDirectory(directory);
  if (locking.tag === "locked") locking.release();
  const holder = await holdInAnotherProcess();
  expect(lockDirectory(directory)).toEqual({ tag: "held", holder: holder.pid });
});

test("a process id left behind that somebody else has now holds nothing", () => {
  writeFileSync(join(directory, "service.pid"), `${process.ppid}\n`);
  const locking = lockDirectory(directory);
  expect(locking.tag).toBe("locked");
  if (locking.tag === "locked") locking.release();
});

async function holdInAnotherProcess(): Promise<ChildProcess> {
  const script = `
    import { lockDirectory } from ${JSON.stringify(lockFile)};
    globalThis.locking = lockDirectory(${JSON.stringify(directory)});
    console.log(globalThis.locking.tag);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const said = await new Promise<string>((resolve) => {
    child.stdout?.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
  });
  expect(said).toBe("locked");
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}
