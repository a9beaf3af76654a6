// The verb of the native routes: reads what a monitoring tool sent with the source that knows it, and records it,
// ignores it, or keeps it in the project's quarantine. Nothing authenticated is thrown away. Checks no key.

import { type ProjectUuid, parseIncidentId, type RepoUuid } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { isBareRequest, validationCodeOf } from "../sources/carriers.ts";
import type {
  IgnoredCause,
  IgnoredElement,
  Reading,
  SignatureScheme,
  SourcePayload,
  SourceSignal,
  Unrecognised,
} from "../sources/source.ts";
import type { AppendDurably } from "./event-log.ts";
import { type NativeWebhook, parseNative } from "./native-payload.ts";
import { keepInQuarantine } from "./quarantine.ts";
import type { QuarantineBounds } from "./quarantine-bounds.ts";
import { type Charge, type Cost, costOf, type Excess } from "./quotas.ts";
import type { RecordedSignal, RecordOutcome, RecordSignals, SignalToRecord } from "./record-webhook.ts";
import { coveredPart, mayRead, type SignatureRule } from "./signed-payload.ts";

/**
 * Reads a payload with the source of that name; "auto" finds the source. `source` is who read it, `signature` how that
 * source signs; undefined where there is no such source, or "auto" recognised none.
 */
export type ReadPayload = (
  source: string,
  payload: SourcePayload,
) => { readonly source: string; readonly signature?: SignatureScheme; readonly reading: Reading } | undefined;

export type StatusWords = NonNullable<SourcePayload["words"]>;

export interface NativeContext {
  readonly project_uuid: ProjectUuid;
  readonly key_id: string;
  readonly request_id: string;
  readonly signatures: SignatureRule;
  /** Who sends is charged for what the webhook turns out to hold. */
  readonly charge: Charge;
  /** The project's status mapping. */
  readonly words: StatusWords;
  /** Found in the project already. */
  readonly repo_uuid?: RepoUuid;
}

interface ReadBy {
  readonly source: string;
  /** How that source signs. */
  readonly signature?: SignatureScheme;
}

/** What a payload would become. */
export type NativeReading = ReadBy &
  (
    | {
        readonly tag: "signals";
        readonly signals: readonly SourceSignal[];
        readonly ignored: readonly IgnoredElement[];
        readonly verbatim: string;
        /** How many alerts the tool says that it left out. */
        readonly left_out?: number;
        readonly charset?: string;
        readonly repaired: boolean;
      }
    | ({
        readonly tag: "ignored";
        /** What the sender wants to hear before it sends anything. */
        readonly validation_code?: string;
      } & IgnoredElement)
    | Unrecognised
  );

export interface NativeTaken {
  readonly tag: "taken";
  /** The source that read it; the one asked for where none did. */
  readonly source: string;
  /** How many signals are stored. */
  readonly recorded: number;
  readonly ignored: number;
  /** 1 where the payload lies in the quarantine. */
  readonly quarantined: number;
  readonly quarantine_id?: string;
  /** Each once, in the payload's order. */
  readonly incident_ids: readonly string[];
  readonly signals: readonly RecordedSignal[];
  /** "spooled" where at least one of them waits on this machine's disk for the event store. */
  readonly durability: "stored" | "spooled";
  /** Commit positions of what was stored, as far as the event store said. */
  readonly positions: readonly bigint[];
  /** Why something was ignored or quarantined. */
  readonly reason?: string;
  /** Of each ignored element. */
  readonly causes?: readonly IgnoredCause[];
  readonly left_out?: number;
  readonly repaired?: true;
  readonly validation_code?: string;
}

export type NativeOutcome =
  | NativeTaken
  /** More than the key may send: nothing of it is recorded. */
  | { readonly tag: "too_many"; readonly excess: Excess }
  /** Nobody could read it, and the project's quarantine has no room today. */
  | { readonly tag: "quarantine_full"; readonly waitSeconds: number }
  /** The source that read it signs in another way than the webhook is signed. */
  | { readonly tag: "not_signed"; readonly source: string }
  /** Nothing is promised; sending it again is safe. */
  | { readonly tag: "unavailable"; readonly reason: string }
  | { readonly tag: "too_large" };

