// MTTR: figures over the recoveries of a span, computed by Postgres in one snapshot with the position they hold at.

import type { Basis, GroupBy, MttrAnswer, RecoveryFigures } from "../answers/incidents.ts";
import { type Instant, toRfc3339 } from "../domain/instant.ts";
import { gradeOf } from "../domain/recovery.ts";
import type { MatchedBy } from "../domain/signal.ts";
import { nextPage, type PageBounds, readCursor } from "./cursor.ts";
import { faultCode } from "./database-fault.ts";
import type { Sql } from "./postgres.ts";
import { normalForm } from "./projected-event.ts";
import type { Asking } from "./unavailable.ts";

interface MttrRequest {
  readonly basis: Basis;
  readonly from?: Instant;
  readonly to?: Instant;
  readonly matched_by?: MatchedBy;
  readonly repo_uuid?: string;
  readonly monitor_id?: string;
  readonly group_by?: GroupBy;
  readonly tz: string;
  /** Of the groups; the largest page where it is absent. */
  readonly page?: PageBounds;
}

interface FiguresRow {
  is_total: boolean;
  group_key: string | null;
  group_id: string | null;
  n: number;
  open: number;
  mean: number | null;
  median: number | null;
  p90: number | null;
  p95: number | null;
  min: number | null;
  max: number | null;
  by_incident_id: number;
  by_monitor_id: number;
  by_project: number;
  position: string | null;
}

const mostGroups = 500;
/** Stands where the key alone tells the groups apart. */
const noId = "00000000-0000-0000-0000-000000000000";

/** Postgres knows no such time zone: its list is another one than that of the runtime. */
export class UnknownTimeZone extends Error {
  override readonly name = "UnknownTimeZone";
}

/**
 * Ended outages count by recovery time in [from, to); `open` counts the outages still open that began before `to`.
 * Percentiles are interpolated (percentile_cont). The position is read in the same statement, so in the same snapshot.
 * May throw UnknownTimeZone where it groups by days, weeks or months.
 */
export function mttrQuery(sql: Sql, asked: Asking) {
  return (project: string, request: MttrRequest): Promise<MttrAnswer> =>
    asked(async () => {
      const seconds = request.basis === "first_alert" ? sql`outage_seconds` : sql`recovery_seconds`;
      const grouped = request.group_by !== undefined;
      const key = groupKey(sql, request);
      // Two incidents may be shown under one text (an incident_id that Postgres cannot hold as it is).
      const id = request.group_by === "incident" ? sql`o.incident_key` : sql`${noId}::text::uuid`;
      const { limit, cursor } = request.page ?? { limit: mostGroups, cursor: undefined };
      const [afterKey, afterId] = readCursor(cursor, ["text", "key"]) ?? [];
      const rows = await sql<FiguresRow[]>`
        with chosen as (
          select ${seconds} as seconds, o.matched_by, o.ended_at = 'infinity' as is_open, ${key} as key, ${id} as id
          from outages o ${request.group_by === "incident" ? sql`join incidents i using (incident_key)` : sql``}
          where o.project_uuid = ${project}
          ${request.monitor_id === undefined ? sql`` : sql`and o.monitor_id = ${normalForm(request.monitor_id)}`}
          ${request.repo_uuid === undefined ? sql`` : sql`and o.repo_uuid = ${request.repo_uuid}`}
          ${request.matched_by === undefined ? sql`` : sql`and (o.matched_by = ${request.matched_by} or o.ended_at = 'infinity')`}
          ${request.from === undefined ? sql`` : sql`and o.ended_at >= ${request.from}`}
          ${
            request.to === undefined
              ? sql``
              : sql`and (o.ended_at < ${request.to} or (o.ended_at = 'infinity' and o.first_alert_at < ${request.to}))`
          }
        )
        select ${grouped ? sql`grouping(key) = 1` : sql`true`} as is_total, ${grouped ? sql`key collate "C"` : sql`null::text`} as group_key,
          ${grouped ? sql`id` : sql`null::uuid`} as group_id,
          count(*) filter (where not is_open)::integer as n,
          count(*) filter (where is_open)::integer as open,
          avg(seconds) filter (where not is_open) as mean,
          percentile_cont(0.5) within group (order by seconds) filter (where not is_open) as median,
          percentile_cont(0.9) within group (order by seconds) filter (where not is_open) as p90,
          percentile_cont(0.95) within group (order by seconds) filter (where not is_open) as p95,
          min(seconds) filter (where not is_open) as min,
          max(seconds) filter (where not is_open) as max,
          count(*) filter (where matched_by = 'incident_id')::integer as by_incident_id,
          count(*) filter (where matched_by = 'monitor_id')::integer as by_monitor_id,
          count(*) filter (where matched_by = 'project')::integer as by_project,
          (select position from checkpoints limit 1) as position
        from chosen ${grouped ? sql`group by grouping sets ((), (key, id))` : sql``}
        ${
          afterKey === undefined || afterId === undefined
            ? sql``
            : sql`having key is null or (key collate "C", id) > (${afterKey}, ${afterId}::text::uuid)`
        }
        order by is_total desc, group_key nulls last, group_id limit ${limit + 2}`.catch((error: unknown) => {
        throw faultCode(error) === "22023" ? new UnknownTimeZone(request.tz) : error;
      });
      const [total, ...groups] = rows;
      if (total === undefined) throw new Error("An aggregate over everything answered no row");
      return {
        basis: request.basis,
        from: request.from === undefined ? null : toRfc3339(request.from),
        to: request.to === undefined ? null : toRfc3339(request.to),
        ...figures(total),
        position: total.position ?? "0",
        ...(grouped ? pageOfGroups(groups, limit) : {}),
      };
    });
}

