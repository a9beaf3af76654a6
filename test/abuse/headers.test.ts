// Headers and first lines that are too long, too many, twice there or full of control characters, over a real socket:
// each is answered or refused, none is obeyed in part, and none reaches a log line raw.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type HttpServer, serve } from "../../src/runtime.ts";
import { adminKey, createHttpSide, type HttpSide } from "../http/http-side.ts";
import { exchange } from "./wire.ts";

let side: HttpSide;
let server: HttpServer;
beforeAll(async () => {
  side = await createHttpSide();
  server = serve({ host: "127.0.0.1", port: 0, idleSeconds: 10, handle: side.handle });
});
afterAll(() => server.stop(100));

const get = (headers: string, target = "/api/projects"): string =>
  `GET ${target} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\n${headers}\r\n`;
const many = (count: number): string => Array.from({ length: count }, (_, n) => `H${n}: x\r\n`).join("");

/** The runtime refuses these itself, before there is a request: a status alone, and the end of the connection. */
const refused: readonly (readonly [string, string, number])[] = [
  ["a header of 16 KiB", get(`A: ${"x".repeat(16_384)}\r\n`), 431],
  ["a header of 64 KiB", get(`A: ${"x".repeat(65_536)}\r\n`), 431],
  ["a header of 1 MB", get(`A: ${"x".repeat(1_000_000)}\r\n`), 431],
  ["a name of 64 KiB", get(`${"x".repeat(65_536)}: a\r\n`), 431],
  ["300 headers", get(many(300)), 431],
  ["10,000 headers", get(many(10_000)), 431],
  ["a path of 64 KiB", get("", `/${"a".repeat(65_536)}`), 431],
  ["a query of 64 KiB", get("", `/api/projects?cursor=${"a".repeat(65_536)}`), 431],
  ["a NUL in a value", get("A: x\0y\r\n"), 400],
  ["an escape in a value", get("A: \x1b[31m\r\n"), 400],
  ["an escape in the request id", get("X-Request-Id: \x1b[31m\r\n"), 400],
  ["a vertical tab in a value", get("A: a\x0bb\r\n"), 400],
  ["a carriage return in a value", get('A: x\r{"level":"fatal"}\r\n'), 400],
  ["a NUL in the path", get("", "/api/pro\0jects"), 505],
  ["an escape in the path", get("", "/\x1b[31m"), 505],
  ["a control character in the method", get("").replace("GET", "G\x01T"), 505],
];

/** These are requests. */
const answered: readonly (readonly [string, string, number])[] = [
  ["a header of 12 KB", get(`A: ${"x".repeat(12_000)}\r\n`), 200],
  ["100 headers", get(many(100)), 200],
  ["a key in odd capitals and blanks", get("").replace("X-API-Key: ", "x-aPI-kEY: \t "), 200],
  ["the key twice", get(`X-API-Key: ${adminKey}\r\n`), 401],
  ["the key and another", get("X-API-Key: other\r\n"), 401],
  ["two keys in one header", get("").replace(adminKey, `${adminKey}, ${adminKey}`), 401],
  ["a path of 12 KB", get("", `/${"a".repeat(12_000)}`), 404],
  ["a parameter of 12 KB", get("", `/api/projects?cursor=${"a".repeat(12_000)}`), 400],
  ["5,000 parameters", get("", `/api/projects?${"a&".repeat(5_000)}`), 400],
  ["bytes beyond ASCII in a value", get("A: \xff\xfe\r\n"), 200],
  ["a DEL in the path", get("", "/\x7f"), 404],
  ["a host and a second one", get("Host: y\r\n"), 200],
  ["an absolute target of another host", get("", "http://other/api/projects"), 200],
];

describe("refused before it is a request", () => {
  for (const [name, bytes, status] of refused) {
    test(`${name}: ${status}`, async () => {
      const before = side.asked.length;
      const { answers, closed } = await exchange(server.port, bytes);
      expect([answers.map((one) => one.status), closed]).toEqual([[status], true]);
      expect(side.asked.length).toBe(before);
    });
  }

  test("a method that nobody knows: the end of the connection, or a refusal", async () => {
    for (const method of ["get", "BREW", "G".repeat(8_192)]) {
      const { answers, closed } = await exchange(server.port, get("").replace("GET", method));
      expect([answers.filter(({ status }) => status < 400), closed]).toEqual([[], true]);
    }
  });
});

describe("answered", () => {
  for (const [name, bytes, status] of answered) {
    test(`${name}: ${status}`, async () => {
      const { answers, closed } = await exchange(server.port, bytes, { answers: 1 });
      expect([answers.map((one) => one.status), closed]).toEqual([[status], false]);
      if (status < 400) return;
      expect(Object.keys(JSON.parse(answers[0]?.body ?? ""))).toEqual(["success", "error", "details"]);
      expect(answers[0]?.body.length).toBeLessThan(300);
    });
  }

  test("a request id that could be more than a name is replaced", async () => {
    for (const id of ['a"b', "a b", "x".repeat(65), "\xe4", "{}", "a,b", "<b>", "a\tb", ""]) {
      const { answers } = await exchange(server.port, get(`X-Request-Id: ${id}\r\n`), { answers: 1 });
      expect(answers[0]?.headers["x-request-id"]).toBe("made-here");
    }
  });
});

test("no log line of all this holds a control character or a key", () => {
  const lines = side.logged.map(({ details, message }) => `${message} ${Object.values(details).join(" ")}`);
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines) {
    expect(line).not.toMatch(/\p{Cc}/u);
    expect(line).not.toContain(adminKey);
  }
});
