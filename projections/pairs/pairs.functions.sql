-- How changed records reach the outages and orphans tables (rules 1 to 4 of src/domain/pairing.ts). An outage is a
-- function of its gap alone, so only the gaps that a change lies in or bounds are worked out again.

create or replace function pairs_apply(rows json, changes change[]) returns change[]
language plpgsql as $$
declare
  appended change[];
  others change[];
  undone gap[] := '{}';
  due rematch[] := '{}';
begin
  select p.appended, p.others into appended, others from pairs_part(changes) p;
  if cardinality(appended) > 0 then
    changes := changes || pairs_append(appended);
  end if;
  if cardinality(others) = 0 then
    return changes;
  end if;
  if exists (select from orphans) or pairs_have_orphans(others) then
    -- Worked out on the old matches; those that may not hold any more are then undone, before any gap is looked at.
    select o.undone, o.due into undone, due from pairs_move_orphans(others) o;
    due := pairs_earliest(due || pairs_changed_tails(others));
    undone := undone || pairs_undo(due);
  end if;
  changes := changes || pairs_of_gaps(pairs_gaps(others, undone));
  return changes || pairs_rematch(due);
end $$;

create or replace function pairs_have_orphans(changes change[]) returns boolean
language sql stable as $$
  select exists (
    select from unnest(changes) c where c.kind = 1 and not exists (
      select from records r where r.incident_key = c.incident_key and r.kind = 0))
$$;

-- The gaps that changed records lie in or bound, and those that matches which were undone bounded.
create or replace function pairs_gaps(changes change[], undone gap[]) returns gap[]
language sql stable as $$
  select coalesce(array_agg(gap), '{}') from (
    select row((array_agg(project_uuid))[1], incident_key,
      (array_agg(incident_order) filter (where incident_order is not null))[1],
      ended_at, sum(alerts), min(changed_from collate "C"), bool_or(renamed))::gap as gap
    from (
      select c.project_uuid, c.incident_key, c.incident_order, pairs_boundary_from(c.incident_key, c.incident_time)
        as ended_at, (c.effective_before is null)::integer - (c.effective_after is null)::integer as alerts,
        c.incident_time as changed_from, c.renamed or c.effective_after is null as renamed
      from unnest(changes) c where c.kind = 0
      union all
      select c.project_uuid, c.incident_key, c.incident_order, ended.at, 0, null, false
      from unnest(changes) c
      cross join lateral (
        select c.effective_before as at where c.effective_before is not null
        union all
        select pairs_boundary_after(c.incident_key, c.effective_before) where c.effective_before is not null
        union all
        select c.effective_after where c.effective_after is distinct from c.effective_before
        union all
        select pairs_boundary_after(c.incident_key, c.effective_after)
        where c.effective_after is distinct from c.effective_before
      ) ended
      where c.kind = 1 and ended.at is not null
      union all
      select u.project_uuid, u.incident_key, u.incident_order, ended.at, 0, null, false
      from unnest(undone) u
      cross join lateral (
        values (u.ended_at), (pairs_boundary_after(u.incident_key, u.ended_at))
      ) as ended(at)
    ) touched
    group by incident_key, ended_at
  ) gaps
$$;

-- The first own RECOVERY or matched orphan of an incident at or after a time; 'infinity' where there is none.
create or replace function pairs_boundary_from(key uuid, since text) returns text
language sql stable as $$
  select least(
    (select r.effective_time from records r where r.incident_key = key and r.kind = 1 and r.effective_time >= since
     order by r.effective_time limit 1),
    (select o.incident_time from orphans o where o.matched_incident_key = key and o.incident_time >= since
     order by o.incident_time limit 1),
    'infinity' collate "C")
$$;

create or replace function pairs_boundary_after(key uuid, since text) returns text
language sql stable as $$
  select least(
    (select r.effective_time from records r where r.incident_key = key and r.kind = 1 and r.effective_time > since
     order by r.effective_time limit 1),
    (select o.incident_time from orphans o where o.matched_incident_key = key and o.incident_time > since
     order by o.incident_time limit 1),
    'infinity' collate "C")
$$;

-- Works the outages of gaps out again. Answers how many outages more or less each incident has.
create or replace function pairs_of_gaps(gaps gap[]) returns change[]
language plpgsql as $$
declare
  made change[];
