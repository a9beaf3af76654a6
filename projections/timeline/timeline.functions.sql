-- How signals reach the tables of timeline.sql: a batch at a time, whatever order or how often they come.
-- Lookups are written as lateral subqueries, so that each is one index probe however the tables have grown since the
-- statement was planned. `kind = (select 1::smallint)` where the primary key is meant: with a constant the planner
-- would as soon take the index of recoveries, and read all of an incident's.

create or replace function timeline_apply(rows json, changes change[]) returns change[]
language plpgsql as $$
declare
  was_remapped boolean := exists (select from unnest(changes) where setting = 'mapped');
  made change[];
  repeated record_key[];
  derived change[];
  moved change[];
begin
  if was_remapped then
    changes := changes || timeline_remap(array(select project_uuid from unnest(changes) where setting = 'mapped'));
  end if;
  with item as materialized (
    select * from json_to_recordset(rows) as item(
      incident_key uuid, incident_time text, event_id uuid, project_uuid uuid, incident_id text, incident_order text,
      own_kind smallint, word text, status text, received_at text, position numeric, source text, key_id uuid,
      monitor_id text, monitor_name text, repo_uuid uuid, message text, local_time text, timezone text)
  ), used as (
    insert into key_usage as known (key_id, last_used_at)
    select key_id, max(received_at collate "C") from item where key_id is not null group by key_id
    on conflict (key_id) do update set last_used_at = greatest(known.last_used_at, excluded.last_used_at)
  ), given as (
    select distinct on (incident_key, incident_time collate "C", event_id) item.*,
      coalesce((select m.kind from status_mappings m where m.project_uuid = item.project_uuid and m.word = item.word),
               own_kind) as kind
    from item
    order by incident_key, incident_time collate "C", event_id, received_at collate "C", position
  ), stored as (
    insert into signals as known (incident_key, incident_time, event_id, kind, own_kind, word, status, received_at,
      position, source, monitor_id, monitor_name, repo_uuid, message, local_time, timezone)
    select incident_key, incident_time, event_id, kind, own_kind, word, status, received_at,
      position, source, monitor_id, monitor_name, repo_uuid, message, local_time, timezone
    from given
    on conflict (incident_key, incident_time, event_id) do update
      set received_at = excluded.received_at, position = excluded.position, source = excluded.source
      where (excluded.received_at, excluded.position) < (known.received_at, known.position)
    returning known.*, xmax = 0 as is_new
  ), record as (
    -- The webhook last received of each record, with the first one's id and times beside it.
    select r.*, nullif(r.said_monitor_id, '') as monitor_id, nullif(r.said_monitor_name, '') as monitor_name
    from (
      select incident_key, kind, incident_time, event_id as last_event_id, received_at as last_received_at,
        monitor_id as said_monitor_id, monitor_name as said_monitor_name, repo_uuid,
        first_value(event_id) over receipts as event_id,
        first_value(position) over receipts as position,
        first_value(received_at) over receipts as first_received_at,
        count(*) over receipts as webhooks,
        lead(event_id) over receipts is null as is_last
      from stored where is_new
      window receipts as (partition by incident_key, kind, incident_time order by received_at, event_id)
    ) r
    where r.is_last
  ), compared as (
    select record.*, known.at, known.effective_time,
      is_later and (known.monitor_id, known.monitor_name, known.repo_uuid)
        is distinct from (record.monitor_id, record.monitor_name, record.repo_uuid) as renamed,
      is_earlier, is_later
    from record left join lateral (
      select r.*, r.ctid as at, (record.first_received_at, record.event_id) < (r.first_received_at, r.event_id) as is_earlier,
        (record.last_received_at, record.last_event_id) > (r.last_received_at, r.last_event_id) as is_later
      from records r
      where r.incident_key = record.incident_key and r.kind = record.kind and r.incident_time = record.incident_time
      limit 1
    ) known on true
  ), inserted as (
    insert into records (incident_key, kind, incident_time, effective_time, event_id, position, first_received_at,
      last_event_id, last_received_at, webhooks, monitor_id, monitor_name, repo_uuid)
    select incident_key, kind, incident_time, incident_time, event_id, position, first_received_at,
      last_event_id, last_received_at, webhooks, monitor_id, monitor_name, repo_uuid
    from compared where at is null
  ), updated as (
    update records r set
      event_id = case when c.is_earlier then c.event_id else r.event_id end,
      position = case when c.is_earlier then c.position else r.position end,
      first_received_at = case when c.is_earlier then c.first_received_at else r.first_received_at end,
      last_event_id = case when c.is_later then c.last_event_id else r.last_event_id end,
      last_received_at = case when c.is_later then c.last_received_at else r.last_received_at end,
      webhooks = r.webhooks + c.webhooks,
      monitor_id = case when c.is_later then c.monitor_id else r.monitor_id end,
      monitor_name = case when c.is_later then c.monitor_name else r.monitor_name end,
      repo_uuid = case when c.is_later then c.repo_uuid else r.repo_uuid end
    from compared c
    where r.ctid = c.at
  ), named as (
    select distinct on (incident_key) incident_key, project_uuid, incident_id,
      coalesce(decode(incident_order, 'hex'), convert_to(incident_id, 'UTF8')) as incident_order
    from given order by incident_key
  )
  select
    (select array_agg(row(n.project_uuid, c.incident_key, n.incident_id, n.incident_order, c.kind, c.incident_time,
       c.effective_time, coalesce(c.effective_time, c.incident_time), c.webhooks, coalesce(c.renamed, false), 0,
       null)::change)
     from compared c join named n using (incident_key)),
    (select array_agg(distinct row(n.project_uuid, s.incident_key, s.kind, s.incident_time)::record_key)
     from stored s join named n using (incident_key) where not s.is_new)
  into made, repeated;

  derived := timeline_rederive(repeated);
  changes := changes || made || derived;
  moved := timeline_echoes(changes);
  if cardinality(derived) = 0 and cardinality(moved) = 0 and not was_remapped then
    return changes;
  end if;
  return timeline_merge(changes || moved);
