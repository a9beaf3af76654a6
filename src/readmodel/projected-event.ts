// Decodes a stored event for the projections: checks what Postgres and the rules depend on, and puts text into the
// form that Postgres can hold. Knows no database.

import { normalForm } from "../../projections/exact-text.ts";
import type { ProjectedEvent, ProjectedSignal } from "../../projections/projection.ts";
import { isUuid, maxIncidentIdLength } from "../domain/ids.ts";
import { type Instant, type Parsed, parseInstant } from "../domain/instant.ts";
import { readRegistryEvent } from "../domain/registry-events.ts";
import type { Kind } from "../domain/signal.ts";
import { normaliseStatus } from "../domain/status.ts";
import { isExactSource, type RecordedEvent } from "../domain/stored-events.ts";

/** Why an event cannot be projected; it becomes a dead letter. */
export class UnreadableEvent extends Error {
  override readonly name = "UnreadableEvent";
}

/** The event for the projections; undefined for a type that is none of ours. Throws UnreadableEvent. */
export function projectedEvent(event: RecordedEvent): ProjectedEvent | undefined {
  // The embedded event store serves this in the place of an event that does not fit its check sum.
  if (event.type === "$damaged") throw new UnreadableEvent("it is damaged in the event store");
  const read = Object.hasOwn(readers, event.type) ? readers[event.type as ProjectedEvent["type"]] : undefined;
  if (read === undefined) return undefined;
  return read(new Fields(event.data, event.type), event);
}

const readers: {
  readonly [Type in ProjectedEvent["type"]]: (data: Fields, event: RecordedEvent) => ProjectedEvent;
} = {
  IncidentSignalRecorded: (data, event) => ({
    type: "IncidentSignalRecorded",
    data: projectedSignal(data, event),
  }),
  ProjectChanged: (_, event) => {
    const { project_uuid, matching } = settingOf(event, "ProjectChanged");
    const project = project_uuid.toLowerCase();
    return {
      type: "ProjectChanged",
      data: matching === undefined ? { project_uuid: project } : { project_uuid: project, matching },
    };
  },
  StatusesMapped: (_, event) => {
    const { project_uuid, mappings } = settingOf(event, "StatusesMapped");
    const words = Object.entries(mappings).map(([word, kind]) => [normalForm(normaliseStatus(word)), kind]);
    return {
      type: "StatusesMapped",
      data: { project_uuid: project_uuid.toLowerCase(), mappings: Object.fromEntries(words) },
    };
  },
  PayloadQuarantined: (data) => ({
    type: "PayloadQuarantined",
    data: {
      quarantine_id: data.uuid("quarantine_id"),
      project_uuid: data.uuid("project_uuid"),
      source: data.text("source"),
      received_at: data.instant("received_at"),
      unknown_status: none(data.optionalText("unknown_status")),
    },
  }),
  QuarantineRedriven: (data) => ({
    type: "QuarantineRedriven",
    data: {
      project_uuid: data.uuid("project_uuid"),
      quarantine_id: data.uuid("quarantine_id"),
      unknown_status: none(data.optionalText("unknown_status")),
    },
  }),
  WebhooksIgnored: (data) => ({
    type: "WebhooksIgnored",
    data: {
      project_uuid: data.uuid("project_uuid"),
      source: data.text("source"),
      cause: data.text("cause"),
      count: data.count("count"),
      last_at: data.instant("last_at"),
    },
  }),
};

const none = (status: string | null): string | null => (status === null || status === "" ? null : status);

type SettingType = "ProjectChanged" | "StatusesMapped";

/** As the registry reads it, too. */
function settingOf<Type extends SettingType>(event: RecordedEvent, type: Type) {
  const read = readRegistryEvent(event);
  if (read?.ok !== true) throw new UnreadableEvent(read?.problem ?? `it is no ${type}`);
  return read.event.data as Extract<typeof read.event, { readonly type: Type }>["data"];
}

function projectedSignal(data: Fields, event: RecordedEvent): ProjectedSignal {
  const metadata = new Fields(event.metadata, event.type);
  const project_uuid = data.uuid("project_uuid");
  const incident_id = data.exactText("incident_id");
  if (incident_id.length < 1 || incident_id.length > maxIncidentIdLength) {
    throw new UnreadableEvent(`incident_id has ${incident_id.length} characters`);
  }
  const source = metadata.optionalText("source") ?? "unknown";
  const keyId = metadata.optionalText("key_id");
  return {
    position: event.position.toString(),
    event_id: uuidOf(event.id, "event id"),
    project_uuid,
    incident_id,
    status: data.text("status"),
    kind: data.kind("kind"),
    exact: data.flag("exact") ?? isExactSource(source),
    reminder: data.flag("reminder") ?? false,
    started_at: data.optionalText("started_at") === null ? null : data.instant("started_at"),
    incident_time: data.instant("incident_time"),
    received_at: metadata.instant("received_at"),
    source,
    key_id: keyId !== null && isUuid(keyId) ? keyId.toLowerCase() : null,
    monitor_id: data.optionalText("monitor_id"),
    monitor_name: data.optionalText("monitor_name"),
    repo_uuid: data.optionalText("repo_uuid") ? data.uuid("repo_uuid") : null,
    message: data.optionalText("message"),
    local_time: data.optionalText("local_time"),
    timezone: data.optionalText("timezone"),
  };
}

const kinds = ["ALERT", "RECOVERY", "DISMISSAL", "ACKNOWLEDGEMENT"] as const;

const quoted = (value: unknown): string => `"${String(value).slice(0, 100)}"`;

function uuidOf(text: string, what: string): string {
  if (!isUuid(text)) throw new UnreadableEvent(`${what} ${quoted(text)} is no UUID`);
  return text.toLowerCase();
}

/** An event's unchecked JSON, read field by field. */
class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(json: unknown, type: string) {
    if (typeof json !== "object" || json === null) throw new UnreadableEvent(`${type} is no JSON object`);
    this.#fields = json as Readonly<Record<string, unknown>>;
  }

  exactText(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== "string") throw new UnreadableEvent(`${name} is missing or no text`);
    return value;
  }

  text(name: string): string {
    return normalForm(this.exactText(name));
  }

  optionalText(name: string): string | null {
    return this.#fields[name] === undefined || this.#fields[name] === null ? null : this.text(name);
  }

  uuid(name: string): string {
    return uuidOf(this.exactText(name), name);
  }

  flag(name: string): boolean | undefined {
    const value = this.#fields[name];
    if (value === undefined || typeof value === "boolean") return value;
    throw new UnreadableEvent(`${name} is ${quoted(value)}: neither true nor false`);
  }

  count(name: string): number {
    const value = this.#fields[name];
    if (Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32) return Number(value);
    throw new UnreadableEvent(`${name} is ${quoted(value)}: no count`);
  }

  instant(name: string): Instant {
    const text = this.exactText(name);
    if (canonical.test(text)) return text as Instant;
    const read: Parsed<Instant> = parseInstant(text);
    if (!read.ok) throw new UnreadableEvent(`cannot read ${name} ${quoted(text)}: ${read.problem}`);
    return read.value;
  }

  kind(name: string): Kind | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null) return value;
    const kind = kinds.find((one) => one === value);
    if (kind === undefined)
      throw new UnreadableEvent(`${name} is ${quoted(value)}: none of ${kinds.join(", ")}, null`);
    return kind;
  }
}

// Only what certainly exists: a text like "2025-13-45T..." would be stored, and make a later event's durations fail.
const canonical =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{9}Z$/;
