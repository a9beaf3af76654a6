-- When each API key was last used: the greatest received_at of the webhooks sent with it.
create table key_usage (
  key_id          uuid primary key,
  project_uuid    uuid not null,
  last_used_at    timestamp not null,
  last_used_at_ns smallint not null
);
create index key_usage_of_project on key_usage (project_uuid);
