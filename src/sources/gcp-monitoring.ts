// Google Cloud Monitoring's webhook channel, versions 1.1 and 1.2. Times are Unix seconds; 0 or null is "not yet".

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeNumber } from "./tool-times.ts";

const statuses = statusTable({ open: "ALERT", closed: "RECOVERY" });

export const gcpMonitoring: Source = {
  name: "gcp-monitoring",
  title: "Google Cloud Monitoring",
  documentation: "https://cloud.google.com/monitoring/support/notification-options#webhooks",
  payload: Type.Object({
    incident: Type.Object({ incident_id: Type.String(), state: Type.String() }),
  }),
  setup: {
    steps: [
      "In Alerting, Edit notification channels, add a webhook and paste this URL as its endpoint.",
      "Choose HTTP Basic with the key as password, or put the key into the URL as ?token=.",
      "Choose the channel in the alerting policy and let it notify on incident closure too.",
    ],
    authentication: ["basic", "token_in_url"],
    on_failure: "Not documented in what was read.",
    unsure: [
      'That an incident closed with its condition says "deleted" in observed_value.',
      "Whether and how often a failed delivery is tried again.",
    ],
  },
  recognise: ({ body }) =>
    hasFields(at(body, "incident"), "incident_id", "state") &&
    (hasFields(at(body, "incident"), "policy_name") || /^(1\.\d+|test)$/.test(textAt(body, "version") ?? "")),
  read(payload) {
    const { body } = payload;
    if (textAt(body, "version")?.toLowerCase() === "test")
      return ignored("a test of the notification channel", "test");
    const incident = at(body, "incident");
    const isDeleted =
      textAt(incident, "state")?.trim().toLowerCase() === "closed" &&
      /\bdeleted\b/i.test(textAt(incident, "observed_value") ?? "");
    return readingOf(payload, {
      incident_id: textAt(incident, "incident_id"),
      status: textAt(incident, "state"),
      // Nothing was mended: the condition that would have seen it is gone.
      means: isDeleted ? "DISMISSAL" : statuses,
      start: timeNumber(at(incident, "started_at"), "s"),
      end: timeNumber(at(incident, "ended_at"), "s"),
      monitor_name: firstText(incident, "policy_name", "condition_name"),
      monitor_id: firstText(incident, "condition.name", "condition_name"),
      message: firstText(incident, "summary", "documentation.content", "documentation"),
    });
  },
};
