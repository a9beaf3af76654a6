// Answers what people ask of the read model: incidents, timelines, pairs. Knows no HTTP. MTTR is in mttr-query.ts.

import { normalForm } from "../../projections/exact-text.ts";
import type { Page } from "../answers/field.ts";
import type {
  IncidentDetail,
  IncidentItem,
  IncidentState,
  PairItem,
  TimelineItem,
} from "../answers/incidents.ts";
import type { DeadLetterItem } from "../answers/operations.ts";
import type { SourceActivity, UnknownStatus } from "../answers/sources.ts";
import type { Instant } from "../domain/instant.ts";
import type { MappedKind, MatchedBy } from "../domain/signal.ts";
import {
  dismissedCode,
  endedColumns,
  type IncidentRow,
  incidentColumns,
  incidentItem,
  matches,
  namesOf,
  type OutageRow,
  openColumns,
  pairItem,
  states,
  type TimelineRow,
  timelineItem,
  wordOf,
} from "./answer-rows.ts";
import { isBefore, isFrom, wordNumber } from "./conditions.ts";
import { cursorOf, nextPage, type PageBounds, readCursor } from "./cursor.ts";
import { incidentKey } from "./incidents-store.ts";
import { instantOf, instantOrNull, nanosecondsOf, timestampOf } from "./instant-columns.ts";
import { mttrQuery } from "./mttr-query.ts";
import type { Sql } from "./postgres.ts";
import { sourcesOf, unknownStatuses } from "./source-queries.ts";
import { type Asking, askingOf } from "./unavailable.ts";

interface IncidentFilter {
  readonly state?: IncidentState;
  readonly monitor_id?: string;
  readonly repo_uuid?: string;
  readonly from?: Instant;
  readonly to?: Instant;
}

interface PairFilter {
  readonly state?: "open" | "recovered" | "dismissed";
  readonly incident_id?: string;
  readonly monitor_id?: string;
  readonly repo_uuid?: string;
  readonly matched_by?: MatchedBy;
  readonly from?: Instant;
  readonly to?: Instant;
}

/** An incident is shown with so many outages at once. */
const mostOutagesShown = 100;

/**
 * Each may throw ReadModelUnavailable (Postgres cannot be asked now) or BadCursor. Times are RFC 3339, seconds numbers.
 */
export function readModelQueries(sql: Sql, asked: Asking = askingOf()) {
  return {
    incidents: (project: string, filter: IncidentFilter, page: PageBounds): Promise<Page<IncidentItem>> =>
      asked(() => incidents(sql, project, filter, page)),

    /** `cursor` is the `outages_next` of an answer before. */
    incident: (project: string, incidentId: string, cursor?: string): Promise<IncidentDetail | undefined> =>
      asked(() => incident(sql, { project_uuid: project, incident_id: incidentId }, cursor)),

    timeline: (
      project: string,
      incidentId: string,
      page: PageBounds,
    ): Promise<Page<TimelineItem> | undefined> =>
      asked(() => timeline(sql, { project_uuid: project, incident_id: incidentId }, page)),

    pairs: (project: string, filter: PairFilter, page: PageBounds): Promise<Page<PairItem>> =>
      asked(() => (filter.state === "open" ? openPairs : endedPairs)(sql, project, filter, page)),

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

    sources: (project: string): Promise<Page<SourceActivity>> => asked(() => sourcesOf(sql, project)),

    unknownStatuses: (
      project: string,
      mappings: Readonly<Record<string, MappedKind>>,
      page: PageBounds,
    ): Promise<Page<UnknownStatus>> => asked(() => unknownStatuses(sql, project, mappings, page)),

    keyUsage: (project: string): Promise<ReadonlyMap<string, Instant>> =>
      asked(async () => {
        const rows = await sql<{ key_id: string; last_used_at: string; last_used_at_ns: number }[]>`
          select key_id, last_used_at, last_used_at_ns from key_usage where project_uuid = ${project}`;
        return new Map(rows.map((row) => [row.key_id, instantOf(row.last_used_at, row.last_used_at_ns)]));
      }),
  };
}

type Of = Parameters<typeof incidentKey>[0];

