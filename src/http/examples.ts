// One answer of each kind, for the documentation: the same incident seen from every side.

import type { previewAnswer, quarantineItem, sourceAnswer, takenAnswer } from "./native-schemas.ts";
import type {
  allRedrivenAnswer,
  deadLetterAnswer,
  incidentAnswer,
  incidentItemAnswer,
  issuedKeyAnswer,
  keyAnswer,
  mttrAnswer,
  pairAnswer,
  projectAnswer,
  redrivenAnswer,
  replayLine,
  repositoryAnswer,
  timelineItemAnswer,
  webhookAnswer,
} from "./schemas.ts";

type Example<Schema extends { readonly static: unknown }> = Schema["static"];

const project_uuid = "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11";
const repo_uuid = "0d4b8c1e-2f0a-4a57-9c4e-3f1f7c2b9d10";
const key_id = "7c1d5f34-9b7e-4d0f-8a52-6e1f0b9c3d27";
const alert_event_id = "70590881-0978-5c0e-96e4-278ab9c7920e";
const recovery_event_id = "c1a5d3f0-4b62-5d1b-8c1f-0a9e5b7d2f43";
const incident_id = "checkout-api";
const monitor = { monitor_id: "42", monitor_name: "Checkout API", repo_uuid };
const first_alert_at = "2025-01-15T10:30:00.000Z";
const recovered_at = "2025-01-15T10:42:30.000Z";

export const webhookExample: Example<typeof webhookAnswer> = {
  success: true,
  message: "Incident recorded successfully",
  incident_id,
  event_id: alert_event_id,
  kind: "ALERT",
  position: "4711",
};

export const takenExample: Example<typeof takenAnswer> = {
  success: true,
  message: "Incident recorded successfully",
  source: "alertmanager",
  incident_ids: [incident_id],
  recorded: 1,
  ignored: 0,
  quarantined: 0,
  durability: "stored",
  position: "4711",
};

export const previewExample: Example<typeof previewAnswer> = {
  source: "alertmanager",
  outcome: "signals",
  signals: [
    {
      incident_id,
      status: "firing",
      kind: "ALERT",
      incident_time: "2025-01-15T10:30:00.000000000Z",
      time_basis: "incident_time",
    },
  ],
  ignored: [],
};

export const sourceExample: Example<typeof sourceAnswer> = {
  name: "alertmanager",
  title: "Prometheus Alertmanager",
  documentation: "https://prometheus.io/docs/alerting/latest/configuration/#webhook_config",
  url: "/api/incidents/webhook/alertmanager",
  setup: {},
};

export const quarantineExample: Example<typeof quarantineItem> = {
  quarantine_id: "5b1520f5-ee8b-5cc7-8e77-32405fb6084e",
  source: "alertmanager",
  reason: "alerts is missing",
  received_at: first_alert_at,
};

export const projectExample: Example<typeof projectAnswer> = {
  project_uuid,
  name: "Shop",
  matching: "project",
  created_at: "2025-01-01T09:00:00.000Z",
};

export const repositoryExample: Example<typeof repositoryAnswer> = {
  repo_uuid,
  project_uuid,
  name: "shop/checkout",
  created_at: "2025-01-01T09:05:00.000Z",
};

export const keyExample: Example<typeof keyAnswer> = {
  key_id,
  label: "Grafana",
  scopes: ["ingest"],
  expires_at: null,
  created_at: "2025-01-01T09:10:00.000Z",
  revoked_at: null,
  last_used_at: recovered_at,
  verifies_signatures: false,
  quota: { webhooks: 600, per: "minute", burst: 100 },
};

export const issuedKeyExample: Example<typeof issuedKeyAnswer> = {
  key_id,
  key: "il_the-secret-told-once",
  label: "Grafana",
  scopes: ["ingest"],
  expires_at: null,
  created_at: "2025-01-01T09:10:00.000Z",
  quota: null,
};

export const pairExample: Example<typeof pairAnswer> = {
  incident_id,
  ...monitor,
  first_alert_at,
  latest_alert_at: "2025-01-15T10:32:30.000Z",
  alerts: 2,
  recovered_at,
  recovery_seconds: 600,
  outage_seconds: 750,
  matched_by: "incident_id",
  recovered_at_basis: "incident_time",
  alert_event_id,
  recovery_event_id,
};

const incident = {
  incident_id,
  state: "recovered",
  ...monitor,
  first_time: first_alert_at,
  last_time: recovered_at,
  alerts: 2,
  recoveries: 1,
  webhooks: 3,
} as const;

export const incidentItemExample: Example<typeof incidentItemAnswer> = { ...incident, outages: 1 };
export const incidentExample: Example<typeof incidentAnswer> = { ...incident, outages: [pairExample] };

export const timelineItemExample: Example<typeof timelineItemAnswer> = {
  event_id: alert_event_id,
  position: "4711",
  incident_time: first_alert_at,
  effective_time: first_alert_at,
  received_at: "2025-01-15T10:30:01.250Z",
  status: "DOWN",
  kind: "ALERT",
  ...monitor,
  message: "Request failed with status code 503",
  local_time: null,
  timezone: null,
  source: "contract",
  webhooks: 1,
};

const figures = {
  n: 1,
  open: 0,
  mean_seconds: 600,
  median_seconds: 600,
  p90_seconds: 600,
  p95_seconds: 600,
  min_seconds: 600,
  max_seconds: 600,
  grade: "elite",
  matched_by: { incident_id: 1, monitor_id: 0, project: 0 },
} as const;

export const mttrExample: Example<typeof mttrAnswer> = {
  basis: "latest_alert",
  from: "2025-01-01T00:00:00.000Z",
  to: "2025-02-01T00:00:00.000Z",
  ...figures,
  position: "4711",
  groups: [{ key: "2025-01-15", ...figures }],
};

export const replayExample: Example<typeof replayLine> = {
  event_id: alert_event_id,
  type: "IncidentSignalRecorded",
  stream: `incident-${project_uuid}.${incident_id}`,
  revision: "0",
  position: "4711",
  recorded_at: "2025-01-15T10:30:01.260Z",
  data: { project_uuid, incident_id, status: "DOWN", incident_time: "2025-01-15T10:30:00.000000000Z" },
  metadata: { source: "contract", received_at: "2025-01-15T10:30:01.250000000Z", key_id },
};

export const deadLetterExample: Example<typeof deadLetterAnswer> = {
  position: "4712",
  event_id: recovery_event_id,
  stream: `incident-${project_uuid}.${incident_id}`,
  type: "IncidentSignalRecorded",
  reason: "incident_time is missing or no text",
};

export const redrivenExample: Example<typeof redrivenAnswer> = {
  position: "4712",
  outcome: "applied",
  reason: null,
};

export const allRedrivenExample: Example<typeof allRedrivenAnswer> = { applied: 12, failing: 1, waiting: 0 };

export const mappingsExample = { DEGRADED: "ALERT", FINE: "RECOVERY" };

export const page = <T>(item: T): { items: T[]; next_cursor: null } => ({ items: [item], next_cursor: null });