end $$;

-- A project's status mappings changed: its signals get the kinds that the words have now.
create or replace function timeline_remap(projects uuid[]) returns change[]
language plpgsql as $$
declare
  touched record_key[];
begin
  if cardinality(projects) = 0 then
    return '{}';
  end if;
  with due as (
    select i.project_uuid, s.incident_key, s.incident_time, s.kind, s.new_kind, s.at
    from (select distinct project_uuid from unnest(projects) as project_uuid) project
    cross join lateral (
      select i.project_uuid, i.incident_key from incidents i where i.project_uuid = project.project_uuid offset 0
    ) i
    cross join lateral (
      select s.*, s.ctid as at, coalesce(
        (select m.kind from status_mappings m where m.project_uuid = i.project_uuid and m.word = s.word),
        s.own_kind) as new_kind
      from signals s where s.incident_key = i.incident_key and s.word is not null offset 0
    ) s
    where s.kind <> s.new_kind
  ), updated as (
    update signals s set kind = due.new_kind from due where s.ctid = due.at
  )
  select array_agg(distinct row(due.project_uuid, due.incident_key, either.kind, due.incident_time)::record_key)
  from due cross join lateral (values (due.kind), (due.new_kind)) as either(kind)
  into touched;
  return timeline_rederive(touched);
end $$;

-- Works records out again from all their signals: where a kind or a receive time of a known signal has changed.
create or replace function timeline_rederive(keys record_key[]) returns change[]
language plpgsql as $$
declare
  changes change[] := '{}';
  key record_key;
  known records;
  was_known boolean;
  again records;
begin
  foreach key in array coalesce(keys, '{}') loop
    select * into known from records r
    where r.incident_key = key.incident_key and r.kind = (select key.kind) and r.incident_time = key.incident_time;
    was_known := found;
    select s.incident_key, s.kind, s.incident_time, coalesce(known.effective_time, s.incident_time),
      coalesce(known.echo, false), first.event_id, first.position, first.received_at, s.event_id, s.received_at,
      count(*) over (), nullif(s.monitor_id, ''), nullif(s.monitor_name, ''), s.repo_uuid
    into again
    from signals s cross join lateral (
      select f.event_id, f.position, f.received_at from signals f
      where f.incident_key = s.incident_key and f.incident_time = s.incident_time and f.kind = s.kind
      order by f.received_at, f.event_id limit 1
    ) first
    where s.incident_key = key.incident_key and s.incident_time = key.incident_time and s.kind = key.kind
    order by s.received_at desc, s.event_id desc limit 1;
    if was_known then
      delete from records r
      where r.incident_key = key.incident_key and r.kind = (select key.kind) and r.incident_time = key.incident_time;
    end if;
    if again.webhooks is not null then
      insert into records select again.*;
    end if;
    changes := changes || row(key.project_uuid, key.incident_key, null, null, key.kind, key.incident_time,
      known.effective_time, again.effective_time, coalesce(again.webhooks, 0) - coalesce(known.webhooks, 0),
      was_known and again.webhooks is not null and (known.monitor_id, known.monitor_name, known.repo_uuid)
        is distinct from (again.monitor_id, again.monitor_name, again.repo_uuid), 0, null)::change;
  end loop;
  return changes;
