-- Outages, open and ended, and the orphans that rule 4 matches (src/domain/pairing.ts has the rules in words).

-- One row for each outage. ended_at: effective time of the RECOVERY that ended it, 'infinity' while open
-- (sorts after every instant). Durations in seconds; everything about the recovery is null while open.
create table outages (
  incident_key       uuid not null,
  ended_at           text collate "C" not null,
  project_uuid       uuid not null,
  -- UTF-8 of the exact incident_id: "the smaller incident_id". For the id itself join incidents.
  incident_order     bytea not null,
  -- The RECOVERY (own or matched orphan) before this outage; '' where none.
  started_after      text collate "C" not null,
  first_alert_at     text collate "C" not null,
  latest_alert_at    text collate "C" not null,
  alerts             integer not null,
  -- Of the latest alert's record.
  alert_event_id     uuid not null,
  monitor_id         text collate "C",
  monitor_name       text,
  repo_uuid          uuid,
  recovered_at       text collate "C",
  recovery_event_id  uuid,
  -- 'incident_id', 'monitor_id' or 'project'
  matched_by         text,
  -- 'incident_time' or 'received'
  recovered_at_basis text,
  recovery_seconds   double precision,
  outage_seconds     double precision,
  primary key (incident_key, ended_at)
);
create index outages_of_project on outages (project_uuid, ended_at, incident_key);
create index open_outages on outages (project_uuid, latest_alert_at desc, incident_order)
  where ended_at = 'infinity';
-- The hash: a monitor_id and an incident_id together may be too long for an index.
create index open_outages_by_monitor
  on outages (project_uuid, coalesce(hashtextextended(monitor_id, 0), 0), latest_alert_at desc)
  where ended_at = 'infinity';

-- RECOVERY records of incidents without any ALERT (their effective time is their incident_time).
create table orphans (
  incident_key         uuid not null,
  incident_time        text collate "C" not null,
  project_uuid         uuid not null,
  incident_order       bytea not null,
  event_id             uuid not null,
  monitor_id           text collate "C",
  -- The incident whose outage it ended, and how it was found ('monitor_id' or 'project'); null where it matches none.
  matched_incident_key uuid,
  matched_by           text,
  primary key (incident_key, incident_time)
);
create index orphans_in_time_order on orphans (project_uuid, incident_time, incident_order);
create index orphans_by_match on orphans (matched_incident_key, incident_time) where matched_incident_key is not null;

-- The gap between two RECOVERYs (or after the last: ended_at = 'infinity') whose outage is to be worked out again.
create type gap as (
  project_uuid   uuid,
  incident_key   uuid,
  incident_order bytea,
  ended_at       text,
  -- ALERT records made less removed in it by this batch, and the earliest that was touched (null: none).
  alerts         integer,
  changed_from   text,
  -- Whether an ALERT record in it that was there before has other names now, or is gone.
  renamed        boolean
);

-- Orphans of a project to be matched again, from this time on.
create type rematch as (
  project_uuid uuid,
  since        text
);
