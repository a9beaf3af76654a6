// Healthchecks.io with its $JSON as the body, or a body of its variables. By default it sends a GET without a body: the
// fields source reads that.

import { Type } from "@sinclair/typebox";
import { filled } from "./filled-text.ts";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const statuses = statusTable({
  down: "ALERT",
  up: "RECOVERY",
  grace: "neither",
  // Nobody watches any more: an open outage would stay open for ever.
  paused: "DISMISSAL",
  new: "neither",
  started: "neither",
});

export const healthchecks: Source = {
  name: "healthchecks",
  title: "Healthchecks.io",
  documentation: "https://healthchecks.io/docs/configuring_notifications/",
  payload: Type.Object({ status: Type.String(), name: Type.Optional(Type.String()) }),
  setup: {
    steps: [
      "Add a Webhook integration; for down and for up choose POST, this URL and the request header X-API-Key with the key.",
      'Give both this body, so that the time is there: {"uuid": "$CODE", "name": $NAME_JSON, "status": "$STATUS", "now": "$NOW"} (or $JSON, which names no time).',
      "Without a body: the fields source with ?incident_id=$CODE&status=$STATUS&incident_time=$NOW&monitor_name=$NAME.",
    ],
    authentication: ["header", "token_in_url"],
    on_failure: "It waits 30 seconds and tries twice more; a test is sent once.",
  },
  recognise: ({ headers, body }) =>
    hasFields(body, "ping_url", "n_pings", "status") ||
    (headers["user-agent"]?.toLowerCase().startsWith("healthchecks") === true && hasFields(body, "status")),
  read(payload) {
    const { body } = payload;
    // Older versions of the API have no uuid; the last part of the ping URL is the same.
    const pinged = /\/([0-9a-f-]{36})$/i.exec(textAt(body, "ping_url") ?? "")?.[1];
    const id = filled(firstText(body, "uuid", "code")) ?? pinged ?? filled(textAt(body, "unique_key"));
    const time = timeText(at(body, "now")) ?? timeText(at(body, "incident_time"));
    const status = filled(textAt(body, "status"));
    return readingOf(payload, {
      incident_id: id,
      status,
      means: statuses,
      // A check is up again because it was pinged: $JSON says when.
      end: time ?? (status?.trim().toLowerCase() === "up" ? timeText(at(body, "last_ping")) : undefined),
      moment: time,
      monitor_name: filled(firstText(body, "name", "slug")),
      monitor_id: id,
      message: filled(firstText(body, "message", "desc")),
    });
  },
};
