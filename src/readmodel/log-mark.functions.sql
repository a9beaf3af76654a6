-- Moves the mark to the event (null: it stays), in the statement that applies a batch. Fails with LC001 where the tables
-- are of another log: then nothing of the statement happens.
create or replace function mark_log(log uuid, event json) returns void
language plpgsql as $$
begin
  update log_mark set
    event_id = coalesce(event ->> 'event_id', event_id),
    stream = coalesce(event ->> 'stream', stream),
    revision = coalesce((event ->> 'revision')::numeric, revision),
    position = coalesce((event ->> 'position')::numeric, position)
  where log_id = log;
  if not found then
    raise exception 'the read model is not of log % any more', log using errcode = 'LC001';
  end if;
end $$;
