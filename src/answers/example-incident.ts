// The one incident that every example in the documentation tells of.

export const example = {
  project_uuid: "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11",
  repo_uuid: "0d4b8c1e-2f0a-4a57-9c4e-3f1f7c2b9d10",
  key_id: "7c1d5f34-9b7e-4d0f-8a52-6e1f0b9c3d27",
  alert_event_id: "70590881-0978-5c0e-96e4-278ab9c7920e",
  recovery_event_id: "c1a5d3f0-4b62-5d1b-8c1f-0a9e5b7d2f43",
  quarantine_id: "5b1520f5-ee8b-5cc7-8e77-32405fb6084e",
  incident_id: "checkout-api",
  monitor_id: "42",
  monitor_name: "Checkout API",
  message: "Request failed with status code 503",
  first_alert_at: "2025-01-15T10:30:00.000Z",
  received_at: "2025-01-15T10:30:01.250Z",
  latest_alert_at: "2025-01-15T10:32:30.000Z",
  recovered_at: "2025-01-15T10:42:30.000Z",
  alert_position: "4711",
  source: "alertmanager",
} as const;
