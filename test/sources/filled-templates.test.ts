// Tools without a body of their own: the template that the setup text prints, filled in as the tool fills it, is read by
// the source, and recognised.

import { describe, expect, test } from "bun:test";
import { parseNative } from "../../src/intake/native-payload.ts";
import { appdynamicsTemplate } from "../../src/sources/appdynamics.ts";
import { argocdTemplate } from "../../src/sources/argocd.ts";
import { checkmkScript } from "../../src/sources/checkmk.ts";
import { elastalertTemplate } from "../../src/sources/elastalert.ts";
import { librenmsTemplate } from "../../src/sources/librenms.ts";
import { prtgTemplate } from "../../src/sources/prtg.ts";
import { recogniseSource, sourceNamed } from "../../src/sources/registry.ts";
import { solarwindsTemplate } from "../../src/sources/solarwinds.ts";
import type { Reading } from "../../src/sources/source.ts";
import { receivedAt } from "./fixtures.ts";

type Values = Readonly<Record<string, string>>;

/** The template with each variable's value; a variable without one stays, so that a slip is seen. */
const filledIn = (template: string, variable: RegExp, values: Values): string =>
  template.replace(variable, (whole: string, name: string) => values[name] ?? whole);

function readingOf(source: string, text: string, contentType = "application/json"): Reading {
  const parsed = parseNative({
    body: new TextEncoder().encode(text),
    content_type: contentType,
    headers: { "content-type": contentType },
    query: {},
    source: "auto",
    received_at: receivedAt,
  });
  if (!parsed.ok) throw new Error(`The filled template cannot be read: ${parsed.reason}`);
  expect(recogniseSource(parsed.payload)?.name).toBe(source as never);
  const reading = sourceNamed(source)?.read(parsed.payload);
  if (reading === undefined) throw new Error(`There is no source ${source}`);
  return reading;
}

const said = (reading: Reading): unknown =>
  reading.tag === "signals"
    ? reading.signals.map(({ incident_id, kind, incident_time }) => [incident_id, kind, incident_time])
    : reading;

