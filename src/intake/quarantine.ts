// Keeps authenticated payloads that could not be read, or that the contract's route refused, as they came, in the project's
// quarantine until they can be read. Removes none: each later reading of a payload is one more event.

import type { ProjectUuid } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import {
  type PayloadQuarantined,
  type QuarantineEvent,
  type QuarantineRedriven,
  quarantineStream,
} from "../domain/quarantine.ts";
import { eventId, sha256 } from "./event-id.ts";
import type { AppendDurably } from "./event-log.ts";
import { keptHeaders, keptQuery } from "./kept-evidence.ts";
import { type NativeWebhook, textOf, type VerifiedSignature } from "./native-payload.ts";
import type { QuarantineBounds } from "./quarantine-bounds.ts";

interface Kept {
  readonly tag: "kept";
  readonly durability: "stored" | "spooled";
  readonly position?: bigint;
}

type KeepFailure = { readonly tag: "unavailable"; readonly reason: string } | { readonly tag: "too_large" };

export type KeepOutcome =
  | (Kept & { readonly quarantine_id: string })
  /** The project's quarantine has no room today; there is some in so many seconds. Nothing is kept. */
  | { readonly tag: "full"; readonly waitSeconds: number }
  | KeepFailure;

/** Why a payload is kept. */
export interface KeepReason {
  readonly reason: string;
  readonly unknown_status?: string;
  /** The error that the sender is answered; its `details` are the reason. */
  readonly answer?: { readonly status: number; readonly error: string };
}

export interface KeepContext {
  readonly project_uuid: ProjectUuid;
  readonly key_id: string;
  readonly request_id: string;
}

/** An event store takes a mebibyte in one append; the rest of the event needs some of it. */
const longestEscapedBytes = 900_000;

/**
 * Appends the payload to the project's quarantine; it is kept once the event is durably stored, or spooled. The same
 * payload has the same id however often it comes, so that the store keeps it once, with the time of its first receipt.
 */
export async function keepInQuarantine(
  { append, bounds }: { readonly append: AppendDurably; readonly bounds: QuarantineBounds },
  webhook: NativeWebhook,
  { reason, unknown_status, answer }: KeepReason,
  context: KeepContext,
): Promise<KeepOutcome> {
  const text = textOf(webhook.body);
  const base64 = Buffer.from(webhook.body).toString("base64");
  const query = keptQuery(webhook.query);
  const quarantine_id = eventId([
    context.project_uuid,
    webhook.source,
    sha256(base64),
    JSON.stringify(query),
    webhook.signature ?? "",
  ]);
  const waitSeconds = bounds.take(context.project_uuid, quarantine_id, webhook.body.length);
  if (waitSeconds !== undefined) return { tag: "full", waitSeconds };
  const data: PayloadQuarantined = {
    project_uuid: context.project_uuid,
    quarantine_id,
    source: webhook.source,
    reason: reason.slice(0, 1_000),
    ...(unknown_status === undefined ? {} : { unknown_status: unknown_status.slice(0, 512) }),
    ...(answer === undefined ? {} : { answer_status: answer.status, answer_error: answer.error }),
    // Text full of control characters is six times as long once escaped; base64 then keeps it within what fits.
    ...(text === undefined || Buffer.byteLength(JSON.stringify(text)) > longestEscapedBytes
      ? { payload_base64: base64 }
      : { payload: text }),
    ...(webhook.content_type === undefined ? {} : { content_type: webhook.content_type.slice(0, 1_000) }),
    headers: keptHeaders(webhook.headers),
    query,
    received_at: webhook.received_at,
    key_id: context.key_id,
    ...(webhook.signature === undefined ? {} : { signature: webhook.signature }),
  };
  const outcome = await appendOne(append, context, quarantine_id, { type: "PayloadQuarantined", data });
  return outcome.tag === "kept" ? { ...outcome, quarantine_id } : outcome;
}

/** Appends what a redrive came to. */
export function noteRedrive(
  append: AppendDurably,
  data: QuarantineRedriven,
  context: KeepContext,
): Promise<KeepFailure | Kept> {
  const id = eventId([data.quarantine_id, data.outcome, data.redriven_at, sha256(JSON.stringify(data))]);
  return appendOne(append, context, id, { type: "QuarantineRedriven", data });
}

async function appendOne(
  append: AppendDurably,
  context: KeepContext,
  id: string,
  event: QuarantineEvent,
): Promise<KeepFailure | Kept> {
  const metadata = {
    $correlationId: context.request_id,
    $causationId: context.request_id,
    source: event.data.source,
    received_at: event.type === "PayloadQuarantined" ? event.data.received_at : event.data.redriven_at,
    key_id: context.key_id,
  };
  const outcome = await append(quarantineStream(context.project_uuid), [{ id, ...event, metadata }], "any");
  switch (outcome.tag) {
    case "appended":
      return {
        tag: "kept",
        durability: "stored",
        ...(outcome.position === undefined ? {} : { position: outcome.position }),
      };
    case "spooled":
      return { tag: "kept", durability: "spooled" };
    case "too_large":
      return { tag: "too_large" };
    case "unavailable":
      return { tag: "unavailable", reason: outcome.reason };
    case "conflict":
      return { tag: "unavailable", reason: "the event store refused the quarantine's state" };
    default:
      return outcome satisfies never;
  }
}

/** The webhook that a quarantined payload was, to be read again. */
export function webhookOf(kept: PayloadQuarantined, source: string): NativeWebhook {
  return {
    body:
      kept.payload === undefined
        ? Buffer.from(kept.payload_base64 ?? "", "base64")
        : new TextEncoder().encode(kept.payload),
    ...(kept.content_type === undefined ? {} : { content_type: kept.content_type }),
    headers: kept.headers,
    query: kept.query,
    source,
    received_at: kept.received_at as Instant,
    ...(kept.signature === undefined ? {} : { signature: kept.signature as VerifiedSignature }),
  };
}
