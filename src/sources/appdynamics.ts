// AppDynamics' HTTP request actions. They have no body of their own: this reads one that uses the latest event's
// variables, as the setup text prints it. One incident of a health rule sends many events.

import { Type } from "@sinclair/typebox";
import { filled } from "./filled-text.ts";
import { readingOf } from "./found-signal.ts";
import { at, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { type Meaning, statusTable } from "./status-table.ts";
import { timeNumber, timeText } from "./tool-times.ts";

const stillThere: Meaning = { ignored: "the violation goes on, whatever its severity" };

const eventTypes = statusTable({
  POLICY_OPEN_WARNING: "ALERT",
  POLICY_OPEN_CRITICAL: "ALERT",
  POLICY_CONTINUES_WARNING: "REMINDER",
  POLICY_CONTINUES_CRITICAL: "REMINDER",
  POLICY_UPGRADED: stillThere,
  POLICY_DOWNGRADED: stillThere,
  POLICY_CLOSE: "RECOVERY",
  POLICY_CLOSE_WARNING: "RECOVERY",
  POLICY_CLOSE_CRITICAL: "RECOVERY",
  POLICY_CANCELED: "DISMISSAL",
  POLICY_CANCELED_WARNING: "DISMISSAL",
  POLICY_CANCELED_CRITICAL: "DISMISSAL",
});

/** The payload of the request template, in Velocity. */
export const appdynamicsTemplate = `{"appdynamics": {"account": "\${account.name}", "application": "\${latestEvent.application.name}", "incident_id": "\${latestEvent.incident.id}", "health_rule": "\${latestEvent.healthRule.name}", "health_rule_id": "\${latestEvent.healthRule.id}", "event_type": "\${latestEvent.eventType}", "event_time": "\${latestEvent.eventTime}", "name": "\${latestEvent.displayName}"}}`;

export const appdynamics: Source = {
  name: "appdynamics",
  title: "AppDynamics",
  documentation:
    "https://docs.appdynamics.com/appd/21.x/21.4/en/appdynamics-essentials/alert-and-respond/actions/predefined-templating-variables",
  payload: Type.Object({
    appdynamics: Type.Object({ incident_id: Type.String(), event_type: Type.String() }),
  }),
  setup: {
    steps: [
      "Under Alert & Respond, HTTP Request Templates, create a template with POST, this URL, and a custom header X-API-Key with the key.",
      `AppDynamics has no body of its own. Give the template the MIME type application/json and this payload: ${appdynamicsTemplate}`,
      "Use the template in policies for health rule violations that are started, ended and canceled; leave One Request Per Event on.",
    ],
    authentication: ["header", "basic", "token_in_url"],
    on_failure: "Not documented in what was read.",
    unsure: [
      "The body is ours, written with AppDynamics' documented variables. How it writes eventTime was not found: what cannot be read as a time is left out, and the time of receipt counts.",
    ],
  },
  recognise: ({ body }) => hasFields(at(body, "appdynamics"), "incident_id", "event_type"),
  read(payload) {
    const event = at(payload.body, "appdynamics");
    const text = (name: string): string | undefined => filled(textAt(event, name));
    const time = text("event_time");
    const account = text("account");
    const incident = text("incident_id");
    return readingOf(payload, {
      incident_id: account === undefined || incident === undefined ? incident : `${account}/${incident}`,
      status: text("event_type"),
      means: eventTypes,
      moment: timeText(time) ?? timeNumber(time, "by_size"),
      monitor_name: [text("application"), text("health_rule")].filter(Boolean).join(" ") || undefined,
      monitor_id: text("health_rule_id"),
      message: text("name"),
    });
  },
};
