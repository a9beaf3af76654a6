// What is left behind by everything a service does: its log lines, its metrics, its data directory and its processes
// hold no key, no signing secret and no message, and no sender can forge a line.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { createHmac } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { reportedTests } from "../gate/reported-test.ts";
import { checkedFetch } from "../http/answer-check.ts";
import {
  adminKey,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  temporaryDataDir,
} from "../running-service.ts";
import { checkWireAnswers, exchange } from "./wire.ts";

const { test } = reportedTests(import.meta.path);

const signingSecret = `whsec_${Buffer.from("a signing secret of 32 bytes....").toString("base64")}`;
/** In every message and name that is sent. */
const said = "WORDS-OF-A-MESSAGE";
const forged = `\r\n{"level":"fatal","msg":"forged"}\n\x1b[31mred\x1b]0;title\x07\x9b31m\u2028\u2029\u0085\0\x08\x7f`;
/** In an incident_id: has to be found, so that not finding the secrets shows something. */
const marker = "incident-that-is-on-disk";

let dataDir: string;
let service: RunningService;
let stdout = "";
let metrics = "";
const secrets: Record<string, string> = { "the admin key": adminKey, "the signing secret": signingSecret };
let revokedAfterMs = Number.POSITIVE_INFINITY;
let children: readonly { readonly name: string; readonly text: string }[] = [];

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  // Spooled first, so that the spool's files are looked through too.
  service = await startService({ dataDir, env: { LOG_LEVEL: "debug", LOG_FORMAT: "json", ACK: "spool" } });
  service.child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk.toString("latin1");
  });
  await useEverything();
  metrics = await (await checkedFetch(`${service.url}/metrics`)).text();
  children = processesBelow(Number(service.child.pid));
  await service.stop();
  for (const name of ["secrets-key"]) secrets[name] = readFileSync(join(dataDir, name), "utf8").trim();
}, 120_000);
afterAll(() => removeDataDir(dataDir));

