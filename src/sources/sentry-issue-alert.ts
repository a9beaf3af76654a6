// Sentry's issue alerts, which never say that it is over. How they are read is in sentry-webhook.ts.

import { Type } from "@sinclair/typebox";
import { isSentry, readSentry, sentrySetup } from "./sentry-webhook.ts";
import type { Source } from "./source.ts";

export const sentryIssueAlert: Source = {
  name: "sentry-issue-alert",
  title: "Sentry issue alerts",
  documentation:
    "https://docs.sentry.io/organization/integrations/integration-platform/webhooks/issue-alerts/",
  payload: Type.Object({
    action: Type.String(),
    data: Type.Object({
      event: Type.Object({
        issue_id: Type.Union([Type.String(), Type.Number()]),
        datetime: Type.Optional(Type.String()),
        title: Type.Optional(Type.String()),
      }),
      triggered_rule: Type.Optional(Type.String()),
    }),
  }),
  setup: sentrySetup(
    "Turn on Alert Rule Action and add the integration as an action to each issue alert. Subscribe to issue too: only that sends the issue's resolution, under the same incident_id.",
  ),
  signature: "sentry",
  recognise: (payload) => isSentry(payload, "event_alert", "event"),
  read: readSentry,
};
