// Incidents and their timelines, outages and MTTR, as clients depend on them.

import { Type as t } from "@sinclair/typebox";
import { grades } from "../domain/recovery.ts";
import { example } from "./example-incident.ts";
import {
  answerObject,
  count,
  noText,
  type Of,
  oneOf,
  orNull,
  position,
  seconds,
  text,
  time,
  uuid,
} from "./field.ts";

export const incidentStates = ["open", "recovered", "orphan", "unmapped"] as const;
export type IncidentState = (typeof incidentStates)[number];
export const matchedBys = ["incident_id", "monitor_id", "project"] as const;
export const bases = ["latest_alert", "first_alert"] as const;
export type Basis = (typeof bases)[number];
export const groupBys = ["repo", "monitor", "incident", "day", "week", "month"] as const;
export type GroupBy = (typeof groupBys)[number];

export const kind = orNull(
  oneOf(["ALERT", "RECOVERY", "DISMISSAL", "ACKNOWLEDGEMENT"], {
    description: "Null: a status that is no known word",
  }),
);
const monitor = {
  monitor_id: orNull(text(example.monitor_id)),
  monitor_name: orNull(text(example.monitor_name)),
  repo_uuid: orNull(uuid(example.repo_uuid)),
};

export const pairAnswer = answerObject({
  incident_id: text(example.incident_id),
  ...monitor,
  first_alert_at: time(example.first_alert_at),
  latest_alert_at: time(example.latest_alert_at),
  alerts: count(2),
  recovered_at: orNull(time(example.recovered_at)),
  recovery_seconds: orNull(seconds(600, "Recovery minus the latest alert")),
  outage_seconds: orNull(seconds(750, "Recovery minus the first alert")),
  matched_by: orNull(oneOf(matchedBys, { description: "How the recovery was found" })),
  recovered_at_basis: orNull(
    oneOf(["incident_time", "received"], { description: "What recovered_at rests on" }),
  ),
  alert_event_id: uuid(example.alert_event_id, "The latest alert's event"),
  recovery_event_id: orNull(uuid(example.recovery_event_id)),
});
export type PairItem = Of<typeof pairAnswer>;

const incidentFields = {
  incident_id: text(example.incident_id),
  state: oneOf(incidentStates, { examples: ["recovered"] }),
  ...monitor,
  first_time: time(example.first_alert_at),
  last_time: time(example.recovered_at),
  alerts: count(2, "Records, not webhooks"),
  recoveries: count(1, "Records, not webhooks"),
  webhooks: count(3, "Different events"),
};
export const incidentItemAnswer = answerObject({ ...incidentFields, outages: count(1) });
export type IncidentItem = Of<typeof incidentItemAnswer>;

/** The list's count of outages gives way to the outages themselves. */
export const incidentAnswer = answerObject({ ...incidentFields, outages: t.Array(pairAnswer) });
export type IncidentDetail = Of<typeof incidentAnswer>;

export const timelineItemAnswer = answerObject({
  event_id: uuid(example.alert_event_id),
  position: position(example.alert_position),
  incident_time: time(example.first_alert_at),
  effective_time: time(example.first_alert_at),
  received_at: time(example.received_at),
  status: text("DOWN", "As it came"),
  kind,
  monitor_name: orNull(text(example.monitor_name)),
  monitor_id: orNull(text(example.monitor_id)),
  repo_uuid: orNull(uuid(example.repo_uuid)),
  message: orNull(text(example.message)),
  local_time: noText("As it came"),
  timezone: noText("As it came"),
  source: text("contract"),
  webhooks: count(1, "How many different events this record stands for"),
});
export type TimelineItem = Of<typeof timelineItemAnswer>;

const figures = {
  n: count(1, "Recoveries that the figures rest on"),
  open: count(0, "Outages still open"),
  mean_seconds: orNull(seconds(600)),
  median_seconds: orNull(seconds(600)),
  p90_seconds: orNull(seconds(600)),
  p95_seconds: orNull(seconds(600)),
  min_seconds: orNull(seconds(600)),
  max_seconds: orNull(seconds(600)),
  grade: orNull(oneOf(grades, { description: "By the mean" })),
  matched_by: answerObject(
    { incident_id: count(1), monitor_id: count(0), project: count(0) },
    { description: "How many of the n were found in which way" },
  ),
};
const recoveryFigures = answerObject(figures);
export type RecoveryFigures = Of<typeof recoveryFigures>;

export const mttrAnswer = answerObject({
  basis: oneOf(bases),
  from: orNull(time("2025-01-01T00:00:00.000Z")),
  to: orNull(time("2025-02-01T00:00:00.000Z")),
  ...figures,
  position: position(example.alert_position, "The commit position that the figures were computed at"),
  groups: t.Optional(
    t.Array(answerObject({ key: orNull(text("2025-01-15", "What the group has in common")), ...figures })),
  ),
  groups_next: t.Optional(
    orNull(t.String({ description: "The cursor of the groups after these; there where groups is" })),
  ),
});
export type MttrAnswer = Of<typeof mttrAnswer>;
