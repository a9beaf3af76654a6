-- How registry events reach the tables of registry.sql. Registry events are few: one at a time, in log order.

create or replace function registry_apply(rows json, changes change[]) returns change[]
language plpgsql as $$
declare
  item json;
begin
  for item in select value from json_array_elements(rows) loop
    changes := changes || registry_apply_one(item->>'type', item->'data');
  end loop;
  return changes;
end $$;

create or replace function registry_apply_one(type text, data json) returns change[]
language plpgsql as $$
declare
  project uuid := (data->>'project_uuid')::uuid;
begin
  case type
    when 'ProjectRegistered' then
      insert into projects (project_uuid, name, created_at)
      values (project, data->>'name', data->>'created_at')
      on conflict (project_uuid) do update set name = excluded.name, created_at = excluded.created_at;
    when 'ProjectChanged' then
      update projects set name = coalesce(data->>'name', name), matching = coalesce(data->>'matching', matching)
      where project_uuid = project;
      if data->>'matching' is not null then
        return array[registry_change(project, 'matching')];
      end if;
    when 'RepositoryRegistered' then
      insert into repositories (repo_uuid, project_uuid, name, created_at)
      values ((data->>'repo_uuid')::uuid, project, data->>'name', data->>'created_at')
      on conflict (repo_uuid) do nothing;
    when 'ApiKeyIssued' then
      insert into api_keys (key_id, project_uuid, label, scopes, expires_at, created_at)
      values ((data->>'key_id')::uuid, project, data->>'label',
              array(select json_array_elements_text(data->'scopes')), data->>'expires_at', data->>'created_at')
      on conflict (key_id) do nothing;
    when 'ApiKeyRevoked' then
      update api_keys set revoked_at = coalesce(revoked_at, data->>'revoked_at')
      where key_id = (data->>'key_id')::uuid;
    when 'StatusesMapped' then
      delete from status_mappings where project_uuid = project;
      insert into status_mappings (project_uuid, word, kind)
      select project, key, case value when 'ALERT' then 0 else 1 end from json_each_text(data->'mappings');
      return array[registry_change(project, 'mapped')];
  end case;
  return '{}'::change[];
end $$;

create or replace function registry_change(project uuid, setting text) returns change
language sql immutable as $$
  select row(project, null, null, null, null, null, null, null, 0, false, 0, setting)::change
$$;
