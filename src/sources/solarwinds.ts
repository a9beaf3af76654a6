// SolarWinds Platform (Orion). Its action "Send a GET or POST Request" has no body of its own: this reads one that uses
// the alert's macros, as the setup text prints it. The action knows whether it is the alert's trigger or its reset.

import { Type } from "@sinclair/typebox";
import { filled } from "./filled-text.ts";
import { readingOf } from "./found-signal.ts";
import { at, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";

const states = statusTable({ trigger: "ALERT", reset: "RECOVERY", acknowledge: "ACKNOWLEDGEMENT" });

/** The body of the trigger action; the reset action's has "reset" for "trigger". */
export const solarwindsTemplate = `{"solarwinds": {"state": "trigger", "alert_object_id": "\${N=Alerting;M=AlertObjectID}", "alert_name": "\${N=Alerting;M=AlertName}", "severity": "\${N=Alerting;M=Severity}", "object": "\${N=SwisEntity;M=DisplayName}", "url": "\${N=Alerting;M=AlertDetailsUrl}"}}`;

export const solarwinds: Source = {
  name: "solarwinds",
  title: "SolarWinds Platform (Orion)",
  documentation: "https://documentation.solarwinds.com/en/success_center/orionplatform/",
  payload: Type.Object({
    solarwinds: Type.Object({
      state: Type.String(),
      alert_object_id: Type.Union([Type.String(), Type.Number()]),
    }),
  }),
  setup: {
    steps: [
      "Add to the alert's Trigger Actions Send a GET or POST Request to a Web Server, with POST, the content type application/json, and this URL with the key as ?token=.",
      `SolarWinds has no body of its own. Give the action this body: ${solarwindsTemplate}`,
      'Add the same action to the Reset Actions, with "reset" in the place of "trigger". Without it no recovery arrives.',
    ],
    authentication: ["token_in_url", "basic"],
    on_failure: "Not documented in what was read.",
    unsure: [
      "The vendor's page about the action was not seen; its macros are those of published alert actions.",
      "The body is ours. Its macros are left out of time: SolarWinds writes times in the server's own notation, so that of receipt counts.",
      "AlertObjectID names one alert on one object and stays the same when it triggers again.",
    ],
  },
  recognise: ({ body }) => hasFields(at(body, "solarwinds"), "state", "alert_object_id"),
  read(payload) {
    const alert = at(payload.body, "solarwinds");
    const text = (name: string): string | undefined => macro(textAt(alert, name));
    const id = text("alert_object_id");
    return readingOf(payload, {
      incident_id: id,
      status: text("state"),
      means: states,
      monitor_name: text("object"),
      monitor_id: id,
      message: text("alert_name"),
    });
  },
};

/** A macro that SolarWinds had no value for arrives as it was written. */
const macro = (text: string | undefined): string | undefined =>
  text !== undefined && /^\s*\$\{N=[^}]{1,200}\}\s*$/.test(text) ? undefined : filled(text);
