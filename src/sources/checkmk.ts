// Checkmk. Its notifications run scripts: the setup text prints one that sends the variables which Checkmk gives it,
// under their own names.

import { Type } from "@sinclair/typebox";
import { meaningOfNotice } from "./check-states.ts";
import { filled } from "./filled-text.ts";
import { readingOf } from "./found-signal.ts";
import { hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { timeNumber } from "./tool-times.ts";

export const checkmkScript = `#!/usr/bin/env python3
# Incident Ledger
import json, os, urllib.request
names = ("WHAT NOTIFICATIONTYPE HOSTNAME SERVICEDESC HOSTSTATE SERVICESTATE HOSTOUTPUT SERVICEOUTPUT "
         "HOSTNOTIFICATIONNUMBER SERVICENOTIFICATIONNUMBER "
         "LASTHOSTSTATECHANGE LASTSERVICESTATECHANGE OMD_SITE").split()
body = {"NOTIFY_" + name: os.environ.get("NOTIFY_" + name, "") for name in names}
request = urllib.request.Request(os.environ["NOTIFY_PARAMETER_1"], json.dumps(body).encode(),
    {"Content-Type": "application/json", "X-API-Key": os.environ["NOTIFY_PARAMETER_2"]})
urllib.request.urlopen(request, timeout=10)`;

export const checkmk: Source = {
  name: "checkmk",
  title: "Checkmk",
  documentation: "https://docs.checkmk.com/latest/en/notifications.html#scripts",
  payload: Type.Object({
    NOTIFY_WHAT: Type.Optional(Type.String()),
    NOTIFY_NOTIFICATIONTYPE: Type.Optional(Type.String()),
    NOTIFY_HOSTNAME: Type.String(),
  }),
  setup: {
    steps: [
      `Checkmk has no webhook of its own. Save this script in the site as local/share/check_mk/notifications/incident-ledger and make it executable:\n${checkmkScript}`,
      "Add a notification rule with the method Incident Ledger and two parameters: this URL, and the key.",
      "Let the rule fire for problems and for recoveries of hosts and services, and for acknowledgements.",
    ],
    authentication: ["header", "bearer", "basic", "token_in_url"],
    on_failure: "A script that fails is noted in Checkmk's notification log.",
    unsure: [
      "The script is ours and has not been run in a site; its variables are those that Checkmk documents.",
    ],
  },
  recognise: ({ body }) => hasFields(body, "NOTIFY_NOTIFICATIONTYPE", "NOTIFY_HOSTNAME"),
  read(payload) {
    const text = (name: string): string | undefined => filled(textAt(payload.body, `NOTIFY_${name}`));
    const host = text("HOSTNAME");
    const service = text("WHAT") === "HOST" ? undefined : text("SERVICEDESC");
    const what = service === undefined ? "HOST" : "SERVICE";
    const type = text("NOTIFICATIONTYPE");
    const state = text(`${what}STATE`);
    const means = meaningOfNotice({ type, state, number: text(`${what}NOTIFICATIONNUMBER`) });
    const path = [text("OMD_SITE"), host, service].filter((part) => part !== undefined).join("/");
    const id = host === undefined ? undefined : path;
    return readingOf(payload, {
      incident_id: id,
      status: means === "ACKNOWLEDGEMENT" ? type : state,
      means,
      // An acknowledgement changes no state; its own time is not sent.
      moment: means === "ACKNOWLEDGEMENT" ? undefined : timeNumber(text(`LAST${what}STATECHANGE`), "s"),
      monitor_name: service ?? host,
      monitor_id: id,
      message: text(`${what}OUTPUT`),
    });
  },
};
