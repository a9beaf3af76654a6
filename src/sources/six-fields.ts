// Reads the ingest contract's fields where a user's own template carries them: in an envelope's data, a form, a query
// string. What the status means is decided by the project's mapping and the contract's table, not here.

import { maxIncidentIdLength } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { Kind } from "../domain/signal.ts";
import { filled } from "./filled-text.ts";
import { type Element, elementText, unrecognised } from "./found-signal.ts";
import { at, textAt } from "./json-fields.ts";
import type { SourcePayload, SourceSignal } from "./source.ts";
import { timeNumber, timeText } from "./tool-times.ts";

export interface SixFields {
  readonly incident_id: string | undefined;
  readonly status: string | undefined;
  /** Decided by the source where the status is the envelope's, not the sender's own word. */
  readonly kind?: Kind;
  /** The envelope says that an open alert is told again. */
  readonly reminder?: boolean;
  /** As it stands in the payload; absent or an unfilled variable: the time of receipt. */
  readonly incident_time: unknown;
  /** What counts where the fields name no time. */
  readonly envelope_time?: Instant | undefined;
  readonly monitor_name?: string | undefined;
  readonly monitor_id?: string | undefined;
  readonly message?: string | undefined;
  readonly local_time?: string | undefined;
  readonly timezone?: string | undefined;
  readonly element?: unknown;
}

/** The contract's fields of an object, as text. */
export function sixFieldsIn(fields: unknown): SixFields {
  const text = (name: string): string | undefined => filled(textAt(fields, name));
  return {
    incident_id: text("incident_id"),
    status: text("status"),
    incident_time: at(fields, "incident_time"),
    monitor_name: text("monitor_name"),
    monitor_id: text("monitor_id"),
    message: text("message"),
    local_time: text("local_time"),
    timezone: text("timezone"),
  };
}

export function sixFieldsElement(payload: SourcePayload, fields: SixFields): Element {
  const { incident_id, status, kind, monitor_name, monitor_id, message, local_time, timezone, element } =
    fields;
  if (status === undefined) return unrecognised("it names no status");
  if (incident_id === undefined) return unrecognised("it names no incident_id");
  if (incident_id.length > maxIncidentIdLength) {
    return unrecognised(
      `incident_id has ${incident_id.length} characters, at most ${maxIncidentIdLength} fit`,
    );
  }
  const time = timeOf(fields);
  if (time === "unreadable") return unrecognised("incident_time is no time that can be read");
  const signal: SourceSignal = {
    incident_id,
    status,
    ...(kind === undefined ? {} : { kind }),
    incident_time: time ?? payload.received_at,
    time_basis: time === undefined ? "received" : "incident_time",
    // Without a time of its own an alert may be one that is told again.
    ...((fields.reminder === true || time === undefined) && (kind === undefined || kind === "ALERT")
      ? { reminder: true }
      : {}),
    ...(monitor_name === undefined ? {} : { monitor_name }),
    ...(monitor_id === undefined ? {} : { monitor_id }),
    ...(message === undefined ? {} : { message }),
    ...(local_time === undefined ? {} : { local_time }),
    ...(timezone === undefined ? {} : { timezone }),
    ...elementText(payload, element),
  };
  return { tag: "signal", signal };
}

function timeOf({ incident_time: given, envelope_time }: SixFields): Instant | "unreadable" | undefined {
  const isAbsent =
    given === undefined ||
    given === null ||
    given === 0 ||
    given === -1 ||
    (typeof given === "string" && (filled(given)?.trim() ?? "") === "") ||
    (typeof given === "string" && /^\s*(0001-|0\s*$|-1\s*$)/.test(given));
  if (isAbsent) return envelope_time;
  return timeText(given) ?? timeNumber(given, "by_size") ?? "unreadable";
}
