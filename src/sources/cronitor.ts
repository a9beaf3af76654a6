// Cronitor's webhook integration. It names no time, so that of receipt counts; the same monitor may alert in several
// environments.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";

const types = statusTable({ ALERT: "ALERT", RECOVERY: "RECOVERY" });

export const cronitor: Source = {
  name: "cronitor",
  title: "Cronitor",
  documentation: "https://cronitor.io/docs/using-webhooks",
  payload: Type.Object({ id: Type.String(), type: Type.String(), monitor: Type.Optional(Type.String()) }),
  setup: {
    steps: [
      "Under Settings, Integrations, add a Webhook with this URL and the key as ?token=.",
      "Add the webhook to the notification list of the monitors.",
    ],
    authentication: ["token_in_url", "basic"],
    on_failure: "Not documented in what was read.",
  },
  recognise: ({ body }) => hasFields(body, "id", "monitor", "type", "rule", "environment"),
  read(payload) {
    const { body } = payload;
    const monitor = textAt(body, "id");
    const environment = textAt(body, "environment");
    return readingOf(payload, {
      incident_id: monitor === undefined || environment === undefined ? monitor : `${monitor}:${environment}`,
      status: textAt(body, "type"),
      means: types,
      monitor_name: textAt(body, "monitor"),
      monitor_id: monitor,
      message: textAt(body, "description"),
    });
  },
};
