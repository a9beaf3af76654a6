// The contract's two templates, filled in as their tools fill them: Uptime Kuma's by liquidjs (Kuma renders with it),
// Grafana's as Go's text/template prints it. Neither escapes anything.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Liquid } from "liquidjs";
import { type ContractReading, readContractWebhook } from "../../src/intake/contract-webhook.ts";

const project = "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11";
const repo = "7c1d8f6e-0a54-4f2b-9d55-0e4b5a6c7d88";

const withUuids = (template: string): string =>
  template.replace('"..."', `"${project}"`).replace('"..."', `"${repo}"`);
const grafanaTemplate = withUuids(
  `{"incident_id": "{{ (index .Alerts 0).Fingerprint }}", "project_uuid": "...", "status": "{{ .Status }}", "incident_time": "{{ (index .Alerts 0).StartsAt }}", "monitor_name": "{{ (index .Alerts 0).Labels.alertname }}", "monitor_id": "{{ (index .Alerts 0).Labels.monitor_id }}", "repo_uuid": "...", "message": "{{ (index .Alerts 0).Annotations.message }}"}`,
);
const kumaTemplate = withUuids(
  `{"incident_id": "{{ monitorJSON.name }}", "project_uuid": "...", "status": "{% if heartbeatJSON %}{% if heartbeatJSON.status == 0 %}down{% elsif heartbeatJSON.status == 1 %}up{% elsif heartbeatJSON.status == 2 %}pending{% else %}maintenance{% endif %}{% else %}pending{% endif %}", "incident_time": "{% if heartbeatJSON %}{{ heartbeatJSON.time }}{% else %}{{ 'now' | date: '%Y-%m-%d %H:%M:%S' }}{% endif %}", "local_time": "{% if heartbeatJSON %}{{ heartbeatJSON.localDateTime }}{% else %}{{ 'now' | date: '%Y-%m-%d %H:%M:%S' }}{% endif %}", "timezone": "{% if heartbeatJSON %}{{ heartbeatJSON.timezone }}{% else %}UTC{% endif %}", "monitor_name": "{{ monitorJSON.name }}", "monitor_id": "{{ monitorJSON.id }}", "repo_uuid": "...", "message": "{{ msg }}"}`,
);

// As Kuma makes it: no network, no files, and the template parsed once.
const liquid = new Liquid({ root: "./no-such-directory-uptime-kuma", relativeReference: false });
const parsedKuma = liquid.parse(kumaTemplate);

interface Heartbeat {
  readonly status: number;
  readonly time: string;
  readonly localDateTime: string;
  readonly timezone: string;
}
interface KumaContext {
  readonly msg: string;
  readonly monitorJSON: { readonly name: string; readonly id: number } | null;
  readonly heartbeatJSON: Heartbeat | null;
}
const renderKuma = (context: KumaContext): string => liquid.renderSync(parsedKuma, { ...context });

/** Kuma sends the template's output as JSON where it is JSON, else as a JSON string that holds it. */
function sentByKuma(context: KumaContext): string {
  const rendered = renderKuma(context);
  try {
    JSON.parse(rendered);
    return rendered;
  } catch {
    return JSON.stringify(rendered);
  }
}

const heartbeat = (status: number): Heartbeat => ({
  status,
  time: "2025-01-15 10:30:14.217",
  localDateTime: "2025-01-15 11:30:14",
  timezone: "Europe/Vienna",
});
const kuma = (status: number, msg = "timeout of 48000ms exceeded", name = "Checkout API"): KumaContext => ({
  msg,
  monitorJSON: { name, id: 7 },
  heartbeatJSON: heartbeat(status),
});

interface GrafanaAlert {
  readonly fingerprint: string;
  readonly status: string;
  /** Undefined as Go's map look-up of a missing label. */
  readonly alertname?: string;
  readonly monitorId?: string;
  readonly message?: string;
}

/** What Go's text/template makes of Grafana's template; StartsAt is a Go time, a missing label `<no value>`. */
function renderGrafana(alert: GrafanaAlert, startsAt = "2025-01-15 10:30:00.123456789 +0000 UTC"): string {
  const values: Readonly<Record<string, string | undefined>> = {
    "(index .Alerts 0).Fingerprint": alert.fingerprint,
    ".Status": alert.status,
    "(index .Alerts 0).StartsAt": startsAt,
    "(index .Alerts 0).Labels.alertname": alert.alertname,
    "(index .Alerts 0).Labels.monitor_id": alert.monitorId,
    "(index .Alerts 0).Annotations.message": alert.message,
  };
  return grafanaTemplate.replace(
    /\{\{ (.+?) \}\}/g,
    (_, expression: string) => values[expression] ?? "<no value>",
  );
}

