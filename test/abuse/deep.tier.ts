// Bodies as deep, as wide and as long as they may be, and ten thousand requests in one go, against the running service:
// read in bounded time, while real requests keep being answered.

import { afterAll, beforeAll, expect } from "bun:test";
import { connect } from "node:net";
import { readContractWebhook } from "../../src/intake/contract-webhook.ts";
import { readNative } from "../../src/intake/receive-native.ts";
import { readPayload } from "../../src/sources/read-payload.ts";
import { spreadOf } from "../faults/figures.ts";
import { reportedTests } from "../gate/reported-test.ts";
import { checkedFetch } from "../http/answer-check.ts";
import {
  adminKey,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
} from "../running-service.ts";
import { receivedAt as received_at } from "../sources/fixtures.ts";
import { latencyLine, sendRealRequests } from "./real-requests.ts";
import { answersIn, checkWireAnswers } from "./wire.ts";

const { test } = reportedTests(import.meta.path);

const limit = 262_144;
let service: RunningService;
let project: string;
let key: string;
beforeAll(async () => {
  service = await startService({ env: { MAX_BODY_BYTES: String(limit) } });
  ({ project, key } = await registerProject(service));
}, 90_000);
afterAll(async () => {
  await service.stop();
  await removeDataDir(service.dataDir);
}, 30_000);

const head = (path: string, secret: string, length: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${secret}\r\n${length}\r\n\r\n`;

test("B5: JSON as deep, as wide and as long as it may be: answered by rule, in bounded time, others meanwhile", async (report) => {
  const rest = `"project_uuid":"${project}","status":"DOWN","incident_time":"2025-01-15T10:30:00Z"`;
  const nested = (open: string, close: string, depth: number): string =>
    open.repeat(depth) + close.repeat(depth);
  const wide = (count: number): string =>
    Array.from({ length: count }, (_, n) => `"k${n}":${n % 10}`).join(",");
  const bodies: Readonly<Record<string, string>> = {
    "lists, 1,000 deep": nested("[", "]", 1_000),
    "lists, 131,000 deep": nested("[", "]", 131_000),
    "lists that never end": "[".repeat(262_000),
    "lists, 2,000,000 deep": nested("[", "]", 2_000_000),
    "objects, 43,000 deep": nested('{"a":', "}", 43_000).replace("}", "0}"),
    "objects that never end": '{"a":'.repeat(52_000),
    "lists 125,000 deep in a field": `{"incident_id":"deep",${rest},"more":${nested("[", "]", 125_000)}}`,
    "20,000 keys": `{"incident_id":"wide",${rest},${wide(20_000)}}`,
    "100,000 keys": `{"incident_id":"wide",${rest},${wide(100_000)}}`,
    "a key of 250 KB": `{"${"k".repeat(250_000)}":1,"incident_id":"long-name",${rest}}`,
    "a message of 250 KB": `{"incident_id":"long",${rest},"message":"${"x".repeat(250_000)}"}`,
    "a message of 1 MB": `{"incident_id":"long",${rest},"message":"${"x".repeat(1_000_000)}"}`,
    "a message of escapes alone": `{"incident_id":"escapes",${rest},"message":"${"\\u0000".repeat(43_000)}"}`,
    "a number of 250,000 digits": `{"incident_id":${"9".repeat(250_000)},${rest}}`,
    "a broken template": `{"incident_id": "b", ${rest}, "message": "${'say "hi", '.repeat(25_000)}"}`,
    "quotes alone": `{"incident_id": "${'"'.repeat(250_000)}`,
    "backslashes alone": `{"incident_id": "${"\\".repeat(250_000)}"}`,
    "blanks alone": " ".repeat(250_000),
    "65,000 pairs of a form": "a=b&".repeat(65_000),
    "25,000 different pairs of a form": Array.from({ length: 25_000 }, (_, n) => `k${n}=b`).join("&"),
    "a field 15,000 times": `{"incident_id":"a",${'"status":"DOWN",'.repeat(15_000)}${rest}}`,
  };
  const paths: readonly (readonly [string, string])[] = [
    ["/api/incidents/webhook/", key],
    ["/api/incidents/webhook/auto", key],
    ["/api/incidents/webhook/fields", key],
    ["/api/sources/auto/preview", key],
    ["/api/projects", adminKey],
    [`/api/projects/${project}/keys`, adminKey],
  ];
  const real = sendRealRequests(service, { project, key });
  const slowest: { name: string; path: string; ms: number }[] = [];
  for (const [name, body] of Object.entries(bodies)) {
    for (const [path, secret] of paths) {
      const startedAt = performance.now();
      const answer = await checkedFetch(service.url + path, {
        method: "POST",
        headers: { "X-API-Key": secret },
        body,
      });
      await answer.arrayBuffer();
      slowest.push({ name, path, ms: performance.now() - startedAt });
      expect([name, path, [200, 400, 413].includes(answer.status)]).toEqual([name, path, true]);
      if (body.length > limit) expect([name, answer.status]).toEqual([name, 413]);
    }
  }
  const { latencies, unanswered } = await real.stop();
  // Without the socket, the disk and the others on the machine: what one of them costs the process.
  const reading = Object.entries(bodies)
    .filter(([, body]) => body.length <= limit)
    .map(([name, body]) => ({ name, ms: readingMs(new TextEncoder().encode(body)) }))
    .sort((one, other) => other.ms - one.ms);
  for (const { name, ms } of reading.slice(0, 3))
    console.log(`B5: slowest to read: ${name}: ${ms.toFixed(1)} ms`);
  slowest.sort((one, other) => other.ms - one.ms);
  for (const { name, path, ms } of slowest.slice(0, 5))
    console.log(`B5: slowest: ${name} at ${path.replace(project, "{project}")}: ${ms.toFixed(0)} ms`);
  console.log(
    `B5: ${slowest.length} bodies of up to 256 KiB and beyond; ${latencyLine(latencies, unanswered)}`,
  );
  expect(unanswered).toBe(0);
  report.tried({ bodies: slowest.length });
  report.found({ unanswered });
  report.figures({ slowest: slowest[0], slowestToRead: reading[0], realP99Ms: spreadOf(latencies).p99 });
  report.timeBound("the slowest answer in ms", slowest[0]?.ms ?? Number.NaN, { below: 2_000 });
  // The read model takes what was recorded of them.
  const last = await service.json<{ position: string }>("POST", "/api/incidents/webhook/", {
    key,
    body: {
      incident_id: "last",
      project_uuid: project,
      status: "DOWN",
      incident_time: "2025-01-15T10:30:00Z",
    },
  });
  await service.json("GET", `/api/projects/${project}/incidents/last?min_position=${last.position}`, {
    key,
  });
  const letters = await service.json<{ items: unknown[] }>("GET", "/api/admin/dead-letters", {
    key: adminKey,
  });
  expect(letters.items).toEqual([]);
}, 180_000);

