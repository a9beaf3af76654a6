// OpenStatus's webhook notification. Degraded is slow, not down; its end is told as recovered too.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { at, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeNumber } from "./tool-times.ts";

const statuses = statusTable({
  error: "ALERT",
  recovered: "RECOVERY",
  degraded: "neither",
});

export const openstatus: Source = {
  name: "openstatus",
  title: "OpenStatus",
  documentation: "https://docs.openstatus.dev/reference/notification/",
  payload: Type.Object({
    monitor: Type.Object({
      id: Type.Union([Type.Number(), Type.String()]),
      name: Type.Optional(Type.String()),
    }),
    status: Type.String(),
  }),
  setup: {
    steps: [
      "In Notifications add a Webhook with this URL and a header X-API-Key with the key.",
      "Attach it to the monitors.",
    ],
    authentication: ["header", "token_in_url"],
    on_failure: "It is tried three more times, with pauses that double from one second.",
  },
  recognise: ({ body }) => hasFields(body, "monitor", "cronTimestamp", "status"),
  read(payload) {
    const { body } = payload;
    const id = textAt(payload.body, "monitor", "id");
    const name = textAt(body, "monitor", "name");
    if (id === "1" && name === "test") return ignored("a test of the notification", "test");
    const time = timeNumber(at(body, "cronTimestamp"), "ms");
    return readingOf(payload, {
      incident_id: id,
      status: textAt(body, "status"),
      means: statuses,
      moment: time,
      monitor_name: name,
      monitor_id: id,
      message: textAt(body, "errorMessage"),
    });
  },
};