begin
  with bounded as materialized (
    select g.*, begun.after, own.event_id as own_event_id, own.echo, orphan.event_id as orphan_event_id,
      orphan.matched_by, boundary.is_boundary,
      (select o.ctid from outages o where o.incident_key = g.incident_key and o.ended_at = g.ended_at) as at
    from unnest(gaps) g
    cross join lateral (
      select greatest(
        (select r.effective_time from records r
         where r.incident_key = g.incident_key and r.kind = 1 and r.effective_time < g.ended_at
         order by r.effective_time desc limit 1),
        (select o.incident_time from orphans o
         where o.matched_incident_key = g.incident_key and o.incident_time < g.ended_at
         order by o.incident_time desc limit 1),
        '' collate "C") as after
      offset 0
    ) begun
    left join lateral (
      select r.event_id, r.echo from records r
      where r.incident_key = g.incident_key and r.kind = 1 and r.effective_time = g.ended_at
      order by r.incident_time limit 1
    ) own on true
    left join lateral (
      select o.event_id, o.matched_by from orphans o
      where o.matched_incident_key = g.incident_key and o.incident_time = g.ended_at limit 1
    ) orphan on own.event_id is null
    cross join lateral (
      select g.ended_at = 'infinity' or own.event_id is not null or orphan.event_id is not null as is_boundary
    ) boundary
  ), spanned as materialized (
    select b.*, first.incident_time as first_alert_at, latest.incident_time as latest_alert_at,
      latest.event_id as alert_event_id, latest.monitor_id, latest.monitor_name, latest.repo_uuid,
      before.alerts as alerts_before, before.incident_order as order_before,
      case when since.appended then before.monitor_id end as monitor_id_before,
      case when since.appended then before.monitor_name end as monitor_name_before,
      case when since.appended then before.repo_uuid end as repo_uuid_before,
      -- Where to look for a name that the latest ALERT does not give: among the batch's ALERTs where no other can give
      -- it, else in the whole gap, which is open at its start (no instant is between a text and the text with a blank).
      case when since.appended or since.kept and before.monitor_id is null then b.changed_from
        else b.after || ' ' end as monitor_id_since,
      case when since.appended or since.kept and before.monitor_name is null then b.changed_from
        else b.after || ' ' end as monitor_name_since,
      case when since.appended or since.kept and before.repo_uuid is null then b.changed_from
        else b.after || ' ' end as repo_uuid_since
    from bounded b
    left join lateral (
      select r.incident_time from records r
      where r.incident_key = b.incident_key and r.kind = 0 and r.incident_time > b.after
        and r.incident_time <= b.ended_at
      order by r.incident_time limit 1
    ) first on b.is_boundary
    left join lateral (
      select r.* from records r
      where r.incident_key = b.incident_key and r.kind = 0 and r.incident_time > b.after
        and r.incident_time <= b.ended_at
      order by r.incident_time desc limit 1
    ) latest on b.is_boundary
    -- The outage that began where this gap begins, where it had the same ALERTs but for the batch's.
    left join lateral (
      select o.* from outages o
      where o.incident_key = b.incident_key and o.ended_at > b.after
      order by o.ended_at limit 1
    ) before on before.started_after = b.after and before.latest_alert_at <= b.ended_at
      and before.ended_at >= b.ended_at
    cross join lateral (
      select before.alerts is not null and not b.renamed as kept, before.alerts is not null and not b.renamed
        and coalesce(b.changed_from > before.latest_alert_at, true) as appended
    ) since
  ), outage as materialized (
    select s.*, s.latest_alert_at is not null as exists_now,
      case when s.latest_alert_at is null then 0
        when s.alerts_before is not null then s.alerts_before + s.alerts
        else (select count(*) from records r where r.incident_key = s.incident_key and r.kind = 0
                and r.incident_time > s.after and r.incident_time <= s.ended_at)
      end as alerts_now,
      coalesce(s.monitor_id, pairs_monitor_id(s.incident_key, s.monitor_id_since, s.latest_alert_at),
        s.monitor_id_before) as monitor_id_now,
      coalesce(s.monitor_name, pairs_monitor_name(s.incident_key, s.monitor_name_since, s.latest_alert_at),
        s.monitor_name_before) as monitor_name_now,
      coalesce(s.repo_uuid, pairs_repo_uuid(s.incident_key, s.repo_uuid_since, s.latest_alert_at),
        s.repo_uuid_before) as repo_uuid_now
    from spanned s
  ), deleted as (
    delete from outages o using outage n where o.ctid = n.at and not n.exists_now
  ), stored as (
    insert into outages as known (incident_key, ended_at, project_uuid, incident_order, started_after, first_alert_at,
      latest_alert_at, alerts, alert_event_id, monitor_id, monitor_name, repo_uuid, recovered_at, recovery_event_id,
      matched_by, recovered_at_basis, recovery_seconds, outage_seconds)
    select incident_key, ended_at, project_uuid,
      coalesce(incident_order, order_before,
        (select i.incident_order from incidents i where i.incident_key = outage.incident_key)),
      after, first_alert_at, latest_alert_at, alerts_now, alert_event_id, monitor_id_now, monitor_name_now,
      repo_uuid_now, recovery.at, coalesce(own_event_id, orphan_event_id),
      case when own_event_id is not null then 'incident_id' else matched_by end,
      case when recovery.at is null then null when echo then 'received' else 'incident_time' end,
      seconds_between(latest_alert_at, recovery.at), seconds_between(first_alert_at, recovery.at)
    from outage cross join lateral (select nullif(ended_at, 'infinity') as at) recovery
    where exists_now
    on conflict (incident_key, ended_at) do update set started_after = excluded.started_after,
      first_alert_at = excluded.first_alert_at, latest_alert_at = excluded.latest_alert_at, alerts = excluded.alerts,
      alert_event_id = excluded.alert_event_id, monitor_id = excluded.monitor_id,
      monitor_name = excluded.monitor_name, repo_uuid = excluded.repo_uuid,
      recovery_event_id = excluded.recovery_event_id, matched_by = excluded.matched_by,
      recovered_at_basis = excluded.recovered_at_basis, recovery_seconds = excluded.recovery_seconds,
      outage_seconds = excluded.outage_seconds
  )
  select array_agg(row(project_uuid, incident_key, null, null, null, null, null, null, 0, false, delta, null)::change)
  from (
    select project_uuid, incident_key, sum(exists_now::integer - (at is not null)::integer) as delta
    from outage group by project_uuid, incident_key
  ) counted
  into made;
  return coalesce(made, '{}');
