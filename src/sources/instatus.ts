// Instatus' incidents. created_at stays the same in all updates; the end is resolved_at.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { instatusSetup, isInstatusMaintenance, isInstatusPage } from "./instatus-setup.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const statuses = statusTable({
  INVESTIGATING: "ALERT",
  IDENTIFIED: "ALERT",
  MONITORING: "ALERT",
  RESOLVED: "RECOVERY",
});

export const instatus: Source = {
  name: "instatus",
  title: "Instatus, incidents",
  documentation: "https://instatus.com/help/webhooks",
  payload: Type.Object({ incident: Type.Object({ id: Type.String(), status: Type.String() }) }),
  setup: instatusSetup,
  signature: "instatus",
  recognise: ({ body }) =>
    (isInstatusPage(body) && hasFields(at(body, "incident"), "id", "status")) || isInstatusMaintenance(body),
  read(payload) {
    const { body } = payload;
    if (hasFields(body, "maintenance")) return ignored("planned maintenance, no incident", "maintenance");
    if (hasFields(body, "component_update")) {
      return ignored("a component's change; /instatus-component records those", "other_event");
    }
    const incident = at(body, "incident");
    return readingOf(payload, {
      incident_id: textAt(incident, "id"),
      status: textAt(incident, "status"),
      means: statuses,
      start: timeText(at(incident, "created_at")),
      end: timeText(at(incident, "resolved_at")),
      monitor_name: firstText(body, "page.name", "page.url"),
      monitor_id: textAt(body, "page", "id"),
      message: textAt(incident, "name"),
    });
  },
};