const read = (text: string): ContractReading => readContractWebhook(new TextEncoder().encode(text));

describe("Uptime Kuma's template", () => {
  const words = ["down", "up", "pending", "maintenance"];
  for (const [status, word] of words.entries()) {
    test(`says ${word}`, () => {
      expect(read(sentByKuma(kuma(status)))).toMatchObject({
        tag: "fields",
        repaired: false,
        project_uuid: project,
        fields: {
          incident_id: "Checkout API",
          status: word,
          incident_time: "2025-01-15T10:30:14.217000000Z",
          local_time: "2025-01-15 11:30:14",
          timezone: "Europe/Vienna",
          monitor_name: "Checkout API",
          monitor_id: "7",
          repo_uuid: repo,
          message: "timeout of 48000ms exceeded",
        },
      } as object);
    });
  }

  test("a keyword monitor's quotes break the JSON, and all of it comes back", () => {
    const message = '200 - OK, but keyword is not in [<!doctype html><html lang="en">\n<head>]';
    const context = kuma(0, message, 'The "main" page');
    const rendered = renderKuma(context);
    expect(() => JSON.parse(rendered)).toThrow();
    for (const text of [rendered, JSON.stringify(rendered)]) {
      expect(read(text)).toMatchObject({
        tag: "fields",
        repaired: true,
        payload: text,
        fields: { incident_id: 'The "main" page', monitor_name: 'The "main" page', message, status: "down" },
      } as object);
    }
  });

  test("the Test button has neither monitor nor heartbeat: nothing is to be recorded", () => {
    for (const msg of ["My Webhook Testing", 'The "loud" one Testing']) {
      const reading = read(sentByKuma({ msg, monitorJSON: null, heartbeatJSON: null }));
      expect(reading as unknown).toEqual({ tag: "test", project_uuid: project });
    }
  });

  test("a certificate notice has a monitor and no heartbeat: it is read as the template says, pending", () => {
    const msg =
      "[Checkout API][https://shop.example] server certificate shop.example will be expired in 7 days";
    expect(
      read(sentByKuma({ msg, monitorJSON: { name: "Checkout API", id: 7 }, heartbeatJSON: null })),
    ).toMatchObject({
      tag: "fields",
      fields: { incident_id: "Checkout API", status: "pending", timezone: "UTC", message: msg },
    } as object);
  });
});

describe("Grafana's template", () => {
  const alert = {
    fingerprint: "c6eadffa33fcdf37",
    alertname: "High latency",
    monitorId: "m-1",
    message: "p99 over 2s",
  };

  test("firing and resolved, which repeats StartsAt", () => {
    for (const status of ["firing", "resolved"]) {
      expect(read(renderGrafana({ ...alert, status }))).toMatchObject({
        tag: "fields",
        repaired: false,
        fields: {
          incident_id: "c6eadffa33fcdf37",
          status,
          incident_time: "2025-01-15T10:30:00.123456789Z",
          monitor_name: "High latency",
          monitor_id: "m-1",
          repo_uuid: repo,
          message: "p99 over 2s",
        },
      } as object);
    }
  });

  test("labels that are not there are absent", () => {
    const reading = read(renderGrafana({ fingerprint: "f1", status: "firing" }));
    expect(reading).toMatchObject({ tag: "fields", repaired: false });
    if (reading.tag !== "fields") return;
    expect(Object.keys(reading.fields).sort()).toEqual([
      "incident_id",
      "incident_time",
      "repo_uuid",
      "status",
    ]);
  });

  test("StartsAt in other zones, without a fraction, and with Go's monotonic clock", () => {
    const times = [
      ["2025-01-15 10:30:00 +0000 UTC", "2025-01-15T10:30:00.000000000Z"],
      ["2025-01-15 12:30:00.5 +0200 EET", "2025-01-15T10:30:00.500000000Z"],
      ["2025-01-15 07:30:00 -0300 -03", "2025-01-15T10:30:00.000000000Z"],
      ["2025-01-15 10:30:00.217 +0000 UTC m=+1.234567891", "2025-01-15T10:30:00.217000000Z"],
    ] as const;
    for (const [said, meant] of times) {
      const reading = read(renderGrafana({ ...alert, status: "firing" }, said));
      expect(reading.tag === "fields" ? String(reading.fields.incident_time) : reading.tag).toBe(meant);
    }
  });

  test("quotes and line breaks in an annotation come back", () => {
    const message = 'query "a" returned:\n\t{"value": 5}';
    const reading = read(renderGrafana({ ...alert, status: "firing", message }));
    expect(reading).toMatchObject({ tag: "fields", repaired: true, fields: { message } } as object);
  });
});

