// What tools ask before they send anything, and bodies as machines send them: answered as the tool wants, and nothing of a
// handshake is recorded or quarantined.

import { beforeAll, describe, expect, test } from "bun:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { NativePort } from "../../src/http/ports.ts";
import { receiveNative } from "../../src/intake/receive-native.ts";
import { recordSignals } from "../../src/intake/record-webhook.ts";
import { readPayload } from "../../src/sources/read-payload.ts";
import { sources } from "../../src/sources/registry.ts";
import { memoryLog } from "../intake/memory-log.ts";
import { unbounded } from "../intake/unbounded.ts";
import { createHttpSide, type HttpSide, projectA } from "./http-side.ts";

const webhooks = "/api/incidents/webhook";
const store = memoryLog();
let http: HttpSide;
let key: string;

beforeAll(async () => {
  const native: NativePort = {
    sources,
    receive: (...[webhook, context]: Parameters<NativePort["receive"]>) =>
      receiveNative(webhook, context, {
        read: readPayload,
        record: recordSignals(store.append),
        append: store.append,
        bounds: unbounded,
      }),
    preview: ({ source }) => ({ tag: "unrecognised", source, reason: "" }),
    isSignedBySns: () => false,
    checkSns: async () => ({ ok: true }),
    quarantine: async () => ({ items: [], next_cursor: null }),
    redrive: async () => ({ tag: "not_found" }),
    redriveMapped: async () => 0,
  };
  http = await createHttpSide({ native });
  key = await http.keyFor(projectA, ["ingest"]);
});

describe("a handshake", () => {
  test("of CloudEvents is answered with who may send, to a good key alone", async () => {
    const headers = { "WebHook-Request-Origin": "eventgrid.azure.net" };
    const good = await http.ask("OPTIONS", `${webhooks}/cloudevents?token=${key}`, { headers });
    expect(good.status).toBe(200);
    expect(good.headers.get("WebHook-Allowed-Origin")).toBe("eventgrid.azure.net");
    expect(good.headers.get("WebHook-Allowed-Rate")).toBe("*");
    const bad = await http.ask("OPTIONS", `${webhooks}/cloudevents?token=nobody`, { headers });
    expect(bad.status).toBe(401);
    expect(bad.headers.get("WebHook-Allowed-Origin")).toBeNull();
    const unasked = await http.ask("OPTIONS", `${webhooks}/cloudevents`, { key });
    expect(unasked.status).toBe(200);
    expect(unasked.headers.get("WebHook-Allowed-Origin")).toBeNull();
    expect((await http.ask("OPTIONS", `${webhooks}/nowhere`, { key, headers })).status).toBe(404);
    const reader = await http.keyFor(projectA, ["read"]);
    expect((await http.ask("OPTIONS", `${webhooks}/cloudevents`, { key: reader, headers })).status).toBe(401);
  });

  test("of Event Grid is answered with its code, to its own key alone", async () => {
    const body = [
      {
        id: "1",
        subject: "",
        eventType: "Microsoft.EventGrid.SubscriptionValidationEvent",
        data: { validationCode: "512d38b6", validationUrl: "https://x.example" },
      },
    ];
    const answer = await http.ask("POST", `${webhooks}/auto?token=${key}`, { body });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ validationResponse: "512d38b6", recorded: 0, quarantined: 0 });
    const strange = await http.ask("POST", `${webhooks}/auto?token=nobody`, { body });
    expect(strange.status).toBe(401);
    expect(strange.text).not.toContain("512d38b6");
  });

  for (const method of ["GET", "PUT", "POST", "HEAD"]) {
    test(`of a tool that looks at the URL by ${method}`, async () => {
      const answer = await http.ask(method, `${webhooks}/auto?token=${key}`);
      expect(answer.status).toBe(200);
      if (method !== "HEAD") expect(answer.body).toMatchObject({ ignored: 1, recorded: 0, quarantined: 0 });
    });
  }

  test("leaves nothing behind", () => expect(store.events).toEqual([]));
});

describe("a compressed body", () => {
  const text = JSON.stringify({
    incident_id: "small",
    project_uuid: projectA,
    status: "DOWN",
    incident_time: "2025-01-15T10:30:00Z",
  });
  const ways = {
    gzip: gzipSync(text),
    "x-gzip": gzipSync(text),
    deflate: deflateSync(text),
    "deflate without its envelope": deflateRawSync(text),
    br: brotliCompressSync(text),
    "gzip, br": brotliCompressSync(gzipSync(text)),
    "gzip that is said, not done": Buffer.from(text),
  };
  for (const [way, raw] of Object.entries(ways)) {
    test(`by ${way} is read on both routes`, async () => {
      const headers = {
        "Content-Type": "application/json",
        "Content-Encoding": way.replace(/ (without|that).*/, ""),
      };
      const contract = await http.ask("POST", `${webhooks}/`, { key, raw, headers });
      expect(contract.body).toMatchObject({ success: true, incident_id: "small" });
      const native = await http.ask("POST", `${webhooks}/fields`, { key, raw, headers });
      expect(native.body).toMatchObject({ recorded: 1, incident_ids: ["small"] });
    });
  }

  test("that is larger than a body may be once it is out is refused", async () => {
    const headers = { "Content-Encoding": "gzip" };
    const raw = gzipSync(JSON.stringify({ ...JSON.parse(text), message: "m".repeat(1_000_000) }));
    expect(raw.length).toBeLessThan(4_096);
    expect((await http.ask("POST", `${webhooks}/`, { key, raw, headers })).status).toBe(413);
    expect((await http.ask("POST", `${webhooks}/fields`, { key, raw, headers })).status).toBe(413);
  });
});

test("a metric says why something was ignored", async () => {
  const alert = { status: "firing", labels: { alertname: "Watchdog", severity: "none" }, fingerprint: "w" };
  const body = { version: "4", groupKey: "g", alerts: [alert] };
  const answer = await http.ask("POST", `${webhooks}/alertmanager`, { key, body });
  expect(answer.body).toMatchObject({ recorded: 0, ignored: 1 });
  const { text } = await http.ask("GET", "/metrics");
  expect(text).toContain('ledger_ignored_total{source="alertmanager",cause="test"} 1');
});

test("the answer and a metric say how many alerts a tool left out", async () => {
  const alert = {
    status: "firing",
    labels: { alertname: "a" },
    startsAt: "2025-01-15T10:00:00Z",
    fingerprint: "f",
  };
  const body = { version: "4", groupKey: "g", alerts: [alert], truncatedAlerts: 7 };
  const answer = await http.ask("POST", `${webhooks}/alertmanager`, { key, body });
  expect(answer.body).toMatchObject({ recorded: 1, left_out: 7 });
  expect((await http.ask("GET", "/metrics")).text).toContain(
    'ledger_alerts_left_out_total{source="alertmanager"} 7',
  );
});
