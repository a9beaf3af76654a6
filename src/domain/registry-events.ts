// Whether what lies in the registry stream is an event of the registry: other clients can append there too. Pure.

import { isUuid } from "./ids.ts";
import { parseInstant } from "./instant.ts";
import { readQuota } from "./quota.ts";
import type { RegistryEvent } from "./registry.ts";

type Check = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Check>>;

const text: Check = (value) => typeof value === "string";
const uuid: Check = (value) => typeof value === "string" && isUuid(value);
const time: Check = (value) => typeof value === "string" && parseInstant(value).ok;
const texts: Check = (value) => Array.isArray(value) && value.every(text);
const oneOf =
  (...words: readonly unknown[]): Check =>
  (value) =>
    words.includes(value);
const absentOr =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const nullOr =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const quota: Check = (value) => isObject(value) && readQuota(value as never).ok;
const mappings: Check = (value) => isObject(value) && Object.values(value).every(oneOf("ALERT", "RECOVERY"));

const shapes: Readonly<Record<RegistryEvent["type"], Shape>> = {
  ProjectRegistered: { project_uuid: uuid, name: text, created_at: time },
  ProjectChanged: {
    project_uuid: uuid,
    name: absentOr(text),
    matching: absentOr(oneOf("incident", "monitor", "project")),
  },
  RepositoryRegistered: { repo_uuid: uuid, project_uuid: uuid, name: text, created_at: time },
  ApiKeyIssued: {
    key_id: uuid,
    project_uuid: uuid,
    label: text,
    scopes: texts,
    sha256: text,
    expires_at: nullOr(time),
    created_at: time,
    signing_secrets: absentOr(texts),
    quota: absentOr(quota),
  },
  ApiKeyQuotaSet: { key_id: uuid, project_uuid: uuid, quota: nullOr(quota) },
  ApiKeyRevoked: { key_id: uuid, project_uuid: uuid, revoked_at: time },
  StatusesMapped: { project_uuid: uuid, mappings },
};

/**
 * The event; a problem where it is not what its type says; undefined for a type that is none of the registry's (of a
 * later version): it changes nothing.
 */
export function readRegistryEvent(recorded: {
  readonly type: string;
  readonly data: unknown;
}):
  | { readonly ok: true; readonly event: RegistryEvent }
  | { readonly ok: false; readonly problem: string }
  | undefined {
  const { type, data } = recorded;
  if (!Object.hasOwn(shapes, type)) return undefined;
  if (!isObject(data)) return { ok: false, problem: `${type} is no JSON object` };
  const fields = data as Readonly<Record<string, unknown>>;
  const wrong = Object.entries(shapes[type as RegistryEvent["type"]]).find(
    ([name, check]) => !check(fields[name]),
  );
  return wrong === undefined
    ? { ok: true, event: { type, data } as RegistryEvent }
    : { ok: false, problem: `${wrong[0]} is missing or not what it must be` };
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
