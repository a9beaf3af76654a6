// Azure Monitor's action groups with the common alert schema.

import { Type } from "@sinclair/typebox";
import { azureEventOf } from "./azure-event.ts";
import { ignored, readingOf } from "./found-signal.ts";
import { at, firstText, listOf, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const statuses = statusTable({ Fired: "ALERT", Resolved: "RECOVERY" });

const schemaId = "azureMonitorCommonAlertSchema";

export const azureMonitor: Source = {
  name: "azure-monitor",
  title: "Azure Monitor",
  documentation: "https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema",
  payload: Type.Object({
    schemaId: Type.Optional(Type.String()),
    data: Type.Object({
      essentials: Type.Object({
        alertId: Type.String(),
        monitorCondition: Type.String(),
        alertRule: Type.Optional(Type.String()),
        alertRuleId: Type.Optional(Type.String()),
        originAlertId: Type.Optional(Type.String()),
        firedDateTime: Type.Optional(Type.String()),
        resolvedDateTime: Type.Optional(Type.String()),
        description: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      }),
    }),
  }),
  setup: {
    steps: [
      "Append the key to this URL as ?token= (Azure can send no headers), or write it as https://x:<the key>@host/... .",
      "In the action group add an action of type Webhook, paste the URL, and turn on the common alert schema.",
      "Give the action group to the alert rules.",
    ],
    authentication: ["token_in_url", "basic"],
    on_failure:
      "On 408, 429, 503, 504 and network errors it tries up to five more times within 75 seconds, then calls the URL no more for 15 minutes.",
    unsure: [
      "Only metric alerts name the time of their resolution; for others it is that of receipt.",
      "Alerts on the activity log and on costs tell of something that happened and never end: they are recorded and open nothing. Service Health and Resource Health say by their own fields when it is over.",
      "Which stages of Service Health there are beside Active, Resolved, Complete and RCA, and that the tracking id is the same in all of them.",
    ],
  },
  recognise: ({ body }) => at(body, "schemaId") === schemaId,
  read(payload) {
    const essentials = at(payload.body, "data", "essentials");
    if (isTest(essentials)) return ignored("a test of the action group", "test");
    const event = azureEventOf(payload, essentials);
    if (event !== undefined) return event;
    return readingOf(payload, {
      incident_id: textAt(essentials, "alertId"),
      status: textAt(essentials, "monitorCondition"),
      means: statuses,
      start: timeText(at(essentials, "firedDateTime")),
      end: timeText(at(essentials, "resolvedDateTime")),
      monitor_name: textAt(essentials, "alertRule"),
      monitor_id: firstText(essentials, "alertRuleId", "originAlertId"),
      message:
        textAt(essentials, "description") ??
        textAt(payload.body, "data", "alertContext", "condition", "allOf", 0, "metricName"),
    });
  },
};

/** What the action group's Test button sends: alerts of a resource group test-RG, or of no resource at all. */
function isTest(essentials: unknown): boolean {
  const targets = listOf(at(essentials, "alertTargetIDs"));
  return (
    /\/Test_Alert$/i.test(textAt(essentials, "alertId") ?? "") ||
    (/^test-/i.test(textAt(essentials, "alertRule") ?? "") &&
      targets.some((target) => /\/resourcegroups\/test-RG\//i.test(String(target))))
  );
}
