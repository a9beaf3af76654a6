-- The short way for what comes in order. Where all that an incident gets lies after all that it had, its outages follow
-- from the batch and the open outage alone. Everything else goes the long way (pairs_of_gaps), to the same rows.

-- Parts a batch's changes. The short way is for new records only, later than all others, of an incident that is no
-- orphan's, with no orphan of the project at or after them and no match that a new RECOVERY would undo.
create or replace function pairs_part(changes change[], out appended change[], out others change[])
language plpgsql stable as $$
declare
  has_orphans boolean := exists (select from orphans);
begin
  select array_agg(c) filter (where part.is_appended), array_agg(c) filter (where not part.is_appended)
  into appended, others
  from (
    select t.changes, coalesce(t.is_new
      and (i.last_time is null or t.earliest > i.last_time and (i.alerts > 0 or i.recoveries = 0))
      and (t.has_alert or i.alerts > 0 or not t.has_recovery)
      and (not has_orphans
        or not exists (select from orphans o where o.project_uuid = t.project_uuid and o.incident_time >= t.earliest)
          and not (t.has_recovery and exists (select from orphans o where o.matched_incident_key = t.incident_key))),
      false) as is_appended
    from (
      select c.incident_key, array_agg(c) as changes, (array_agg(c.project_uuid))[1] as project_uuid,
        coalesce(bool_and(c.effective_before is null and c.effective_after < '9999'), false) as is_new,
        bool_or(c.kind = 0) as has_alert, bool_or(c.kind = 1) as has_recovery,
        min(c.effective_after collate "C") as earliest
      from unnest(changes) c
      group by c.incident_key
      offset 0
    ) t
    left join lateral (
      select i.last_time, i.alerts, i.recoveries from incidents i where i.incident_key = t.incident_key limit 1
    ) i on true
    offset 0
  ) part cross join lateral unnest(part.changes) c;
  appended := coalesce(appended, '{}');
  others := coalesce(others, '{}');
end $$;

-- Applies such changes. Answers as pairs_of_gaps.
create or replace function pairs_append(changes change[]) returns change[]
language plpgsql as $$
declare
  made change[];
