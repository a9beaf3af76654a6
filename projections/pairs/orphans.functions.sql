-- Rule 4: which RECOVERYs are orphans, and which open outages they end.

-- Brings the orphans table up to date with changed records. Answers the matches that are gone with their orphans, and
-- from when on each project's orphans have to be matched again.
create or replace function pairs_move_orphans(changes change[], out undone gap[], out due rematch[])
language plpgsql as $$
declare
  more rematch[];
begin
  -- The orphans of an incident that has ALERTs now, and those whose record is gone.
  with touched as (
    select c.incident_key, bool_or(c.kind = 0) as alerts_changed from unnest(changes) c where c.kind < 2
    group by c.incident_key
  ), gone as (
    select o.at from touched t cross join lateral (
      select o.ctid as at from orphans o where o.incident_key = t.incident_key offset 0
    ) o
    where t.alerts_changed and exists (select from records r where r.incident_key = t.incident_key and r.kind = 0)
    union
    select o.ctid from unnest(changes) c cross join lateral (
      select o.ctid from orphans o where o.incident_key = c.incident_key and o.incident_time = c.incident_time limit 1
    ) o
    where c.kind = 1 and c.effective_after is null
  ), deleted as (
    delete from orphans o using gone where o.ctid = gone.at returning o.*
  )
  select array_agg(row(d.project_uuid, d.matched_incident_key, null, d.incident_time, 0, null, false)::gap),
    array_agg(row(d.project_uuid, d.incident_time)::rematch)
  from deleted d where d.matched_incident_key is not null
  into undone, due;

  with lone as (
    select c.incident_key, (array_agg(c.project_uuid))[1] as project_uuid,
      (array_agg(c.incident_order) filter (where c.incident_order is not null))[1] as incident_order,
      bool_or(c.kind = 0) as alerts_changed
    from unnest(changes) c where c.kind < 2
      and not exists (select from records r where r.incident_key = c.incident_key and r.kind = 0)
    group by c.incident_key
  ), due_now as (
    -- Every RECOVERY of an incident that lost its last ALERT, else those that changed.
    select l.project_uuid, l.incident_key, l.incident_order, r.incident_time, r.event_id, r.monitor_id
    from lone l cross join lateral (
      select r.* from records r where r.incident_key = l.incident_key and r.kind = 1 offset 0
    ) r where l.alerts_changed
    union
    select c.project_uuid, c.incident_key, c.incident_order, r.incident_time, r.event_id, r.monitor_id
    from unnest(changes) c cross join lateral (
      select r.* from records r
      where r.incident_key = c.incident_key and r.kind = (select 1::smallint) and r.incident_time = c.incident_time limit 1
    ) r
    where c.kind = 1 and c.effective_after is not null
      and not exists (select from records a where a.incident_key = c.incident_key and a.kind = 0)
  ), stored as (
    insert into orphans as known (incident_key, incident_time, project_uuid, incident_order, event_id, monitor_id)
    select distinct on (incident_key, incident_time) incident_key, incident_time, project_uuid,
      coalesce(incident_order, (select i.incident_order from incidents i where i.incident_key = due_now.incident_key)),
      event_id, monitor_id
    from due_now
    order by incident_key, incident_time, incident_order
    on conflict (incident_key, incident_time) do update
      set event_id = excluded.event_id, monitor_id = excluded.monitor_id
      where (known.event_id, known.monitor_id) is distinct from (excluded.event_id, excluded.monitor_id)
    returning known.project_uuid, known.incident_time
  )
  select array_agg(row(project_uuid, incident_time)::rematch) from stored into more;

  due := coalesce(due, '{}') || more
    || array(select row(c.project_uuid, '')::rematch from unnest(changes) c where c.setting = 'matching');
  undone := coalesce(undone, '{}');
end $$;

-- From when on changes to incidents with ALERTs may change what orphans match: an ALERT counts where no own RECOVERY
-- follows it, a RECOVERY where an orphan had matched in its incident, or where ALERTs are open behind the last one: they
-- are an outage of their own then, which may be named otherwise than with what was before.
create or replace function pairs_changed_tails(changes change[]) returns rematch[]
language sql stable as $$
  select coalesce(array_agg(row(tail.project_uuid, tail.since)::rematch), '{}') from (
    select c.project_uuid, c.incident_time as since
    from unnest(changes) c
    where c.kind = 0 and (c.effective_before is null or c.effective_after is null or c.renamed)
      and not exists (select from records r where r.incident_key = c.incident_key and r.kind = 1
                        and r.effective_time >= c.incident_time)
    union all
    select c.project_uuid, (select min(o.incident_time) from orphans o where o.matched_incident_key = c.incident_key)
    from unnest(changes) c where c.kind = 1
    union all
    select c.project_uuid, (
      select r.incident_time from records r
      where r.incident_key = c.incident_key and r.kind = 0 and r.incident_time > coalesce(
        (select max(last.effective_time) from records last where last.incident_key = c.incident_key and last.kind = 1),
        '')
      order by r.incident_time limit 1)
    from unnest(changes) c
    where c.kind = 1 and c.effective_after is distinct from c.effective_before
  ) tail
  where tail.since is not null
$$;