/** Reads without recording anything. Never throws: a source's fault makes its payload unrecognised. */
export function readNative(
  webhook: NativeWebhook,
  read: ReadPayload,
  words: StatusWords = {},
): NativeReading {
  const unrecognised = (reason: string, by: ReadBy = { source: webhook.source }): NativeReading => ({
    tag: "unrecognised",
    ...by,
    reason,
  });
  const parsed = parseNative(webhook);
  if (!parsed.ok) return unrecognised(parsed.reason);
  const handshake = handshakeIn(parsed.payload);
  if (handshake !== undefined) return { tag: "ignored", source: webhook.source, ...handshake };
  let found: ReturnType<ReadPayload>;
  try {
    found = readCovered(webhook, { ...parsed.payload, words }, read);
  } catch (error) {
    return unrecognised(`the source failed: ${error instanceof Error ? error.name : "unknown fault"}`);
  }
  if (found === undefined) return unrecognised("no source recognises the payload");
  const { reading, ...by } = found;
  switch (reading.tag) {
    case "signals": {
      const misfit = reading.signals.find(({ incident_id }) => parseIncidentId(incident_id) === undefined);
      if (misfit !== undefined) {
        return unrecognised(`an incident_id has ${misfit.incident_id.length} characters`, by);
      }
      const { signals, ignored, left_out } = reading;
      const { verbatim, repaired, charset } = parsed;
      return {
        tag: "signals",
        ...by,
        signals,
        ignored,
        verbatim,
        repaired,
        ...(charset === undefined ? {} : { charset }),
        ...(left_out === undefined ? {} : { left_out }),
      };
    }
    case "ignored":
    case "unrecognised":
      return { ...reading, ...by };
    default:
      return reading satisfies never;
  }
}

/** Query and headers help to recognise the tool, whatever is read of them. */
function readCovered(
  webhook: NativeWebhook,
  payload: SourcePayload,
  read: ReadPayload,
): ReturnType<ReadPayload> {
  const found = read(webhook.source, payload);
  if (found === undefined) return undefined;
  const covered = coveredPart(payload, webhook.signature, found.signature);
  return covered === payload ? found : read(found.source, covered);
}

/** What would become of a webhook, recording nothing. */
export const previewNative = (
  webhook: NativeWebhook,
  read: ReadPayload,
  words: StatusWords = {},
): NativeReading => withinBound(readNative(webhook, read, words));

function handshakeIn(
  payload: SourcePayload,
): (IgnoredElement & { readonly validation_code?: string }) | undefined {
  const cause = "handshake";
  if (isBareRequest(payload)) return { reason: "a look whether the URL is there", cause };
  const validation_code = validationCodeOf(payload);
  return validation_code === undefined
    ? undefined
    : { reason: "Event Grid asks whether the URL takes its events", cause, validation_code };
}

export interface NativeDependencies {
  readonly read: ReadPayload;
  readonly record: RecordSignals;
  readonly append: AppendDurably;
  readonly bounds: QuarantineBounds;
}

export async function receiveNative(
  webhook: NativeWebhook,
  context: NativeContext,
  dependencies: NativeDependencies,
): Promise<NativeOutcome> {
  const reading = previewNative(webhook, dependencies.read, context.words);
  if (!mayRead(webhook.signature, reading.signature, context.signatures)) {
    return { tag: "not_signed", source: reading.source };
  }
  const excess = context.charge.raise(costOfReading(reading, webhook));
  if (excess !== undefined) return { tag: "too_many", excess };
  if (reading.tag === "unrecognised") {
    const kept = await keepInQuarantine(dependencies, webhook, reading, context);
    if (kept.tag === "full") return { tag: "quarantine_full", waitSeconds: kept.waitSeconds };
    if (kept.tag !== "kept") return kept;
    return taken(reading.source, {
      quarantined: 1,
      quarantine_id: kept.quarantine_id,
      durability: kept.durability,
      positions: kept.position === undefined ? [] : [kept.position],
      reason: reading.reason,
    });
  }
  if (reading.tag === "ignored") {
    const { reason, cause, validation_code } = reading;
    return taken(reading.source, {
      ignored: 1,
      causes: [cause],
      reason,
      ...(validation_code === undefined ? {} : { validation_code }),
    });
  }
  return recordReading(reading, webhook.received_at, context, dependencies.record);
}

/** The most signals that one webhook may record; a larger group lies whole in the quarantine, to be read again. */
export const mostSignals = 1_000;

