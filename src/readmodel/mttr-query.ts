// MTTR: figures over the recoveries of a span, computed by Postgres in one snapshot with the position they hold at.

import { normalForm } from "../../projections/exact-text.ts";
import type { Basis, GroupBy, MttrAnswer, RecoveryFigures } from "../answers/incidents.ts";
import { type Instant, toRfc3339 } from "../domain/instant.ts";
import { gradeOf } from "../domain/recovery.ts";
import type { MatchedBy } from "../domain/signal.ts";
import { dismissedCode, matches, seconds as secondsOf } from "./answer-rows.ts";
import { isBefore, isFrom, wordNumber } from "./conditions.ts";
import { nextPage, type PageBounds, readCursor } from "./cursor.ts";
import { faultCode } from "./database-fault.ts";
import type { Sql } from "./postgres.ts";

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
  dismissed: number;
  /** Microseconds, as are the others. */
  sum: string | null;
  median: number | null;
  p90: number | null;
  p95: number | null;
  min: string | null;
  max: string | null;
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
 * Ended outages count by recovery time in [from, to), dismissed ones by their end; `open` counts the outages still open
 * that began before `to`. Sums are of whole microseconds, so the same rows give the same digits in any plan. Percentiles
 * are interpolated (percentile_cont). The position is read in the same statement, so in the same snapshot. May throw
 * UnknownTimeZone where it groups by days, weeks or months.
 */
export function mttrQuery(sql: Sql, asked: Asking) {
  return (project: string, request: MttrRequest): Promise<MttrAnswer> =>
    asked(async () => {
      const grouped = request.group_by !== undefined;
      const { limit, cursor } = request.page ?? { limit: mostGroups, cursor: undefined };
      const [afterKey, afterId] = readCursor(cursor, ["text", "key"]) ?? [];
      const rows = await sql<FiguresRow[]>`
        with chosen as (${chosenOutages(sql, project, request)})
        select ${grouped ? sql`grouping(key) = 1` : sql`true`} as is_total, ${grouped ? sql`key collate "C"` : sql`null::text`} as group_key,
          ${grouped ? sql`id` : sql`null::uuid`} as group_id, ${figureColumns(sql)},
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

/** One row an outage: its microseconds, what ended it (null: nothing yet), and its group. */
function chosenOutages(sql: Sql, project: string, request: MttrRequest) {
  const { from, to, group_by } = request;
  const us = request.basis === "first_alert" ? sql`outage_us` : sql`recovery_us`;
  // Two incidents may be shown under one text (an incident_id that Postgres cannot hold as it is).
  const id =
    group_by === "incident"
      ? sql`(select incident_key from incidents i where i.incident = o.incident)`
      : sql`${noId}::text::uuid`;
  const which = sql`o.project = ${wordNumber(sql, project)}
    ${request.monitor_id === undefined ? sql`` : sql`and o.monitor_id = ${wordNumber(sql, normalForm(request.monitor_id))}`}
    ${request.repo_uuid === undefined ? sql`` : sql`and o.repo_uuid = ${wordNumber(sql, request.repo_uuid)}`}`;
  return sql`
    select ${us} as us, o.ended_by, ${groupKey(sql, request, "ended_at")} as key, ${id} as id from outages o
    where ${which}
    ${request.matched_by === undefined ? sql`` : sql`and o.ended_by in (${matches.indexOf(request.matched_by)}, ${dismissedCode})`}
    ${from === undefined ? sql`` : sql`and ${isFrom(sql, "ended_at", from)}`}
    ${to === undefined ? sql`` : sql`and ${isBefore(sql, "ended_at", to)}`}
    union all
    select null, null, ${groupKey(sql, request, "first_at")}, ${id} from open_outages o
    where o.is_shown and ${which} ${to === undefined ? sql`` : sql`and ${isBefore(sql, "first_at", to)}`}`;
}

const figureColumns = (sql: Sql) => sql`
  count(us)::integer as n,
  (count(*) filter (where ended_by is null))::integer as open,
  (count(*) filter (where ended_by = ${dismissedCode}))::integer as dismissed,
  sum(us)::text as sum,
  percentile_cont(0.5) within group (order by us) as median,
  percentile_cont(0.9) within group (order by us) as p90,
  percentile_cont(0.95) within group (order by us) as p95,
  min(us)::text as min,
  max(us)::text as max,
  (count(*) filter (where ended_by = 0))::integer as by_incident_id,
  (count(*) filter (where ended_by = 1))::integer as by_monitor_id,
  (count(*) filter (where ended_by = 2))::integer as by_project`;

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

/** Days, weeks and months are those of the end in the time zone; open outages belong to those of their start. */
function groupKey(sql: Sql, { group_by, ...request }: MttrRequest, column: "ended_at" | "first_at") {
  const tz = namesTakenForAbbreviations.get(request.tz.toUpperCase()) ?? request.tz;
  const local = sql`(${column === "ended_at" ? sql`o.ended_at` : sql`o.first_at`} at time zone 'UTC' at time zone ${tz})`;
  switch (group_by) {
    case undefined:
      return sql`null::text`;
    case "repo":
      return sql`(select word from words where id = o.repo_uuid)`;
    case "monitor":
      return sql`(select word from words where id = o.monitor_id)`;
    case "incident":
      return sql`(select incident_id from incidents i where i.incident = o.incident)`;
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

const figures = (row: FiguresRow): RecoveryFigures => {
  const mean = row.sum === null ? null : Number(row.sum) / row.n / 1e6;
  const seconds = (us: number | null): number | null => (us === null ? null : us / 1e6);
  return {
    n: row.n,
    open: row.open,
    dismissed: row.dismissed,
    mean_seconds: mean,
    median_seconds: seconds(row.median),
    p90_seconds: seconds(row.p90),
    p95_seconds: seconds(row.p95),
    min_seconds: secondsOf(row.min),
    max_seconds: secondsOf(row.max),
    grade: gradeOf(mean),
    matched_by: {
      incident_id: row.by_incident_id,
      monitor_id: row.by_monitor_id,
      project: row.by_project,
    },
  };
};
