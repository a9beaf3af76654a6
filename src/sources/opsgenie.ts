// Opsgenie's webhook integration. The action decides; an alert's times are in milliseconds and in nanoseconds.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { type Meaning, statusTable } from "./status-table.ts";
import { timeNumber } from "./tool-times.ts";

const stillOpen: Meaning = { ignored: "the alert was neither created nor closed" };

const statuses = statusTable({
  Create: "ALERT",
  Close: "RECOVERY",
  Delete: "DISMISSAL",
  Acknowledge: "ACKNOWLEDGEMENT",
  UnAcknowledge: stillOpen,
  AddNote: stillOpen,
  AddTags: stillOpen,
  RemoveTags: stillOpen,
  AddTeam: stillOpen,
  AddRecipient: stillOpen,
  AddResponder: stillOpen,
  AddDetails: stillOpen,
  RemoveDetails: stillOpen,
  AssignOwnership: stillOpen,
  TakeOwnership: stillOpen,
  Escalate: stillOpen,
  EscalateNext: stillOpen,
  EscalateToNext: stillOpen,
  Snooze: stillOpen,
  SnoozeEnded: stillOpen,
  UpdatePriority: stillOpen,
  UpdateMessage: stillOpen,
  UpdateDescription: stillOpen,
});

export const opsgenie: Source = {
  name: "opsgenie",
  title: "Opsgenie and Jira Service Management alerts",
  documentation: "https://support.atlassian.com/opsgenie/docs/opsgenie-edge-connector-alert-action-data/",
  payload: Type.Object({
    action: Type.String(),
    alert: Type.Object({
      alertId: Type.String(),
      alias: Type.Optional(Type.String()),
      entity: Type.Optional(Type.String()),
      message: Type.Optional(Type.String()),
      createdAt: Type.Optional(Type.Union([Type.Number(), Type.String()])),
      updatedAt: Type.Optional(Type.Union([Type.Number(), Type.String()])),
    }),
  }),
  setup: {
    steps: [
      "Under Settings, Integrations, add a Webhook integration and paste this URL as Webhook URL.",
      "Let it post when an alert is created, acknowledged, closed and deleted; other actions are ignored.",
      "Add a custom header X-API-Key with the key.",
    ],
    authentication: ["header", "token_in_url", "basic"],
    on_failure: "Not documented: whether it retries is unknown.",
    unsure: [
      "A deleted alert has ended without a recovery.",
      "Custom actions carry the name you gave them, so they are kept in the quarantine, not recorded.",
    ],
  },
  recognise: ({ body }) =>
    hasFields(body, "action", "integrationId") && hasFields(at(body, "alert"), "alertId"),
  read(payload) {
    const alert = at(payload.body, "alert");
    return readingOf(payload, {
      incident_id: textAt(alert, "alertId"),
      status: textAt(payload.body, "action"),
      means: statuses,
      start: timeNumber(textAt(payload.body, "alert", "createdAt"), "by_size"),
      moment: timeNumber(textAt(payload.body, "alert", "updatedAt"), "by_size"),
      monitor_name: firstText(alert, "entity", "message"),
      monitor_id: firstText(alert, "alias"),
      message: textAt(alert, "message"),
    });
  },
};
