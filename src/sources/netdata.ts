// Netdata Cloud's alert notifications. They have no id: the alert, its chart, its space and its node together are one. The same
// webhook also sends reachability notifications, which netdata-reachability reads.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import { netdataReachability } from "./netdata-reachability.ts";
import { netdataSetup } from "./netdata-setup.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeNumber, timeText } from "./tool-times.ts";

const statuses = statusTable({
  // A warning turns critical and back: within an outage nothing begins anew.
  warning: "REMINDER",
  critical: "REMINDER",
  clear: "RECOVERY",
  info: { ignored: "information, neither raised nor cleared" },
});

export const netdata: Source = {
  name: "netdata",
  title: "Netdata Cloud",
  documentation:
    "https://learn.netdata.cloud/docs/alerts-&-notifications/notifications/centralized-cloud-notifications/webhook",
  payload: Type.Union([
    Type.Object({ alert: Type.String(), severity: Type.String() }),
    netdataReachability.payload,
  ]),
  setup: {
    ...netdataSetup,
    unsure: [
      "The fields of the test notification, beyond its token.",
      'No field names the node: it is the first word of message, as in "web-1 needs attention, ..." or "web-1 recovered". Where message says it in another way, the same alert of several nodes is one incident.',
    ],
  },
  recognise: ({ body }) =>
    hasFields(body, "alert", "severity") &&
    (hasFields(body, "alert_url") || hasFields(body, "chart", "space")),
  read(payload) {
    const { body } = payload;
    if (hasFields(at(body, "status"), "reachable")) return netdataReachability.read(payload);
    const token = textAt(body, "token");
    if (token !== undefined) {
      return ignored(`a test notification; the token to type into Netdata is ${token.slice(0, 200)}`, "test");
    }
    const alert = textAt(body, "alert");
    const chart = firstText(body, "chart", "context");
    const parts = [alert, chart, textAt(body, "space"), nodeOf(body)].filter((part) => part !== undefined);
    const date = at(body, "date");
    const time = timeText(date) ?? timeNumber(date, "by_size");
    return readingOf(payload, {
      incident_id: alert === undefined ? undefined : parts.join("/"),
      status: textAt(body, "severity"),
      means: statuses,
      moment: time,
      monitor_name: alert,
      monitor_id: chart,
      message: firstText(body, "message", "info"),
    });
  },
};

/** The node as a field names it, or as the message begins. */
const nodeOf = (body: unknown): string | undefined =>
  firstText(body, "node", "hostname", "host") ??
  /^\s*(\S{1,255})\s(?:needs attention|recovered)\b/i.exec(textAt(body, "message") ?? "")?.[1];
