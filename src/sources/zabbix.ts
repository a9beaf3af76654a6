// Zabbix's media type "Grafana OnCall", and whatever else sends Grafana OnCall's formatted webhook. It holds no time
// but the server's local one inside a text.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";

const statuses = statusTable({ alerting: "ALERT", ok: "RECOVERY" });

export const zabbix: Source = {
  name: "zabbix",
  title: "Zabbix",
  documentation: "https://www.zabbix.com/integrations/grafana_oncall",
  payload: Type.Object({
    alert_uid: Type.Union([Type.String(), Type.Number()]),
    state: Type.String(),
    title: Type.Optional(Type.String()),
    message: Type.Optional(Type.String()),
    link_to_upstream_details: Type.Optional(Type.String()),
  }),
  setup: {
    steps: [
      "Under Alerts, Media types, enable (or import) 'Grafana OnCall'.",
      "Append the key to this URL as ?token= and give the whole as the parameter grafana_url.",
      "Give the media type to a user, and let a trigger action send problem and recovery operations to that user.",
    ],
    authentication: ["token_in_url"],
    on_failure:
      "It takes only the answer 200 for success and tries as often as the media type's Attempts say (6).",
    unsure: [
      "Times are those of receipt: the payload holds none with a zone. A comment or an acknowledgement sends the problem again, which restarts nothing.",
    ],
  },
  recognise: ({ body }) => hasFields(body, "alert_uid", "state", "title"),
  read: (payload) =>
    readingOf(payload, {
      incident_id: textAt(payload.body, "alert_uid"),
      status: textAt(payload.body, "state"),
      means: statuses,
      monitor_name: textAt(payload.body, "title"),
      monitor_id: triggerIn(textAt(payload.body, "link_to_upstream_details")),
      message: textAt(payload.body, "message"),
    }),
};

const triggerIn = (link: string | undefined): string | undefined =>
  /[?&]triggerid=(\d{1,40})/.exec(link ?? "")?.[1];
