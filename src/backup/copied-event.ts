// An event on its way into another log: which events go, and what its metadata says of where it came from. Pure.

import { logStream } from "../domain/log-started.ts";
import type { RawEvent } from "../eventstore/raw-log.ts";

/** System events belong to a server, and the identity to one log: neither is part of a copy. */
export const isOwnEvent = (event: Pick<RawEvent, "stream">): boolean =>
  !event.stream.startsWith("$") && event.stream !== logStream;

/** The type of what the embedded store serves in the place of an event that it cannot read any more. */
export const damagedType = "$damaged";

/**
 * The metadata with `copied_recorded_at` (ISO 8601) and `copied_position`, so that the first time and place of recording
 * outlive every copy. One that came from a copy itself keeps what it says. Metadata that is no JSON object, which only
 * foreign writers leave, stays as it is.
 */
export function copiedMetadata(event: Pick<RawEvent, "metadata" | "created" | "position">): Uint8Array {
  const text = Buffer.from(event.metadata).toString();
  const object = text === "" ? {} : parsedObject(text);
  if (object === undefined || "copied_position" in object) return event.metadata;
  const added = JSON.stringify({
    copied_recorded_at: recordedAt(event.created),
    copied_position: String(event.position),
  });
  // The rest stays as it was, to the byte.
  const rest = text.trimEnd().slice(0, -1).trimEnd();
  return Buffer.from(Object.keys(object).length === 0 ? added : `${rest},${added.slice(1)}`);
}

/** When it was recorded first, in units of 100 ns since 1970. */
export function firstCreated(event: Pick<RawEvent, "metadata" | "created">): bigint {
  const copied = parsedObject(Buffer.from(event.metadata).toString())?.copied_recorded_at;
  const ms = typeof copied === "string" ? Date.parse(copied) : Number.NaN;
  return Number.isNaN(ms) ? event.created : BigInt(ms) * 10_000n;
}

function recordedAt(created: bigint): string {
  const ms = Number(created / 10_000n);
  return new Date(ms).toISOString().replace("Z", `${String(created % 10_000n).padStart(4, "0")}Z`);
}

function parsedObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
