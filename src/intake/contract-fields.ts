// The names of the ingest contract's fields, in the order in which its two templates print them.

export const contractFields = [
  "incident_id",
  "project_uuid",
  "status",
  "incident_time",
  "local_time",
  "timezone",
  "monitor_name",
  "monitor_id",
  "repo_uuid",
  "message",
] as const;
