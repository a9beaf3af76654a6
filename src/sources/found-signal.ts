// From what a source found in a payload (or in one element of a group) to what it answers. Knows no tool.

import { maxIncidentIdLength } from "../domain/ids.ts";
import type { Kind } from "../domain/signal.ts";
import { mappedKindOf } from "../domain/status.ts";
import { verbatimText } from "./json-text.ts";
import type {
  IgnoredCause,
  IgnoredElement,
  Reading,
  SourcePayload,
  SourceSignal,
  Unrecognised,
} from "./source.ts";
import { type Meaning, meaningOf, type StatusTable } from "./status-table.ts";
import { signalTime, type ToolTimes } from "./tool-times.ts";

/** What a source found; every field may be missing, the status has its meaning from the tool's table. */
export interface Found extends Omit<ToolTimes, "received_at"> {
  readonly incident_id: string | undefined;
  readonly status: string | undefined;
  /** The tool's table; or what the source made of the status itself. */
  readonly means: StatusTable | Meaning | undefined;
  /** False where this id may not be that of the alert's own end. */
  readonly exact?: false | undefined;
  /** The payload says that an open alert is told again. An alert without a time of its own is one without saying so. */
  readonly reminder?: boolean | undefined;
  readonly monitor_name?: string | undefined;
  readonly monitor_id?: string | undefined;
  readonly message?: string | undefined;
  readonly local_time?: string | undefined;
  readonly timezone?: string | undefined;
  /** The element of a grouped payload that this was found in. */
  readonly element?: unknown;
}

export type Element =
  | { readonly tag: "signal"; readonly signal: SourceSignal }
  | ({ readonly tag: "ignored" } & IgnoredElement)
  | Unrecognised;

export const ignored = (
  reason: string,
  cause: IgnoredCause = "no_change",
): { readonly tag: "ignored" } & IgnoredElement => ({ tag: "ignored", reason, cause });

export const unrecognised = (reason: string): Unrecognised => ({ tag: "unrecognised", reason });

/** The answer for a payload that says one thing. */
export const readingOf = (payload: SourcePayload, found: Found): Reading =>
  groupReading([elementOf(payload, found)]);

/** One element's answer. The status is judged first: what is to be ignored needs no id. */
export function elementOf(payload: SourcePayload, found: Found): Element {
  const { status, incident_id } = found;
  if (status === undefined) return unrecognised("it names no status");
  const own =
    found.means instanceof Map ? meaningOf(found.means, status) : (found.means as Meaning | undefined);
  const meaning = own ?? mappedKindOf(status, payload.words ?? {});
  if (meaning === undefined) {
    const reason = `the status ${quoted(status)} is not one this tool is known to send`;
    return { ...unrecognised(reason), unknown_status: status };
  }
  if (typeof meaning === "object") return ignored(meaning.ignored, meaning.cause);
  if (incident_id === undefined) return unrecognised("it names no incident");
  if (incident_id.length > maxIncidentIdLength) {
    return unrecognised(
      `the incident's id has ${incident_id.length} characters, at most ${maxIncidentIdLength} fit`,
    );
  }
  const signal = signalOf(payload, {
    ...found,
    incident_id,
    status,
    kind: kindOfMeaning(meaning),
    reminder: meaning === "REMINDER" || found.reminder === true,
  });
  if (own !== undefined) return { tag: "signal", signal };
  // The project's mapping decided, and may be changed: the word decides whenever it is asked.
  const { kind: _, ...byWord } = signal;
  return { tag: "signal", signal: byWord };
}

/** The kind that a word stands for. */
export const kindOfMeaning = (meaning: Extract<Meaning, string>): Kind =>
  meaning === "neither" ? null : meaning === "REMINDER" ? "ALERT" : meaning;

function signalOf(
  payload: SourcePayload,
  found: Found & { readonly incident_id: string; readonly status: string; readonly kind: Kind },
): SourceSignal {
  const { kind, monitor_name, monitor_id, message, local_time, timezone, element } = found;
  const { start, end, moment } = found;
  const time = signalTime(kind, { start, end, moment, received_at: payload.received_at });
  const isReminder = kind === "ALERT" && (found.reminder === true || time.time_basis === "received");
  return {
    incident_id: found.incident_id,
    status: found.status,
    kind,
    ...time,
    ...(found.exact === false ? { exact: false } : {}),
    ...(isReminder ? { reminder: true } : {}),
    ...(monitor_name === undefined ? {} : { monitor_name }),
    ...(monitor_id === undefined ? {} : { monitor_id }),
    ...(message === undefined ? {} : { message }),
    ...(local_time === undefined ? {} : { local_time }),
    ...(timezone === undefined ? {} : { timezone }),
    ...elementText(payload, element),
  };
}

/**
 * The element as its sender wrote it; as JSON of ours where a source made it. Without it the whole payload is the
 * signal's evidence: that is also right for what is nested too deep to write.
 */
export function elementText(
  { body, text }: Pick<SourcePayload, "body" | "text">,
  element: unknown,
): { readonly payload?: string } {
  if (element === undefined) return {};
  try {
    return { payload: verbatimText(element, body, text) ?? JSON.stringify(element) };
  } catch {
    return {};
  }
}

/**
 * The answer for a payload of several elements: an unrecognised one makes the whole unrecognised, so that nothing of
 * it is lost; without any signal the whole is ignored.
 */
export function groupReading(elements: readonly Element[], leftOut?: number): Reading {
  const signals: SourceSignal[] = [];
  const dropped: IgnoredElement[] = [];
  for (const element of elements) {
    if (element.tag === "unrecognised") return element;
    if (element.tag === "signal") signals.push(element.signal);
    else dropped.push({ reason: element.reason, cause: element.cause });
  }
  if (signals.length > 0) {
    return {
      tag: "signals",
      signals,
      ignored: dropped,
      ...(leftOut === undefined ? {} : { left_out: leftOut }),
    };
  }
  const [first] = dropped;
  return first === undefined ? unrecognised("it holds no alerts") : ignored(first.reason, first.cause);
}

/** A sender's text for an error: quoted and short. */
const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
