// Any history of one project, as events in any order: small worlds, so that equal times, repeats and clashes are common.

import { createHash } from "node:crypto";
import fc from "fast-check";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { type Instant, instantFromEpochMs } from "../../src/domain/instant.ts";
import type { Matching } from "../../src/domain/signal.ts";
import { kindOf } from "../../src/domain/status.ts";
import type { IncidentSignalRecorded, RecordedEvent, StoredEvent } from "../../src/domain/stored-events.ts";
import { incidentStream, registryStream } from "../../src/domain/stored-events.ts";
import { seed } from "../gate/run-settings.ts";
import type { OracleSignal } from "./oracle.ts";

/** A stored event without its place in the log. */
export interface LogEntry {
  readonly id: string;
  readonly stored: StoredEvent;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface History {
  readonly project: ProjectUuid;
  /** In the order of the log, repeats included. */
  readonly log: readonly LogEntry[];
}

const start = Date.UTC(2025, 0, 15, 10);
export const second = (n: number): Instant => instantFromEpochMs(start + n * 1000) as Instant;
/** A second and some nanoseconds. */
const moment = (n: number, ns: number): Instant =>
  `${second(n).slice(0, 20)}${String(ns).padStart(9, "0")}Z` as Instant;

const incidentIds = ["a", "b", "c", "d", "\0", "\u2400", "\ud800", "\ufffd", "\ud83d\ude00", "\uff5e"];
const name = (...names: string[]) => fc.constantFrom(undefined, "", ...names);

const given = fc.record({
  incident: fc.oneof(
    { weight: 8, arbitrary: fc.nat(3) },
    { weight: 1, arbitrary: fc.nat(incidentIds.length - 1) },
  ),
  status: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("DOWN", "up") },
    { weight: 2, arbitrary: fc.constantFrom("degraded", "fine", "odd") },
  ),
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom("ALERT" as const, "RECOVERY" as const, null) },
    { weight: 2, arbitrary: fc.constantFrom("DISMISSAL" as const, "ACKNOWLEDGEMENT" as const) },
  ),
  /** Absent: as recorded before sources said it, so the source's name decides. */
  exact: fc.constantFrom(undefined, undefined, true, false, false),
  reminder: fc.constantFrom(undefined, undefined, undefined, true as const),
  started: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(9) }),
  source: fc.constantFrom("contract", "contract", "fields", "grafana"),
  time: fc.nat(9),
  nanoseconds: fc.constantFrom(0, 0, 0, 0, 0, 1, 999, 1_500),
  received: fc.nat(9),
  monitor_id: name("m1", "m2"),
  monitor_name: name("n1", "n2"),
  repo: fc.constantFrom(undefined, undefined, 1, 2),
  message: fc.constantFrom(undefined, "one", "two"),
  /** A recovery that repeats the time of an earlier signal of the history, as tools do that send the start again. */
  echoes: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(13) }),
  /** The same event stored again, with another receive time. */
  again: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(9) }),
});

type Setting = { readonly matching: Matching } | { readonly mappings: Record<string, "ALERT" | "RECOVERY"> };

const setting: fc.Arbitrary<Setting> = fc.oneof(
  fc.record({ matching: fc.constantFrom<Matching>("incident", "monitor", "project") }),
  fc.record({
    mappings: fc.dictionary(
      fc.constantFrom("DEGRADED", "FINE", "UP"),
      fc.constantFrom("ALERT" as const, "RECOVERY" as const),
      { maxKeys: 3 },
    ),
  }),
);

/** Signals in any order among the project's settings, which keep theirs; some events twice. */
export const histories: fc.Arbitrary<History> = fc
  .record({
    signals: fc.array(given, { minLength: 1, maxLength: 14 }),
    settings: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Setting[]>([]) },
      { weight: 1, arbitrary: fc.array(setting, { maxLength: 3 }) },
    ),
    places: fc.array(fc.nat(1000), { minLength: 40, maxLength: 40 }),
    inOrder: fc.boolean(),
  })
  .map(({ signals, settings, places, inOrder }) => {
    const project = nextUuid() as ProjectUuid;
    const entries = signals.map(echoing).flatMap((signal) => {
      const first = signalEntry(project, signal, signal.received);
      return signal.again === undefined ? [first] : [first, signalEntry(project, signal, signal.again)];
    });
    const placed = entries.map((entry, index) => ({
      entry,
      place: inOrder ? index * 70 : (places[index % places.length] ?? 0),
    }));
    const settled = settings.map((one, index) => ({
      entry: settingEntry(project, one),
      place: ((index + 1) * 1000) / (settings.length + 1),
    }));
    const log = [...placed, ...settled].sort((a, b) => a.place - b.place).map(({ entry }) => entry);
    return { project, log: [registered(project), ...log] };
  });

