// Sentry's metric alerts. How they are read is in sentry-webhook.ts.

import { Type } from "@sinclair/typebox";
import { isSentry, readSentry, sentrySetup } from "./sentry-webhook.ts";
import type { Source } from "./source.ts";

export const sentryMetric: Source = {
  name: "sentry-metric",
  title: "Sentry metric alerts",
  documentation:
    "https://docs.sentry.io/organization/integrations/integration-platform/webhooks/metric-alerts/",
  payload: Type.Object({
    action: Type.String(),
    data: Type.Object({
      metric_alert: Type.Object({
        id: Type.Union([Type.String(), Type.Number()]),
        date_started: Type.Optional(Type.String()),
        alert_rule: Type.Optional(Type.Object({ name: Type.Optional(Type.String()) })),
      }),
      description_text: Type.Optional(Type.String()),
      description_title: Type.Optional(Type.String()),
    }),
  }),
  setup: sentrySetup(
    "Turn on Alert Rule Action, and add the integration as an action to each metric alert, on critical, warning and resolved.",
  ),
  signature: "sentry",
  recognise: (payload) =>
    isSentry(payload, "metric_alert", "metric_alert") || isSentry(payload, "installation", "installation"),
  read: readSentry,
};
