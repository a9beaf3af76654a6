// What a log line is, seen from outside the process that writes it: one line of JSON an event, no secrets, no forgeries.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const logFile = join(import.meta.dirname, "../src/log.ts");

/** Runs the statement on a log in a process of its own and answers what it printed. */
function printed(statement: string, options: { level?: string; format?: string } = {}): string {
  const { level = "info", format = "json" } = options;
  const program = `import { createLog } from ${JSON.stringify(logFile)};
    const log = createLog(${JSON.stringify({ level, format })}); ${statement}`;
  const run = spawnSync(process.execPath, ["-e", program], { encoding: "utf8" });
  expect(run.stderr).toBe("");
  return run.stdout;
}

describe("a log line", () => {
  test("is one object of JSON with time, level, message and details", () => {
    const output = printed(
      'log.info({ request_id: "r", n: 3 }, "recorded"); log.debug({}, "not asked for");',
    );
    expect(JSON.parse(output)).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/),
      request_id: "r",
      n: 3,
      msg: "recorded",
    });
    expect(output.match(/\n/g)).toHaveLength(1);
  });

  test("cannot be forged or coloured by a sender's text, on a terminal neither", () => {
    const statement =
      'log.warn({ status: "x\\n{\\"level\\":\\"error\\"}\\r\\u001b[31m\\u2028y\\u009bz" }, "unknown");';
    const json = printed(statement);
    expect(json.trimEnd().split("\n")).toHaveLength(1);
    const pretty = printed(statement, { format: "pretty" });
    for (const output of [json, pretty]) {
      expect(output).not.toMatch(/[^\P{Cc}\n]|\u2028/u);
      expect(output).not.toMatch(/^\{?"level":"error"/m);
    }
    expect(pretty).toContain("unknown");
  });

  test("shows no secret, wherever it lies in the details", () => {
    const output = printed(
      'log.info({ key: "s1", headers: { "x-api-key": "s2", authorization: "s3" }, password: "s4" }, "m");',
    );
    expect(output).not.toMatch(/s[1-4]/);
    expect(output).toContain("[redacted]");
  });

  test("is bounded, whatever it is given", () => {
    expect(printed('log.info({ text: "x".repeat(1_000_000) }, "m");').length).toBeLessThan(3_000);
  });
});