function pageOfGroups(
  rows: readonly FiguresRow[],
  limit: number,
): Required<Pick<MttrAnswer, "groups" | "groups_next">> {
  const { items, next_cursor } = nextPage(
    rows,
    limit,
    (row) => ({ key: row.group_key, ...figures(row) }),
    // The group without a key is the last of all: no page ends with it and is followed by another.
    (row) => [row.group_key ?? "", row.group_id ?? noId],
  );
  return { groups: items, groups_next: next_cursor };
}

/**
 * Time zones whose names Postgres takes for abbreviations, which know no summer time, and the zones that they are links
 * to in the time zone database.
 */
const namesTakenForAbbreviations: ReadonlyMap<string, string> = new Map([
  ["CET", "Europe/Brussels"],
  ["MET", "Europe/Brussels"],
  ["EET", "Europe/Athens"],
  ["WET", "Europe/Lisbon"],
]);

/** Days, weeks and months are those of the recovery in the time zone; open outages belong to those of their start. */
function groupKey(sql: Sql, { group_by, ...request }: MttrRequest) {
  const tz = namesTakenForAbbreviations.get(request.tz.toUpperCase()) ?? request.tz;
  const local = sql`(left(case when o.ended_at = 'infinity' then o.first_alert_at else o.recovered_at end, 26) || 'Z')::timestamptz at time zone ${tz}`;
  switch (group_by) {
    case undefined:
      return sql`null::text`;
    case "repo":
      return sql`o.repo_uuid::text`;
    case "monitor":
      return sql`o.monitor_id`;
    case "incident":
      return sql`i.incident_id`;
    case "day":
      return sql`to_char(${local}, 'YYYY-MM-DD')`;
    case "week":
      return sql`to_char(${local}, 'IYYY-"W"IW')`;
    case "month":
      return sql`to_char(${local}, 'YYYY-MM')`;
    default:
      return group_by satisfies never;
  }
}

const figures = (row: FiguresRow): RecoveryFigures => ({
  n: row.n,
  open: row.open,
  mean_seconds: row.mean,
  median_seconds: row.median,
  p90_seconds: row.p90,
  p95_seconds: row.p95,
  min_seconds: row.min,
  max_seconds: row.max,
  grade: gradeOf(row.mean),
  matched_by: {
    incident_id: row.by_incident_id,
    monitor_id: row.by_monitor_id,
    project: row.by_project,
  },
});