async function incidents(
  sql: Sql,
  project: string,
  filter: IncidentFilter,
  page: PageBounds,
): Promise<Page<IncidentItem>> {
  const [time, number] = readCursor(page.cursor, ["time", "position"]) ?? [];
  const after = time as Instant | undefined;
  const rows = await sql<IncidentRow[]>`
    select ${incidentColumns(sql)} from incidents where project = ${wordNumber(sql, project)}
    ${filter.state === undefined ? sql`` : sql`and state = ${states.indexOf(filter.state)}`}
    ${named(sql, "monitor_id", filter.monitor_id)} ${named(sql, "repo_uuid", filter.repo_uuid)}
    ${filter.from === undefined ? sql`` : sql`and ${isFrom(sql, "last_time", filter.from)}`}
    ${filter.to === undefined ? sql`` : sql`and ${isBefore(sql, "first_time", filter.to)}`}
    ${
      after === undefined || number === undefined
        ? sql``
        : sql`and first_time <= ${timestampOf(after)} and (first_time < ${timestampOf(after)}
            or first_time_ns < ${nanosecondsOf(after)}
            or first_time_ns = ${nanosecondsOf(after)} and incident > ${number}::text::numeric)`
    }
    order by first_time desc, first_time_ns desc, incident limit ${page.limit + 1}`;
  return nextPage(rows, page.limit, incidentItem, (row) => [
    instantOf(row.first_time, row.first_time_ns),
    String(row.incident),
  ]);
}

function named(sql: Sql, column: "monitor_id" | "repo_uuid", name: string | undefined) {
  return name === undefined
    ? sql``
    : sql`and ${column === "monitor_id" ? sql`monitor_id` : sql`repo_uuid`} = ${wordNumber(sql, normalForm(name))}`;
}

async function incident(sql: Sql, of: Of, cursor: string | undefined): Promise<IncidentDetail | undefined> {
  const [before] = readCursor(cursor, ["time"]) ?? [];
  const end = before as Instant | undefined;
  // One statement, so that counts and outages are of one moment.
  const rows = await sql<{ incident: IncidentRow; outage: OutageRow | null }[]>`
    with i as materialized (select ${incidentColumns(sql)} from incidents where incident_key = ${incidentKey(of)})
    select to_json(i) as incident, to_json(o) as outage from i left join lateral (
      select * from (
        (select ${openColumns(sql)} from open_outages o
         where o.incident = i.incident and o.is_shown ${end === undefined ? sql`` : sql`and false`})
        union all
        (select ${endedColumns(sql)} from outages o
         where o.incident = i.incident ${end === undefined ? sql`` : sql`and ${isBefore(sql, "ended_at", end)}`}
         order by o.ended_at desc, o.ended_at_ns desc limit ${mostOutagesShown + 1})
      ) shown order by ended_at desc nulls first, ended_at_ns desc nulls first limit ${mostOutagesShown + 1}
    ) o on true`;
  const [first] = rows;
  if (first === undefined) return undefined;
  const outages = rows.flatMap(({ outage }) => (outage === null ? [] : [outage]));
  const shown = outages.slice(0, mostOutagesShown);
  const oldest = shown.at(-1);
  const oldestEnd = instantOrNull(oldest?.ended_at ?? null, oldest?.ended_at_ns ?? null);
  return {
    ...incidentItem(first.incident),
    outages: shown.reverse().map(pairItem),
    outages_next: outages.length > mostOutagesShown && oldestEnd !== null ? cursorOf([oldestEnd]) : null,
  };
}

async function timeline(sql: Sql, of: Of, page: PageBounds): Promise<Page<TimelineItem> | undefined> {
  const key = incidentKey(of);
  const [effective, place, own, event] = readCursor(page.cursor, ["time", "kind", "time", "key"]) ?? [];
  const [at, incidentTime] = [effective as Instant | undefined, own as Instant | undefined];
  // The order of a timeline (pairing rule 1); the index has the first of it.
  const order = sql`at, at_ns, least(kind, 3), coalesce(incident_time, at), coalesce(incident_time_ns, at_ns), event_id`;
  const rows = await sql<TimelineRow[]>`
    select at, at_ns, incident_time, incident_time_ns, received_at, received_at_ns, event_id, position, kind, message,
      local_time, webhooks, ${wordOf(sql, "status")}, ${wordOf(sql, "source")}, ${wordOf(sql, "timezone")}, ${namesOf(sql)}
    from records where incident = (select incident from incidents where incident_key = ${key})
    ${
      at === undefined || incidentTime === undefined
        ? sql``
        : sql`and at >= ${timestampOf(at)} and (${order}) > (${timestampOf(at)}, ${nanosecondsOf(at)},
            ${Number(place)}, ${timestampOf(incidentTime)}, ${nanosecondsOf(incidentTime)}, ${event ?? ""}::text::uuid)`
    }
    order by ${order} limit ${page.limit + 1}`;
  if (rows.length === 0) {
    const known = await sql`select from incidents where incident_key = ${key}`;
    if (known.length === 0) return undefined;
  }
  return nextPage(rows, page.limit, timelineItem, (row) => {
    const effective = instantOf(row.at, row.at_ns);
    const own = instantOrNull(row.incident_time, row.incident_time_ns) ?? effective;
    return [effective, String(Math.min(row.kind, 3)), own, row.event_id];
  });
}