function withinBound(reading: NativeReading): NativeReading {
  if (reading.tag !== "signals" || reading.signals.length <= mostSignals) return reading;
  const { source, signature, signals } = reading;
  const reason = `it holds ${signals.length} signals, and one webhook records at most ${mostSignals}`;
  return { tag: "unrecognised", source, ...(signature === undefined ? {} : { signature }), reason };
}

/** What it takes to store what was read. */
export function costOfReading(reading: NativeReading, webhook: NativeWebhook): Cost {
  switch (reading.tag) {
    case "signals":
      return costOf(reading.signals.map(({ payload }) => payload ?? reading.verbatim));
    case "ignored":
      return { signals: 1, bytes: 0 };
    case "unrecognised":
      return { signals: 1, bytes: webhook.body.length };
    default:
      return reading satisfies never;
  }
}

/** The most signals recorded at once; a larger group is recorded in several goes. */
const mostAtOnce = 500;

/** Records what a payload says, with the time of its first receipt. */
export async function recordReading(
  reading: Extract<NativeReading, { tag: "signals" }>,
  received_at: Instant,
  context: NativeContext,
  record: RecordSignals,
): Promise<NativeTaken | Exclude<RecordOutcome, { tag: "recorded" }>> {
  const stored: RecordedSignal[] = [];
  let durability: NativeTaken["durability"] = "stored";
  for (let at = 0; at < reading.signals.length; at += mostAtOnce) {
    const signals = reading.signals
      .slice(at, at + mostAtOnce)
      .flatMap((signal) => toRecord(signal, reading, context));
    const outcome = await record(signals, {
      project_uuid: context.project_uuid,
      key_id: context.key_id,
      source: reading.source,
      received_at,
      request_id: context.request_id,
    });
    if (outcome.tag !== "recorded") return outcome;
    stored.push(...outcome.signals);
    if (outcome.durability === "spooled") durability = "spooled";
  }
  const reason = reading.ignored[0]?.reason;
  return taken(reading.source, {
    recorded: stored.length,
    ignored: reading.ignored.length,
    causes: reading.ignored.map(({ cause }) => cause),
    incident_ids: [...new Set(reading.signals.map(({ incident_id }) => incident_id))],
    signals: stored,
    durability,
    positions: stored.flatMap(({ position }) => (position === undefined ? [] : [position])),
    ...(reason === undefined ? {} : { reason }),
    ...(reading.left_out === undefined ? {} : { left_out: reading.left_out }),
    ...(reading.repaired ? { repaired: true } : {}),
  });
}

/** Descriptive fields longer than the contract allows are cut: the payload beside them is whole. */
function toRecord(
  signal: SourceSignal,
  { verbatim, charset, repaired }: Extract<NativeReading, { tag: "signals" }>,
  context: NativeContext,
): SignalToRecord[] {
  const incident_id = parseIncidentId(signal.incident_id);
  if (incident_id === undefined) return [];
  const cut = <Name extends string>(name: Name, value: string | undefined, longest: number) =>
    value === undefined ? {} : ({ [name]: value.slice(0, longest) } as Record<Name, string>);
  return [
    {
      fields: {
        incident_id,
        status: signal.status.slice(0, 512),
        incident_time: signal.incident_time,
        ...cut("monitor_name", signal.monitor_name, 4_096),
        ...cut("monitor_id", signal.monitor_id, 512),
        ...(context.repo_uuid === undefined ? {} : { repo_uuid: context.repo_uuid }),
        ...(signal.message === undefined ? {} : { message: signal.message }),
        ...cut("local_time", signal.local_time, 512),
        ...cut("timezone", signal.timezone, 512),
      },
      payload: signal.payload ?? verbatim,
      repaired,
      ...(charset === undefined || signal.payload !== undefined ? {} : { charset }),
      ...(signal.kind === undefined ? {} : { kind: signal.kind }),
      ...(signal.exact === undefined ? {} : { exact: signal.exact }),
      ...(signal.reminder === undefined ? {} : { reminder: signal.reminder }),
      ...(signal.started_at === undefined ? {} : { started_at: signal.started_at }),
      ...(signal.time_basis === "received" ? { incident_time_basis: "received" as const } : {}),
    },
  ];
}

const taken = (source: string, what: Partial<NativeTaken>): NativeTaken => ({
  tag: "taken",
  source,
  recorded: 0,
  ignored: 0,
  quarantined: 0,
  incident_ids: [],
  signals: [],
  durability: "stored",
  positions: [],
  ...what,
});
