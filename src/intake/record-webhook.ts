// Records what a webhook said: one event for each signal, in its incident's stream. Authenticates nothing, reads no body.

import type { IncidentId, ProjectUuid } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { Kind, SignalFields } from "../domain/signal.ts";
import { normaliseStatus } from "../domain/status.ts";
import { type IncidentSignalRecorded, incidentStream, type NewEvent } from "../domain/stored-events.ts";
import { eventId, sha256 } from "./event-id.ts";
import type { AppendDurably, DurableOutcome } from "./event-log.ts";

/** A signal about to be recorded. */
export interface SignalToRecord {
  readonly fields: SignalFields;
  /** The body, or this signal's part of it, verbatim. */
  readonly payload: string;
  readonly repaired?: boolean;
  /** In which the payload came, where that was not UTF-8. */
  readonly charset?: string;
  /** Where the source itself decides; absent where the word tables do. */
  readonly kind?: Kind;
  /** Absent where no source says it: the ingest contract's route. */
  readonly exact?: boolean;
  readonly reminder?: true;
  readonly started_at?: Instant;
  readonly incident_time_basis?: "received";
}

/** What all signals of one webhook share. */
export interface WebhookContext {
  readonly project_uuid: ProjectUuid;
  readonly key_id: string;
  readonly source: string;
  readonly received_at: Instant;
  readonly request_id: string;
}

export interface RecordedSignal {
  readonly incident_id: IncidentId;
  readonly event_id: string;
  /** Commit position; absent where the event store did not say, or has not got it yet. */
  readonly position?: bigint;
}

export type RecordOutcome =
  | {
      readonly tag: "recorded";
      readonly signals: readonly RecordedSignal[];
      /** "spooled" where at least one of them waits on this machine's disk for the event store. */
      readonly durability: "stored" | "spooled";
    }
  /** Nothing is promised for any of them; sending the webhook again is safe. */
  | { readonly tag: "unavailable"; readonly reason: string }
  | { readonly tag: "too_large" };

export type RecordSignals = (
  signals: readonly SignalToRecord[],
  context: WebhookContext,
) => Promise<RecordOutcome>;

/** A webhook is recorded when all of its events are. */
export const recordSignals =
  (append: AppendDurably): RecordSignals =>
  async (signals, context) => {
    const streams = [...byStream(signals, context)];
    return together(await Promise.all(streams.map(([stream, events]) => keep(append, stream, events))));
  };

/** What became of one stream's events. */
interface OfStream {
  readonly outcome: DurableOutcome;
  readonly proposed: readonly Proposed[];
}

/**
 * In order, each event in an append of its own: any of them may be stored already, and a store looks for the first one
 * of an append only.
 */
async function keep(append: AppendDurably, stream: string, proposed: readonly Proposed[]): Promise<OfStream> {
  let outcome: OfStream["outcome"] = { tag: "spooled" };
  let isSpooled = false;
  for (const { event } of proposed) {
    outcome = await append(stream, [event], "any");
    if (outcome.tag !== "appended" && outcome.tag !== "spooled") return { outcome, proposed };
    isSpooled ||= outcome.tag === "spooled";
  }
  return { outcome: isSpooled ? { tag: "spooled" } : outcome, proposed };
}

interface Proposed {
  readonly incident_id: IncidentId;
  readonly event: NewEvent;
}

function byStream(signals: readonly SignalToRecord[], context: WebhookContext): Map<string, Proposed[]> {
  const streams = new Map<string, Proposed[]>();
  const ids = new Set<string>();
  for (const signal of signals) {
    const event = toEvent(signal, context);
    if (ids.has(event.id)) continue;
    ids.add(event.id);
    const stream = incidentStream(context.project_uuid, signal.fields.incident_id);
    const proposed = { incident_id: signal.fields.incident_id, event };
    const others = streams.get(stream);
    if (others === undefined) streams.set(stream, [proposed]);
    else others.push(proposed);
  }
  return streams;
}

function toEvent(signal: SignalToRecord, context: WebhookContext): NewEvent {
  const { fields } = signal;
  const data: IncidentSignalRecorded = {
    project_uuid: context.project_uuid,
    ...fields,
    payload: signal.payload,
    ...(signal.incident_time_basis === undefined ? {} : { incident_time_basis: signal.incident_time_basis }),
    ...(signal.kind === undefined ? {} : { kind: signal.kind }),
    ...(signal.exact === undefined ? {} : { exact: signal.exact }),
    ...(signal.reminder === undefined ? {} : { reminder: signal.reminder }),
    ...(signal.started_at === undefined ? {} : { started_at: signal.started_at }),
    ...(signal.charset === undefined ? {} : { charset: signal.charset }),
    ...(signal.repaired === true ? { repaired: true } : {}),
  };
  // Where the sender names no time, incident_time is the time of receipt, so that the next outage's equal webhook is an
  // event of its own; a retry then is a repeat of the alert, which pairing takes as one.
  return {
    id: eventId([
      context.project_uuid,
      fields.incident_id,
      fields.incident_time,
      normaliseStatus(fields.status),
      sha256(signal.payload),
    ]),
    type: "IncidentSignalRecorded",
    data,
    metadata: {
      $correlationId: context.request_id,
      $causationId: context.request_id,
      source: context.source,
      received_at: context.received_at,
      key_id: context.key_id,
    },
  };
}

function together(outcomes: readonly OfStream[]): RecordOutcome {
  const signals: RecordedSignal[] = [];
  let durability: "stored" | "spooled" = "stored";
  for (const { outcome, proposed } of outcomes) {
    switch (outcome.tag) {
      case "spooled":
        durability = "spooled";
        for (const { incident_id, event } of proposed) signals.push({ incident_id, event_id: event.id });
        break;
      case "appended":
        for (const { incident_id, event } of proposed) {
          const position = outcome.position === undefined ? {} : { position: outcome.position };
          signals.push({ incident_id, event_id: event.id, ...position });
        }
        break;
      case "too_large":
        return { tag: "too_large" };
      case "unavailable":
        return { tag: "unavailable", reason: outcome.reason };
      case "conflict":
        return { tag: "unavailable", reason: "the event store refused the stream's state" };
      default:
        return outcome satisfies never;
    }
  }
  return { tag: "recorded", signals, durability };
}
