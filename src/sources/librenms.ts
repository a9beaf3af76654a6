// LibreNMS' API transport. It has no body of its own: this reads one that uses the alert's variables, as the setup text
// prints it. LibreNMS names its times in the server's zone without saying which, so that of receipt counts.

import { Type } from "@sinclair/typebox";
import { filled } from "./filled-text.ts";
import { ignored, readingOf } from "./found-signal.ts";
import { fieldsOf, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { type Meaning, statusTable } from "./status-table.ts";

const otherSeverity: Meaning = { ignored: "the alert got worse or better, and is still there" };

/** The numbers of an alert's states. */
const states = statusTable({
  "0": "RECOVERY",
  "1": "ALERT",
  "2": "ACKNOWLEDGEMENT",
  "3": otherSeverity,
  "4": otherSeverity,
  "5": otherSeverity,
});

/** The API Body of the transport. */
export const librenmsTemplate = `{"librenms_alert_id": "{{ $id }}", "state": "{{ $state }}", "severity": "{{ $severity }}", "device_id": "{{ $device_id }}", "hostname": "{{ $hostname }}", "rule": "{{ $name }}", "title": "{{ $title }}"}`;

export const librenms: Source = {
  name: "librenms",
  title: "LibreNMS",
  documentation: "https://docs.librenms.org/Alerting/Transports/Api/",
  payload: Type.Object({
    librenms_alert_id: Type.Union([Type.String(), Type.Number()]),
    state: Type.Union([Type.String(), Type.Number()]),
  }),
  setup: {
    steps: [
      "Under Alerts, Alert Transports, create a transport of the type API with the method POST, this URL, and the API Headers X-API-Key=<the key> and Content-Type=application/json.",
      `LibreNMS has no body of its own. Give the transport this API Body: ${librenmsTemplate}`,
      "Attach the transport to the rules, and leave their recovery alerts on.",
    ],
    authentication: ["header", "basic", "token_in_url"],
    on_failure: "It is not sent again by itself; an alert that stays is told again at the rule's interval.",
    unsure: [
      "The body is ours. Quotation marks and line breaks in a title are not escaped by LibreNMS; a body that they break is kept in the quarantine.",
    ],
  },
  recognise: ({ body }) => hasFields(body, "librenms_alert_id", "state"),
  read(payload) {
    const { body } = payload;
    if (textAt(body, "title") === "Testing transport from LibreNMS")
      return ignored("a test of the transport", "test");
    const alert = filled(textAt(payload.body, "librenms_alert_id"));
    const device = filled(textAt(payload.body, "device_id"));
    return readingOf(payload, {
      incident_id: alert === undefined || device === undefined ? alert : `${device}/${alert}`,
      status: filled(textAt(body, "state")),
      means: states,
      monitor_name: filled(firstText(fieldsOf(body), "hostname")),
      monitor_id: device,
      message: filled(firstText(fieldsOf(body), "title", "rule")),
    });
  },
};
