// Rules 0, 1 and 5 of pairing: the record that the webhooks of one incident, incident_time and kind come to, and its
// place in the incident's timeline. Pure: the answer depends on the set of webhooks, never on the order of arrival.

import { type Instant, shift } from "./instant.ts";
import type { Kind } from "./signal.ts";

/** A name that a webhook gives. Only compared: a text, or the number of a text. Empty (`""`, `0`) is as good as absent. */
export type Name = string | number;

/** When a webhook was received first, and its id, which decides between equal times. */
export interface Receipt {
  readonly event_id: string;
  readonly received_at: Instant;
}

/** One different webhook, as far as the rules look at it. Of an event stored twice: the one received earlier. */
export interface Webhook extends Receipt {
  readonly kind: Kind;
  readonly incident_time: Instant;
  readonly exact: boolean;
  readonly reminder: boolean;
  readonly started_at: Instant | null;
  readonly monitor_id: Name | null;
  readonly monitor_name: Name | null;
  readonly repo_uuid: Name | null;
}

/** Rule 0. */
export interface IncidentRecord<W extends Webhook = Webhook> {
  readonly kind: Kind;
  readonly incident_time: Instant;
  /** Rule 5; differs from incident_time only where `is_echo`. */
  readonly effective_time: Instant;
  readonly is_echo: boolean;
  readonly exact: boolean;
  readonly reminder: boolean;
  /** The webhook first received. */
  readonly first: W;
  /** The webhook last received: its descriptive fields are the record's. */
  readonly last: W;
  /** The webhook last received that names a start. */
  readonly started: W | null;
  /** Different events. */
  readonly webhooks: number;
}

/** The record of one webhook, before rule 5. */
export const recordOf = <W extends Webhook>(webhook: W): IncidentRecord<W> => ({
  kind: webhook.kind,
  incident_time: webhook.incident_time,
  effective_time: webhook.incident_time,
  is_echo: false,
  exact: webhook.exact,
  reminder: webhook.reminder,
  first: webhook,
  last: webhook,
  started: webhook.started_at === null ? null : webhook,
  webhooks: 1,
});

/** The record with one more webhook of its incident, incident_time and kind; any order gives the same. */
export const withWebhook = <W extends Webhook>(record: IncidentRecord<W>, webhook: W): IncidentRecord<W> => ({
  ...record,
  exact: record.exact || webhook.exact,
  reminder: record.reminder && webhook.reminder,
  first: isReceivedBefore(webhook, record.first) ? webhook : record.first,
  last: isReceivedBefore(record.last, webhook) ? webhook : record.last,
  started:
    webhook.started_at !== null && (record.started === null || isReceivedBefore(record.started, webhook))
      ? webhook
      : record.started,
  webhooks: record.webhooks + 1,
});

/** Equal receive times: by event id. */
export const isReceivedBefore = (a: Receipt, b: Receipt): boolean =>
  a.received_at < b.received_at || (a.received_at === b.received_at && a.event_id < b.event_id);

/** Rule 5: a RECOVERY that is not exact, beside the ALERT record of its incident and incident_time, if there is one. */
export function withEffectiveTime<W extends Webhook>(
  record: IncidentRecord<W>,
  alert: IncidentRecord<W> | undefined,
): IncidentRecord<W> {
  const isEcho =
    record.kind === "RECOVERY" &&
    !record.exact &&
    alert !== undefined &&
    record.first.received_at > alert.first.received_at;
  if (!isEcho) {
    return record.is_echo ? { ...record, is_echo: false, effective_time: record.incident_time } : record;
  }
  const span = { earlier: alert.first.received_at, later: record.first.received_at };
  return { ...record, is_echo: true, effective_time: shift(record.incident_time, span) };
}

/** Whether two records are the same to every rule that pairs them. */
export const isPairedAlike = (a: IncidentRecord, b: IncidentRecord): boolean =>
  a.kind === b.kind &&
  a.incident_time === b.incident_time &&
  a.effective_time === b.effective_time &&
  a.is_echo === b.is_echo &&
  a.exact === b.exact &&
  a.reminder === b.reminder &&
  a.first.event_id === b.first.event_id &&
  startOf(a) === startOf(b) &&
  a.last.monitor_id === b.last.monitor_id &&
  a.last.monitor_name === b.last.monitor_name &&
  a.last.repo_uuid === b.last.repo_uuid;

/** The start that the record names, usable or not. */
export const startOf = (record: IncidentRecord): Instant | null => record.started?.started_at ?? null;

/** Rule 1's order of kinds at one effective time. */
export function placeOfKind(kind: Kind): 0 | 1 | 2 | 3 {
  switch (kind) {
    case "ALERT":
      return 0;
    case "DISMISSAL":
      return 1;
    case "RECOVERY":
      return 2;
    case "ACKNOWLEDGEMENT":
    case null:
      return 3;
    default:
      return kind satisfies never;
  }
}

/** Rule 1. */
export const byTimelineOrder = (a: IncidentRecord, b: IncidentRecord): number =>
  compareTexts(a.effective_time, b.effective_time) ||
  placeOfKind(a.kind) - placeOfKind(b.kind) ||
  compareTexts(a.incident_time, b.incident_time) ||
  compareTexts(a.first.event_id, b.first.event_id);

/** Text order, which is the order of instants, and of UUIDs. */
export const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
