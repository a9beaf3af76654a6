// Sends webhooks at a fixed rate, whether or not earlier ones have been answered, as senders do that know nothing of
// each other. A process of its own, so that it shares no event loop with what it measures. Judges nothing but that each
// answer is one that the service documents, and that only when all have come: else it would measure itself.
//
//   bun test/faults/open-loop.ts '{"port":3000,"key":"…","project":"…","perSecond":5000,"seconds":8,"sockets":2000,"run":"a","idsFile":"/…"}'
//
// Prints one line of JSON: OpenLoopResult. Writes the ids that were acknowledged to `idsFile`, one a line.

import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { checkAnswer } from "../http/answer-check.ts";

export interface OpenLoop {
  readonly port: number;
  readonly key: string;
  readonly project: string;
  readonly perSecond: number;
  readonly seconds: number;
  /** The most connections; what is due while all of them wait for an answer is not sent. */
  readonly sockets: number;
  /** Makes the incident ids of this run unlike those of any other. */
  readonly run: string;
  readonly idsFile: string;
}

export interface OpenLoopResult {
  readonly sent: number;
  readonly unsent: number;
  /** How often each status came; 0: the connection ended without a whole answer. */
  readonly statuses: Readonly<Record<string, number>>;
  /** 200s in a second, from the first request to the last answer. */
  readonly goodput: number;
  readonly acceptedMs: { readonly p50: number; readonly p99: number; readonly most: number };
  readonly refusedMs: { readonly p50: number; readonly p99: number; readonly most: number };
  /** 429s and 503s that did not say when to come again. */
  readonly withoutRetryAfter: number;
  /** 429s without RateLimit or RateLimit-Policy. */
  readonly withoutRateLimit: number;
}

interface Line {
  readonly socket: Socket;
  received: string;
  sentAt: number;
  busy: boolean;
  isOpen: boolean;
}

const path = "/api/incidents/webhook/";
const answerWithinMs = 20_000;
/** A listening socket's queue is short: whoever does not fit is told nothing and tries again a second later. */
const mostOpening = 100;

if (import.meta.main) {
  const result = await run(JSON.parse(process.argv[2] ?? "{}") as OpenLoop);
  console.log(JSON.stringify(result));
  process.exit(0);
}

async function run(loop: OpenLoop): Promise<OpenLoopResult> {
  const free: Line[] = [];
  const statuses = new Map<number, number>();
  const accepted: number[] = [];
  const refused: number[] = [];
  const ids: string[] = [];
  const answers: { readonly status: number; readonly head: string; readonly text: string }[] = [];
  let [open, opening, sent, unsent, waiting] = [0, 0, 0, 0, 0];
  let [withoutRetryAfter, withoutRateLimit, lastAt] = [0, 0, 0];

  const count = (status: number): void => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    waiting -= 1;
  };
  const answered = (line: Line, head: string, body: string): void => {
    const status = Number(head.slice(9, 12));
    const now = performance.now();
    count(status);
    answers.push({ status, head, text: body });
    (status === 200 ? accepted : refused).push(now - line.sentAt);
    if (status === 200) {
      lastAt = now;
      ids.push((JSON.parse(body) as { event_id: string }).event_id);
    }
    if ((status === 429 || status === 503) && !/\r\nretry-after: *\d/i.test(head)) withoutRetryAfter += 1;
    if (status === 429 && !(/\r\nratelimit: /i.test(head) && /\r\nratelimit-policy: /i.test(head))) {
      withoutRateLimit += 1;
    }
    line.busy = false;
    line.received = "";
    free.push(line);
  };
  const opened = (): Line => {
    open += 1;
    opening += 1;
    const line: Line = {
      socket: connect({ host: "127.0.0.1", port: loop.port, noDelay: true }),
      received: "",
      sentAt: 0,
      busy: false,
      isOpen: false,
    };
    line.socket.once("connect", () => {
      line.isOpen = true;
      opening -= 1;
    });
    line.socket.on("data", (chunk: Buffer) => {
      line.received += chunk.toString("latin1");
      const end = line.received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = line.received.slice(0, end);
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (line.received.length >= end + 4 + length) answered(line, head, line.received.slice(end + 4));
    });
    line.socket.on("error", () => {});
    line.socket.on("close", () => {
      open -= 1;
      if (!line.isOpen) opening -= 1;
      if (line.busy) count(0);
      const place = free.indexOf(line);
      if (place >= 0) free.splice(place, 1);
    });
    return line;
  };

  const startedAt = performance.now();
  const endsAt = startedAt + loop.seconds * 1_000;
  let due = 0;
  while (performance.now() < endsAt) {
    const target = ((performance.now() - startedAt) / 1_000) * loop.perSecond;
    for (; due < target; due += 1) {
      const line = free.pop() ?? (open < loop.sockets && opening < mostOpening ? opened() : undefined);
      if (line === undefined) {
        unsent += Math.ceil(target - due);
        due = Math.ceil(target);
        break;
      }
      sent += 1;
      waiting += 1;
      line.busy = true;
      line.sentAt = performance.now();
      line.socket.write(requestOf(loop, due));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const lastlyAt = performance.now() + answerWithinMs;
  while (waiting > 0 && performance.now() < lastlyAt) await new Promise((resolve) => setTimeout(resolve, 10));
  if (waiting > 0) statuses.set(0, (statuses.get(0) ?? 0) + waiting);
  for (const { status, head, text } of answers) {
    const contentType = /\r\ncontent-type: *([^\r]+)/i.exec(head)?.[1] ?? null;
    await checkAnswer({ method: "POST", path, status, contentType, text });
  }
  writeFileSync(loop.idsFile, ids.join("\n"));
  return {
    sent,
    unsent,
    statuses: Object.fromEntries(statuses),
    goodput: Math.round((accepted.length / Math.max(endsAt - startedAt, lastAt - startedAt)) * 1_000),
    acceptedMs: spread(accepted),
    refusedMs: spread(refused),
    withoutRetryAfter,
    withoutRateLimit,
  };
}

function requestOf({ project, key, run }: OpenLoop, n: number): string {
  const body = JSON.stringify({
    incident_id: `load-${run}-${Math.floor(n / 2)}`,
    project_uuid: project,
    status: n % 2 === 0 ? "DOWN" : "UP",
    incident_time: new Date().toISOString(),
    monitor_name: "checkout api, eu-west",
    monitor_id: `m-${n % 50}`,
    message: "Request failed with status code 503",
  });
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-API-Key: ${key}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function spread(ms: number[]): { p50: number; p99: number; most: number } {
  ms.sort((a, b) => a - b);
  const at = (q: number): number => ms[Math.min(ms.length - 1, Math.floor(ms.length * q))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), most: ms.at(-1) ?? 0 };
}
