-- How far the read model has come. position: the last event whose effect is in the tables (null: none yet).
create table checkpoints (
  name     text primary key,
  position numeric(20)
);

-- Events that could not be projected, and why. They stay in the event store.
create table dead_letters (
  position numeric(20) primary key,
  event_id text not null,
  stream   text not null,
  type     text not null,
  reason   text not null
);
