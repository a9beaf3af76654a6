// UptimeRobot's webhook: the same variables as JSON, as a form, or in the query of a GET or POST.

import { Type } from "@sinclair/typebox";
import { fromEpochNs, type Instant, toEpochNs } from "../domain/instant.ts";
import { readingOf } from "./found-signal.ts";
import { type Fields, fieldsOf, hasFields, textAt } from "./json-fields.ts";
import type { Source, SourcePayload } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeNumber, timeText } from "./tool-times.ts";

const types = statusTable({
  // An alert contact's recurrence sends it again while the monitor is down.
  "1": "REMINDER",
  "2": "RECOVERY",
  "3": { ignored: "a notice about a certificate" },
});

export const uptimerobot: Source = {
  name: "uptimerobot",
  title: "UptimeRobot",
  documentation: "https://help.uptimerobot.com/en/articles/14498593",
  payload: Type.Object({
    monitorID: Type.Optional(Type.Union([Type.String(), Type.Number()])),
    alertType: Type.Optional(Type.Union([Type.String(), Type.Number()])),
    alertTypeFriendlyName: Type.Optional(Type.String()),
    monitorFriendlyName: Type.Optional(Type.String()),
    alertDetails: Type.Optional(Type.String()),
    alertDateTime: Type.Optional(Type.Union([Type.String(), Type.Number()])),
  }),
  setup: {
    steps: [
      "Under Integrations, add a Webhook and paste this URL; it must end in ? or & when variables go into the query.",
      "Send as JSON, or in the query, at least monitorID, alertType, monitorFriendlyName, alertDetails, alertDateTime and alertDuration.",
      "The newer integration (Team and Enterprise) can set X-API-Key; an older alert contact needs the key in the URL as ?token=.",
    ],
    authentication: ["token_in_url", "header"],
    on_failure: "Not documented: whether it retries is unknown.",
    unsure: [
      "Which time an alert carries that is sent again (an alert contact's recurrence): it begins an outage only where none is open.",
      "That alertDuration of an Up is the outage's length in seconds.",
      "The unit of alertDateTime is not documented; seconds are told from milliseconds by their size.",
      "The newer integration's default body is not documented in full.",
    ],
  },
  recognise: ({ body, query }) =>
    hasFields(body, "monitorID", "alertType") || hasFields(query, "monitorID", "alertType"),
  read(payload) {
    const fields = fieldsIn(payload);
    const inside = { ...payload, body: fields };
    const type = set(textAt(fields, "alertType"))?.trim();
    const monitor = set(textAt(inside.body, "monitorID"));
    const date = set(textAt(fields, "alertDateTime"));
    const time = timeNumber(date, "by_size") ?? timeText(date);
    return readingOf(payload, {
      incident_id: monitor,
      status: type === undefined ? undefined : (set(textAt(fields, "alertTypeFriendlyName")) ?? type),
      means: type === undefined ? undefined : types.get(type),
      start: type === "2" ? before(time, set(textAt(fields, "alertDuration"))) : undefined,
      moment: time,
      monitor_name: set(textAt(fields, "monitorFriendlyName")),
      monitor_id: monitor,
      message: set(textAt(fields, "alertDetails")),
    });
  },
};

/** When an outage of so many seconds began that ended at that time. */
function before(end: Instant | undefined, seconds: string | undefined): Instant | undefined {
  if (end === undefined || seconds === undefined || !/^\d{1,9}$/.test(seconds.trim())) return undefined;
  const start = toEpochNs(end) - BigInt(seconds.trim()) * 1_000_000_000n;
  return start > 0n ? fromEpochNs(start) : undefined;
}

/** The body's fields before those of the query: an older contact puts its variables there even when it posts. */
const fieldsIn = ({ body, query }: SourcePayload): Fields => ({ ...query, ...fieldsOf(body) });

/** A variable that UptimeRobot had no value for arrives as its own name between stars. */
const set = (value: string | undefined): string | undefined =>
  value !== undefined && /^\*\w{1,60}\*$/.test(value.trim()) ? undefined : value;
