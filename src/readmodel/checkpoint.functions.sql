-- Moves the checkpoint, stores dead letters and takes away one that is none any more, in the statement that applies a
-- batch. Fails with LC001 where somebody else has moved the checkpoint: then nothing of the statement happens.
create or replace function advance_checkpoint(checkpoint text, moved_from numeric, moved_to numeric, letters json,
  revived numeric) returns void
language plpgsql as $$
begin
  update checkpoints set position = moved_to where name = checkpoint and position is not distinct from moved_from;
  if not found then
    raise exception 'the checkpoint is not at % any more', coalesce(moved_from::text, 'the start')
      using errcode = 'LC001';
  end if;
  insert into dead_letters (position, revision, event_id, stream, type, reason)
  select * from json_to_recordset(letters)
    as letter(position numeric, revision numeric, event_id text, stream text, type text, reason text)
  on conflict (position) do nothing;
  delete from dead_letters where position = revived;
end $$;
