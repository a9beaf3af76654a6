// Dynatrace's custom webhook, as the documented example template sends it, and its minimal form.

import { Type } from "@sinclair/typebox";
import { filled, isUnfilled } from "./filled-text.ts";
import { ignored, readingOf } from "./found-signal.ts";
import { at, fieldsOf, firstText, hasFields, textAt, unwrapped } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeNumber } from "./tool-times.ts";

const statuses = statusTable({
  OPEN: "ALERT",
  RESOLVED: "RECOVERY",
  MERGED: "DISMISSAL",
});

const template = `{"State": "{State}", "PID": "{PID}", "ProblemID": "{ProblemID}", "ProblemTitle": "{ProblemTitle}", "ImpactedEntities": {ImpactedEntities}, "ProblemDetailsJSONv2": {ProblemDetailsJSONv2}}`;

export const dynatrace: Source = {
  name: "dynatrace",
  title: "Dynatrace",
  documentation:
    "https://docs.dynatrace.com/docs/analyze-explore-automate/notifications-and-alerting/problem-notifications/webhook-integration",
  payload: Type.Object({
    State: Type.String(),
    ProblemID: Type.Optional(Type.Union([Type.String(), Type.Number()])),
    PID: Type.Optional(Type.Union([Type.String(), Type.Number()])),
    ProblemTitle: Type.Optional(Type.String()),
  }),
  setup: {
    steps: [
      "In Settings, Integration, Problem notifications add a Custom integration and paste this URL.",
      "Add the header X-API-Key with the key, and turn on that a notification is sent if the problem is closed.",
      `Give it this payload: ${template}`,
    ],
    authentication: ["header"],
    on_failure: "Not documented in what was read.",
    unsure: [
      "MERGED is not in Dynatrace's own documentation; it ends the problem without a recovery.",
      "Without ProblemDetailsJSONv2 or ProblemDetailsJSON nothing names the times: the time of receipt counts.",
    ],
  },
  recognise: ({ body }) =>
    hasFields(body, "State", "ProblemTitle") && (hasFields(body, "ProblemID") || hasFields(body, "PID")),
  read(payload) {
    const { body } = payload;
    const incident_id = filled(textAt(body, "ProblemID")) ?? filled(textAt(body, "PID"));
    if (incident_id === undefined && (isUnfilled(at(body, "ProblemID")) || isUnfilled(at(body, "PID")))) {
      return ignored("a test: its variables are not filled in", "test");
    }
    const details = [at(body, "ProblemDetailsJSONv2"), at(body, "ProblemDetailsJSON")]
      .map(unwrapped)
      .find((one) => fieldsOf(one) !== undefined);
    const entities = unwrapped(at(body, "ImpactedEntities"));
    const title = filled(textAt(body, "ProblemTitle"));
    return readingOf(payload, {
      incident_id,
      status: filled(textAt(body, "State")),
      means: statuses,
      start: timeNumber(at(details, "startTime"), "ms"),
      end: timeNumber(at(details, "endTime"), "ms"),
      monitor_name: title,
      monitor_id: firstText(entities, "0.name", "0.entity") ?? incident_id,
      message: title ?? filled(textAt(body, "ImpactedEntity")),
    });
  },
};