describe("a template from a setup text, filled in", () => {
  test("stands in the setup text as it is tested here", () => {
    const templates: Values = {
      appdynamics: appdynamicsTemplate,
      argocd: argocdTemplate,
      checkmk: checkmkScript,
      elastalert: elastalertTemplate,
      librenms: librenmsTemplate,
      prtg: prtgTemplate,
      solarwinds: solarwindsTemplate,
    };
    for (const [name, template] of Object.entries(templates)) {
      expect(sourceNamed(name)?.setup.steps.some((step) => step.includes(template))).toBe(true);
    }
  });

  test("Argo CD", () => {
    const app = (health: string, since: string): string =>
      filledIn(argocdTemplate, /\{\{\.app\.([\w.]+)\}\}/g, {
        "metadata.uid": "9c2f",
        "metadata.name": "shop",
        "metadata.namespace": "argocd",
        "spec.project": "default",
        "status.health.status": health,
        "status.health.lastTransitionTime": since,
        "status.operationState.phase": "Succeeded",
        "status.operationState.finishedAt": "2025-05-01T09:00:00Z",
        "status.sync.revision": "ab12",
      });
    expect(said(readingOf("argocd", app("Degraded", "2025-05-01T10:00:00Z")))).toEqual([
      ["9c2f", "ALERT", "2025-05-01T10:00:00.000000000Z"],
    ]);
    expect(said(readingOf("argocd", app("Healthy", "2025-05-01T10:20:00Z")))).toEqual([
      ["9c2f", "RECOVERY", "2025-05-01T10:20:00.000000000Z"],
    ]);
    expect(said(readingOf("argocd", app("Degraded", "<no value>")))).toEqual([["9c2f", "ALERT", receivedAt]]);
  });

  test("LibreNMS", () => {
    const alert = (state: string): string =>
      filledIn(librenmsTemplate, /\{\{ \$(\w+) \}\}/g, {
        id: "77",
        state,
        severity: "critical",
        device_id: "4",
        hostname: "core-4",
        name: "Port down",
        title: "Alert for core-4",
      });
    expect(said(readingOf("librenms", alert("1")))).toEqual([["4/77", "ALERT", receivedAt]]);
    expect(said(readingOf("librenms", alert("0")))).toEqual([["4/77", "RECOVERY", receivedAt]]);
  });

  test("PRTG, whose placeholders are not escaped", () => {
    const sensor = (status: string): string =>
      filledIn(prtgTemplate, /%(\w+)/g, {
        sensorid: "2044",
        status,
        device: "core-4",
        name: "Ping",
        message: "No response",
      });
    const form = "application/x-www-form-urlencoded";
    expect(said(readingOf("prtg", sensor("Down"), form))).toEqual([["2044", "ALERT", receivedAt]]);
    expect(said(readingOf("prtg", sensor("Down ended (now: Up)"), form))).toEqual([
      ["2044", "RECOVERY", receivedAt],
    ]);
  });

  test("AppDynamics", () => {
    const event = (type: string): string =>
      filledIn(appdynamicsTemplate, /\$\{([\w.]+)\}/g, {
        "account.name": "acme",
        "latestEvent.application.name": "Shop",
        "latestEvent.incident.id": "31",
        "latestEvent.healthRule.name": "Slow",
        "latestEvent.healthRule.id": "9",
        "latestEvent.eventType": type,
        "latestEvent.eventTime": "2025-05-01T10:00:00Z",
        "latestEvent.displayName": "Started",
      });
    expect(said(readingOf("appdynamics", event("POLICY_OPEN_CRITICAL")))).toEqual([
      ["acme/31", "ALERT", "2025-05-01T10:00:00.000000000Z"],
    ]);
    expect(said(readingOf("appdynamics", event("POLICY_CLOSE_CRITICAL")))).toEqual([
      ["acme/31", "RECOVERY", "2025-05-01T10:00:00.000000000Z"],
    ]);
  });

  test("SolarWinds, the trigger action and the reset action made from it", () => {
    const values: Values = {
      "N=Alerting;M=AlertObjectID": "12",
      "N=Alerting;M=AlertName": "Node down",
      "N=Alerting;M=Severity": "Critical",
      "N=SwisEntity;M=DisplayName": "core-4",
      "N=Alerting;M=AlertDetailsUrl": "https://orion.example/12",
    };
    const trigger = filledIn(solarwindsTemplate, /\$\{([^}]+)\}/g, values);
    expect(said(readingOf("solarwinds", trigger))).toEqual([["12", "ALERT", receivedAt]]);
    const reset = trigger.replace('"trigger"', '"reset"');
    expect(said(readingOf("solarwinds", reset))).toEqual([["12", "RECOVERY", receivedAt]]);
  });

  test("ElastAlert sends its payload beside the fields of the match", () => {
    expect(elastalertTemplate).toContain('elastalert_key: "{{ _data[');
    const sent = {
      "@timestamp": "2025-05-01T10:00:00Z",
      elastalert_rule: "Errors",
      elastalert_key: "core-4",
    };
    expect(said(readingOf("elastalert", JSON.stringify(sent)))).toEqual([
      ["Errors/core-4", "ALERT", "2025-05-01T10:00:00.000000000Z"],
    ]);
  });

  test("Checkmk's script sends the variables that the source reads", () => {
    const list = /names = \(([^)]+)\)/.exec(checkmkScript)?.[1] ?? "";
    const names = [...list.matchAll(/"([^"]+)"/g)].flatMap((quoted) => (quoted[1] ?? "").trim().split(" "));
    const values: Values = {
      WHAT: "HOST",
      NOTIFICATIONTYPE: "PROBLEM",
      HOSTNAME: "core-4",
      HOSTSTATE: "DOWN",
      HOSTNOTIFICATIONNUMBER: "1",
      LASTHOSTSTATECHANGE: "1746093600",
      OMD_SITE: "main",
    };
    const sent = Object.fromEntries(names.map((name) => [`NOTIFY_${name}`, values[name] ?? ""]));
    expect(names).toEqual(expect.arrayContaining(Object.keys(values)));
    expect(said(readingOf("checkmk", JSON.stringify(sent)))).toEqual([
      ["main/core-4", "ALERT", "2025-05-01T10:00:00.000000000Z"],
    ]);
  });
});
