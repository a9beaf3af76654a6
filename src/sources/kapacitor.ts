// Kapacitor's post handler with its own JSON. The duration tells how long the alert has lasted: what lies that far back
// is its beginning, also where only its level changed.

import { Type } from "@sinclair/typebox";
import { fromEpochNs, type Instant, toEpochNs } from "../domain/instant.ts";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const levels = statusTable({
  OK: "RECOVERY",
  INFO: "neither",
  WARNING: "ALERT",
  CRITICAL: "ALERT",
});

export const kapacitor: Source = {
  name: "kapacitor",
  title: "InfluxData Kapacitor",
  documentation: "https://docs.influxdata.com/kapacitor/v1/reference/event_handlers/post/",
  payload: Type.Object({ id: Type.String(), level: Type.String(), time: Type.Optional(Type.String()) }),
  setup: {
    steps: [
      'In the TICKscript, behind |alert(), write .post() with this URL and .header("X-API-Key", "<the key>"); or configure it as an [[httppost]] endpoint without an alert-template.',
      "Leave the alert's id at its default, {{ .Name }}:{{ .Group }}, or keep {{ .Group }} in yours: else all hosts of the task share one incident.",
      "Use .stateChangesOnly(), or an alert that stays is told at every point.",
    ],
    authentication: ["header", "basic", "token_in_url"],
    on_failure: "It is not sent again by itself.",
    unsure: ["That duration counts from the moment at which the alert left OK."],
  },
  recognise: ({ body }) => hasFields(body, "id", "message", "time", "duration", "level", "data"),
  read(payload) {
    const { body } = payload;
    const id = textAt(body, "id");
    const time = timeText(at(body, "time"));
    return readingOf(payload, {
      incident_id: id,
      status: textAt(body, "level"),
      means: levels,
      start: startOf(time, at(body, "duration")),
      end: time,
      moment: time,
      monitor_name: firstText(body, "data.series.0.name", "id"),
      monitor_id: id,
      message: firstText(body, "message", "details"),
    });
  },
};

/** Nanoseconds before the time; the time itself where none are named. */
function startOf(time: Instant | undefined, duration: unknown): Instant | undefined {
  if (time === undefined || typeof duration !== "number" || !(duration > 0 && duration < 1e18)) return time;
  return fromEpochNs(toEpochNs(time) - BigInt(Math.trunc(duration)));
}
