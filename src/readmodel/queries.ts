// Answers what people ask of the read model: incidents, timelines, pairs. Knows no HTTP. MTTR is in mttr-query.ts.

import type { Page } from "../answers/field.ts";
import type {
  IncidentDetail,
  IncidentItem,
  IncidentState,
  PairItem,
  TimelineItem,
} from "../answers/incidents.ts";
import type { DeadLetterItem } from "../answers/operations.ts";
import { type Instant, toRfc3339 } from "../domain/instant.ts";
import type { MatchedBy } from "../domain/signal.ts";
import { nextPage, type PageBounds, readCursor } from "./cursor.ts";
import { mttrQuery } from "./mttr-query.ts";
import type { Sql } from "./postgres.ts";
import { incidentKey, normalForm } from "./projected-event.ts";
import { type Asking, askingOf } from "./unavailable.ts";

interface IncidentFilter {
  readonly state?: IncidentState;
  readonly monitor_id?: string;
  readonly repo_uuid?: string;
  readonly from?: Instant;
  readonly to?: Instant;
}

interface PairFilter {
  readonly state?: "open" | "recovered";
  readonly incident_id?: string;
  readonly monitor_id?: string;
  readonly repo_uuid?: string;
  readonly matched_by?: MatchedBy;
  readonly from?: Instant;
  readonly to?: Instant;
}

/** An incident's outages beyond this are to be asked for as pairs. */
const mostOutagesShown = 1_000;

/**
 * Each may throw ReadModelUnavailable (Postgres cannot be asked now) or BadCursor. Times are RFC 3339, seconds numbers.
 */
export function readModelQueries(sql: Sql, asked: Asking = askingOf()) {
  return {
    incidents: (project: string, filter: IncidentFilter, page: PageBounds): Promise<Page<IncidentItem>> =>
      asked(async () => {
        const [time, key] = readCursor(page.cursor, ["time", "key"]) ?? [];
        const rows = await sql<IncidentRow[]>`
          select * from incidents where project_uuid = ${project}
          ${filter.state === undefined ? sql`` : sql`and state = ${filter.state}`}
          ${filter.monitor_id === undefined ? sql`` : sql`and monitor_id = ${normalForm(filter.monitor_id)}`}
          ${filter.repo_uuid === undefined ? sql`` : sql`and repo_uuid = ${filter.repo_uuid}`}
          ${filter.from === undefined ? sql`` : sql`and last_time >= ${filter.from}`}
          ${filter.to === undefined ? sql`` : sql`and first_time < ${filter.to}`}
          ${
            time === undefined || key === undefined
              ? sql``
              : sql`and first_time <= ${time} and (first_time < ${time} or incident_key > ${key}::text::uuid)`
          }
          order by first_time desc, incident_key limit ${page.limit + 1}`;
        return nextPage(rows, page.limit, incidentItem, (row) => [row.first_time, row.incident_key]);
      }),

    incident: (project: string, incidentId: string): Promise<IncidentDetail | undefined> =>
      asked(async () => {
        const key = incidentKey(project, incidentId);
        // One statement, so that counts and outages are of one moment. The names of the two tables overlap.
        const rows = await sql<{ incident: IncidentRow; outage: OutageRow | null }[]>`
          select to_json(i) as incident, to_json(o) as outage from incidents i left join lateral (
            select *, i.incident_id from outages where incident_key = ${key}
            order by ended_at desc limit ${mostOutagesShown}
          ) o on true where i.incident_key = ${key} order by o.ended_at`;
        const [first] = rows;
        if (first === undefined) return undefined;
        return {
          ...incidentItem(first.incident),
          outages: rows.flatMap(({ outage }) => (outage === null ? [] : [pairItem(outage)])),
        };
      }),

    timeline: (
      project: string,
      incidentId: string,
      page: PageBounds,
    ): Promise<Page<TimelineItem> | undefined> =>
      asked(async () => {
        const key = incidentKey(project, incidentId);
        const cursor = readCursor(page.cursor, ["time", "kind", "time"]);
        const [time, kind, incidentTime] = cursor ?? ["", "-1", ""];
        const after = Number(kind);
        // One index scan for each kind (timeline.sql says why), merged by the order of a timeline.
        const ofKind = (which: 0 | 1 | 2) => {
          const column = which === 1 ? sql`effective_time` : sql`incident_time`;
          const beyond =
            which === 1 && after === 1
              ? sql`(effective_time, incident_time) > (${time ?? ""}, ${incidentTime ?? ""})`
              : which > after
                ? sql`${column} >= ${time ?? ""}`
                : sql`${column} > ${time ?? ""}`;
          return sql`(select * from records where incident_key = ${key} and kind = ${which} and ${beyond}
            order by ${which === 1 ? sql`effective_time, incident_time` : sql`incident_time`} limit ${page.limit + 1})`;
        };
        const rows = await sql<RecordRow[]>`
          select r.*, s.status, s.source, s.message, s.local_time, s.timezone, s.monitor_name as said_monitor_name,
            s.monitor_id as said_monitor_id, s.repo_uuid as said_repo_uuid
          from (select * from (${ofKind(0)} union all ${ofKind(1)} union all ${ofKind(2)}) merged
                order by effective_time, kind, incident_time limit ${page.limit + 1}) r
          join signals s on s.incident_key = r.incident_key and s.incident_time = r.incident_time
            and s.event_id = r.last_event_id
          order by r.effective_time, r.kind, r.incident_time`;
        if (rows.length === 0) {
          const known = await sql`select from incidents where incident_key = ${key}`;
          if (known.length === 0) return undefined;
        }
        return nextPage(rows, page.limit, timelineItem, (row) => [
          row.effective_time,
          String(row.kind),
          row.incident_time,
        ]);
      }),

    pairs: (project: string, filter: PairFilter, page: PageBounds): Promise<Page<PairItem>> =>
      asked(async () => {
        const [after, key] = readCursor(page.cursor, ["time", "key"]) ?? [];
        const isOpen = filter.state === "open";
        const time = isOpen ? sql`o.first_alert_at` : sql`o.ended_at`;
        const rows = await sql<OutageRow[]>`
          select o.*, i.incident_id from outages o join incidents i using (incident_key)
          where o.project_uuid = ${project}
          and ${isOpen ? sql`o.ended_at = 'infinity'` : sql`o.ended_at < 'infinity'`}
          ${filter.incident_id === undefined ? sql`` : sql`and o.incident_key = ${incidentKey(project, filter.incident_id)}`}
          ${filter.monitor_id === undefined ? sql`` : sql`and o.monitor_id = ${normalForm(filter.monitor_id)}`}
          ${filter.repo_uuid === undefined ? sql`` : sql`and o.repo_uuid = ${filter.repo_uuid}`}
          ${filter.matched_by === undefined ? sql`` : sql`and o.matched_by = ${filter.matched_by}`}
          ${filter.from === undefined ? sql`` : sql`and ${time} >= ${filter.from}`}
          ${filter.to === undefined ? sql`` : sql`and ${time} < ${filter.to}`}
          ${after === undefined || key === undefined ? sql`` : sql`and (${time}, o.incident_key) > (${after}, ${key}::text::uuid)`}
          order by ${time}, o.incident_key limit ${page.limit + 1}`;
        return nextPage(rows, page.limit, pairItem, (row) => [
          isOpen ? row.first_alert_at : row.ended_at,
          row.incident_key,
        ]);
      }),

    mttr: mttrQuery(sql, asked),

    deadLetters: (page: PageBounds): Promise<Page<DeadLetterItem>> =>
      asked(async () => {
        const [position] = readCursor(page.cursor, ["position"]) ?? ["-1"];
        const rows = await sql<DeadLetterItem[]>`
          select position, event_id, stream, type, reason from dead_letters
          where position > ${position}::text::numeric order by position limit ${page.limit + 1}`;
        return nextPage(
          rows,
          page.limit,
          (row) => row,
          (row) => [row.position],
        );
      }),

    keyUsage: (project: string): Promise<ReadonlyMap<string, Instant>> =>
      asked(async () => {
        const rows = await sql<{ key_id: string; last_used_at: Instant }[]>`
          select u.key_id, u.last_used_at from key_usage u join api_keys k using (key_id)
          where k.project_uuid = ${project}`;
        return new Map(rows.map(({ key_id, last_used_at }) => [key_id, last_used_at]));
      }),
  };
}

