-- How what the projections before it changed reaches the incidents table.

create or replace function incidents_apply(rows json, changes change[]) returns change[]
language plpgsql as $$
begin
  with touched as materialized (
    select incident_key,
      (array_agg(project_uuid))[1] as project_uuid,
      max(incident_id) as incident_id,
      (array_agg(incident_order) filter (where incident_order is not null))[1] as incident_order,
      sum(webhooks) as webhooks,
      sum(outages) as outages,
      coalesce(sum(records) filter (where kind = 0), 0) as alerts,
      coalesce(sum(records) filter (where kind = 1), 0) as recoveries,
      count(kind) as records,
      min(effective_after collate "C") as first_after,
      max(effective_after collate "C") as last_after,
      min(least(effective_before collate "C", effective_after collate "C")) as earliest,
      -- The latest record touched: effective_time, kind, incident_time.
      max((effective_after || kind || incident_time) collate "C") as latest,
      coalesce(bool_or(effective_before <> effective_after or effective_after is null) filter (where kind is not null),
               false) as moved,
      bool_or(renamed) as renamed,
      bool_or(effective_before is null and kind is not null) as grown
    from (
      select *, (effective_after is not null)::integer - (effective_before is not null)::integer as records
      from unnest(changes) where incident_key is not null
    ) change
    group by incident_key
  ), compared as materialized (
    select t.*, i.at, i.first_time, i.last_time, i.monitor_id, i.monitor_name, i.repo_uuid,
      coalesce(i.alerts, 0) + t.alerts as alerts_now,
      coalesce(i.recoveries, 0) + t.recoveries as recoveries_now,
      coalesce(i.outages, 0) + t.outages as outages_now,
      coalesce(i.webhooks, 0) + t.webhooks as webhooks_now,
      t.moved or t.renamed or t.grown as may_be_named_anew,
      -- Whether what was there before can still name the incident, and nothing earlier than the batch can anew.
      not (t.moved or t.renamed) and (i.at is null or t.earliest > i.last_time) as is_appended,
      exists (select from outages o where o.incident_key = t.incident_key and o.ended_at = 'infinity') as is_open
    from touched t left join lateral (
      select i.*, i.ctid as at from incidents i where i.incident_key = t.incident_key limit 1
    ) i on true
  ), now as materialized (
    select c.*,
      case when c.is_open then 'open' when c.outages_now > 0 then 'recovered'
           when c.alerts_now = 0 and c.recoveries_now > 0 then 'orphan' else 'unmapped' end as state_now,
      coalesce(bounds.first_time, least(c.first_time, c.first_after)) as first_now,
      coalesce(bounds.last_time, greatest(c.last_time, c.last_after)) as last_now,
      coalesce(latest.monitor_id, again.monitor_id, case when c.is_appended then c.monitor_id end) as monitor_id_now,
      coalesce(latest.monitor_name, again.monitor_name, case when c.is_appended then c.monitor_name end)
        as monitor_name_now,
      coalesce(latest.repo_uuid, again.repo_uuid, case when c.is_appended then c.repo_uuid end) as repo_uuid_now
    from compared c
    left join lateral (select * from incident_bounds(c.incident_key) where c.moved offset 0) bounds on true
    left join lateral (
      select r.monitor_id, r.monitor_name, r.repo_uuid from records r
      where r.incident_key = c.incident_key and r.kind = substr(c.latest, 31, 1)::smallint
        and r.incident_time = substr(c.latest, 32) and c.may_be_named_anew and c.is_appended
      limit 1
    ) latest on true
    left join lateral (
      select * from incident_names(c.incident_key,
        case when latest.monitor_id is not null then null
          when c.is_appended or not (c.moved or c.renamed) and c.monitor_id is null then c.earliest else '' end,
        case when latest.monitor_name is not null then null
          when c.is_appended or not (c.moved or c.renamed) and c.monitor_name is null then c.earliest else '' end,
        case when latest.repo_uuid is not null then null
          when c.is_appended or not (c.moved or c.renamed) and c.repo_uuid is null then c.earliest else '' end)
      where c.may_be_named_anew and not (c.is_appended and (c.records = 1
        or latest.monitor_id is not null and latest.monitor_name is not null and latest.repo_uuid is not null))
      offset 0
    ) again on true
  ), updated as (
    update incidents i set state = n.state_now, alerts = n.alerts_now, recoveries = n.recoveries_now,
      outages = n.outages_now, webhooks = n.webhooks_now, first_time = n.first_now, last_time = n.last_now,
      monitor_id = case when n.may_be_named_anew then n.monitor_id_now else i.monitor_id end,
      monitor_name = case when n.may_be_named_anew then n.monitor_name_now else i.monitor_name end,
      repo_uuid = case when n.may_be_named_anew then n.repo_uuid_now else i.repo_uuid end
    from now n where i.ctid = n.at
  )
  insert into incidents (incident_key, project_uuid, incident_id, incident_order, state, monitor_id, monitor_name,
    repo_uuid, first_time, last_time, alerts, recoveries, outages, webhooks)
  select incident_key, project_uuid, incident_id, incident_order, state_now, monitor_id_now, monitor_name_now,
    repo_uuid_now, first_now, last_now, alerts_now, recoveries_now, outages_now, webhooks_now
  from now where at is null;
  return changes;
