// Bodies of 200 MB, announced, in chunks and packed, a hundred at once, against the running service: refused before they
// are read, without taking memory, while real requests keep being answered.

import { afterAll, beforeAll, expect } from "bun:test";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { residentMib, spreadOf } from "../faults/figures.ts";
import { reportedTests } from "../gate/reported-test.ts";
import { checkedFetch } from "../http/answer-check.ts";
import {
  adminKey,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
} from "../running-service.ts";
import { latencyLine, sendRealRequests } from "./real-requests.ts";
import { answersIn, checkWireAnswers } from "./wire.ts";

const { test } = reportedTests(import.meta.path);

const mib = 1_048_576;
let service: RunningService;
let project: string;
let key: string;
beforeAll(async () => {
  service = await startService();
  ({ project, key } = await registerProject(service));
}, 90_000);
afterAll(async () => {
  await service.stop();
  await removeDataDir(service.dataDir);
}, 30_000);

const head = (path: string, secret: string, length: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${secret}\r\n${length}\r\n\r\n`;

interface Sent {
  readonly status: number | undefined;
  /** Bytes that had gone out when the answer came. */
  readonly bytes: number;
}

/** Sends a body of 200 MB in pieces, looking for the answer between them, and stops when it is there. */
function sendHuge(
  path: string,
  secret: string,
  framing: "announced" | "chunked",
  fill: Buffer,
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const piece =
      framing === "announced"
        ? fill
        : Buffer.concat([Buffer.from(`${fill.length.toString(16)}\r\n`), fill, Buffer.from("\r\n")]);
    let received = "";
    let bytes = 0;
    const socket = connect(service.port, "127.0.0.1", () => {
      socket.write(
        head(
          path,
          secret,
          framing === "announced" ? "Content-Length: 200000000" : "Transfer-Encoding: chunked",
        ),
      );
      next();
    });
    const finish = (): void => {
      socket.destroy();
      const answers = answersIn(received);
      checkWireAnswers({ method: "POST", path }, answers).then(
        () => resolve({ status: answers[0]?.status, bytes }),
        reject,
      );
    };
    const next = (): void => {
      if (socket.destroyed) return;
      bytes += piece.length;
      socket.write(piece, () => setTimeout(next, 20));
      if (bytes > 50 * mib) finish();
    };
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (answersIn(received).length > 0) finish();
    });
    socket.on("error", finish);
    socket.on("close", finish);
  });
}

test("B4: 200 MB, announced, in chunks or packed, a hundred at once: each is answered 413 before it has sent 1 MB", async (report) => {
  const blank = Buffer.alloc(16_384, 0x20);
  const packed = gzipSync(Buffer.alloc(64 * mib, 0x20)).subarray(0, 16_384);
  const paths: readonly (readonly [string, string])[] = [
    ["/api/incidents/webhook/", key],
    ["/api/incidents/webhook/alertmanager", key],
    ["/api/projects", adminKey],
  ];
  const pid = Number(service.child.pid);
  let mostSent = 0;
  const round = async (framing: "announced" | "chunked", at: number): Promise<number> => {
    let peak = residentMib(pid);
    const looking = setInterval(() => {
      peak = Math.max(peak, residentMib(pid));
    }, 10);
    try {
      for (const [path, secret] of paths) {
        for (const fill of [blank, packed]) {
          const sent = await Promise.all(
            Array.from({ length: at }, () => sendHuge(path, secret, framing, fill)),
          );
          expect([path, framing, ...new Set(sent.map(({ status }) => status))]).toEqual([path, framing, 413]);
          mostSent = Math.max(mostSent, ...sent.map(({ bytes }) => bytes));
        }
      }
      return peak;
    } finally {
      clearInterval(looking);
    }
  };
  for (const framing of ["announced", "chunked"] as const) {
    await round(framing, 10);
    const before = residentMib(pid);
    mostSent = 0;
    const real = sendRealRequests(service, { project, key });
    const peak = await round(framing, 100);
    const { latencies, unanswered } = await real.stop();
    console.log(
      `B4: ${framing}: ${paths.length * 2} rounds of 100 bodies of 200 MB: at most ${(mostSent / 1024).toFixed(0)} KiB of one sent before its answer; memory ${before.toFixed(0)} -> at most ${peak.toFixed(0)} MiB; ${latencyLine(latencies, unanswered)}`,
    );
    report.tried({ [framing]: `${paths.length * 2} rounds of 100 bodies of 200 MB` });
    report.found({ [`${framing}, bytes sent at most`]: mostSent, [`${framing}, unanswered`]: unanswered });
    report.figures({
      [`${framing}, MiB`]: [before, peak],
      [`${framing}, real p99 ms`]: spreadOf(latencies).p99,
    });
    expect(mostSent).toBeLessThan(mib);
    expect(unanswered).toBe(0);
    // What comes in chunks is kept until it is more than is allowed: a hundred times 256 KiB a round, and what the
    // collector has not taken yet.
    expect(peak - before).toBeLessThan(framing === "announced" ? 20 : 150);
  }
}, 120_000);

test("B4: whoever has no key, or no route, sends 200 MB into the void: no memory is taken", async (report) => {
  const pid = Number(service.child.pid);
  const before = residentMib(pid);
  const blank = Buffer.alloc(16_384, 0x20);
  let mostSent = 0;
  for (const [path, status] of [
    ["/api/incidents/webhook/", 401],
    ["/nope", 404],
  ] as const) {
    for (const framing of ["announced", "chunked"] as const) {
      const sent = await Promise.all(
        Array.from({ length: 100 }, () => sendHuge(path, "no-such-key", framing, blank)),
      );
      expect([path, framing, ...new Set(sent.map((one) => one.status))]).toEqual([path, framing, status]);
      mostSent = Math.max(mostSent, ...sent.map(({ bytes }) => bytes));
      expect(mostSent).toBeLessThan(mib);
    }
  }
  const after = residentMib(pid);
  console.log(`B4: without a key: memory ${before.toFixed(0)} -> ${after.toFixed(0)} MiB`);
  report.tried({ bodies: 400, of: "200 MB" });
  report.found({ bytesSentAtMost: mostSent });
  report.figures({ mib: [before, after] });
  // A hundred of the bodies' beginnings, as they were sent, would take as much.
  expect(after - before).toBeLessThan(50);
}, 60_000);

test("B4: a packed body is unpacked no further than a body may be long", async (report) => {
  const pid = Number(service.child.pid);
  const bomb = gzipSync(Buffer.alloc(128 * mib, 0x20));
  // Small enough to be read whole: what refuses it is its length once unpacked.
  expect(bomb.length).toBeLessThan(262_144);
  const before = residentMib(pid);
  for (const path of ["/api/incidents/webhook/", "/api/incidents/webhook/auto"]) {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        checkedFetch(service.url + path, {
          method: "POST",
          headers: { "X-API-Key": key, "Content-Encoding": "gzip", "Content-Type": "application/json" },
          body: bomb,
        }),
      ),
    );
    expect([path, ...new Set(answers.map(({ status }) => status))]).toEqual([path, 413]);
  }
  const after = residentMib(pid);
  console.log(
    `B4: 40 bodies of ${(bomb.length / 1024).toFixed(0)} KiB that unpack to 128 MiB: memory ${before.toFixed(0)} -> ${after.toFixed(0)} MiB`,
  );
  report.tried({ bodies: 40, unpackTo: "128 MiB" });
  report.found({ statuses: [413] });
  report.figures({ mib: [before, after] });
  // One of them unpacked whole would take as much.
  expect(after - before).toBeLessThan(128);
}, 60_000);
