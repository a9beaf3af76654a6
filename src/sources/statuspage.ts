// Atlassian Statuspage's incidents. created_at stays the same in all updates; the end is resolved_at.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { statuspageSetup } from "./statuspage-setup.ts";
import { timeText } from "./tool-times.ts";

const maintenance = { ignored: "planned maintenance, no incident", cause: "maintenance" } as const;

const statuses = statusTable({
  investigating: "ALERT",
  identified: "ALERT",
  monitoring: "ALERT",
  resolved: "RECOVERY",
  scheduled: maintenance,
  in_progress: maintenance,
  verifying: maintenance,
  completed: maintenance,
  postmortem: { ignored: "a postmortem of an incident that has ended" },
});

export const statuspage: Source = {
  name: "statuspage",
  title: "Atlassian Statuspage, incidents",
  documentation: "https://support.atlassian.com/statuspage/docs/enable-webhook-notifications/",
  payload: Type.Object({ incident: Type.Object({ id: Type.String(), status: Type.String() }) }),
  setup: statuspageSetup,
  recognise: ({ body }) =>
    hasFields(at(body, "page"), "id") &&
    (hasFields(at(body, "incident"), "id", "status") || hasFields(at(body, "maintenance"), "id", "status")),
  read(payload) {
    const { body } = payload;
    if (hasFields(body, "component_update")) {
      return ignored("a component's change; /statuspage-component records those", "other_event");
    }
    // Instatus tells of maintenance in a field of its own.
    if (hasFields(body, "maintenance") && !hasFields(body, "incident")) {
      return ignored(maintenance.ignored, maintenance.cause);
    }
    const incident = at(body, "incident");
    return readingOf(payload, {
      incident_id: textAt(incident, "id"),
      status: textAt(incident, "status"),
      means: statuses,
      start: timeText(at(incident, "created_at")),
      end: timeText(at(incident, "resolved_at")),
      monitor_name: textAt(incident, "components", 0, "name"),
      monitor_id: textAt(incident, "components", 0, "id"),
      message: firstText(incident, "name", "incident_updates.0.body"),
    });
  },
};
