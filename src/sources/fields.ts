// The ingest contract's fields as query parameters, as a form or as JSON: for tools whose webhook is a URL that the
// user writes (Healthchecks.io, Gatus custom, UptimeRobot).

import { Type } from "@sinclair/typebox";
import { filled } from "./filled-text.ts";
import { groupReading } from "./found-signal.ts";
import { fieldsOf, hasFields, textAt } from "./json-fields.ts";
import { sixFieldsElement, sixFieldsIn } from "./six-fields.ts";
import type { Reading, Source, SourcePayload } from "./source.ts";

const optionalText = Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Null()]));

export const contractPayload = Type.Object({
  incident_id: optionalText,
  status: optionalText,
  incident_time: optionalText,
  monitor_name: optionalText,
  monitor_id: optionalText,
  message: optionalText,
});

/** What stands in the body goes before what stands in the URL, field by field. */
export function readContractFields(payload: SourcePayload): Reading {
  const { query } = payload;
  const given = fieldsOf(payload.body) ?? {};
  const fields = {
    ...query,
    ...Object.fromEntries(
      Object.entries(given).filter(([name]) => filled(textAt(given, name)) !== undefined),
    ),
  };
  return groupReading([sixFieldsElement(payload, sixFieldsIn(fields))]);
}

export const fields: Source = {
  name: "fields",
  title: "Any tool, six fields",
  documentation: "https://healthchecks.io/docs/configuring_notifications/",
  payload: contractPayload,
  setup: {
    steps: [
      "Append the fields to this URL: ?incident_id=...&status=...&incident_time=...&monitor_name=...&monitor_id=...&message=..., written with the tool's own variables. A GET will do; a form or JSON with these fields works too.",
      "Only incident_id and status are needed. Without incident_time the time of receipt counts.",
      "Healthchecks.io: ?incident_id=$CODE&status=$STATUS&incident_time=$NOW&monitor_name=$NAME. Gatus custom: ?incident_id=[ENDPOINT_GROUP]/[ENDPOINT_NAME]&status=[ALERT_TRIGGERED_OR_RESOLVED]. UptimeRobot: ?incident_id=*monitorID*&status=*alertTypeFriendlyName*&monitor_name=*monitorFriendlyName*&incident_time=*alertDateTime*.",
      "Send the key as X-API-Key, as a bearer token, as a Basic password, or in the URL as ?token=.",
    ],
    authentication: ["header", "bearer", "basic", "token_in_url"],
    on_failure: "Whatever the tool does.",
    unsure: [
      "The status is read by the project's status mapping and the ingest contract's words; any other word is recorded as it came.",
    ],
  },
  // Senders make these ids up, and may give an alert and its end different ones.
  exact: false,
  recognise: ({ body, query }) => hasFields({ ...query, ...fieldsOf(body) }, "incident_id", "status"),
  read: readContractFields,
};
