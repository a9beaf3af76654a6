// A moment is all that was said of one incident under one incident_time: rules 0 and 5 look no further. Pure.

import type { Instant } from "../../src/domain/instant.ts";
import { isReceivedBefore, recordOf, withEffectiveTime, withWebhook } from "../../src/domain/records.ts";
import type { Kind } from "../../src/domain/signal.ts";
import type { SignalRecord, SignalWebhook } from "./store.ts";

export interface Moment {
  readonly incident: number;
  readonly incident_time: Instant;
  /** As they stand. */
  readonly records: readonly SignalRecord[];
  /** New ones, perhaps repeats, in any order. */
  readonly arrived: readonly SignalWebhook[];
}

/** One record before and after a batch; null where there was, or is, none. */
export interface RecordChange {
  readonly before: SignalRecord | null;
  readonly after: SignalRecord | null;
}

export interface MomentChanges {
  readonly records: readonly RecordChange[];
  /** Webhooks of records that have several now, to be kept each by itself. */
  readonly kept: readonly SignalWebhook[];
  /** Ids of webhooks that need not be kept by themselves any more. */
  readonly dropped: readonly string[];
  /** How many different ones more there are. */
  readonly more: number;
}

/**
 * What new webhooks make of a moment's records, known from the records and those webhooks of theirs (`known`) that have
 * the ids of the arrived ones. Undefined where that does not tell: then `rebuiltMoment` must.
 */
export function joinedMoment(
  { records, arrived }: Moment,
  known: ReadonlyMap<string, SignalWebhook>,
): MomentChanges | undefined {
  const after = new Map<Kind, SignalRecord>();
  for (const record of records) after.set(record.kind, record);
  const kept = new Map<string, SignalWebhook>();
  let more = 0;
  for (const webhook of different(arrived)) {
    const same = known.get(webhook.event_id) ?? singleOf(records, webhook.event_id);
    if (same !== undefined) {
      if (isReceivedBefore(webhook, same)) return undefined;
      continue;
    }
    const record = after.get(webhook.kind);
    if (record?.webhooks === 1) kept.set(record.first.event_id, record.first);
    if (record !== undefined) kept.set(webhook.event_id, webhook);
    after.set(webhook.kind, record === undefined ? recordOf(webhook) : withWebhook(record, webhook));
    more += 1;
  }
  return { records: changesOf(records, after), kept: [...kept.values()], dropped: [], more };
}

/** The same from all of the moment's webhooks, of which some may have got another kind. */
export function rebuiltMoment(
  { records, arrived }: Moment,
  stored: readonly SignalWebhook[],
  rekind: (webhook: SignalWebhook) => SignalWebhook,
): MomentChanges {
  const all = new Map(stored.map((webhook) => [webhook.event_id, webhook]));
  for (const { webhooks, first } of records) if (webhooks === 1) all.set(first.event_id, first);
  const before = all.size;
  for (const webhook of arrived) {
    const same = all.get(webhook.event_id);
    if (same === undefined || isReceivedBefore(webhook, same)) all.set(webhook.event_id, webhook);
  }
  const after = new Map<Kind, SignalRecord>();
  const webhooks = [...all.values()].map(rekind);
  for (const webhook of webhooks) {
    const record = after.get(webhook.kind);
    after.set(webhook.kind, record === undefined ? recordOf(webhook) : withWebhook(record, webhook));
  }
  const isOneOfSeveral = ({ kind }: SignalWebhook): boolean => (after.get(kind)?.webhooks ?? 0) > 1;
  return {
    records: changesOf(records, after),
    kept: webhooks.filter(isOneOfSeveral),
    dropped: webhooks.filter((one) => !isOneOfSeveral(one)).map(({ event_id }) => event_id),
    more: all.size - before,
  };
}

/** Of webhooks with one id the one received first. */
function different(arrived: readonly SignalWebhook[]): Iterable<SignalWebhook> {
  if (arrived.length === 1) return arrived;
  const byId = new Map<string, SignalWebhook>();
  for (const webhook of arrived) {
    const same = byId.get(webhook.event_id);
    if (same === undefined || isReceivedBefore(webhook, same)) byId.set(webhook.event_id, webhook);
  }
  return byId.values();
}

const singleOf = (records: readonly SignalRecord[], event_id: string): SignalWebhook | undefined =>
  records.find(({ webhooks, first }) => webhooks === 1 && first.event_id === event_id)?.first;

// Rule 5.
function changesOf(before: readonly SignalRecord[], after: ReadonlyMap<Kind, SignalRecord>): RecordChange[] {
  const changes: RecordChange[] = [];
  for (const record of before) if (!after.has(record.kind)) changes.push({ before: record, after: null });
  for (const record of after.values()) {
    const timed = record.kind === "RECOVERY" ? withEffectiveTime(record, after.get("ALERT")) : record;
    const known = before.find(({ kind }) => kind === record.kind) ?? null;
    if (timed !== known) changes.push({ before: known, after: timed });
  }
  return changes;
}
