// Site24x7's webhook. Its MONITOR_ID has 18 digits, more than a number holds, so it is taken from the text.

import { Type } from "@sinclair/typebox";
import { filled } from "./filled-text.ts";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

// Trouble turns critical or into down, and back: within an outage nothing begins anew.
const statuses = statusTable({ DOWN: "REMINDER", TROUBLE: "REMINDER", CRITICAL: "REMINDER", UP: "RECOVERY" });

export const site24x7: Source = {
  name: "site24x7",
  title: "Site24x7",
  documentation: "https://www.site24x7.com/help/admin/third-party-integration/webhooks.html",
  payload: Type.Object({
    MONITORNAME: Type.Optional(Type.String()),
    STATUS: Type.String(),
  }),
  setup: {
    steps: [
      "In Admin, Third-Party Integrations, add a Webhook with this URL as its hook URL and the method POST.",
      "Tick Post as JSON, send the incident parameters, and add the key as a custom header X-API-Key.",
      "Choose that it is told of Down, Trouble, Critical and Up.",
    ],
    authentication: ["header", "basic", "token_in_url"],
    on_failure: "Not documented in what was read.",
    unsure: ["Status words other than DOWN, TROUBLE, CRITICAL and UP: they are quarantined, not guessed."],
  },
  recognise: ({ body }) =>
    hasFields(body, "MONITORNAME", "STATUS") &&
    (hasFields(body, "MONITOR_DASHBOARD_LINK") || hasFields(body, "MONITOR_ID")),
  read(payload) {
    const { body } = payload;
    const id =
      filled(textAt(payload.body, "MONITOR_ID")) ??
      filled(textAt(payload.body, "MONITORID")) ??
      /\/(\d{6,20})(?:[/?#]|$)/.exec(textAt(body, "MONITOR_DASHBOARD_LINK") ?? "")?.[1];
    const time = timeText(at(body, "INCIDENT_TIME_ISO"));
    return readingOf(payload, {
      incident_id: id,
      status: filled(textAt(body, "STATUS")),
      means: statuses,
      moment: time,
      monitor_name: filled(textAt(body, "MONITORNAME")),
      monitor_id: id,
      message: filled(firstText(body, "INCIDENT_REASON", "INCIDENT_DETAILS")),
      local_time: filled(textAt(body, "INCIDENT_TIME")),
      timezone: filled(textAt(body, "TIMEZONE")),
    });
  },
};
