// Subscriptions to a Better Stack status page. Its incidents name no state, only texts, so that none of them can be said
// to have ended; its components name theirs.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf, unrecognised } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { meaningOf, statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const statuses = statusTable({
  downtime: "ALERT",
  degraded: "ALERT",
  operational: "RECOVERY",
  maintenance: "neither",
});

export const betterstackStatusPage: Source = {
  name: "betterstack-status-page",
  title: "Better Stack status pages",
  documentation:
    "https://betterstack.com/docs/uptime/status-pages/subscribing-to-status-updates/subscribing-with-webhooks/",
  payload: Type.Object({
    event_type: Type.String(),
    component_update: Type.Object({ new_status: Type.String() }),
  }),
  setup: {
    steps: [
      "On the status page press Get updates, choose Webhook, and give this URL with the key as ?token= and a mail address; then confirm the mail.",
      "Changes of components are recorded; incidents are not, because their webhooks do not say whether they go on.",
    ],
    authentication: ["token_in_url", "basic"],
    on_failure:
      "It tries up to ten times more, with pauses that double from 30 seconds; then the subscription is switched off.",
    unsure: [
      "The words of a component's state are those of the page's own indicator; the documentation's sample of a component's change was not seen whole.",
    ],
  },
  recognise: ({ body }) =>
    /^(incident|maintenance|component_update)$/.test(textAt(body, "event_type") ?? "") &&
    hasFields(at(body, "page"), "status_indicator"),
  read(payload) {
    const { body } = payload;
    switch (textAt(body, "event_type")) {
      case "incident":
        return ignored("an incident of the page, which does not say whether it goes on", "other_event");
      case "maintenance":
        return ignored("planned maintenance, no incident", "maintenance");
      case "component_update": {
        const id = firstText(body, "component.id", "component_update.component_id");
        return readingOf(payload, {
          incident_id: id,
          status: textAt(body, "component_update", "new_status"),
          means: statuses,
          // Of several degrees of trouble the first begins it.
          reminder:
            meaningOf(statuses, textAt(body, "component_update", "old_status") ?? "downtime") === "ALERT",
          moment: timeText(at(body, "component_update", "created_at")),
          monitor_name: textAt(body, "component", "name"),
          monitor_id: id,
          message: textAt(body, "page", "status_description"),
        });
      }
      default:
        return unrecognised("it names no event_type that a status page is known to send");
    }
  },
};
