-- Every signal, and the records they stand for (pairing rules 0 and 5), by incident.
-- incident_key: the first 16 bytes of sha256(project_uuid, NUL, incident_id exactly as sent), as a uuid.
-- kind: 0 ALERT, 1 RECOVERY, 2 neither. Instants are canonical text: under COLLATE "C" text order is time order.
-- Text that Postgres cannot hold is kept in a normal form: NUL as U+2400, a lone surrogate as U+FFFD.

-- One row for each different event; of an event stored twice, the smallest received_at.
create table signals (
  incident_key  uuid not null,
  incident_time text collate "C" not null,
  event_id      uuid not null,
  kind          smallint not null,
  -- What the source or the built-in words say, and the normalised word that a status mapping may overrule it by
  -- (null where the source decided).
  own_kind      smallint not null,
  word          text collate "C",
  status        text not null,
  received_at   text collate "C" not null,
  position      numeric(20) not null,
  source        text not null,
  monitor_id    text,
  monitor_name  text,
  repo_uuid     uuid,
  message       text,
  local_time    text,
  timezone      text,
  primary key (incident_key, incident_time, event_id)
);

-- All webhooks of one (incident, kind, incident_time). event_id, position and first_received_at are those of the
-- webhook first received; last_event_id names the signal with the descriptive fields (signals by primary key:
-- incident_key, incident_time, last_event_id). monitor_id, monitor_name and repo_uuid are that signal's, null where
-- empty. The order of a timeline is (effective_time, kind, incident_time); effective_time differs from
-- incident_time only where kind = 1, so a page is the merge of three index scans, one for each kind:
--   kind 0 and 2 by primary key, kind 1 by recoveries_by_effective_time.
create table records (
  incident_key      uuid not null,
  kind              smallint not null,
  incident_time     text collate "C" not null,
  effective_time    text collate "C" not null,
  -- Rule 5: the recovery repeated the alert's time; effective_time comes from the receive times.
  echo              boolean not null default false,
  event_id          uuid not null,
  position          numeric(20) not null,
  first_received_at text collate "C" not null,
  last_event_id     uuid not null,
  last_received_at  text collate "C" not null,
  webhooks          integer not null,
  monitor_id        text collate "C",
  monitor_name      text,
  repo_uuid         uuid,
  primary key (incident_key, kind, incident_time)
);
create index recoveries_by_effective_time on records (incident_key, effective_time, incident_time) where kind = 1;

create type record_key as (
  project_uuid  uuid,
  incident_key  uuid,
  kind          smallint,
  incident_time text
);