async function endedPairs(
  sql: Sql,
  project: string,
  filter: PairFilter,
  page: PageBounds,
): Promise<Page<PairItem>> {
  const [time, number] = readCursor(page.cursor, ["time", "position"]) ?? [];
  const after = time as Instant | undefined;
  const rows = await sql<OutageRow[]>`
    select ${endedColumns(sql)} from (
      select * from outages where project = ${wordNumber(sql, project)}
      and ${filter.state === "dismissed" ? sql`ended_by = ${dismissedCode}` : sql`ended_by <> ${dismissedCode}`}
      ${filter.matched_by === undefined ? sql`` : sql`and ended_by = ${matches.indexOf(filter.matched_by)}`}
      ${ofIncident(sql, project, filter)}
      ${named(sql, "monitor_id", filter.monitor_id)} ${named(sql, "repo_uuid", filter.repo_uuid)}
      ${filter.from === undefined ? sql`` : sql`and ${isFrom(sql, "ended_at", filter.from)}`}
      ${filter.to === undefined ? sql`` : sql`and ${isBefore(sql, "ended_at", filter.to)}`}
      ${
        after === undefined || number === undefined
          ? sql``
          : sql`and ended_at >= ${timestampOf(after)}
              and (ended_at, ended_at_ns, incident) > (${timestampOf(after)}, ${nanosecondsOf(after)}, ${number}::text::numeric)`
      }
      order by ended_at, ended_at_ns, incident limit ${page.limit + 1}
    ) o join incidents i using (incident) order by o.ended_at, o.ended_at_ns, o.incident`;
  return nextPage(rows, page.limit, pairItem, (row) => [
    instantOf(row.ended_at ?? "", row.ended_at_ns ?? 0),
    String(row.incident),
  ]);
}

async function openPairs(
  sql: Sql,
  project: string,
  filter: PairFilter,
  page: PageBounds,
): Promise<Page<PairItem>> {
  const [time, number] = readCursor(page.cursor, ["time", "position"]) ?? [];
  const after = time as Instant | undefined;
  const rows = await sql<OutageRow[]>`
    select ${openColumns(sql)} from (
      select * from open_outages where is_shown and project = ${wordNumber(sql, project)}
      ${filter.matched_by === undefined ? sql`` : sql`and false`}
      ${ofIncident(sql, project, filter)}
      ${named(sql, "monitor_id", filter.monitor_id)} ${named(sql, "repo_uuid", filter.repo_uuid)}
      ${filter.from === undefined ? sql`` : sql`and ${isFrom(sql, "first_at", filter.from)}`}
      ${filter.to === undefined ? sql`` : sql`and ${isBefore(sql, "first_at", filter.to)}`}
      ${
        after === undefined || number === undefined
          ? sql``
          : sql`and first_at >= ${timestampOf(after)}
              and (first_at, first_at_ns, incident) > (${timestampOf(after)}, ${nanosecondsOf(after)}, ${number}::text::numeric)`
      }
      order by first_at, first_at_ns, incident limit ${page.limit + 1}
    ) o join incidents i using (incident) order by o.first_at, o.first_at_ns, o.incident`;
  return nextPage(rows, page.limit, pairItem, (row) => [
    instantOf(row.first_alert_at, row.first_alert_at_ns),
    String(row.incident),
  ]);
}

function ofIncident(sql: Sql, project: string, { incident_id }: PairFilter) {
  if (incident_id === undefined) return sql``;
  const key = incidentKey({ project_uuid: project, incident_id });
  return sql`and incident = (select incident from incidents where incident_key = ${key})`;
}