describe("any text put through the templates unescaped", () => {
  const imitation = fc.constantFrom(
    '"',
    "\\",
    "\n",
    "{",
    "}",
    '"}',
    ", ",
    '", "',
    '", "message": "',
    '"message": "',
    '", "status": "up',
    '", "foo": "',
    '", "timezone": "UTC", "x": "',
    '", "monitor_name" : "',
    '\\"',
    "\\u0022",
    '", "st\\u0061tus": "UP',
    "<no value>",
    " Testing",
    "a",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.array(imitation, { maxLength: 8 }).map((parts) => parts.join("")),
    fc
      .tuple(
        fc.string({ unit: "grapheme", maxLength: 10 }),
        imitation,
        fc.string({ unit: "binary", maxLength: 10 }),
      )
      .map((parts) => parts.join("")),
  );

  const strictly = (rendered: string): Readonly<Record<string, unknown>> | undefined => {
    try {
      return JSON.parse(rendered);
    } catch {
      return undefined;
    }
  };

  type Expected = Readonly<Record<string, string | undefined>>;
  const absentOrSent = (value: string | undefined) => (value === "<no value>" ? undefined : value);

  function checkAll(check: (name: string, message: string) => { rendered: string; exact: Expected }): void {
    let exactly = 0;
    fc.assert(
      fc.property(text, text, (name, message) => {
        const { rendered, exact } = check(name, message);
        const strict = strictly(rendered);
        for (const body of strict === undefined ? [rendered, JSON.stringify(rendered)] : [rendered]) {
          const reading = read(body);
          if (reading.tag !== "fields") continue;
          if (reading.payload !== body) throw new Error("the payload is not what was sent");
          if (reading.repaired === (strict !== undefined)) throw new Error("repaired says the wrong thing");
          for (const [field, sent] of Object.entries(exact)) {
            const meant = strict === undefined ? sent : (strict[field] as string);
            const wanted = field === "incident_id" ? meant : absentOrSent(meant);
            expect((reading.fields as unknown as Expected)[field]).toBe(wanted);
          }
          if (strict === undefined) exactly++;
        }
      }),
      { numRuns: 2_000 },
    );
    // A reader that refused everything would hold the property too.
    expect(exactly).toBeGreaterThan(100);
  }

  test("Uptime Kuma's: exactly what was put in, or refused; valid JSON is read as JSON's own reading", () => {
    checkAll((name, message) => ({
      rendered: renderKuma(kuma(0, message, name)),
      exact: {
        incident_id: name,
        monitor_name: name,
        message,
        status: "down",
        monitor_id: "7",
        timezone: "Europe/Vienna",
        local_time: "2025-01-15 11:30:14",
        repo_uuid: repo,
      },
    }));
  });

  test("Grafana's: exactly what was put in, or refused; valid JSON is read as JSON's own reading", () => {
    checkAll((name, message) => ({
      rendered: renderGrafana({
        fingerprint: "f1",
        status: "firing",
        alertname: name,
        monitorId: "m",
        message,
      }),
      exact: {
        incident_id: "f1",
        status: "firing",
        monitor_name: name,
        monitor_id: "m",
        message,
        repo_uuid: repo,
        timezone: undefined,
        local_time: undefined,
      },
    }));
  });

  test("valid JSON in which a text has become a known field once more is refused, not JSON's own reading", () => {
    for (const field of ["status", "message", "incident_id", "incident_time", "st\\u0061tus"]) {
      const rendered = renderKuma(kuma(0, `x", "${field}": "up`));
      expect(() => JSON.parse(rendered)).not.toThrow();
      expect(read(rendered)).toMatchObject({ tag: "problem", error: "Invalid JSON" });
    }
  });

  test("valid JSON in which a text has become an unknown field cannot be told from what it says: JSON's own reading", () => {
    const reading = read(renderKuma(kuma(0, 'x", "other": "y')));
    expect(reading).toMatchObject({ tag: "fields", repaired: false, fields: { message: "x" } } as object);
  });
});
