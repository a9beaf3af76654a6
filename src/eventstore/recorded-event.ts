// Turns what the client hands out into the ledger's recorded event. Knows nothing of what the events mean.

import type { RecordedEvent } from "../domain/stored-events.ts";

/** The part of the client's resolved event that is read here; every kind of read and subscription fits. */
export interface Resolved {
  readonly event?:
    | {
        readonly id: string;
        readonly type: string;
        readonly streamId: string;
        readonly revision: bigint;
        readonly created: Date;
        readonly data: unknown;
        readonly metadata?: unknown;
        readonly position?: { readonly commit: bigint } | undefined;
      }
    | undefined;
  readonly commitPosition?: bigint | undefined;
}

/** Undefined for a link whose event is gone. */
export function toRecordedEvent(resolved: Resolved): RecordedEvent | undefined {
  const { event } = resolved;
  if (event === undefined) return undefined;
  const metadata = metadataOf(event.metadata);
  return {
    id: event.id,
    type: event.type,
    stream: event.streamId,
    revision: event.revision,
    position: positionOf(resolved) ?? 0n,
    recorded_at: firstRecordedAt(metadata) ?? event.created,
    data: event.data,
    metadata,
  };
}

/** The commit position. Servers before 22.6 give it beside the event only. */
export const positionOf = (resolved: Resolved): bigint | undefined =>
  resolved.event?.position?.commit ?? resolved.commitPosition;

/** When an event that was restored from a backup was recorded first. */
function firstRecordedAt(metadata: Readonly<Record<string, unknown>>): Date | undefined {
  const text = metadata.copied_recorded_at;
  const at = typeof text === "string" ? new Date(text) : undefined;
  return at === undefined || Number.isNaN(at.getTime()) ? undefined : at;
}

/** Foreign writers leave metadata out, or write bytes, numbers or lists there: then it holds nothing for us. */
function metadataOf(metadata: unknown): Readonly<Record<string, unknown>> {
  return typeof metadata === "object" &&
    metadata !== null &&
    !Array.isArray(metadata) &&
    !(metadata instanceof Uint8Array)
    ? (metadata as Record<string, unknown>)
    : {};
}
