// Netdata Cloud's alert notifications. They have no id: the alert, its chart and its space together are one. The same
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
  warning: "ALERT",
  critical: "ALERT",
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
    unsure: ["The fields of the test notification, beyond its token."],
  },
  recognise: ({ body }) =>
    hasFields(body, "alert", "severity") &&
    (hasFields(body, "alert_url") || hasFields(body, "chart", "space")),
  read(payload) {
    const { body } = payload;
    if (hasFields(at(body, "status"), "reachable")) return netdataReachability.read(payload);
    const token = textAt(body, "token");
    if (token !== undefined) {
      return ignored(`a test notification; the token to type into Netdata is ${token.slice(0, 200)}`);
    }
    const alert = textAt(body, "alert");
    const chart = firstText(body, "chart", "context");
    const parts = [alert, chart, textAt(body, "space")].filter((part) => part !== undefined);
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