end $$;

-- First and last effective time of an incident's records.
create or replace function incident_bounds(key uuid) returns table (first_time text, last_time text)
language sql stable as $$
  select min(r.first_time collate "C"), max(r.last_time collate "C") from (
    select min(incident_time) as first_time, max(incident_time) as last_time
    from records where incident_key = key and kind = 0
    union all
    select min(effective_time), max(effective_time) from records where incident_key = key and kind = 1
    union all
    select min(incident_time), max(incident_time) from records where incident_key = key and kind = 2
  ) r
$$;

-- The latest names that an incident's records give, each looked for no earlier than its `since`; not at all where that
-- is null.
create or replace function incident_names(key uuid, monitor_id_since text, monitor_name_since text,
  repo_uuid_since text) returns table (monitor_id text, monitor_name text, repo_uuid uuid)
language sql stable as $$
  select
    (select r.monitor_id from (
       (select * from records r where r.incident_key = key and r.kind = 0 and r.incident_time >= monitor_id_since
          and r.monitor_id is not null order by r.incident_time desc limit 1)
       union all
       (select * from records r where r.incident_key = key and r.kind = 1 and r.effective_time >= monitor_id_since
          and r.monitor_id is not null order by r.effective_time desc, r.incident_time desc limit 1)
       union all
       (select * from records r where r.incident_key = key and r.kind = 2 and r.incident_time >= monitor_id_since
          and r.monitor_id is not null order by r.incident_time desc limit 1)
     ) r order by r.effective_time desc, r.kind desc limit 1),
    (select r.monitor_name from (
       (select * from records r where r.incident_key = key and r.kind = 0 and r.incident_time >= monitor_name_since
          and r.monitor_name is not null order by r.incident_time desc limit 1)
       union all
       (select * from records r where r.incident_key = key and r.kind = 1 and r.effective_time >= monitor_name_since
          and r.monitor_name is not null order by r.effective_time desc, r.incident_time desc limit 1)
       union all
       (select * from records r where r.incident_key = key and r.kind = 2 and r.incident_time >= monitor_name_since
          and r.monitor_name is not null order by r.incident_time desc limit 1)
     ) r order by r.effective_time desc, r.kind desc limit 1),
    (select r.repo_uuid from (
       (select * from records r where r.incident_key = key and r.kind = 0 and r.incident_time >= repo_uuid_since
          and r.repo_uuid is not null order by r.incident_time desc limit 1)
       union all
       (select * from records r where r.incident_key = key and r.kind = 1 and r.effective_time >= repo_uuid_since
          and r.repo_uuid is not null order by r.effective_time desc, r.incident_time desc limit 1)
       union all
       (select * from records r where r.incident_key = key and r.kind = 2 and r.incident_time >= repo_uuid_since
          and r.repo_uuid is not null order by r.incident_time desc limit 1)
     ) r order by r.effective_time desc, r.kind desc limit 1)
$$;
