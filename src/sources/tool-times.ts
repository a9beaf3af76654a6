// The ways tools write times, and which of a signal's times counts. Knows no tool and no clock.

import { fromEpochNs, type Instant, parseInstant } from "../domain/instant.ts";
import type { Kind, TimeBasis } from "../domain/signal.ts";

/**
 * A time as text: RFC 3339 and its relatives, without a zone read as UTC. Undefined where it is none, and for the
 * year 1, which Go programs send for "no time".
 */
export function timeText(value: unknown): Instant | undefined {
  if (typeof value !== "string") return undefined;
  const parsed = parseInstant(value);
  return parsed.ok && !parsed.value.startsWith("0001-") ? parsed.value : undefined;
}

export type EpochUnit = "s" | "ms" | "ns" | "by_size";

const nanosecondsIn = { s: 1_000_000_000n, ms: 1_000_000n, us: 1_000n, ns: 1n } as const;

/** The last moment an Instant can hold, in nanoseconds since 1970. */
const latestNs = 253_402_300_799_999_999_999n;

/**
 * A number (or its text) of seconds, milliseconds or nanoseconds since 1970, with or without a fraction. Undefined
 * where it is none, and for 0 and below, which tools send for "no time" and "not yet". `by_size` is for tools whose
 * unit is not documented: the four units of today's times differ by three digits each.
 */
export function timeNumber(value: unknown, unit: EpochUnit): Instant | undefined {
  if (typeof value === "number") {
    if (!Number.isFinite(value) || value <= 0 || value > 1e20) return undefined;
    return timeNumber(Number.isInteger(value) ? BigInt(value).toString() : value.toFixed(6), unit);
  }
  const found = typeof value === "string" ? /^\s*(\d{1,22})(?:\.(\d+))?\s*$/.exec(value) : null;
  if (found?.[1] === undefined) return undefined;
  const scale = nanosecondsIn[unit === "by_size" ? unitBySize(found[1]) : unit];
  const fraction = BigInt((found[2] ?? "").slice(0, 9).padEnd(9, "0"));
  const ns = BigInt(found[1]) * scale + (fraction * scale) / 1_000_000_000n;
  return ns <= 0n || ns > latestNs ? undefined : fromEpochNs(ns);
}

function unitBySize(digits: string): "s" | "ms" | "us" | "ns" {
  const length = digits.replace(/^0+/, "").length;
  return length <= 11 ? "s" : length <= 14 ? "ms" : length <= 17 ? "us" : "ns";
}

export interface ToolTimes {
  /** When the trouble began, as the tool says; a recovery that carries it tells its whole outage. */
  readonly start?: Instant | undefined;
  /** When it ended, as the tool says. */
  readonly end?: Instant | undefined;
  /** When that happened of which the webhook tells, whatever it is; counts where `start` or `end` is not named. */
  readonly moment?: Instant | undefined;
  readonly received_at: Instant;
}

export interface SignalTime {
  readonly incident_time: Instant;
  readonly time_basis: TimeBasis;
  readonly started_at?: Instant;
}

/**
 * An alert happened at its start, its end (a recovery or a dismissal) at its end: never at the start that many tools
 * repeat with it. Where the tool names no such time, or an end before the start, the moment of receipt counts and says
 * so. A recovery keeps the start that it names beside it.
 */
export function signalTime(kind: Kind, times: ToolTimes): SignalTime {
  const { start, received_at } = times;
  const named = momentOf(kind, times);
  const incident_time = named ?? received_at;
  const isWhole = kind === "RECOVERY" && start !== undefined && start < incident_time;
  return {
    incident_time,
    time_basis: named === undefined ? "received" : "incident_time",
    ...(isWhole ? { started_at: start } : {}),
  };
}

function momentOf(kind: Kind, times: ToolTimes): Instant | undefined {
  switch (kind) {
    case "ALERT":
      return times.start ?? times.moment;
    case "RECOVERY":
    case "DISMISSAL":
      return endOf(times);
    case "ACKNOWLEDGEMENT":
      return times.moment;
    case null:
      return times.moment ?? times.start;
    default:
      return kind satisfies never;
  }
}

function endOf({ start, end, moment }: ToolTimes): Instant | undefined {
  const named = end ?? moment;
  return named !== undefined && start !== undefined && named < start ? undefined : named;
}
