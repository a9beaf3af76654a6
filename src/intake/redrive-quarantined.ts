// Reads a quarantined payload again, once a source can; also a group that is too large to be recorded as it comes. Checks
// no key.

import { parseRepoUuid } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { contractSource, type PayloadQuarantined, type QuarantineRedriven } from "../domain/quarantine.ts";
import type { NativeWebhook } from "./native-payload.ts";
import { noteRedrive, webhookOf } from "./quarantine.ts";
import type { QuarantineReader } from "./quarantine-reader.ts";
import type { Excess } from "./quotas.ts";
import { type HasRepository, type RefusedReading, readRefused } from "./read-refused.ts";
import {
  costOfReading,
  type NativeContext,
  type NativeDependencies,
  readNative,
  recordReading,
} from "./receive-native.ts";
import { mayRead } from "./signed-payload.ts";

export type RedriveOutcome =
  | { readonly tag: "redriven"; readonly result: QuarantineRedriven; readonly positions: readonly bigint[] }
  /** It was recorded before; nothing was done. */
  | { readonly tag: "already"; readonly source: string; readonly incident_ids: readonly string[] }
  | { readonly tag: "not_found" }
  /** The source that reads it signs, and that signature was not verified when it came: the admin key is needed. */
  | { readonly tag: "not_signed"; readonly source: string }
  | { readonly tag: "too_many"; readonly excess: Excess }
  | { readonly tag: "unavailable"; readonly reason: string }
  | { readonly tag: "too_large" };

export interface RedriveDependencies extends Omit<NativeDependencies, "bounds"> {
  readonly quarantine: Pick<QuarantineReader, "find">;
  readonly hasRepository: HasRepository;
}

/**
 * Reads a quarantined payload again with the source as it is now (or another one), records what it says with the time
 * of its first receipt, and notes what came of it. Safe to repeat at any point. Throws EventLogUnavailable.
 */
export async function redriveQuarantined(
  asked: { readonly quarantine_id: string; readonly source?: string; readonly now: Instant },
  context: NativeContext,
  dependencies: RedriveDependencies,
): Promise<RedriveOutcome> {
  const found = await dependencies.quarantine.find(context.project_uuid, asked.quarantine_id);
  if (found === undefined) return { tag: "not_found" };
  const { kept, item } = found;
  if (item.state === "recorded" && item.redriven !== null) {
    return { tag: "already", source: item.redriven.source, incident_ids: item.redriven.incident_ids };
  }
  const webhook = webhookOf(kept, asked.source ?? kept.source);
  const { reading, repo_uuid } = readAgain(webhook, kept, context, dependencies);
  if (!mayRead(webhook.signature, reading.signature, context.signatures)) {
    return { tag: "not_signed", source: reading.source };
  }
  const excess = context.charge.raise(costOfReading(reading, webhook));
  if (excess !== undefined) return { tag: "too_many", excess };
  const outcome =
    reading.tag === "signals"
      ? await recordReading(
          reading,
          webhook.received_at,
          { ...context, key_id: kept.key_id, ...(repo_uuid === undefined ? {} : { repo_uuid }) },
          dependencies.record,
        )
      : undefined;
  if (outcome !== undefined && outcome.tag !== "taken") return outcome;
  const result: QuarantineRedriven = {
    project_uuid: context.project_uuid,
    quarantine_id: asked.quarantine_id,
    outcome: reading.tag === "signals" ? "recorded" : reading.tag,
    source: reading.source,
    incident_ids: outcome?.incident_ids ?? [],
    ignored: reading.tag === "signals" ? reading.ignored.length : reading.tag === "ignored" ? 1 : 0,
    ...(reading.tag === "signals" ? {} : { reason: reading.reason }),
    ...(reading.tag === "unrecognised" && reading.unknown_status !== undefined
      ? { unknown_status: reading.unknown_status.slice(0, 512) }
      : {}),
    redriven_at: asked.now,
    key_id: context.key_id,
  };
  const noted = await noteRedrive(dependencies.append, result, context);
  if (noted.tag !== "kept") return noted;
  const positions = outcome?.positions ?? [];
  return {
    tag: "redriven",
    result,
    positions: noted.position === undefined ? positions : [...positions, noted.position],
  };
}

function readAgain(
  webhook: NativeWebhook,
  { query }: PayloadQuarantined,
  { project_uuid, words }: Pick<NativeContext, "project_uuid" | "words">,
  { read, hasRepository }: Pick<RedriveDependencies, "read" | "hasRepository">,
): RefusedReading {
  if (webhook.source === contractSource) return readRefused(webhook, project_uuid, hasRepository);
  const repo_uuid = parseRepoUuid(query.repo_uuid ?? "");
  return { reading: readNative(webhook, read, words), ...(repo_uuid === undefined ? {} : { repo_uuid }) };
}
