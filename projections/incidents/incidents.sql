-- One row for each incident: its state, counts and times.

create table incidents (
  incident_key   uuid primary key,
  project_uuid   uuid not null,
  -- Normal form (see timeline.sql).
  incident_id    text not null,
  -- UTF-8 of the exact incident_id (a lone surrogate as its three bytes): its place in orders by incident_id.
  incident_order bytea not null,
  -- 'open', 'recovered', 'orphan' or 'unmapped'
  state          text not null,
  -- Of the most recent record that names one.
  monitor_id     text collate "C",
  monitor_name   text,
  repo_uuid      uuid,
  -- By effective time.
  first_time     text collate "C" not null,
  last_time      text collate "C" not null,
  -- Records, not webhooks.
  alerts         integer not null,
  recoveries     integer not null,
  outages        integer not null,
  -- Different events.
  webhooks       integer not null
)
-- Rows change with every event but their indexed columns hardly ever: room beside them keeps the indexes untouched.
with (fillfactor = 60);
create index incidents_of_project on incidents (project_uuid, first_time desc, incident_key);
