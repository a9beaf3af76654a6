// Decodes a stored event for the projections: checks what Postgres and the rules depend on, and puts text into the
// form that Postgres can hold. Knows no database.

import { createHash } from "node:crypto";
import type { ProjectedEvent, ProjectedSignal } from "../../projections/projection.ts";
import { isUuid, maxIncidentIdLength } from "../domain/ids.ts";
import { type Parsed, parseInstant } from "../domain/instant.ts";
import type { Kind } from "../domain/signal.ts";
import { kindOf, normaliseStatus } from "../domain/status.ts";
import type { RecordedEvent, StoredEvent } from "../domain/stored-events.ts";

/** Why an event cannot be projected; it becomes a dead letter. */
export class UnreadableEvent extends Error {
  override readonly name = "UnreadableEvent";
}

/** The event for the projections; undefined for a type that is none of ours. Throws UnreadableEvent. */
export function projectedEvent(event: RecordedEvent): ProjectedEvent | undefined {
  // The embedded event store serves this in the place of an event that does not fit its check sum.
  if (event.type === "$damaged") throw new UnreadableEvent("it is damaged in the event store");
  const read = Object.hasOwn(readers, event.type) ? readers[event.type as StoredEvent["type"]] : undefined;
  if (read === undefined) return undefined;
  return read(new Fields(event.data, event.type), event);
}

const readers: {
  readonly [Type in StoredEvent["type"]]: (data: Fields, event: RecordedEvent) => ProjectedEvent;
} = {
  IncidentSignalRecorded: (data, event) => ({
    type: "IncidentSignalRecorded",
    data: projectedSignal(data, event),
  }),
  ProjectRegistered: (data) => ({
    type: "ProjectRegistered",
    data: {
      project_uuid: data.uuid("project_uuid"),
      name: data.text("name"),
      created_at: data.instant("created_at"),
    },
  }),
  ProjectChanged: (data) => {
    const name = data.optionalText("name");
    const matching = data.optionalText("matching");
    if (matching !== null && !isMatching(matching)) {
      throw new UnreadableEvent(`matching is ${quoted(matching)}: neither incident, monitor nor project`);
    }
    return {
      type: "ProjectChanged",
      data: {
        project_uuid: data.uuid("project_uuid"),
        ...(name === null ? {} : { name }),
        ...(matching === null ? {} : { matching }),
      },
    };
  },
  RepositoryRegistered: (data) => ({
    type: "RepositoryRegistered",
    data: {
      repo_uuid: data.uuid("repo_uuid"),
      project_uuid: data.uuid("project_uuid"),
      name: data.text("name"),
      created_at: data.instant("created_at"),
    },
  }),
  ApiKeyIssued: (data) => ({
    type: "ApiKeyIssued",
    data: {
      key_id: data.uuid("key_id"),
      project_uuid: data.uuid("project_uuid"),
      label: data.text("label"),
      scopes: data.scopes("scopes"),
      // The hash of the secret has no place in the read model.
      sha256: "",
      expires_at: data.optionalText("expires_at") === null ? null : data.instant("expires_at"),
      created_at: data.instant("created_at"),
    },
  }),
  ApiKeyQuotaSet: (data) => ({
    type: "ApiKeyQuotaSet",
    // The quota itself has no place in the read model.
    data: { key_id: data.uuid("key_id"), project_uuid: data.uuid("project_uuid"), quota: null },
  }),
  ApiKeyRevoked: (data) => ({
    type: "ApiKeyRevoked",
    data: {
      key_id: data.uuid("key_id"),
      project_uuid: data.uuid("project_uuid"),
      revoked_at: data.instant("revoked_at"),
    },
  }),
  StatusesMapped: (data) => ({
    type: "StatusesMapped",
    data: { project_uuid: data.uuid("project_uuid"), mappings: data.mappings("mappings") },
  }),
};

