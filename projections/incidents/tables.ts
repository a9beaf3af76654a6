// The tables of incidents.sql, column by column.

import type { Table } from "../table.ts";

export const words: Table = {
  name: "words",
  columns: { id: "integer", word: "text" },
  key: ["id"],
  isUnique: true,
};

export const settings: Table = {
  name: "settings",
  columns: { project: "integer", matching: "text", mappings: "jsonb" },
  key: ["project"],
  isUnique: true,
};

export const incidents: Table = {
  name: "incidents",
  columns: {
    incident: "integer",
    incident_key: "uuid",
    project: "integer",
    incident_id: "text",
    exact_id: "bytea",
    state: "smallint",
    monitor_id: "integer",
    monitor_name: "integer",
    repo_uuid: "integer",
    first_time: "instant",
    last_time: "instant",
    newest: "instant",
    alerts: "integer",
    recoveries: "integer",
    dismissals: "integer",
    acknowledgements: "integer",
    unmapped: "integer",
    ended: "integer",
    matched: "integer",
    webhooks: "integer",
    ender_at: "instant",
    ended_at: "instant",
    is_dismissed: "boolean",
    matched_until: "instant",
  },
  key: ["incident"],
  isUnique: true,
};

export const records: Table = {
  name: "records",
  columns: {
    incident: "integer",
    at: "instant",
    kind: "smallint",
    exact: "boolean",
    reminder: "boolean",
    by_word: "boolean",
    received_at: "instant",
    event_id: "uuid",
    status: "integer",
    source: "integer",
    monitor_id: "integer",
    monitor_name: "integer",
    repo_uuid: "integer",
    timezone: "integer",
    webhooks: "integer",
    position: "numeric",
    incident_time: "instant",
    started_at: "instant",
    message: "text",
    local_time: "text",
  },
  key: ["incident", "at", "event_id"],
  isUnique: false,
};

export const webhooks: Table = {
  name: "webhooks",
  columns: {
    incident: "integer",
    incident_time: "instant",
    event_id: "uuid",
    kind: "smallint",
    exact: "boolean",
    reminder: "boolean",
    by_word: "boolean",
    received_at: "instant",
    started_at: "instant",
    status: "integer",
    source: "integer",
    monitor_id: "integer",
    monitor_name: "integer",
    repo_uuid: "integer",
    timezone: "integer",
    position: "numeric",
    message: "text",
    local_time: "text",
  },
  key: ["incident", "incident_time", "event_id"],
  isUnique: true,
};

export const outages: Table = {
  name: "outages",
  columns: {
    incident: "integer",
    project: "integer",
    ended_at: "instant",
    first_alert_at: "instant",
    latest_alert_at: "instant",
    ended_by: "smallint",
    is_echo: "boolean",
    alerts: "integer",
    recovery_us: "bigint",
    outage_us: "bigint",
    alert_event_id: "uuid",
    end_event_id: "uuid",
    monitor_id: "integer",
    monitor_name: "integer",
    repo_uuid: "integer",
    opened_at: "instant",
  },
  key: ["incident", "ended_at"],
  isUnique: true,
};

export const openOutages: Table = {
  name: "open_outages",
  columns: {
    incident: "integer",
    part: "smallint",
    is_shown: "boolean",
    exact: "boolean",
    project: "integer",
    alerts: "integer",
    first_at: "instant",
    latest_at: "instant",
    last_at: "instant",
    first_event_id: "uuid",
    latest_event_id: "uuid",
    monitor_id: "integer",
    monitor_name: "integer",
    repo_uuid: "integer",
    id_order: "bytea",
  },
  key: ["incident", "part"],
  isUnique: true,
};

export const orphans: Table = {
  name: "orphans",
  columns: {
    incident: "integer",
    at: "instant",
    project: "integer",
    event_id: "uuid",
    monitor_id: "integer",
    matched_incident: "integer",
    matched_by: "smallint",
  },
  key: ["incident", "at"],
  isUnique: true,
};

/** In the order in which rows are written. */
export const tables = [words, settings, incidents, records, webhooks, outages, openOutages, orphans] as const;
