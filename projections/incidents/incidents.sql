-- What an incident's webhooks come to: records, outages, orphans, and where each incident stands. The rules are those of
-- src/domain/pairing.ts; nothing here knows one.
--
-- An instant is a timestamp (whole microseconds, UTC) and beside it, named `..._ns`, its nanoseconds below that. Text that
-- Postgres cannot hold is kept in a normal form: NUL as U+2400, a lone surrogate as U+FFFD.

-- Texts that repeat, each once, by number: words for statuses, sources, names, time zones, uuids of projects and
-- repositories. 0 is the empty text, which counts as no name.
create table words (
  id   integer primary key,
  word text collate "C" not null
);
create index words_by_word on words using hash (word);
insert into words values (0, '');

-- A project's settings where they are not the defaults.
create table settings (
  project  integer primary key,
  -- 'incident', 'monitor' or 'project'
  matching text not null,
  -- Normalised word -> 'ALERT' or 'RECOVERY'.
  mappings jsonb not null
);

create table incidents (
  incident       integer primary key,
  -- The first 16 bytes of sha256(project_uuid, NUL, incident_id exactly as sent), as a uuid.
  incident_key   uuid not null unique,
  project        integer not null,
  incident_id    text not null,
  -- UTF-8 of the exact incident_id (a lone surrogate as its three bytes) where it is not that of incident_id.
  exact_id       bytea,
  -- 0 open, 1 recovered, 2 dismissed, 3 orphan, 4 unmapped
  state          smallint not null,
  -- Of the most recent record that gives it.
  monitor_id     integer,
  monitor_name   integer,
  repo_uuid      integer,
  -- By effective time.
  first_time     timestamp not null,
  first_time_ns  smallint not null,
  last_time      timestamp not null,
  last_time_ns   smallint not null,
  -- The latest incident_time: what comes later is no second webhook of a record.
  newest         timestamp not null,
  newest_ns      smallint not null,
  -- Records by kind.
  alerts           integer not null,
  recoveries       integer not null,
  dismissals       integer not null,
  acknowledgements integer not null,
  unmapped         integer not null,
  -- Outages that its own records ended, and those that orphans of other incidents ended.
  ended          integer not null,
  matched        integer not null,
  webhooks       integer not null,
  -- The last RECOVERY or DISMISSAL, the end of the last outage that an own record ended, and whether that was a DISMISSAL.
  ender_at       timestamp,
  ender_at_ns    smallint,
  ended_at       timestamp,
  ended_at_ns    smallint,
  is_dismissed   boolean not null,
  -- The last orphan that ended a part of the open outage.
  matched_until    timestamp,
  matched_until_ns smallint
)
-- Rows change with every event but their indexed columns hardly ever: room beside them keeps the indexes untouched.
with (fillfactor = 60);
create index incidents_of_project on incidents (project, first_time desc, first_time_ns desc, incident);
create index unmapped_incidents on incidents (project) where unmapped > 0;

-- All webhooks of one (incident, incident_time, kind). event_id, position and received_at are those of the webhook first
-- received, the descriptive columns those of the one last received.
create table records (
  incident       integer not null,
  -- Effective time.
  at             timestamp not null,
  at_ns          smallint not null,
  -- 0 ALERT, 1 DISMISSAL, 2 RECOVERY, 3 ACKNOWLEDGEMENT, 4 none
  kind           smallint not null,
  exact          boolean not null,
  reminder       boolean not null,
  -- Whether a status mapping may give it another kind.
  by_word        boolean not null,
  received_at_ns smallint not null,
  received_at    timestamp not null,
  event_id       uuid not null,
  status         integer not null,
  source         integer not null,
  monitor_id     integer,
  monitor_name   integer,
  repo_uuid      integer,
  timezone       integer,
  webhooks       integer not null,
  position       numeric(20) not null,
  -- Null where it is the effective time.
  incident_time    timestamp,
  incident_time_ns smallint,
  -- Of the webhook last received that names a start.
  started_at     timestamp,
  started_at_ns  smallint,
  message        text,
  local_time     text
);
create index records_in_order on records (incident, at);
create index unknown_words on records (incident, status) where kind = 4 and by_word;
create index echoes on records (incident, incident_time) where incident_time is not null;