end $$;

-- The latest name among an incident's ALERTs from one time up to another; none where a time is null.
create or replace function pairs_monitor_id(key uuid, since text, until text) returns text
language sql stable strict as $$
  select r.monitor_id from records r where r.incident_key = key and r.kind = 0 and r.incident_time >= since
    and r.incident_time <= until and r.monitor_id is not null order by r.incident_time desc limit 1
$$;

create or replace function pairs_monitor_name(key uuid, since text, until text) returns text
language sql stable strict as $$
  select r.monitor_name from records r where r.incident_key = key and r.kind = 0 and r.incident_time >= since
    and r.incident_time <= until and r.monitor_name is not null order by r.incident_time desc limit 1
$$;

create or replace function pairs_repo_uuid(key uuid, since text, until text) returns uuid
language sql stable strict as $$
  select r.repo_uuid from records r where r.incident_key = key and r.kind = 0 and r.incident_time >= since
    and r.incident_time <= until and r.repo_uuid is not null order by r.incident_time desc limit 1
$$;

-- Exact to the nanosecond as far as a double can hold it. A bigint holds 292 years of nanoseconds.
create or replace function seconds_between(earlier text, later text) returns double precision
language sql stable parallel safe as $$
  select case
    when substr(later, 1, 4)::integer - substr(earlier, 1, 4)::integer < 290 then
      ((date_part('epoch', substr(later, 1, 19)::timestamp) - date_part('epoch', substr(earlier, 1, 19)::timestamp))::bigint
        * 1000000000 + substr(later, 21, 9)::integer - substr(earlier, 21, 9)::integer)::float8 / 1e9::float8
    else (instant_ns(later) - instant_ns(earlier))::float8 / 1e9::float8
  end
$$;