type Given = typeof given extends fc.Arbitrary<infer T> ? T : never;

function echoing(signal: Given, place: number, all: readonly Given[]): Given {
  const told = signal.echoes === undefined || place === 0 ? undefined : all[signal.echoes % place];
  if (told === undefined) return signal;
  const { incident, time, nanoseconds } = told;
  return { ...signal, incident, time, nanoseconds, status: "up", kind: undefined, exact: false };
}

function signalEntry(project: ProjectUuid, signal: Given, received: number): LogEntry {
  const repo_uuid = signal.repo && `00000000-0000-4000-8000-00000000000${signal.repo}`;
  const data: IncidentSignalRecorded = {
    project_uuid: project,
    incident_id: incidentIds[signal.incident] ?? "a",
    status: signal.status,
    incident_time: moment(signal.time, signal.nanoseconds),
    ...(signal.exact === undefined ? {} : { exact: signal.exact }),
    ...(signal.reminder === undefined ? {} : { reminder: signal.reminder }),
    ...(signal.started === undefined ? {} : { started_at: second(signal.started) }),
    ...(signal.kind === undefined ? {} : { kind: signal.kind }),
    ...(signal.monitor_id === undefined ? {} : { monitor_id: signal.monitor_id }),
    ...(signal.monitor_name === undefined ? {} : { monitor_name: signal.monitor_name }),
    ...(repo_uuid === undefined ? {} : { repo_uuid }),
    ...(signal.message === undefined ? {} : { message: signal.message }),
    payload: "{}",
  };
  const id = uuidOf(JSON.stringify([data, signal.received]));
  return {
    id,
    stored: { type: "IncidentSignalRecorded", data },
    metadata: { received_at: second(received), source: signal.source },
  };
}

function settingEntry(project_uuid: ProjectUuid, one: Setting): LogEntry {
  const stored: StoredEvent =
    "matching" in one
      ? { type: "ProjectChanged", data: { project_uuid, matching: one.matching } }
      : { type: "StatusesMapped", data: { project_uuid, mappings: { ...one.mappings } } };
  return { id: nextUuid(), stored, metadata: {} };
}

export const registered = (project_uuid: ProjectUuid): LogEntry => ({
  id: nextUuid(),
  stored: { type: "ProjectRegistered", data: { project_uuid, name: "any", created_at: second(0) } },
  metadata: {},
});

let uuids = 0;
/** New in this process, and the same again from the same seed: ids decide between equal times. */
const nextUuid = (): string => uuidOf(`${seed} ${uuids++}`);

function uuidOf(text: string): string {
  const hash = createHash("sha256").update(text).digest("hex");
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/** The entry as it would be read back from the store. */
export function recordedAt(position: bigint, { id, stored, metadata }: LogEntry): RecordedEvent {
  return {
    id,
    type: stored.type,
    stream:
      stored.type === "IncidentSignalRecorded"
        ? incidentStream(stored.data.project_uuid as ProjectUuid, stored.data.incident_id as never)
        : registryStream,
    revision: position,
    position,
    recorded_at: new Date(start),
    data: stored.data,
    metadata,
  };
}

/** What the history says at its end: the signals under the last settings, for the oracle. */
export function settledSignals({ log }: History): {
  readonly signals: readonly OracleSignal[];
  readonly matching: Matching;
} {
  let matching: Matching = "project";
  let mappings: Readonly<Record<string, "ALERT" | "RECOVERY">> = {};
  for (const { stored } of log) {
    if (stored.type === "ProjectChanged") matching = stored.data.matching ?? matching;
    if (stored.type === "StatusesMapped") mappings = stored.data.mappings;
  }
  const signals = log.flatMap(({ id, stored, metadata }): OracleSignal[] => {
    if (stored.type !== "IncidentSignalRecorded") return [];
    const { data } = stored;
    const source = metadata.source ?? "";
    return [
      {
        event_id: id,
        incident_id: data.incident_id,
        status: data.status,
        incident_time: data.incident_time,
        kind: data.kind === undefined ? kindOf(data.status, mappings) : data.kind,
        received_at: metadata.received_at ?? "",
        // What was recorded before events said it: the contract's route and `fields` promise no exact ids.
        exact: data.exact ?? (source !== "contract" && source !== "fields"),
        reminder: data.reminder === true,
        started_at: data.started_at,
        source,
        monitor_id: data.monitor_id,
        monitor_name: data.monitor_name,
        repo_uuid: data.repo_uuid,
        message: data.message,
      },
    ];
  });
  return { signals, matching };
}
