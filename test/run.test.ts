// What a test run came to is read from what bun prints, and a run that cannot say so has failed.

import { expect, test } from "bun:test";
import { foundLoss, readTally } from "./run.ts";

const summary = (pass: number, fail: number, error = ""): string =>
  `(pass) one\n\n ${pass} pass\n ${fail} fail\n${error} 40 expect() calls\nRan ${pass + fail} tests across 2 files. [1.2s]\n`;

test("passes and failures are bun's own figures", () => {
  expect(readTally(summary(12, 0), 0)).toEqual({ passed: 12, failed: 0 });
  expect(readTally(summary(12, 3), 1)).toEqual({ passed: 12, failed: 3 });
});

test("a file that could not be loaded is a failure of its own", () => {
  expect(readTally(summary(12, 0, " 1 error\n"), 1)).toEqual({ passed: 12, failed: 1 });
});

test("a process that died says nothing, and that is one failure", () => {
  expect(readTally("(pass) one\n", null)).toEqual({ passed: 0, failed: 1 });
  expect(readTally("(pass) one\n", 0)).toEqual({ passed: 0, failed: 1 });
  expect(readTally(summary(12, 0), 139)).toEqual({ passed: 12, failed: 1 });
});

test("a loss or a double is told from what was only late", () => {
  expect(foundLoss("acknowledged 9, events 9; lost 0 in the log, 0 in the tables; twice 0 in the log")).toBe(
    false,
  );
  expect(foundLoss("acknowledged 9, events 8; lost 1 in the log")).toBe(true);
  expect(foundLoss("lost 0 in the log; twice 12 in the log")).toBe(true);
});
