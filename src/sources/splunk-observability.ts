// Splunk Observability Cloud's (once SignalFx) webhook with its default payload. The extended status decides: the short
// one says ok also of a detector that was stopped.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const statuses = statusTable({
  anomalous: "ALERT",
  ok: "RECOVERY",
  "manually resolved": "RECOVERY",
  stopped: "DISMISSAL",
});

export const splunkObservability: Source = {
  name: "splunk-observability",
  title: "Splunk Observability Cloud",
  documentation: "https://dev.splunk.com/observability/docs/integrations/webhook_integration_overview",
  payload: Type.Object({
    incidentId: Type.String(),
    detector: Type.Optional(Type.String()),
    status: Type.Optional(Type.String()),
    statusExtended: Type.Optional(Type.String()),
  }),
  setup: {
    steps: [
      "Under Data Management add a Webhook integration with this URL and a header X-API-Key with the key; the default payload will do.",
      "Add the integration to the alert recipients of the detectors' rules.",
      "To sign too, set a shared secret and give it to the key here as a signing secret.",
    ],
    authentication: ["header", "token_in_url", "signature"],
    on_failure: "Anything but 200 is tried again for up to 24 hours.",
    unsure: [
      "An alert that is still told at each evaluation is not expected; the time is that of the event, whatever it tells.",
    ],
  },
  signature: "splunk-observability",
  recognise: ({ body }) =>
    hasFields(body, "incidentId", "detector") &&
    (hasFields(body, "statusExtended") || hasFields(body, "detectorId")),
  read(payload) {
    const { body } = payload;
    return readingOf(payload, {
      incident_id: textAt(body, "incidentId"),
      status: firstText(body, "statusExtended", "status"),
      means: statuses,
      moment: timeText(at(body, "timestampISO8601")) ?? timeText(at(body, "timestamp")),
      monitor_name: textAt(body, "detector"),
      monitor_id: textAt(body, "detectorId"),
      message: firstText(body, "messageTitle", "rule", "description"),
    });
  },
};
