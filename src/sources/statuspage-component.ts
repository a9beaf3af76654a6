// The changes of Atlassian Statuspage's components.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { meaningOf, statusTable } from "./status-table.ts";
import { statuspageSetup } from "./statuspage-setup.ts";
import { timeText } from "./tool-times.ts";

const statuses = statusTable({
  degraded_performance: "ALERT",
  partial_outage: "ALERT",
  major_outage: "ALERT",
  operational: "RECOVERY",
  under_maintenance: "neither",
  // Instatus's words for the same.
  degradedperformance: "ALERT",
  partialoutage: "ALERT",
  majoroutage: "ALERT",
  undermaintenance: "neither",
});

export const statuspageComponent: Source = {
  name: "statuspage-component",
  title: "Atlassian Statuspage, components",
  documentation: "https://support.atlassian.com/statuspage/docs/enable-webhook-notifications/",
  payload: Type.Object({
    component: Type.Optional(Type.Object({ id: Type.String(), name: Type.Optional(Type.String()) })),
    component_update: Type.Object({ new_status: Type.String() }),
  }),
  setup: statuspageSetup,
  recognise: ({ body }) =>
    hasFields(at(body, "page"), "id") && hasFields(at(body, "component_update"), "new_status"),
  read(payload) {
    const { body } = payload;
    if (!hasFields(body, "component_update") && hasFields(at(body, "incident"), "id", "status")) {
      return ignored("an incident; /statuspage records those", "other_event");
    }
    const id = firstText(body, "component.id", "component_update.component_id");
    const name = textAt(body, "component", "name");
    const before = textAt(body, "component_update", "old_status");
    const status = textAt(body, "component_update", "new_status");
    const time = timeText(at(body, "component_update", "created_at"));
    return readingOf(payload, {
      incident_id: id,
      status,
      means: statuses,
      // Of several degrees of trouble the first begins it; Instatus does not say what stood before.
      reminder: before === undefined || meaningOf(statuses, before) === "ALERT",
      moment: time,
      monitor_name: name,
      monitor_id: id,
      message:
        before === undefined || status === undefined
          ? undefined
          : `${name ?? id ?? ""}: ${before} -> ${status}`,
    });
  },
};
