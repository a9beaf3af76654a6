// New Relic's workflow webhook with its default body: one issue, however many incidents it holds.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { type Meaning, meaningOf, statusTable } from "./status-table.ts";
import { timeNumber } from "./tool-times.ts";

const statuses = statusTable({
  CREATED: "ALERT",
  ACTIVATED: "ALERT",
  CLOSED: "RECOVERY",
  RESOLVED: "RECOVERY",
  ACKNOWLEDGED: "ACKNOWLEDGEMENT",
});

export const newrelic: Source = {
  name: "newrelic",
  title: "New Relic",
  documentation: "https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/#webhook",
  payload: Type.Object({
    id: Type.String(),
    state: Type.String(),
    trigger: Type.Optional(Type.String()),
    title: Type.Optional(Type.Unknown({ description: "A text, or a list of texts" })),
    alertConditionNames: Type.Optional(Type.Array(Type.String())),
    createdAt: Type.Optional(Type.Union([Type.Number(), Type.String()])),
    updatedAt: Type.Optional(Type.Union([Type.Number(), Type.String()])),
  }),
  setup: {
    steps: [
      "Under Alerts, Destinations, add a webhook destination with this URL and a custom header X-API-Key with the key.",
      "Under Alerts, Workflows, add the destination to a workflow. The default payload will do.",
      "Let the workflow notify when an issue is activated and closed.",
    ],
    authentication: ["header", "bearer", "basic"],
    on_failure: "Not documented: whether it retries is unknown.",
    unsure: [
      "Nothing in the default body says that an issue was merged into another: it is closed as any other.",
      "The state RESOLVED is read as CLOSED; New Relic documents only CLOSED.",
    ],
  },
  recognise: ({ body }) => hasFields(body, "issueUrl", "state", "trigger") && hasFields(body, "workflowName"),
  read(payload) {
    const { body } = payload;
    const condition = textAt(body, "alertConditionNames", 0);
    const status = textAt(body, "state");
    return readingOf(payload, {
      incident_id: textAt(payload.body, "id"),
      status,
      means: status === undefined ? undefined : meaningOfState(status, textAt(body, "trigger")),
      start: timeNumber(at(body, "createdAt"), "ms"),
      end: timeNumber(at(body, "closedAt"), "ms"),
      moment: timeNumber(at(body, "updatedAt"), "ms"),
      monitor_name: condition,
      monitor_id: condition,
      message: textAt(body, "title") ?? textAt(body, "title", 0),
    });
  },
};

/** An open issue that a person touched was acknowledged, not activated again. */
const meaningOfState = (state: string, trigger: string | undefined): Meaning | undefined =>
  state.trim().toUpperCase() === "ACTIVATED" && trigger?.trim().toUpperCase() === "USER_ACTION"
    ? "ACKNOWLEDGEMENT"
    : meaningOf(statuses, state);
