// Real senders against the running service: Prometheus with Alertmanager, and Monit. `bun run test:senders` runs it.

import { afterAll, beforeAll, expect } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "../../src/answers/field.ts";
import type { PairItem } from "../../src/answers/incidents.ts";
import { parseInstant, toRfc3339 } from "../../src/domain/instant.ts";
import { freePort } from "../../src/processes/ports.ts";
import { reportedTests } from "../gate/reported-test.ts";
import {
  end,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  waitFor,
} from "../running-service.ts";
import { listen, type Program, type Relay, requireProgram, startProgram, startRelay } from "./real-sender.ts";

const { test } = reportedTests(import.meta.path);

const directory = mkdtempSync(join(tmpdir(), "ledger-senders-"));
const programs: Program[] = [];
let service: RunningService;
let relay: Relay;

beforeAll(async () => {
  requireProgram("prometheus", "prometheus");
  requireProgram("prometheus-alertmanager", "prometheus-alertmanager");
  requireProgram("monit", "monit");
  requireProgram("curl", "curl");
  service = await startService();
  relay = await startRelay(service.url);
}, 120_000);

afterAll(async () => {
  for (const program of programs) await end(program.child, "SIGTERM");
  relay?.stop();
  if (service !== undefined) {
    await service.stop();
    await removeDataDir(service.dataDir);
  }
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

test("a Prometheus rule fires and resolves through Alertmanager, across a 503, and the pair has the alert's own times", async (report) => {
  const { project, key } = await registerProject(service);
  const monitored = new MonitoredPage();
  await monitored.start();
  const alertmanagerPort = await startAlertmanager(relay.port, key);
  await startPrometheus({ alertmanagerPort, monitoredPort: monitored.port });

  relay.refuse = 2;
  monitored.broken = true;
  await waitFor(
    () => alerts("firing").length > 0,
    60_000,
    () => printedBy(programs),
  );
  expect(relay.relayed.slice(0, 2).map(({ status }) => status)).toEqual([503, 503]);
  await waitFor(
    async () => (await pairs(project, key, "open")).length === 1,
    10_000,
    () => "no open outage",
  );

  monitored.broken = false;
  await waitFor(
    () => alerts("resolved").length > 0,
    60_000,
    () => printedBy(programs),
  );
  await waitFor(
    async () => (await pairs(project, key, "recovered")).length === 1,
    10_000,
    () => "no pair",
  );

  const [pair] = await pairs(project, key, "recovered");
  const fired = alerts("firing")[0];
  const resolved = alerts("resolved")[0];
  report.tried({ sender: "Prometheus and Alertmanager", webhooks: relay.relayed.length });
  report.found({ pair });
  expect(pair).toMatchObject({
    incident_id: fired?.fingerprint,
    first_alert_at: milliseconds(fired?.startsAt),
    latest_alert_at: milliseconds(fired?.startsAt),
    recovered_at: milliseconds(resolved?.endsAt),
    matched_by: "incident_id",
    recovered_at_basis: "incident_time",
  });
  expect(pair?.recovery_seconds).toBeGreaterThan(0);
  monitored.stop();
}, 180_000);

test("Monit reports a failed and a recovered page by its script", async (report) => {
  const { project, key } = await registerProject(service);
  const monitored = new MonitoredPage();
  monitored.broken = true;
  await monitored.start();
  startMonit({ monitoredPort: monitored.port, relayPort: relay.port, key });
  await waitFor(
    async () => (await pairs(project, key, "open")).length === 1,
    60_000,
    () => printedBy(programs),
  );
  monitored.broken = false;
  await waitFor(
    async () => (await pairs(project, key, "recovered")).length === 1,
    60_000,
    () => printedBy(programs),
  );
  const [pair] = await pairs(project, key, "recovered");
  report.tried({ sender: "Monit", webhooks: relay.relayed.length });
  report.found({ pair });
  expect(pair).toMatchObject({ incident_id: "shop-page", matched_by: "incident_id" });
  expect(pair?.recovery_seconds).toBeGreaterThan(0);
  monitored.stop();
}, 180_000);

interface AlertmanagerAlert {
  readonly status: string;
  readonly fingerprint: string;
  readonly startsAt: string;
  readonly endsAt: string;
}

/** The alerts in what Alertmanager sent and the service took, in that order. */
function alerts(status: "firing" | "resolved"): readonly AlertmanagerAlert[] {
  return relay.relayed
    .filter((one) => one.status === 200 && one.body.includes('"groupKey"'))
    .flatMap(({ body }) => (JSON.parse(body) as { alerts: AlertmanagerAlert[] }).alerts)
    .filter((alert) => alert.status === status);
}

async function pairs(
  project: string,
  key: string,
  state: "open" | "recovered",
): Promise<readonly PairItem[]> {
  const path = `/api/projects/${project}/pairs?state=${state}`;
  return (await service.json<Page<PairItem>>("GET", path, { key })).items;
}

function milliseconds(text: string | undefined): string {
  const read = parseInstant(text ?? "");
  if (!read.ok) throw new Error(`${text}: ${read.problem}`);
  return toRfc3339(read.value);
}

const printedBy = (all: readonly Program[]): string => all.map(({ output }) => output()).join("\n----\n");

/** A page that a monitor can find up or down. */
class MonitoredPage {
  broken = false;
  port = 0;
  readonly #server: Server = createServer((request, response) => {
    if (this.broken) {
      response.writeHead(500).end("broken");
      return;
    }
    response
      .writeHead(200, { "Content-Type": "text/plain" })
      .end(request.url === "/metrics" ? "page_ok 1\n" : "fine\n");
  });
  async start(): Promise<void> {
    this.port = await listen(this.#server);
  }
  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

async function startAlertmanager(relayPort: number, key: string): Promise<number> {
  const port = await freePort();
  const config = join(directory, "alertmanager.yml");
  writeFileSync(
    config,
    `route:
  receiver: ledger
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: ledger
    webhook_configs:
      - url: http://127.0.0.1:${relayPort}/api/incidents/webhook/alertmanager?token=${key}
`,
  );
  programs.push(
    startProgram(
      "prometheus-alertmanager",
      [
        `--config.file=${config}`,
        `--storage.path=${join(directory, "alertmanager")}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--cluster.listen-address=",
      ],
      directory,
    ),
  );
  await answers(`http://127.0.0.1:${port}/-/ready`);
  return port;
}

async function startPrometheus(to: { alertmanagerPort: number; monitoredPort: number }): Promise<void> {
  const port = await freePort();
  writeFileSync(
    join(directory, "rules.yml"),
    `groups:
  - name: shop
    interval: 1s
    rules:
      - alert: ShopPageDown
        expr: up{job="shop"} == 0
        labels: { severity: page }
        annotations:
          summary: 'The "shop" page does not answer'
`,
  );
  const config = join(directory, "prometheus.yml");
  writeFileSync(
    config,
    `global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [rules.yml]
alerting:
  alertmanagers:
    - static_configs: [{ targets: ['127.0.0.1:${to.alertmanagerPort}'] }]
scrape_configs:
  - job_name: shop
    static_configs: [{ targets: ['127.0.0.1:${to.monitoredPort}'] }]
`,
  );
  programs.push(
    startProgram(
      "prometheus",
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory, "prometheus")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      directory,
    ),
  );
  await answers(`http://127.0.0.1:${port}/-/ready`);
}

/** Monit runs a script on a failure and on the recovery; the script is the one that its setup text shows. */
function startMonit(to: { monitoredPort: number; relayPort: number; key: string }): void {
  const script = join(directory, "webhook.sh");
  writeFileSync(
    script,
    `#!/bin/sh
exec curl -sS -m 10 -G -X POST "http://127.0.0.1:${to.relayPort}/api/incidents/webhook/fields" \\
  --data-urlencode "token=${to.key}" --data-urlencode "incident_id=$MONIT_SERVICE" --data-urlencode "status=$1" \\
  --data-urlencode "monitor_name=$MONIT_SERVICE" --data-urlencode "message=$MONIT_DESCRIPTION"
`,
  );
  chmodSync(script, 0o755);
  mkdirSync(join(directory, "monit"));
  const config = join(directory, "monitrc");
  writeFileSync(
    config,
    `set daemon 1
set logfile ${join(directory, "monit", "log")}
set idfile ${join(directory, "monit", "id")}
set statefile ${join(directory, "monit", "state")}
set pidfile ${join(directory, "monit", "pid")}
check host shop-page with address 127.0.0.1
  if failed port ${to.monitoredPort} protocol http request "/" with timeout 2 seconds
  then exec "${script} DOWN" else if succeeded then exec "${script} UP"
`,
    { mode: 0o600 },
  );
  programs.push(startProgram("monit", ["-I", "-c", config], directory));
}

async function answers(url: string): Promise<void> {
  await waitFor(
    async () => (await fetch(url).catch(() => undefined))?.ok === true,
    30_000,
    () => `${url} does not answer\n${printedBy(programs)}`,
  );
}
