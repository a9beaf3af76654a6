-- Projects, repositories, API keys (never their secrets) and status mappings, for queries.
-- Instants are canonical text (src/domain/instant.ts): under COLLATE "C" text order is time order.

create table projects (
  project_uuid uuid primary key,
  name         text not null,
  -- 'incident', 'monitor' or 'project': how far pairing rule 4 looks for an orphan's outage.
  matching     text not null default 'project',
  created_at   text collate "C" not null
);

create table repositories (
  repo_uuid    uuid primary key,
  project_uuid uuid not null,
  name         text not null,
  created_at   text collate "C" not null
);
create index repositories_of_project on repositories (project_uuid, created_at, repo_uuid);

create table api_keys (
  key_id       uuid primary key,
  project_uuid uuid not null,
  label        text not null,
  scopes       text[] not null,
  expires_at   text collate "C",
  created_at   text collate "C" not null,
  revoked_at   text collate "C"
);
create index api_keys_of_project on api_keys (project_uuid, created_at, key_id);

-- The greatest received_at of the webhooks sent with a key. Its own table: usage is a fact of signals.
create table key_usage (
  key_id       uuid primary key,
  last_used_at text collate "C" not null
);

-- word: normalised status (src/domain/status.ts). kind: 0 ALERT, 1 RECOVERY.
create table status_mappings (
  project_uuid uuid not null,
  word         text collate "C" not null,
  kind         smallint not null,
  primary key (project_uuid, word)
);

-- What a projection tells those after it, in one batch's transaction. One row for each record that was made, changed
-- or removed; with incident_key null for a project whose settings changed; with kind null for an incident whose
-- outages changed.
create type change as (
  project_uuid     uuid,
  incident_key     uuid,
  -- Null for an incident that was there before.
  incident_id      text,
  incident_order   bytea,
  kind             smallint,
  incident_time    text,
  -- Effective time before and after; null where there was, or is, no such record.
  effective_before text,
  effective_after  text,
  -- Different events, more or (negative) less.
  webhooks         integer,
  -- Whether an existing record's monitor_id, monitor_name or repo_uuid is another one now.
  renamed          boolean,
  -- Outages, more or (negative) less.
  outages          integer,
  -- Of a project: 'mapped' or 'matching'.
  setting          text
);