async function useEverything(): Promise<void> {
  const { project, key } = await registerProject(service);
  secrets["a key"] = key;
  const path = `/api/projects/${project}/keys`;
  const body = { label: `keys${forged}`, scopes: ["ingest", "read"], signing_secrets: [signingSecret] };
  const signed = await service.json<{ key: string; key_id: string }>("POST", path, { key: adminKey, body });
  secrets["a key with a signing secret"] = signed.key;
  const brief = await service.json<{ key: string; key_id: string }>("POST", path, {
    key: adminKey,
    body: { label: "brief", scopes: ["ingest", "read"] },
  });
  secrets["a revoked key"] = brief.key;
  const send = async (to: string, init: RequestInit): Promise<Response> =>
    checkedFetch(service.url + to, { method: "POST", ...init });

  await send("/api/projects", {
    headers: { "X-API-Key": adminKey },
    body: JSON.stringify({ name: `Shop${forged}${said}` }),
  });
  await send(`/api/projects/${project}/repositories`, {
    headers: { "X-API-Key": adminKey },
    body: JSON.stringify({ name: `repo${forged}` }),
  });
  const hostile = {
    incident_id: `${marker}${forged}`,
    project_uuid: project,
    status: `odd${forged}`,
    incident_time: "2025-01-15T10:30:00Z",
    monitor_name: `${said}${forged}`,
    monitor_id: forged,
    message: `${said}${forged}`,
    local_time: forged,
    timezone: forged,
  };
  for (const secret of [key, brief.key, adminKey])
    await send("/api/incidents/webhook/", {
      headers: { "X-API-Key": secret },
      body: JSON.stringify(hostile),
    });
  // A status that nobody knows is logged, so that somebody maps it; nothing else that a sender says is.
  for (const name of Object.keys(hostile)) {
    const odd = JSON.stringify({ ...hostile, [name]: name === "status" ? forged : `${forged}${said}` });
    await send("/api/incidents/webhook/", { headers: { "X-API-Key": key }, body: odd });
  }
  await send("/api/incidents/webhook/", { headers: { "X-API-Key": key }, body: `{"${forged}${said}` });
  await send("/api/incidents/webhook/", {
    headers: { "X-API-Key": key },
    body: JSON.stringify({ ...hostile, message: said.repeat(60_000) }),
  });

  // The key in every place that a tool may put it, with what can be read and what goes to the quarantine.
  const basic = (secret: string): string => `Basic ${Buffer.from(`user:${secret}`).toString("base64")}`;
  for (const native of [JSON.stringify({ ...hostile, text: said }), `${said}${forged}`, ""]) {
    for (const source of ["auto", "fields", "alertmanager", "uptime-kuma"]) {
      const to = `/api/incidents/webhook/${source}`;
      await send(to, { headers: { "X-API-Key": key }, body: native });
      await send(to, {
        headers: { Authorization: `Bearer ${key}`, "X-API-Token": key, Cookie: `key=${key}` },
        body: native,
      });
      await send(to, { headers: { Authorization: basic(key) }, body: native });
      for (const name of ["token", "access_token"])
        await send(`${to}?${name}=${key}&a=${encodeURIComponent(forged)}`, { body: native });
      await send(`${to}?token=${key}&api_key=${key}&key=${key}&apikey=${key}&password=${key}`, {
        body: native,
      });
      await checkedFetch(`${service.url}${to}?token=${key}&message=${encodeURIComponent(said)}`);
    }
  }
  const at = String(Math.floor(Date.now() / 1000));
  const text = JSON.stringify({ type: "x", data: { incident_id: "signed", status: "DOWN" } });
  const signature = createHmac("sha256", Buffer.from(signingSecret.slice(6), "base64"))
    .update(`m.${at}.${text}`)
    .digest("base64");
  for (const sent of [`v1,${signature}`, "v1,bm90IGl0"])
    await send("/api/incidents/webhook/standard-webhooks", {
      headers: {
        "X-API-Key": signed.key,
        "webhook-id": "m",
        "webhook-timestamp": at,
        "webhook-signature": sent,
      },
      body: text,
    });

  // Headers and targets that only a socket sends.
  const ask = async (headers: string, path = "/api/projects"): Promise<void> => {
    const raw = `GET ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\r\n${headers}\r\n`;
    const { answers } = await exchange(service.port, raw, { answers: 1 });
    await checkWireAnswers({ method: "GET", path }, answers);
  };
  for (const name of [
    "X-Request-Id",
    "User-Agent",
    "Referer",
    "X-Forwarded-For",
    "Content-Type",
    "Host",
    "Accept",
    "Cookie",
  ]) {
    for (const value of ["\x9b31m\xe2\x80\xa8", '{"level":"fatal"}', `x".${said}`, "a\x7fb"])
      await ask(`${name}: ${value}\r\n`);
  }
  for (const target of [
    "/%0a%0d%1b[31m",
    "/api/projects/%00%0a",
    "/api/projects?%0a=1",
    `/api/projects/${encodeURIComponent(forged)}/mttr`,
  ])
    await ask("", target);
  for (const target of ["", "/incidents", "/mttr", "/pairs", "/quarantine", "/replay", "/status-mappings"])
    await checkedFetch(`${service.url}/api/projects/${project}${target}`, { headers: { "X-API-Key": key } });
  await checkedFetch(`${service.url}/api/projects/${project}/keys`, { headers: { "X-API-Key": adminKey } });

  await checkedFetch(`${service.url}${path}/${brief.key_id}`, {
    method: "DELETE",
    headers: { "X-API-Key": adminKey },
  });
  const revokedAt = performance.now();
  for (let status = 200; status !== 401; ) {
    status = (
      await checkedFetch(`${service.url}/api/projects/${project}`, { headers: { "X-API-Key": brief.key } })
    ).status;
    if (performance.now() - revokedAt > 10_000) break;
  }
  revokedAfterMs = performance.now() - revokedAt;
}

/** The environment and command line of every process that the service started. */
function processesBelow(pid: number): readonly { name: string; text: string }[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // It has ended.
    }
  }
  const isBelow = (one: number): boolean => {
    const parent = parents.get(one);
    return parent !== undefined && (parent === pid || isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow).flatMap((one) => {
    try {
      const name = readFileSync(`/proc/${one}/cmdline`, "latin1");
      return [{ name, text: name + readFileSync(`/proc/${one}/environ`, "latin1") }];
    } catch {
      return [];
    }
  });
}

/** The ways in which a secret may lie somewhere. */
const forms = (secret: string): readonly string[] => [
  secret,
  Buffer.from(secret).toString("base64").replace(/=+$/, "").slice(0, -1),
  Buffer.from(secret).toString("hex"),
  encodeURIComponent(secret),
];

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile());
}