begin
  with said as materialized (
    select c.project_uuid, c.incident_key, c.incident_order, c.kind, c.effective_after as time,
      c.effective_after <> c.incident_time as echo, r.event_id, r.monitor_id, r.monitor_name, r.repo_uuid,
      -- The RECOVERYs before it in the batch.
      coalesce(sum(c.kind) over (partition by c.incident_key
        order by c.effective_after collate "C", c.kind, c.incident_time collate "C"
        rows between unbounded preceding and 1 preceding), 0) as cycle
    from unnest(changes) c cross join lateral (
      select r.* from records r
      where r.incident_key = c.incident_key and r.kind = c.kind and r.incident_time = c.incident_time limit 1
    ) r
    where c.kind < 2
  ), cycle as materialized (
    select s.*, lag(s.recovered_at) over (partition by s.incident_key order by s.cycle) as recovered_before
    from (
      select incident_key, cycle, (array_agg(project_uuid))[1] as project_uuid,
        (array_agg(incident_order) filter (where incident_order is not null))[1] as incident_order,
        min(time collate "C") filter (where kind = 0) as first_alert_at,
        max(time collate "C") filter (where kind = 0) as latest_alert_at,
        count(*) filter (where kind = 0) as alerts,
        (array_agg(event_id order by time collate "C" desc) filter (where kind = 0))[1] as alert_event_id,
        (array_agg(monitor_id order by time collate "C" desc)
          filter (where kind = 0 and monitor_id is not null))[1] as monitor_id,
        (array_agg(monitor_name order by time collate "C" desc)
          filter (where kind = 0 and monitor_name is not null))[1] as monitor_name,
        (array_agg(repo_uuid order by time collate "C" desc)
          filter (where kind = 0 and repo_uuid is not null))[1] as repo_uuid,
        max(time collate "C") filter (where kind = 1) as recovered_at,
        (array_agg(event_id) filter (where kind = 1))[1] as recovery_event_id,
        coalesce(bool_or(echo), false) as echo
      from said group by incident_key, cycle
    ) s
  ), outage as materialized (
    select c.incident_key, c.project_uuid, c.recovered_at, c.recovery_event_id, c.echo, o.at,
      coalesce(o.incident_order, c.incident_order) as incident_order,
      case when c.cycle > 0 then c.recovered_before else coalesce(o.started_after, begun.after) end as started_after,
      coalesce(o.first_alert_at, c.first_alert_at) as first_alert_at,
      coalesce(c.latest_alert_at, o.latest_alert_at) as latest_alert_at,
      coalesce(o.alerts, 0) + c.alerts as alerts,
      coalesce(c.alert_event_id, o.alert_event_id) as alert_event_id,
      coalesce(c.monitor_id, o.monitor_id) as monitor_id,
      coalesce(c.monitor_name, o.monitor_name) as monitor_name,
      coalesce(c.repo_uuid, o.repo_uuid) as repo_uuid
    from cycle c
    left join lateral (
      select o.*, o.ctid as at from outages o
      where c.cycle = 0 and o.incident_key = c.incident_key and o.ended_at = 'infinity' limit 1
    ) o on true
    left join lateral (
      select greatest(
        (select r.effective_time from records r
         where r.incident_key = c.incident_key and r.kind = 1 and r.effective_time < c.first_alert_at
         order by r.effective_time desc limit 1),
        (select m.incident_time from orphans m
         where m.matched_incident_key = c.incident_key and m.incident_time < c.first_alert_at
         order by m.incident_time desc limit 1),
        '' collate "C") as after
      where c.cycle = 0 and o.at is null and c.alerts > 0
      offset 0
    ) begun on true
    where c.alerts > 0 or o.at is not null
  ), placed as materialized (
    -- The row of the open outage stays for the incident's last one, where that is open too.
    select n.*, bool_or(n.recovered_at is null) over (partition by n.incident_key) as stays_open,
      coalesce(n.at, was.at) as row_at
    from outage n left join lateral (
      select o.ctid as at from outages o where n.at is null and n.recovered_at is null
        and o.incident_key = n.incident_key and o.ended_at = 'infinity' limit 1
    ) was on true
  ), updated as (
    update outages o set started_after = n.started_after, first_alert_at = n.first_alert_at,
      latest_alert_at = n.latest_alert_at, alerts = n.alerts, alert_event_id = n.alert_event_id,
      monitor_id = n.monitor_id, monitor_name = n.monitor_name, repo_uuid = n.repo_uuid
    from placed n where o.ctid = n.row_at and n.recovered_at is null
  ), deleted as (
    delete from outages o using placed n where o.ctid = n.at and not n.stays_open
  ), inserted as (
    insert into outages (incident_key, ended_at, project_uuid, incident_order, started_after, first_alert_at,
      latest_alert_at, alerts, alert_event_id, monitor_id, monitor_name, repo_uuid, recovered_at, recovery_event_id,
      matched_by, recovered_at_basis, recovery_seconds, outage_seconds)
    select incident_key, coalesce(recovered_at, 'infinity'), project_uuid, incident_order,
      started_after, first_alert_at, latest_alert_at, alerts, alert_event_id, monitor_id, monitor_name, repo_uuid,
      recovered_at, recovery_event_id, case when recovered_at is not null then 'incident_id' end,
      case when recovered_at is null then null when echo then 'received' else 'incident_time' end,
      seconds_between(latest_alert_at, recovered_at), seconds_between(first_alert_at, recovered_at)
    from placed where recovered_at is not null or row_at is null
  )
  select array_agg(row(project_uuid, incident_key, null, null, null, null, null, null, 0, false, delta, null)::change)
  from (
    select project_uuid, incident_key, count(*) - count(at) as delta from outage group by project_uuid, incident_key
  ) counted
  into made;
  return coalesce(made, '{}');
end $$;
