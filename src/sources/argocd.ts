// Argo CD's notifications. They have no body of their own: this reads the one that the setup text prints, which uses the
// application's own fields, and the flat one (app, status, revision, time) that many hand-written templates send.

import { Type } from "@sinclair/typebox";
import { filled } from "./filled-text.ts";
import { type Found, readingOf } from "./found-signal.ts";
import { at, hasFields, textAt } from "./json-fields.ts";
import type { Reading, Source, SourcePayload } from "./source.ts";
import { type Meaning, statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const underWay: Meaning = { ignored: "the application is neither degraded nor healthy" };

const healths = statusTable({
  Degraded: "ALERT",
  Missing: "ALERT",
  Healthy: "RECOVERY",
  Progressing: underWay,
  Suspended: underWay,
  Unknown: underWay,
});

/** Argo CD tries again, and tells each failure. */
const failedPhases = statusTable({ Failed: "REMINDER", Error: "REMINDER" });

/** The body of the notification's template, in Go's template language. */
export const argocdTemplate = `{"argocd": {"uid": "{{.app.metadata.uid}}", "name": "{{.app.metadata.name}}", "namespace": "{{.app.metadata.namespace}}", "project": "{{.app.spec.project}}", "health": "{{.app.status.health.status}}", "health_since": "{{.app.status.health.lastTransitionTime}}", "phase": "{{.app.status.operationState.phase}}", "finished": "{{.app.status.operationState.finishedAt}}", "revision": "{{.app.status.sync.revision}}"}}`;

export const argocd: Source = {
  name: "argocd",
  title: "Argo CD notifications",
  documentation: "https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/services/webhook/",
  payload: Type.Union([
    Type.Object({ argocd: Type.Object({ name: Type.String(), health: Type.String() }) }),
    Type.Object({ app: Type.String(), status: Type.String(), revision: Type.String(), time: Type.String() }),
  ]),
  setup: {
    steps: [
      "In argocd-notifications-cm add service.webhook.ledger with this URL and a header X-API-Key with the key (kept in argocd-notifications-secret), and a header Content-Type: application/json.",
      `Argo CD has no body of its own. Add a template that sends, under webhook: ledger:, method: POST and this body: ${argocdTemplate}`,
      "Let the triggers on-health-degraded and on-sync-failed send it, and a trigger of your own with the condition app.status.health.status == 'Healthy' and app.status.operationState.phase in ['Succeeded'], so that recoveries arrive; subscribe the applications to all three.",
      "Subscribe applications of production alone.",
    ],
    authentication: ["header", "bearer", "basic", "token_in_url"],
    on_failure: "It retries up to three times within seconds.",
    unsure: [
      "The body is ours, written with the fields of Argo CD's Application.",
      "The flat body has no documentation; its app is taken for the application's name, which is then the incident_id.",
      "health.lastTransitionTime is there from Argo CD 2.13 on; without it the time of receipt counts.",
    ],
  },
  recognise: ({ body }) =>
    hasFields(at(body, "argocd"), "name", "health") ||
    (hasFields(body, "app", "status", "revision", "time") &&
      healths.has(textAt(body, "status")?.toLowerCase() ?? "")),
  read(payload) {
    if (at(payload.body, "argocd") === undefined) return readFlat(payload);
    const app = at(payload.body, "argocd");
    const text = (name: string): string | undefined => filled(textAt(app, name));
    const name = text("name");
    const namespace = text("namespace");
    const path = name === undefined || namespace === undefined ? name : `${namespace}/${name}`;
    return readingOf(payload, {
      incident_id: text("uid") ?? path,
      ...stateOf(text),
      monitor_name: name,
      monitor_id: path,
      message: text("revision"),
    });
  },
};

function readFlat(payload: SourcePayload): Reading {
  const text = (name: string): string | undefined => filled(textAt(payload.body, name));
  return readingOf(payload, {
    incident_id: text("app"),
    status: text("status"),
    means: healths,
    moment: timeText(text("time")),
    monitor_name: text("app"),
    monitor_id: text("app"),
    message: text("revision"),
  });
}

/** A failed synchronisation is trouble whatever the health; else the health decides. */
function stateOf(text: (name: string) => string | undefined): Pick<Found, "status" | "means" | "moment"> {
  const phase = text("phase");
  return phase !== undefined && failedPhases.has(phase.toLowerCase())
    ? { status: phase, means: failedPhases, moment: timeText(text("finished")) }
    : { status: text("health"), means: healths, moment: timeText(text("health_since")) };
}
