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
  reason   text not null,
  -- The event's place in its stream, where it is read again.
  revision numeric(20) not null,
  -- How often another try was asked for, and for how many of these it was made.
  asked    integer not null default 0,
  tried    integer not null default 0
);
create index dead_letters_to_try on dead_letters (position) where asked > tried;
