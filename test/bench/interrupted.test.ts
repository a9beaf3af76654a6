// A measurement that is interrupted, while it starts and while it measures, leaves no process and no file behind.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkout, waitFor } from "../running-service.ts";

let scratch = "";
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "ledger-interrupted-"));
  // Postgres may run as another user.
  chmodSync(scratch, 0o711);
});
afterEach(() => {
  // Where a test failed, what it found has to go as well.
  for (const { pid } of processesThere()) process.kill(pid, "SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
});

/** The processes that have anything to do with the scratch directory. Linux only. */
function processesThere(): readonly { readonly pid: number; readonly command: string }[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      const signs = [command, readFileSync(`/proc/${pid}/environ`, "utf8"), readlinkSync(`/proc/${pid}/cwd`)];
      return signs.some((sign) => sign.includes(scratch)) ? [{ pid: Number(pid), command }] : [];
    } catch {
      // It ended in between.
      return [];
    }
  });
}

const isMeasuring = (output: string): boolean => output.includes(" cores");
const isStarting = (): boolean => processesThere().some(({ command }) => command.includes("postgres"));

for (const [script, signal, when, is] of [
  ["bench:ingest", "SIGINT", "measures", isMeasuring],
  ["bench:ingest", "SIGTERM", "starts", isStarting],
  ["bench:projection", "SIGTERM", "measures", isMeasuring],
  ["bench:projection", "SIGINT", "starts", isStarting],
] as const) {
  test(`${script}, by ${signal} while it ${when}`, async () => {
    const child = spawn(process.execPath, ["run", "--silent", script], {
      cwd: checkout,
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        TMPDIR: scratch,
        CONNECTIONS: "4",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        output += chunk;
      });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await waitFor(
      () => is(output),
      40_000,
      () => `It does not come to that:\n${output}`,
    );
    expect(processesThere().length).toBeGreaterThan(1);
    child.kill(signal);
    expect(await ended).toBe(signal === "SIGINT" ? 130 : 143);
    // What was killed may need a moment to be gone.
    await waitFor(
      () => processesThere().length === 0,
      5_000,
      () => JSON.stringify(processesThere()),
    );
    expect(readdirSync(scratch)).toEqual([]);
  }, 60_000);
}
