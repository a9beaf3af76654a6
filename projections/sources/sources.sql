-- What came from each source, and what of it lies in the quarantine with a status that nobody knows. The rules are in
-- sources.ts; nothing here knows one.

create table source_counts (
  project_uuid uuid not null,
  source       text not null,
  -- 'recorded', 'quarantined', or why something was ignored.
  outcome      text not null,
  count        bigint not null,
  -- The greatest time of receipt.
  last_seen    timestamp not null,
  last_seen_ns smallint not null,
  primary key (project_uuid, source, outcome)
);

create table quarantined (
  quarantine_id  uuid primary key,
  project_uuid   uuid not null,
  source         text not null,
  received_at    timestamp not null,
  received_at_ns smallint not null,
  -- The word that the source's own table lacks; null where it was not that, or where it has been read since.
  unknown_status text
);
create index unknown_in_quarantine on quarantined (project_uuid) where unknown_status is not null;