interface IncidentRow extends Omit<IncidentItem, "first_time" | "last_time"> {
  incident_key: string;
  first_time: Instant;
  last_time: Instant;
}

const incidentItem = (row: IncidentRow): IncidentItem => ({
  incident_id: row.incident_id,
  state: row.state,
  monitor_id: row.monitor_id,
  monitor_name: row.monitor_name,
  repo_uuid: row.repo_uuid,
  first_time: toRfc3339(row.first_time),
  last_time: toRfc3339(row.last_time),
  alerts: row.alerts,
  recoveries: row.recoveries,
  outages: row.outages,
  webhooks: row.webhooks,
});

interface OutageRow extends Omit<PairItem, "first_alert_at" | "latest_alert_at" | "recovered_at"> {
  incident_key: string;
  ended_at: string;
  first_alert_at: Instant;
  latest_alert_at: Instant;
  recovered_at: Instant | null;
}

const pairItem = (row: OutageRow): PairItem => ({
  incident_id: row.incident_id,
  monitor_id: row.monitor_id,
  monitor_name: row.monitor_name,
  repo_uuid: row.repo_uuid,
  first_alert_at: toRfc3339(row.first_alert_at),
  latest_alert_at: toRfc3339(row.latest_alert_at),
  alerts: row.alerts,
  recovered_at: row.recovered_at === null ? null : toRfc3339(row.recovered_at),
  recovery_seconds: row.recovery_seconds,
  outage_seconds: row.outage_seconds,
  matched_by: row.matched_by,
  recovered_at_basis: row.recovered_at_basis,
  alert_event_id: row.alert_event_id,
  recovery_event_id: row.recovery_event_id,
});

interface RecordRow {
  event_id: string;
  position: string;
  kind: number;
  incident_time: Instant;
  effective_time: Instant;
  first_received_at: Instant;
  webhooks: number;
  status: string;
  source: string;
  message: string | null;
  local_time: string | null;
  timezone: string | null;
  said_monitor_name: string | null;
  said_monitor_id: string | null;
  said_repo_uuid: string | null;
}

const timelineItem = (row: RecordRow): TimelineItem => ({
  event_id: row.event_id,
  position: row.position,
  incident_time: toRfc3339(row.incident_time),
  effective_time: toRfc3339(row.effective_time),
  received_at: toRfc3339(row.first_received_at),
  status: row.status,
  kind: row.kind === 0 ? "ALERT" : row.kind === 1 ? "RECOVERY" : null,
  monitor_name: row.said_monitor_name,
  monitor_id: row.said_monitor_id,
  repo_uuid: row.said_repo_uuid,
  message: row.message,
  local_time: row.local_time,
  timezone: row.timezone,
  source: row.source,
  webhooks: row.webhooks,
});
