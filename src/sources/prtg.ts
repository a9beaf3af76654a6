// PRTG's action "Execute HTTP action". It has no body of its own: this reads a form of its placeholders, as the setup
// text prints it. PRTG names its times in a user's zone and notation, so that of receipt counts.

import { Type } from "@sinclair/typebox";
import { type Found, ignored, readingOf } from "./found-signal.ts";
import { hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { type Meaning, meaningOf, statusTable } from "./status-table.ts";

const states = statusTable({
  Down: "ALERT",
  "Down (Partial)": "ALERT",
  Warning: "ALERT",
  Up: "RECOVERY",
  "Down (Acknowledged)": "ACKNOWLEDGEMENT",
  Acknowledged: "ACKNOWLEDGEMENT",
  Unusual: "neither",
  Unknown: "neither",
  Paused: "neither",
});

/** What follows on the end of a state: `Down ended (now: Up)`. */
const followers = statusTable({
  Up: "RECOVERY",
  Unusual: "RECOVERY",
  Down: "REMINDER",
  "Down (Partial)": "REMINDER",
  Warning: "REMINDER",
  Paused: "DISMISSAL",
  Unknown: { ignored: "the sensor has no data" },
});

/** The action's POST data. */
export const prtgTemplate =
  "prtg_sensor=%sensorid&prtg_status=%status&prtg_device=%device&prtg_name=%name&prtg_message=%message";

export const prtg: Source = {
  name: "prtg",
  title: "PRTG Network Monitor",
  documentation: "https://www.paessler.com/manuals/prtg/notification_templates",
  payload: Type.Object({ prtg_sensor: Type.String(), prtg_status: Type.String() }),
  setup: {
    steps: [
      "In Setup, Account Settings, Notification Templates, add one with Execute HTTP action, this URL with the key as ?token=, and the method POST.",
      `PRTG has no body of its own. Give the action this POST data: ${prtgTemplate}`,
      "Add a state trigger that sends it when a sensor is Down, and when the condition clears.",
    ],
    authentication: ["token_in_url"],
    on_failure: "There are usually three attempts; what fails in all of them is lost.",
    unsure: [
      "Status texts are those of an English installation; a status in another language is kept in the quarantine.",
      "Escalations and repetitions open an outage where none is open, and restart no clock.",
    ],
  },
  recognise: ({ body }) => hasFields(body, "prtg_sensor", "prtg_status"),
  read(payload) {
    const { body } = payload;
    const sensor = textAt(payload.body, "prtg_sensor");
    if (sensor?.startsWith("%") === true)
      return ignored("a test whose placeholders are not filled in", "test");
    const status = textAt(body, "prtg_status");
    return readingOf(payload, {
      incident_id: sensor,
      status,
      means: meaning(status),
      monitor_name:
        [textAt(body, "prtg_device"), textAt(body, "prtg_name")].filter(Boolean).join(" ") || undefined,
      monitor_id: sensor,
      message: textAt(body, "prtg_message"),
    } satisfies Found);
  },
};

function meaning(status: string | undefined): Meaning | undefined {
  if (status === undefined) return undefined;
  const follower = /^\S[\w ()]{0,40} ended \(now: ([\w ()]{1,40})\)\s*$/i.exec(status)?.[1];
  if (follower !== undefined) return meaningOf(followers, follower);
  const isToldAgain = /^(Down|Warning) (ESCALATION|REPEAT|\(before: [A-Za-z]+\))/i.test(status);
  return isToldAgain ? "REMINDER" : meaningOf(states, status);
}