end $$;

-- Rule 5, wherever a RECOVERY or the ALERT with its incident_time has changed.
create or replace function timeline_echoes(changes change[]) returns change[]
language plpgsql as $$
declare
  moved change[];
begin
  with due as (
    select c.project_uuid, r.incident_key, r.incident_time, r.effective_time, r.at, r.echo, now.echo as is_echo,
      case when now.echo
        then instant_text(instant_ns(r.incident_time) + instant_ns(r.first_received_at)
                          - instant_ns(now.alert_received_at))
        else r.incident_time
      end as effective_now
    from (
      select distinct project_uuid, incident_key, incident_time from unnest(changes) where kind < 2
    ) c cross join lateral (
      select r.*, r.ctid as at from records r
      where r.incident_key = c.incident_key and r.kind = (select 1::smallint) and r.incident_time = c.incident_time limit 1
    ) r cross join lateral (
      select coalesce(max(a.first_received_at) < r.first_received_at, false) as echo,
        max(a.first_received_at) as alert_received_at
      from records a
      where a.incident_key = c.incident_key and a.kind = 0 and a.incident_time = c.incident_time
    ) now
  ), changed as (
    select * from due where effective_now <> effective_time or echo <> is_echo
  ), updated as (
    update records r set effective_time = changed.effective_now, echo = changed.is_echo
    from changed where r.ctid = changed.at
  )
  select array_agg(row(project_uuid, incident_key, null, null, 1, incident_time, effective_time, effective_now, 0,
    false, 0, null)::change) from changed into moved;
  return coalesce(moved, '{}');
end $$;

-- Nanoseconds since 1970 of an instant's text, and back; kept within the years 0001 to 9999.
create or replace function instant_ns(instant text) returns numeric
language sql stable parallel safe as $$
  select extract(epoch from substr(instant, 1, 19)::timestamp)::numeric * 1000000000 + substr(instant, 21, 9)::numeric
$$;

create or replace function instant_text(ns numeric) returns text
language sql stable parallel safe as $$
  select to_char(timestamp 'epoch' + floor(kept / 1000000000)::float8 * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS')
    || '.' || lpad((kept - floor(kept / 1000000000) * 1000000000)::bigint::text, 9, '0') || 'Z'
  from (select least(greatest(ns, -62135596800000000000), 253402300799999999999) as kept) as bounds
$$;

-- At most one change for each record.
create or replace function timeline_merge(changes change[]) returns change[]
language sql stable as $$
  select array_agg(merged) from (
    select case when count(*) = 1 then (array_agg(row(c.project_uuid, c.incident_key, c.incident_id, c.incident_order,
      c.kind, c.incident_time, c.effective_before, c.effective_after, c.webhooks, c.renamed, c.outages,
      c.setting)::change))[1]
    else row((array_agg(c.project_uuid))[1], c.incident_key, max(c.incident_id),
      (array_agg(c.incident_order) filter (where c.incident_order is not null))[1], c.kind, c.incident_time,
      (array_agg(c.effective_before order by c.place))[1], (array_agg(c.effective_after order by c.place desc))[1],
      sum(c.webhooks), bool_or(c.renamed) or bool_or(c.effective_after is null), 0, null)::change
    end as merged
    from unnest(changes) with ordinality as c(project_uuid, incident_key, incident_id, incident_order, kind,
      incident_time, effective_before, effective_after, webhooks, renamed, outages, setting, place)
    where c.incident_key is not null
    group by c.incident_key, c.kind, c.incident_time
    union all
    select c from unnest(changes) as c where c.incident_key is null
  ) all_merged
$$;
