// The port of the incidents' fold on Postgres: finds rows by key and by their place in time. Knows no rule.

import { createHash } from "node:crypto";
import { exactBytes } from "../../projections/exact-text.ts";
import type { IncidentName, IncidentsStore, MomentKey, Settings } from "../../projections/incidents/store.ts";
import { byTimelineOrder } from "../domain/records.ts";
import type { Matching } from "../domain/signal.ts";
import { arrayOf, textArrayOf } from "./array-literal.ts";
import { isAfter, isBefore } from "./conditions.ts";
import {
  type IncidentColumns,
  incidentOf,
  type OrphanColumns,
  orphanOf,
  type RecordColumns,
  recordOfRow,
  type WebhookColumnsOf,
  webhookOf,
} from "./incident-rows.ts";
import { instantOf, nanosecondsOf, timestampOf } from "./instant-columns.ts";
import type { Sql } from "./postgres.ts";

/** The first 16 bytes of SHA-256 over project, NUL and the exact incident_id, written as a UUID. */
export function incidentKey({ project_uuid, incident_id }: IncidentName): string {
  const hash = createHash("sha256").update(`${project_uuid}\0`).update(exactBytes(incident_id)).digest("hex");
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-${hash.slice(12, 16)}-${hash.slice(16, 20)}-${hash.slice(20, 32)}`;
}

export function incidentsStore(sql: Sql): IncidentsStore {
  return {
    incidentKey,
    numbers: async () => {
      const [row] = await sql<{ incidents: number; words: number }[]>`
        select (select coalesce(max(incident), 0) from incidents) as incidents,
          (select coalesce(max(id), 0) from words) as words`;
      return row ?? { incidents: 0, words: 0 };
    },
    words: async (texts) => {
      const rows = await sql<{ id: number; word: string }[]>`
        select w.id, w.word from unnest(${textArrayOf(texts)}::text[]) as asked(word) join words w using (word)`;
      return new Map(rows.map(({ id, word }) => [word, id]));
    },
    texts: async (words) => {
      const rows = await sql<{ id: number; word: string }[]>`
        select id, word from words where id = any(${arrayOf(words)}::integer[])`;
      return new Map(rows.map(({ id, word }) => [id, word]));
    },
    settings: async (projects) => {
      const rows = await sql<{ project: number; matching: Matching; mappings: Settings["mappings"] }[]>`
        select * from settings where project = any(${arrayOf(projects)}::integer[])`;
      return new Map(rows.map(({ project, ...settings }) => [project, settings]));
    },
    ...incidentFinders(sql),
    ...momentFinders(sql),
    ...timelineFinders(sql),
    ...orphanFinders(sql),
  };
}

function incidentFinders(sql: Sql): Pick<IncidentsStore, "incidentsById" | "incidentsByNumber"> {
  const columns = sql`i.*, to_json(w) as whole, to_json(r) as rest`;
  const parts = sql`
    left join lateral (select o.*, o.alerts as count from open_outages o where o.incident = i.incident and o.part = 0) w on true
    left join lateral (select o.*, o.alerts as count from open_outages o where o.incident = i.incident and o.part = 1) r on true`;
  return {
    incidentsById: async (ids) => {
      const keys = arrayOf(ids.map(incidentKey));
      const rows = await sql<IncidentColumns[]>`
        select ${columns} from unnest(${keys}::uuid[]) as asked(incident_key) join incidents i using (incident_key) ${parts}`;
      return rows.map(incidentOf);
    },
    incidentsByNumber: async (numbers) => {
      if (numbers.length === 0) return [];
      const rows = await sql<IncidentColumns[]>`
        select ${columns} from unnest(${arrayOf(numbers)}::integer[]) as asked(incident) join incidents i using (incident) ${parts}`;
      return rows.map(incidentOf);
    },
  };
}

/** Incident, time and nanoseconds of moments, one array each. */
const momentArrays = (moments: readonly MomentKey[]) => ({
  incidents: arrayOf(moments.map(({ incident }) => incident)),
  times: textArrayOf(moments.map(({ incident_time }) => timestampOf(incident_time))),
  nanoseconds: arrayOf(moments.map(({ incident_time }) => nanosecondsOf(incident_time))),
});

/** Of a record that has several webhooks: which was received last, and which named the start. */
const fromSeveral = (sql: Sql) => sql`
  left join lateral (
    select w.event_id as last_event_id, w.received_at as last_received_at, w.received_at_ns as last_received_at_ns
    from webhooks w
    where r.webhooks > 1 and w.incident = r.incident and w.incident_time = coalesce(r.incident_time, r.at)
      and w.incident_time_ns = coalesce(r.incident_time_ns, r.at_ns) and w.kind = r.kind
    order by w.received_at desc, w.received_at_ns desc, w.event_id desc limit 1
  ) last on true
  left join lateral (
    select w.event_id as started_by, w.received_at as started_by_received_at,
      w.received_at_ns as started_by_received_at_ns
    from webhooks w
    where r.webhooks > 1 and r.started_at is not null and w.incident = r.incident
      and w.incident_time = coalesce(r.incident_time, r.at)
      and w.incident_time_ns = coalesce(r.incident_time_ns, r.at_ns) and w.kind = r.kind and w.started_at is not null
    order by w.received_at desc, w.received_at_ns desc, w.event_id desc limit 1
  ) started on true`;

function momentFinders(
  sql: Sql,
): Pick<IncidentsStore, "recordsAt" | "webhooksAt" | "webhooksOf" | "statusesByWord" | "momentsWithStatus"> {
  const webhooks = (rows: readonly WebhookColumnsOf[]) =>
    rows.map((row) => ({
      incident: row.incident,
      webhook: webhookOf(row, instantOf(row.incident_time, row.incident_time_ns)),
    }));
  return {
    recordsAt: async (moments) => {
      const { incidents, times, nanoseconds } = momentArrays(moments);
      const rows = await sql<RecordColumns[]>`
        select r.*, last.*, started.*
        from unnest(${incidents}::integer[], ${times}::timestamp[], ${nanoseconds}::smallint[]) as m(incident, time, ns)
        cross join lateral (
          select * from records r
          where r.incident = m.incident and r.at = m.time and r.at_ns = m.ns and r.incident_time is null
          union all
          select * from records r
          where r.incident = m.incident and r.incident_time = m.time and r.incident_time_ns = m.ns
        ) r ${fromSeveral(sql)}`;
      return rows.map((row) => ({ incident: row.incident, record: recordOfRow(row) }));
    },
    webhooksAt: async (moments) => {
      const { incidents, times, nanoseconds } = momentArrays(moments);
      return webhooks(
        await sql<WebhookColumnsOf[]>`
          select w.* from unnest(${incidents}::integer[], ${times}::timestamp[], ${nanoseconds}::smallint[])
            as m(incident, incident_time, incident_time_ns)
          join webhooks w using (incident, incident_time, incident_time_ns)`,
      );
    },
    webhooksOf: async (asked) => {
      const { incidents, times, nanoseconds } = momentArrays(asked);
      const ids = arrayOf(asked.map(({ event_id }) => event_id));
      return webhooks(
        await sql<WebhookColumnsOf[]>`
          select w.* from unnest(${incidents}::integer[], ${times}::timestamp[], ${nanoseconds}::smallint[],
            ${ids}::uuid[]) as m(incident, incident_time, incident_time_ns, event_id)
          join webhooks w using (incident, incident_time, incident_time_ns, event_id)`,
      );
    },
    statusesByWord: async (project) => {
      const rows = await sql<{ status: number }[]>`
        select r.status from incidents i join records r using (incident) where i.project = ${project} and r.by_word
        union
        select w.status from incidents i join webhooks w using (incident) where i.project = ${project} and w.by_word`;
      return rows.map(({ status }) => status);
    },
    momentsWithStatus: async (project, statuses) => {
      const asked = arrayOf(statuses);
      const rows = await sql<{ incident: number; time: string; ns: number }[]>`
        select r.incident, coalesce(r.incident_time, r.at) as time, coalesce(r.incident_time_ns, r.at_ns) as ns
        from incidents i join records r using (incident)
        where i.project = ${project} and r.by_word and r.status = any(${asked}::integer[])
        union
        select w.incident, w.incident_time, w.incident_time_ns from incidents i join webhooks w using (incident)
        where i.project = ${project} and w.by_word and w.status = any(${asked}::integer[])`;
      return rows.map(({ incident, time, ns }) => ({ incident, incident_time: instantOf(time, ns) }));
    },
  };
}

function timelineFinders(
  sql: Sql,
): Pick<IncidentsStore, "timeline" | "ownEnds" | "ownEndBefore" | "bounds" | "lastNaming"> {
  return {
    timeline: async (incident, since, atLeast) => {
      const rows = await sql<RecordColumns[]>`
        select r.*, last.*, started.* from (
          select * from records where incident = ${incident} ${since === null ? sql`` : sql`and ${isAfter(sql, "at", since)}`}
          order by at, at_ns fetch first ${atLeast} rows with ties
        ) r ${fromSeveral(sql)}`;
      return rows.map(recordOfRow).sort(byTimelineOrder);
    },
    ownEnds: async (incident, after, atMost) => {
      const rows = await sql<{ ended_at: string; ended_at_ns: number }[]>`
        select ended_at, ended_at_ns from outages where incident = ${incident} and ended_by in (0, 3)
        ${after === null ? sql`` : sql`and ${isAfter(sql, "ended_at", after)}`}
        order by ended_at, ended_at_ns limit ${atMost}`;
      return rows.map(({ ended_at, ended_at_ns }) => instantOf(ended_at, ended_at_ns));
    },
    ownEndBefore: async (incident, before) => {
      const [row] = await sql<{ ended_at: string; ended_at_ns: number; ended_by: number }[]>`
        select ended_at, ended_at_ns, ended_by from outages where incident = ${incident} and ended_by in (0, 3)
        and ${isBefore(sql, "ended_at", before)}
        order by ended_at desc, ended_at_ns desc limit 1`;
      return row && { ended_at: instantOf(row.ended_at, row.ended_at_ns), is_dismissed: row.ended_by === 3 };
    },
    bounds: async (incident, but) => {
      const rows = await sql<{ at: string; at_ns: number }[]>`
        (select at, at_ns from records where incident = ${incident} and event_id <> all(${arrayOf(but)}::uuid[])
         order by at, at_ns limit 1)
        union all
        (select at, at_ns from records where incident = ${incident} and event_id <> all(${arrayOf(but)}::uuid[])
         order by at desc, at_ns desc limit 1)`;
      const [first, last] = rows;
      return (
        first && last && { first: instantOf(first.at, first.at_ns), last: instantOf(last.at, last.at_ns) }
      );
    },
    lastNaming: async (incident, name, but) => {
      const rows = await sql<RecordColumns[]>`
        select r.*, null as last_event_id, null as last_received_at, null as last_received_at_ns, null as started_by,
          null as started_by_received_at, null as started_by_received_at_ns
        from records r
        where incident = ${incident} and ${sql(name)} > 0 and event_id <> all(${arrayOf(but)}::uuid[])
        order by at desc, at_ns desc fetch first 1 rows with ties`;
      return rows.map(recordOfRow).sort(byTimelineOrder).at(-1);
    },
  };
}

function orphanFinders(
  sql: Sql,
): Pick<IncidentsStore, "orphansOf" | "orphansFrom" | "lastMatchBefore" | "candidates"> {
  return {
    orphansOf: async (incidents) => {
      const rows = await sql<OrphanColumns[]>`
        select o.*, i.incident_id, i.exact_id from orphans o join incidents i using (incident)
        where o.incident = any(${arrayOf(incidents)}::integer[])`;
      return rows.map(orphanOf);
    },
    orphansFrom: async (asked) => {
      const projects = arrayOf(asked.map(({ project }) => project));
      const times = textArrayOf(asked.map(({ since }) => timestampOf(since)));
      const nanoseconds = arrayOf(asked.map(({ since }) => nanosecondsOf(since)));
      const rows = await sql<OrphanColumns[]>`
        select o.*, i.incident_id, i.exact_id
        from unnest(${projects}::integer[], ${times}::timestamp[], ${nanoseconds}::smallint[]) as a(project, since, ns)
        join orphans o on o.project = a.project and o.at >= a.since and (o.at, o.at_ns) >= (a.since, a.ns)
        join incidents i using (incident)`;
      return rows.map(orphanOf);
    },
    lastMatchBefore: async (incident, before) => {
      const [row] = await sql<{ at: string; at_ns: number }[]>`
        select at, at_ns from orphans where matched_incident = ${incident} and ${isBefore(sql, "at", before)}
        order by at desc, at_ns desc limit 1`;
      return row && instantOf(row.at, row.at_ns);
    },
    candidates: async (project, orphans, but) => {
      const looked = arrayOf(but);
      const times = textArrayOf(orphans.map(({ at }) => timestampOf(at)));
      const nanoseconds = arrayOf(orphans.map(({ at }) => nanosecondsOf(at)));
      const monitors = arrayOf(orphans.map(({ monitor_id }) => monitor_id ?? "NULL"));
      const matchable = sql`is_shown and not exact and project = ${project} and incident <> all(${looked}::integer[])`;
      const latest = sql`last_at <= a.at and (last_at, last_at_ns) <= (a.at, a.ns)
        order by last_at desc, last_at_ns desc, id_order limit 1`;
      const rows = await sql<{ place: number; incident: number }[]>`
        select a.place::integer, c.incident
        from unnest(${times}::timestamp[], ${nanoseconds}::smallint[], ${monitors}::integer[])
          with ordinality as a(at, ns, monitor, place)
        cross join lateral (
          (select incident from open_outages where ${matchable} and last_at >= a.at
             and (last_at, last_at_ns) > (a.at, a.ns) and (first_at, first_at_ns) <= (a.at, a.ns))
          union all (select incident from open_outages where ${matchable} and monitor_id is null and ${latest})
          union all (select incident from open_outages where ${matchable} and monitor_id = a.monitor and ${latest})
          union all (select incident from open_outages where a.monitor is null and ${matchable} and ${latest})
        ) c`;
      const found = orphans.map((): number[] => []);
      for (const { place, incident } of rows) found[place - 1]?.push(incident);
      return found;
    },
  };
}
