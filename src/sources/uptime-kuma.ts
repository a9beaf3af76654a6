// Uptime Kuma's own webhook: JSON, a form whose field `data` holds JSON, or a GET whose parameters hold JSON.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf, unrecognised } from "./found-signal.ts";
import { at, fieldsOf, hasFields, textAt, unwrapped } from "./json-fields.ts";
import type { Source } from "./source.ts";
import type { Meaning } from "./status-table.ts";
import { timeNumber, timeText } from "./tool-times.ts";

/** Kuma sends its states as numbers; these are its own names for them. */
const states: ReadonlyMap<string, { readonly name: string; readonly means: Meaning }> = new Map([
  ["0", { name: "DOWN", means: "ALERT" }],
  ["1", { name: "UP", means: "RECOVERY" }],
  ["2", { name: "PENDING", means: "ALERT" }],
  ["3", { name: "MAINTENANCE", means: "RECOVERY" }],
]);

export const uptimeKuma: Source = {
  name: "uptime-kuma",
  title: "Uptime Kuma",
  documentation: "https://github.com/louislam/uptime-kuma/wiki/Notification-Methods",
  payload: Type.Object({
    heartbeat: Type.Unknown({ description: "An object, or in a form or query its JSON text" }),
    monitor: Type.Optional(Type.Unknown({ description: "An object, or its JSON text" })),
    msg: Type.Optional(Type.String()),
  }),
  setup: {
    steps: [
      "Under Settings, Notifications, set up a notification of type Webhook and paste this URL as Post URL.",
      "Leave Request Body at 'Preset - application/json'.",
      'Under Additional Headers put {"X-API-Key": "<the key>"}.',
      "Turn the notification on in each monitor.",
    ],
    authentication: ["header", "token_in_url", "basic"],
    on_failure: "It does not retry. A monitor's resend interval sends the alert again while it is down.",
    unsure: ["In which form the newest versions send lastDownTime with a recovery."],
  },
  recognise: ({ headers, body }) =>
    hasFields(body, "heartbeat", "monitor", "msg") ||
    (headers["user-agent"]?.startsWith("Uptime-Kuma/") === true && hasFields(body, "msg")),
  read(payload) {
    const heartbeat = unwrapped(at(payload.body, "heartbeat"));
    const monitor = unwrapped(at(payload.body, "monitor"));
    if (fieldsOf(heartbeat) === undefined) {
      const isNotice = textAt(payload.body, "msg") !== undefined && isNothing(heartbeat);
      return isNotice
        ? ignored("a test or a notice about a certificate or domain: it holds no heartbeat", "test")
        : unrecognised("it holds no heartbeat");
    }
    const number = textAt(heartbeat, "status");
    const state = number === undefined ? undefined : states.get(number);
    const inside = { ...payload, body: { monitor, heartbeat } };
    const monitorId = textAt(inside.body, "monitor", "id") ?? textAt(inside.body, "heartbeat", "monitorID");
    return readingOf(payload, {
      incident_id: monitorId,
      status: state?.name ?? number,
      means: state?.means,
      start: number === "1" ? timeOf(at(heartbeat, "lastDownTime")) : undefined,
      moment: timeOf(at(heartbeat, "time")),
      // A beat that is no change of state is the alert, sent again.
      reminder: at(heartbeat, "important") === false,
      monitor_name: textAt(monitor, "name"),
      monitor_id: monitorId,
      message: textAt(heartbeat, "msg"),
      local_time: textAt(heartbeat, "localDateTime"),
      timezone: textAt(heartbeat, "timezone"),
    });
  },
};

const timeOf = (value: unknown) => timeText(value) ?? timeNumber(value, "by_size");

/** How JSON and a query string write that there is nothing. */
const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || value === "" || value === "null" || value === "undefined";