-- One for each project that has orphans then.
create or replace function pairs_earliest(due rematch[]) returns rematch[]
language sql stable as $$
  select coalesce(array_agg(row(project_uuid, since)::rematch), '{}') from (
    select d.project_uuid, min(d.since collate "C") as since from unnest(due) d group by d.project_uuid
  ) earliest
  where exists (select from orphans o where o.project_uuid = earliest.project_uuid
                  and o.incident_time >= earliest.since)
$$;

-- Undoes the projects' matches from these times on; answers the gaps that they ended.
create or replace function pairs_undo(due rematch[]) returns gap[]
language plpgsql as $$
declare
  undone gap[];
begin
  with matched as (
    select o.* from unnest(due) d cross join lateral (
      select o.ctid as at, o.project_uuid, o.matched_incident_key, o.incident_time from orphans o
      where o.project_uuid = d.project_uuid and o.incident_time >= d.since and o.matched_incident_key is not null
      offset 0
    ) o
  ), updated as (
    update orphans o set matched_incident_key = null, matched_by = null from matched where o.ctid = matched.at
  )
  select array_agg(row(project_uuid, matched_incident_key, null, incident_time, 0, null, false)::gap)
  from matched into undone;
  return coalesce(undone, '{}');
end $$;

-- Matches the projects' orphans from these times on, in time order. Answers as pairs_of_gaps.
create or replace function pairs_rematch(due rematch[]) returns change[]
language plpgsql as $$
declare
  changes change[] := '{}';
  start rematch;
  orphan orphans;
  reach text;
  found_key uuid;
  found_order bytea;
  found_by text;
begin
  foreach start in array due loop
    reach := coalesce((select p.matching from projects p where p.project_uuid = start.project_uuid), 'project');
    continue when reach = 'incident';
    for orphan in
      select * from orphans o where o.project_uuid = start.project_uuid and o.incident_time >= start.since
      order by o.incident_time, o.incident_order
    loop
      select c.incident_key, c.incident_order, c.matched_by into found_key, found_order, found_by
      from pairs_candidate(orphan, reach) c;
      continue when found_key is null;
      update orphans o set matched_incident_key = found_key, matched_by = found_by
      where o.incident_key = orphan.incident_key and o.incident_time = orphan.incident_time;
      changes := changes || pairs_of_gaps(array[
        row(start.project_uuid, found_key, found_order, orphan.incident_time, 0, null, false)::gap,
        row(start.project_uuid, found_key, found_order, 'infinity', 0, null, false)::gap]);
    end loop;
  end loop;
  return changes;
end $$;

-- The open outage that an orphan ends; null where there is none. Outages with ALERTs after the orphan are looked at
-- one by one, as they were at its time; of all others the indexes give the best.
create or replace function pairs_candidate(orphan orphans, reach text, out incident_key uuid, out incident_order bytea,
  out matched_by text)
language plpgsql stable as $$
begin
  select c.incident_key, c.incident_order, case when c.monitor_id = orphan.monitor_id then 'monitor_id' else 'project' end
  into incident_key, incident_order, matched_by
  from (
    select o.incident_key, latest.incident_time as latest_alert_at, o.incident_order,
      coalesce(latest.monitor_id, pairs_monitor_id(o.incident_key, o.started_after || ' ', latest.incident_time))
        as monitor_id
    from outages o cross join lateral (
      select r.incident_time, r.monitor_id from records r
      where r.incident_key = o.incident_key and r.kind = 0 and r.incident_time > o.started_after
        and r.incident_time <= orphan.incident_time
      order by r.incident_time desc limit 1
    ) latest
    where o.project_uuid = orphan.project_uuid and o.ended_at = 'infinity'
      and o.latest_alert_at > orphan.incident_time and o.first_alert_at <= orphan.incident_time
    union all
    (select o.incident_key, o.latest_alert_at, o.incident_order, o.monitor_id from outages o
     where o.project_uuid = orphan.project_uuid and o.ended_at = 'infinity'
       and coalesce(hashtextextended(o.monitor_id, 0), 0) = hashtextextended(orphan.monitor_id, 0)
       and o.monitor_id = orphan.monitor_id and o.latest_alert_at <= orphan.incident_time
     order by o.latest_alert_at desc, o.incident_order limit 1)
    union all
    (select o.incident_key, o.latest_alert_at, o.incident_order, o.monitor_id from outages o
     where reach = 'project' and o.project_uuid = orphan.project_uuid and o.ended_at = 'infinity'
       and coalesce(hashtextextended(o.monitor_id, 0), 0) = 0
       and o.monitor_id is null and o.latest_alert_at <= orphan.incident_time
     order by o.latest_alert_at desc, o.incident_order limit 1)
    union all
    (select o.incident_key, o.latest_alert_at, o.incident_order, o.monitor_id from outages o
     where reach = 'project' and orphan.monitor_id is null and o.project_uuid = orphan.project_uuid
       and o.ended_at = 'infinity' and o.latest_alert_at <= orphan.incident_time
     order by o.latest_alert_at desc, o.incident_order limit 1)
  ) c
  where c.monitor_id = orphan.monitor_id
    or reach = 'project' and (c.monitor_id is null or orphan.monitor_id is null)
  order by (c.monitor_id = orphan.monitor_id) is true desc, c.latest_alert_at collate "C" desc, c.incident_order
  limit 1;
end $$;