/** The longest of the ways in which a body can be read, at its best of three. */
function readingMs(body: Uint8Array): number {
  const webhook = (source: string) => ({ body, headers: {}, query: {}, source, received_at });
  const ways = [
    () => readContractWebhook(body),
    () => readNative(webhook("auto"), readPayload),
    () => readNative(webhook("fields"), readPayload),
    () => readNative(webhook("alertmanager"), readPayload),
  ];
  return Math.max(
    ...ways.map((read) => {
      const took = [1, 2, 3].map(() => {
        const startedAt = performance.now();
        read();
        return performance.now() - startedAt;
      });
      return Math.min(...took);
    }),
  );
}

test("B6: ten thousand requests in one go on one connection: answers come in order, others meanwhile", async (report) => {
  const real = sendRealRequests(service, { project, key });
  const count = 10_000;
  const get = (n: number): string => `GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-Id: n-${n}\r\n\r\n`;
  const asked = await pipelined(Array.from({ length: count }, (_, n) => get(n)).join(""), count);

  const post = (n: number): string => {
    const body = JSON.stringify({
      incident_id: `piped-${n}`,
      project_uuid: project,
      status: "DOWN",
      incident_time: "2025-01-15T10:30:00Z",
    });
    return `${head("/api/incidents/webhook/", key, `Content-Length: ${body.length}\r\nX-Request-Id: n-${n}`)}${body}`;
  };
  const piped = await pipelined(Array.from({ length: count }, (_, n) => post(n)).join(""), count);
  const { latencies, unanswered } = await real.stop();
  // Read only now: what it takes here would hold up the real requests.
  const posted = await requestIds(piped, { method: "POST", path: "/api/incidents/webhook/" });
  expect(await requestIds(asked, { method: "GET", path: "/health/live" })).toEqual(
    Array.from({ length: count }, (_, n) => `n-${n}`),
  );
  const replay = await (
    await checkedFetch(`${service.url}/api/projects/${project}/replay`, { headers: { "X-API-Key": key } })
  ).text();
  const recorded = [...replay.matchAll(/"incident_id":"piped-(\d+)"/g)].map(([, n]) => Number(n));
  console.log(
    `B6: of ${count} webhooks in one go ${posted.length} were answered and ${recorded.length} recorded; ${latencyLine(latencies, unanswered)}`,
  );
  report.tried({ requests: 2 * count });
  report.found({ answered: posted.length, recorded: recorded.length, unanswered });
  report.figures({ realP99Ms: spreadOf(latencies).p99 });
  expect(unanswered).toBe(0);
  // The runtime ends a connection on which a request comes while another is still being answered: what was answered is
  // the beginning, in order, and nothing behind the one that was being answered is carried out.
  expect(posted).toEqual(Array.from({ length: posted.length }, (_, n) => `n-${n}`));
  expect(recorded).toEqual(Array.from({ length: recorded.length }, (_, n) => n));
  expect(recorded.length - posted.length).toBeWithin(0, 2);
}, 60_000);

/** Of the answers to requests that all ask for the same. */
async function requestIds(
  received: string,
  request: { readonly method: string; readonly path: string },
): Promise<readonly string[]> {
  const answers = answersIn(received);
  await checkWireAnswers(request, answers);
  return answers.map(({ headers }) => headers["x-request-id"] ?? "");
}

/** What comes back until `count` answers have come or the server ends it. */
function pipelined(bytes: string, count: number): Promise<string> {
  return new Promise((resolve) => {
    const chunks: string[] = [];
    let answers = 0;
    const socket = connect(service.port, "127.0.0.1", () => socket.write(bytes));
    const finish = (): void => {
      socket.destroy();
      resolve(chunks.join(""));
    };
    socket.setTimeout(10_000, finish);
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      chunks.push(text);
      answers += text.split("HTTP/1.1 ").length - 1;
      if (answers >= count) setTimeout(finish, 50);
    });
    socket.on("error", finish);
    socket.on("close", finish);
  });
}
