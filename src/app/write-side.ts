// The write side: what reads a webhook, makes it durable, and keeps what no source could read.

import type { ProjectUuid } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { type DurableAppends, type DurableParts, openDurableAppends } from "../durable-appends.ts";
import type { EventStore } from "../eventstore/client.ts";
import type { HttpDependencies, NativePort } from "../http/ports.ts";
import { createIgnoredCounts, type IgnoredCounts } from "../intake/ignored-counts.ts";
import { type NativeWebhook, parseNative } from "../intake/native-payload.ts";
import { keepInQuarantine } from "../intake/quarantine.ts";
import { createQuarantineBounds } from "../intake/quarantine-bounds.ts";
import { quarantineReader } from "../intake/quarantine-reader.ts";
import {
  type NativeTaken,
  previewNative,
  type ReadPayload,
  receiveNative,
} from "../intake/receive-native.ts";
import { type RecordSignals, recordSignals } from "../intake/record-webhook.ts";
import { redriveMapped } from "../intake/redrive-mapped.ts";
import { redriveQuarantined } from "../intake/redrive-quarantined.ts";
import type { RegistryService } from "../intake/registry.ts";
import { createSns } from "../intake/verify-sns.ts";
import { readPayload } from "../sources/read-payload.ts";
import { recogniseSource, sourceNamed, sources } from "../sources/registry.ts";
import type { SignatureScheme } from "../sources/source.ts";
import type { Surroundings } from "./create-app.ts";

export interface WriteSide extends Pick<HttpDependencies, "keepRefused"> {
  readonly durable: DurableAppends;
  /** Makes the counts of ignored webhooks until now durable. */
  readonly noteIgnored: IgnoredCounts["note"];
  readonly record: RecordSignals;
  readonly native: NativePort;
}

/** As much of the surroundings as a simulation has to stand in for. */
interface WriteSurroundings {
  readonly config: Pick<
    Surroundings["config"],
    "ack" | "spoolMaxBytes" | "sns" | "quarantineEntriesPerDay" | "quarantineBytesPerDay"
  >;
  readonly log: Pick<Surroundings["log"], "info" | "warn" | "error">;
  readonly stopping: Pick<Surroundings["stopping"], "add">;
  readonly ports: Pick<Surroundings["ports"], "now" | keyof DurableParts>;
}

const noteIgnoredEveryMs = 10_000;
const stopBoundMs = 300;

export async function openWriteSide(
  options: {
    readonly dataDir: string;
    readonly store: Pick<EventStore, "append" | "readStream" | "readBackwards" | "head">;
    readonly registry: Pick<RegistryService, "hasRepository">;
    readonly onFailed: (reason: string) => void;
  },
  { config, log, stopping, ports }: WriteSurroundings,
): Promise<WriteSide> {
  const { dataDir, store, registry, onFailed } = options;
  const { append, readStream, readBackwards, head } = store;
  const durable = await openDurableAppends({
    config,
    dataDir,
    append,
    readBackwards,
    head,
    parts: ports,
    log,
    stopping,
    onFailed,
  });
  const record = recordSignals(durable.append);
  const quarantine = quarantineReader(readStream);
  const receiving = {
    read: config.sns === "off" ? unverifiedSns : readPayload,
    record,
    append: durable.append,
    bounds: createQuarantineBounds({
      nowMs: () => performance.now(),
      entriesPerDay: config.quarantineEntriesPerDay,
      bytesPerDay: config.quarantineBytesPerDay,
    }),
    quarantine,
    hasRepository: registry.hasRepository,
  };
  const ignored = createIgnoredCounts(durable.append, noteIgnoredEveryMs);
  stopping.add("counts of ignored webhooks", stopBoundMs, ignored.stop);
  const sns = createSns({ mode: config.sns, fetch: (url, init) => fetch(url, init), log, now: ports.now });
  return {
    durable,
    record,
    noteIgnored: ignored.note,
    keepRefused: (webhook, reason, context) => keepInQuarantine(receiving, webhook, reason, context),
    native: {
      sources,
      receive: async (webhook, context) => {
        const outcome = await receiveNative(webhook, context, receiving);
        if (outcome.tag === "taken") countIgnored(ignored, outcome, { ...context, at: webhook.received_at });
        return outcome;
      },
      preview: (webhook, words) => previewNative(webhook, readPayload, words),
      isSignedBySns: (webhook) => config.sns !== "off" && schemeOf(webhook) === "sns",
      checkSns: sns.check,
      quarantine: quarantine.list,
      redrive: (asked, context) => redriveQuarantined(asked, context, receiving),
      redriveMapped: (asked) => redriveMapped(asked, receiving),
    },
  };
}

/** A handshake leaves nothing behind: it says nothing of whether the tool sends anything. */
function countIgnored(
  counts: IgnoredCounts,
  { source, causes = [] }: NativeTaken,
  { project_uuid, at }: { readonly project_uuid: ProjectUuid; readonly at: Instant },
): void {
  for (const cause of causes) if (cause !== "handshake") counts.add({ project_uuid, source, cause, at });
}

/** Where no signature of SNS is looked at, its webhooks are read like those of a tool that does not sign. */
const unverifiedSns: ReadPayload = (name, payload) => {
  const found = readPayload(name, payload);
  return found?.signature === "sns" ? { source: found.source, reading: found.reading } : found;
};

/** How the source that would read the webhook signs. */
function schemeOf(webhook: NativeWebhook): SignatureScheme | undefined {
  if (webhook.source !== "auto") return sourceNamed(webhook.source)?.signature;
  const parsed = parseNative(webhook);
  return parsed.ok ? recogniseSource(parsed.payload)?.signature : undefined;
}
