// The smuggling corpus through nginx and HAProxy in front of the service, which keep their connections to it and use
// them again: proxy and service never see a different number of requests, so nobody gets another's answer.
// Needs both (nginx-light and haproxy of Debian).

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../src/processes/ports.ts";
import { type HttpServer, serve } from "../../src/runtime.ts";
import { reportedTests } from "../gate/reported-test.ts";
import { adminKey, createHttpSide, type HttpSide, projectA } from "../http/http-side.ts";
import { end, waitFor } from "../running-service.ts";
import { smugglingCorpus } from "./smuggling-corpus.ts";
import { answersIn, type WireAnswer } from "./wire.ts";

const { test } = reportedTests(import.meta.path);

let side: HttpSide;
let server: HttpServer;
let directory: string;
const proxies: { readonly name: string; readonly port: number; readonly child: ChildProcess }[] = [];
/** How many requests the service has been handed. */
let handled = 0;

beforeAll(async () => {
  side = await createHttpSide();
  server = serve({
    host: "127.0.0.1",
    port: 0,
    idleSeconds: 30,
    handle: (request) => {
      handled++;
      return side.handle(request);
    },
  });
  directory = mkdtempSync(join(tmpdir(), "ledger-proxies-"));
  await start("nginx", "nginx.conf", nginx, (file) => [
    "-p",
    directory,
    "-e",
    join(directory, "error"),
    "-c",
    file,
  ]);
  await start("haproxy", "haproxy.cfg", haproxy, (file) => ["-q", "-f", file]);
}, 30_000);
afterAll(async () => {
  for (const { child } of proxies) await end(child, "SIGKILL");
  await server.stop(100);
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

async function start(
  name: string,
  fileName: string,
  config: (ports: { proxy: number; service: number }) => string,
  args: (file: string) => readonly string[],
): Promise<void> {
  const port = await freePort();
  const file = join(directory, fileName);
  writeFileSync(file, config({ proxy: port, service: server.port }));
  const child = spawn(name, args(file), { stdio: ["ignore", "inherit", "inherit"] });
  proxies.push({ name, port, child });
  const failed = new Promise<never>((_, reject) => {
    child.once("error", (error) => reject(new Error(`${name} cannot be started: ${error.message}`)));
  });
  const isUp = async (): Promise<boolean> =>
    (await fetch(`http://127.0.0.1:${port}/health/live`).catch(() => undefined))?.status === 200;
  await Promise.race([failed, waitFor(isUp, 10_000, () => `${name} does not answer.`)]);
}

const nginx = ({ proxy, service }: { proxy: number; service: number }): string => `
daemon off;
master_process off;
pid ${directory}/nginx.pid;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  upstream ledger { server 127.0.0.1:${service}; keepalive 8; }
  server {
    listen 127.0.0.1:${proxy};
    location / {
      proxy_pass http://ledger;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Connection "";
      proxy_set_header Host x;
    }
  }
}
`;

const haproxy = ({ proxy, service }: { proxy: number; service: number }): string => `
defaults
  mode http
  timeout connect 2s
  timeout client 2s
  timeout server 5s
  http-reuse always
listen ledger
  bind 127.0.0.1:${proxy}
  server one 127.0.0.1:${service}
`;

/** What comes back for these bytes within a moment. */
function send(port: number, bytes: string): Promise<readonly WireAnswer[]> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    const finish = (): void => {
      socket.destroy();
      resolve(answersIn(received));
    };
    socket.setTimeout(400, finish);
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    socket.on("error", finish);
    socket.on("close", finish);
  });
}

let run = 0;
const body = (incident: string): string =>
  JSON.stringify({
    incident_id: `${incident}-${run}`,
    project_uuid: projectA,
    status: "DOWN",
    incident_time: "2025-01-15T10:30:00Z",
  });
const recorded = (): readonly string[] =>
  side.appended.flatMap(({ event: { data } }) =>
    "incident_id" in data && data.incident_id.endsWith(`-${run}`) ? [data.incident_id] : [],
  );

describe("behind a proxy", () => {
  for (const which of [0, 1]) {
    test(`${["nginx", "HAProxy"][which]} and the service count the same requests`, async (report) => {
      const { name, port } = proxies[which] ?? { name: "", port: 0 };
      const tally = { refused: 0, one: 0, two: 0 };
      for (let index = 0; index < smugglingCorpus({ body, key: adminKey }).length; index++) {
        run++;
        const { name: what, bytes } = smugglingCorpus({ body, key: adminKey })[index] ?? {
          name: "",
          bytes: "",
        };
        const before = handled;
        const answers = await send(port, bytes);
        // The service's own answers have a request id; what the proxy says itself has none.
        const ours = answers.filter(({ headers }) => headers["x-request-id"] !== undefined);
        const taken = ours.filter(({ status }) => status === 200).length;
        expect([what, handled - before]).toEqual([what, ours.length]);
        expect([what, recorded().length]).toEqual([what, taken]);
        tally[taken === 0 ? "refused" : taken === 1 ? "one" : "two"]++;
        // Whoever comes next, over the same kept connections, gets their own answer.
        const id = `next-${run}`;
        const next = await fetch(`http://127.0.0.1:${port}/nope`, { headers: { "X-Request-Id": id } });
        expect([what, next.status, next.headers.get("x-request-id")]).toEqual([what, 404, id]);
        await next.arrayBuffer();
      }
      console.log(
        `S4: through ${name}: ${tally.refused} refused, ${tally.one} taken as one request, ${tally.two} as two that the proxy ended itself`,
      );
      report.tried({ proxy: name, requests: smugglingCorpus({ body, key: adminKey }).length });
      report.found(tally);
      expect(tally.refused).toBeGreaterThan(30);
      expect(tally.one).toBeGreaterThan(5);
    }, 120_000);
  }
});
