// The changes of an Instatus page's components.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { instatusSetup, isInstatusPage } from "./instatus-setup.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const statuses = statusTable({
  DEGRADEDPERFORMANCE: "ALERT",
  MINOROUTAGE: "ALERT",
  PARTIALOUTAGE: "ALERT",
  MAJOROUTAGE: "ALERT",
  OPERATIONAL: "RECOVERY",
  UNDERMAINTENANCE: "neither",
});

export const instatusComponent: Source = {
  name: "instatus-component",
  title: "Instatus, components",
  documentation: "https://instatus.com/help/webhooks",
  payload: Type.Object({ component_update: Type.Object({ new_status: Type.String() }) }),
  setup: instatusSetup,
  signature: "instatus",
  recognise: ({ body }) => isInstatusPage(body) && hasFields(at(body, "component_update"), "new_status"),
  read(payload) {
    const { body } = payload;
    if (hasFields(body, "maintenance")) return ignored("planned maintenance, no incident", "maintenance");
    if (!hasFields(body, "component_update") && hasFields(body, "incident")) {
      return ignored("an incident; /instatus records those", "other_event");
    }
    const id = firstText(body, "component.id", "component_update.component_id");
    const status = textAt(body, "component_update", "new_status");
    return readingOf(payload, {
      incident_id: id,
      status,
      means: statuses,
      // Of several degrees of trouble the first begins it, and Instatus does not say what stood before.
      reminder: true,
      moment: timeText(at(body, "component_update", "created_at")),
      monitor_name: textAt(body, "component", "name"),
      monitor_id: id,
      message: textAt(body, "page", "status_description"),
    });
  },
};
