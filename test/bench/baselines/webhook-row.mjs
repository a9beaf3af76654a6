// What both baselines do with a webhook: the same key check, the same validation, the same row.
import { createHash } from "node:crypto";

export const keyDigest = createHash("sha256")
  .update(process.env.API_KEY ?? "")
  .digest();

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Names the first thing wrong with the body, or undefined. */
export function problemOf(body) {
  for (const field of ["incident_id", "project_uuid", "status", "incident_time"])
    if (typeof body?.[field] !== "string" || body[field] === "") return `${field} is missing`;
  if (body.incident_id.length > 512) return "incident_id is too long";
  if (!uuid.test(body.project_uuid)) return "project_uuid is no UUID";
  if (Number.isNaN(Date.parse(body.incident_time))) return "incident_time is no time";
  return undefined;
}

export const createText = (table) => `create table if not exists ${table} (
  project_uuid uuid not null, incident_id text not null, incident_time timestamptz not null, status text not null,
  payload jsonb not null, received_at timestamptz not null default now(),
  primary key (project_uuid, incident_id, incident_time, status))`;

export const insertText = (
  table,
) => `insert into ${table} (project_uuid, incident_id, incident_time, status, payload)
  values ($1, $2, $3, $4, $5)
  on conflict (project_uuid, incident_id, incident_time, status) do update set payload = excluded.payload`;

export const rowOf = (body) => [
  body.project_uuid,
  body.incident_id,
  body.incident_time,
  body.status,
  JSON.stringify(body),
];
