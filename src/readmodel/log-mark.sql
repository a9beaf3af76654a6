-- One row: the log that the read model was built from, and the last event of ours at or before the checkpoint (null:
-- none yet). Made beside tables that are older than it, too.
create table if not exists log_mark (
  log_id   uuid not null,
  event_id text,
  stream   text,
  revision numeric(20),
  position numeric(20)
);