-- The webhooks of records that have several.
create table webhooks (
  incident         integer not null,
  incident_time    timestamp not null,
  incident_time_ns smallint not null,
  event_id         uuid not null,
  kind             smallint not null,
  exact            boolean not null,
  reminder         boolean not null,
  by_word          boolean not null,
  received_at      timestamp not null,
  received_at_ns   smallint not null,
  started_at       timestamp,
  started_at_ns    smallint,
  status           integer not null,
  source           integer not null,
  monitor_id       integer,
  monitor_name     integer,
  repo_uuid        integer,
  timezone         integer,
  position         numeric(20) not null,
  message          text,
  local_time       text,
  primary key (incident, incident_time, incident_time_ns, event_id)
);

-- Outages that have ended. Durations are microseconds, null where a DISMISSAL ended it.
create table outages (
  incident           integer not null,
  project            integer not null,
  ended_at           timestamp not null,
  first_alert_at     timestamp not null,
  latest_alert_at    timestamp not null,
  ended_at_ns        smallint not null,
  first_alert_at_ns  smallint not null,
  latest_alert_at_ns smallint not null,
  -- 0 incident_id, 1 monitor_id, 2 project, 3 dismissed
  ended_by           smallint not null,
  is_echo            boolean not null,
  alerts             integer not null,
  recovery_us        bigint,
  outage_us          bigint,
  -- Of the latest alert that has a record.
  alert_event_id     uuid,
  end_event_id       uuid not null,
  monitor_id         integer,
  monitor_name       integer,
  repo_uuid          integer,
  -- The incident_time of the record that opened it, where that is not first_alert_at.
  opened_at          timestamp,
  opened_at_ns       smallint,
  primary key (incident, ended_at, ended_at_ns)
);
create index outages_of_project on outages (project, ended_at, incident);

-- Outages that are open. Part 0 is the whole outage by the incident's own records; where orphans have ended some of it,
-- it is not shown, and part 1 is what they left.
create table open_outages (
  incident      integer not null,
  part          smallint not null,
  is_shown      boolean not null,
  exact         boolean not null,
  project       integer not null,
  alerts        integer not null,
  first_at      timestamp not null,
  first_at_ns   smallint not null,
  -- Of the latest ALERT that is no reminder; null where all are.
  latest_at_ns  smallint,
  latest_at     timestamp,
  -- The most recent ALERT.
  last_at       timestamp not null,
  last_at_ns    smallint not null,
  first_event_id  uuid not null,
  latest_event_id uuid,
  monitor_id    integer,
  monitor_name  integer,
  repo_uuid     integer,
  -- The exact incident_id's UTF-8: "the smaller incident_id".
  id_order      bytea not null,
  primary key (incident, part)
)
with (fillfactor = 70);
create index shown_outages on open_outages (project, last_at) where is_shown;
create index matchable_outages_of_monitor on open_outages (project, monitor_id, last_at) where is_shown and not exact;

-- RECOVERYs that are not exact, of incidents with neither ALERTs nor outages.
create table orphans (
  incident   integer not null,
  at         timestamp not null,
  at_ns      smallint not null,
  project    integer not null,
  event_id   uuid not null,
  monitor_id integer,
  -- The incident whose outage it ended, and how it was found: 1 monitor_id, 2 project.
  matched_incident integer,
  matched_by       smallint,
  primary key (incident, at, at_ns)
);
create index orphans_of_project on orphans (project, at);
create index matched_orphans on orphans (matched_incident, at) where matched_incident is not null;
