// Sends webhooks over keep-alive sockets in a closed loop and reports what came back. Its own process, so that the
// server under test never shares an event loop with its load. Knows nothing of any server's inside.
//
//   bun test/bench/load-driver.ts '{"port":3000,"path":"/…","key":"…","project":"…","connections":64,"seconds":8,"run":"a1"}'
//
// Prints one line of JSON: LoadResult.
import { connect } from "node:net";

export interface Load {
  readonly port: number;
  readonly path: string;
  readonly key: string;
  readonly project: string;
  readonly connections: number;
  readonly seconds: number;
  /** Makes the incident ids of this run unlike those of any other. */
  readonly run: string;
  /** So many monitors, each of which uses its incident_id again and again; absent: each outage has one of its own. */
  readonly monitors?: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly ok: number;
  readonly failed: number;
  /** Acknowledged from a spool; the others from where they are kept for good. */
  readonly spooled: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the driver itself. */
  readonly cpuSeconds: number;
}

const load = JSON.parse(process.argv[2] ?? "{}") as Load;
const latencies: number[] = [];
let sequence = 0;
let ok = 0;
let failed = 0;
let spooled = 0;
const startedAt = performance.now();
const endsAt = startedAt + load.seconds * 1000;

await Promise.all(Array.from({ length: load.connections }, oneConnection));
const elapsedSeconds = (performance.now() - startedAt) / 1000;
latencies.sort((a, b) => a - b);
const result: LoadResult = {
  requests: ok + failed,
  ok,
  failed,
  spooled,
  perSecond: ok / elapsedSeconds,
  p50Ms: quantile(0.5),
  p99Ms: quantile(0.99),
  cpuSeconds: Object.values(process.cpuUsage()).reduce((sum, micros) => sum + micros, 0) / 1e6,
};
console.log(JSON.stringify(result));
process.exit(0);

function quantile(q: number): number {
  return latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? Number.NaN;
}

function request(): string {
  const n = sequence++;
  // An alert and its recovery, as monitors send them.
  const [monitor, turn] =
    load.monitors === undefined
      ? [`${load.run}-${Math.floor(n / 2)}`, n]
      : [String(n % load.monitors), Math.floor(n / load.monitors)];
  const body = JSON.stringify({
    incident_id: `bench-${monitor}`,
    project_uuid: load.project,
    status: turn % 2 === 0 ? "DOWN" : "UP",
    incident_time: new Date().toISOString(),
    monitor_name: "checkout api, eu-west",
    monitor_id: `m-${n % 50}`,
    message: "Request failed with status code 503",
  });
  return `POST ${load.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-API-Key: ${load.key}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function oneConnection(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: load.port });
    socket.setNoDelay(true);
    let received = "";
    let sentAt = 0;
    const send = (): void => {
      if (performance.now() >= endsAt) {
        socket.end();
        resolve();
        return;
      }
      sentAt = performance.now();
      socket.write(request());
    };
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("close", () => resolve());
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      const headEnd = received.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const length = /content-length: *(\d+)/i.exec(received.slice(0, headEnd));
      if (length === null) {
        reject(new Error(`An answer without Content-Length: ${received.slice(0, headEnd)}`));
        return;
      }
      if (received.length < headEnd + 4 + Number(length[1])) return;
      latencies.push(performance.now() - sentAt);
      if (received.startsWith("HTTP/1.1 2")) ok++;
      else failed++;
      if (received.includes('"durability":"spooled"', headEnd)) spooled++;
      received = "";
      send();
    });
  });
}