describe("S10: secrets", () => {
  test("lie nowhere in the data directory, but in the file that is meant for one", (report) => {
    const files = filesBelow(dataDir);
    let bytes = 0;
    let found = 0;
    const hits: string[] = [];
    for (const path of files) {
      const content = readFileSync(path);
      bytes += content.length;
      if (content.includes(marker)) found++;
      for (const [name, secret] of Object.entries(secrets))
        if (forms(secret).some((form) => content.includes(form)))
          hits.push(`${name} in ${relative(dataDir, path)}`);
    }
    console.log(
      `S10: ${files.length} files of ${(bytes / 1_048_576).toFixed(0)} MiB looked through for ${Object.keys(secrets).length} secrets; an incident_id is found in ${found}; revoked after ${revokedAfterMs.toFixed(1)} ms`,
    );
    report.tried({ files: files.length, bytes, secrets: Object.keys(secrets) });
    report.found({ hits, filesWithTheIncident: found });
    expect(found).toBeGreaterThan(1);
    expect(hits).toEqual(["secrets-key in secrets-key"]);
  });

  test("their files can be read by their owner alone", (report) => {
    report.tried({ files: ["secrets-key"] });
    const mode = statSync(join(dataDir, "secrets-key")).mode & 0o777;
    report.found({ mode: mode.toString(8) });
    expect(mode).toBe(0o600);
  });

  test("are in no log line, no metric, and no other process", (report) => {
    report.tried({ secrets: Object.keys(secrets), processes: children.length, logBytes: stdout.length });
    expect(children.length).toBeGreaterThan(1);
    const places = [
      { name: "the output", text: service.output() },
      { name: "the log", text: stdout },
      { name: "the metrics", text: metrics },
      ...children,
    ];
    const hits = Object.entries(secrets).flatMap(([name, secret]) =>
      places
        .filter(({ text }) => forms(secret).some((form) => text.includes(form)))
        .map((place) => `${name} in ${place.name}`),
    );
    report.found({ hits });
    expect(hits).toEqual([]);
  });

  test("that are revoked are refused within a second", (report) => {
    report.tried({ revokedKeys: 1 });
    report.found({ isRefused: revokedAfterMs < 10_000 });
    // At the end of the wait for it, it had been refused at all.
    expect(revokedAfterMs).toBeLessThan(10_000);
    report.timeBound("refused after the revocation in ms", revokedAfterMs, { below: 1_000 });
  });
});

describe("S12: log lines", () => {
  test("are each one object of JSON, without a raw control character, and none is forged", (report) => {
    const lines = stdout.split("\n").filter((line) => line !== "");
    report.tried({ lines: lines.length });
    expect(lines.length).toBeGreaterThan(100);
    for (const line of lines) {
      const { level, time, msg } = JSON.parse(line) as Record<string, unknown>;
      expect([typeof time, typeof msg, ["debug", "info", "warn", "error"].includes(String(level))]).toEqual([
        "string",
        "string",
        true,
      ]);
      expect(msg).not.toBe("forged");
    }
    // Latin-1 of UTF-8: C1 controls are bytes of letters, so they are looked for in the text.
    const text = Buffer.from(stdout, "latin1").toString();
    report.found({ rawControls: text.match(/[^\P{Cc}\n]|\u2028|\u2029/gu) ?? [] });
    expect(text).not.toMatch(/[^\P{Cc}\n]|\u2028|\u2029/u);
    console.log(`S12: ${lines.length} lines, each one object; none holds a message or a control character`);
  });

  test("tell nothing of messages and names", (report) => {
    report.tried({ logBytes: stdout.length, metricsBytes: metrics.length });
    expect(metrics.length).toBeGreaterThan(1_000);
    report.found({ inTheLog: stdout.includes(said), inMetrics: metrics.includes(said) });
    expect(stdout).not.toContain(said);
    expect(metrics).not.toContain(said);
    expect(metrics).not.toMatch(/forged|odd/);
  });

  test("are as safe for people", async (report) => {
    const pretty = await startService({ env: { LOG_LEVEL: "debug", LOG_FORMAT: "pretty" } });
    try {
      const { project, key } = await registerProject(pretty);
      for (const status of [`odd${forged}`, "\x1b[2J", "a\u2028b"]) {
        await checkedFetch(`${pretty.url}/api/incidents/webhook/`, {
          method: "POST",
          headers: { "X-API-Key": key },
          body: JSON.stringify({
            incident_id: forged,
            project_uuid: project,
            status,
            incident_time: "2025-01-15T10:30:00Z",
            message: said,
          }),
        });
      }
      await checkedFetch(`${pretty.url}/api/incidents/webhook/auto?token=${key}`, {
        method: "POST",
        body: forged,
      });
      await pretty.stop();
      const printed = pretty.output();
      report.tried({ logBytes: printed.length });
      report.found({ printed: [said, adminKey].filter((hidden) => printed.includes(hidden)) });
      expect(printed).toContain("a status that is neither");
      expect(printed).not.toMatch(/[^\P{Cc}\n]|\u2028|\u2029/u);
      expect(printed).not.toMatch(/^\{"level":"fatal"/m);
      for (const hidden of [said, key, adminKey]) expect(printed).not.toContain(hidden);
    } finally {
      await pretty.stop();
      await removeDataDir(pretty.dataDir);
    }
  }, 60_000);
});