function projectedSignal(data: Fields, event: RecordedEvent): ProjectedSignal {
  const metadata = new Fields(event.metadata, event.type);
  const project_uuid = data.uuid("project_uuid");
  const exactId = data.exactText("incident_id");
  if (exactId.length < 1 || exactId.length > maxIncidentIdLength) {
    throw new UnreadableEvent(`incident_id has ${exactId.length} characters`);
  }
  const incident_id = normalForm(exactId);
  const exactBytes = incident_id === exactId ? null : utf8(exactId);
  const status = data.exactText("status");
  const decided = data.kind("kind");
  const kind = decided === undefined ? kindOf(status, {}) : decided;
  const keyId = metadata.optionalText("key_id");
  return {
    position: event.position.toString(),
    event_id: uuidOf(event.id, "event id"),
    project_uuid,
    incident_key: incidentKey(project_uuid, exactBytes ?? exactId),
    incident_id,
    incident_order: exactBytes?.toString("hex") ?? null,
    status: normalForm(status),
    word: decided === undefined ? normalForm(normaliseStatus(status)) : null,
    own_kind: kind === "ALERT" ? 0 : kind === "RECOVERY" ? 1 : 2,
    incident_time: data.instant("incident_time"),
    received_at: metadata.instant("received_at"),
    source: metadata.optionalText("source") ?? "unknown",
    key_id: keyId !== null && isUuid(keyId) ? keyId.toLowerCase() : null,
    monitor_id: data.optionalText("monitor_id"),
    monitor_name: data.optionalText("monitor_name"),
    repo_uuid: data.optionalText("repo_uuid") ? data.uuid("repo_uuid") : null,
    message: data.optionalText("message"),
    local_time: data.optionalText("local_time"),
    timezone: data.optionalText("timezone"),
  };
}

/** The first 16 bytes of SHA-256 over project, NUL and the exact incident_id, written as a UUID. */
export function incidentKey(project_uuid: string, exactId: string | Uint8Array): string {
  const bytes = typeof exactId === "string" && !exactId.isWellFormed() ? utf8(exactId) : exactId;
  const hash = createHash("sha256").update(`${project_uuid}\0`).update(bytes).digest("hex");
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-${hash.slice(12, 16)}-${hash.slice(16, 20)}-${hash.slice(20, 32)}`;
}

/** Text as Postgres can hold it: NUL as its symbol, a lone surrogate as the replacement character. */
export function normalForm(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
  return wellFormed.includes("\0") ? wellFormed.replaceAll("\0", "\u2400") : wellFormed;
}

/** UTF-8 in which a lone surrogate is kept, as its three bytes, so that byte order is code point order. */
function utf8(text: string): Buffer {
  const parts: Uint8Array[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    parts.push(
      code >= 0xd800 && code <= 0xdfff
        ? Uint8Array.of(0xed, 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f))
        : Buffer.from(character),
    );
  }
  return Buffer.concat(parts);
}

const kinds = ["ALERT", "RECOVERY", "DISMISSAL", "ACKNOWLEDGEMENT"] as const;

const isMatching = (text: string): text is "incident" | "monitor" | "project" =>
  ["incident", "monitor", "project"].includes(text);

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

  instant(name: string): string {
    const text = this.exactText(name);
    if (canonical.test(text)) return text;
    const read: Parsed<string> = parseInstant(text);
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

  scopes(name: string): ("ingest" | "read")[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw new UnreadableEvent(`${name} is missing or no list`);
    return value.filter((scope) => scope === "ingest" || scope === "read");
  }

  mappings(name: string): Record<string, "ALERT" | "RECOVERY"> {
    const value = this.#fields[name];
    if (typeof value !== "object" || value === null)
      throw new UnreadableEvent(`${name} is missing or no object`);
    const mappings: [string, "ALERT" | "RECOVERY"][] = [];
    for (const [word, kind] of Object.entries(value)) {
      if (kind !== "ALERT" && kind !== "RECOVERY") {
        throw new UnreadableEvent(`${name}.${word} is ${quoted(kind)}: neither ALERT nor RECOVERY`);
      }
      mappings.push([normalForm(normaliseStatus(word)), kind]);
    }
    return Object.fromEntries(mappings);
  }
}

// Only what certainly exists: a text like "2025-13-45T..." would be stored, and make a later event's durations fail.
const canonical =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{9}Z$/;
