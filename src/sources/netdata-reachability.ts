// Netdata Cloud's reachability notifications: whether a node can be reached. They carry no time.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, textAt } from "./json-fields.ts";
import { netdataSetup } from "./netdata-setup.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";

const statuses = statusTable({ unreachable: "ALERT", reachable: "RECOVERY" });

export const netdataReachability: Source = {
  name: "netdata-reachability",
  title: "Netdata Cloud, reachability",
  documentation:
    "https://learn.netdata.cloud/docs/alerts-&-notifications/notifications/centralized-cloud-notifications/webhook",
  payload: Type.Object({
    host: Type.String(),
    status: Type.Object({
      reachable: Type.Optional(Type.Boolean()),
      text: Type.Optional(Type.String()),
    }),
  }),
  setup: {
    ...netdataSetup,
    unsure: ["It names no time: that of receipt counts."],
  },
  recognise: ({ body }) =>
    textAt(body, "host") !== undefined && typeof at(body, "status", "reachable") === "boolean",
  read(payload) {
    const { body } = payload;
    const reachable = at(body, "status", "reachable");
    const host = textAt(body, "host");
    return readingOf(payload, {
      incident_id: host,
      status:
        typeof reachable === "boolean"
          ? reachable
            ? "reachable"
            : "unreachable"
          : textAt(body, "status", "text"),
      means: statuses,
      monitor_name: host,
      monitor_id: host,
      message: textAt(body, "message"),
    });
  },
};
