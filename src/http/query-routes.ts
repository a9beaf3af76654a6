// Incidents, timelines, pairs and MTTR. Validates and lets the read model answer.

import { Elysia } from "elysia";
import { type Page, pageOf } from "../answers/field.ts";
import {
  type IncidentDetail,
  type IncidentItem,
  incidentAnswer,
  incidentItemAnswer,
  type MttrAnswer,
  mttrAnswer,
  type PairItem,
  pairAnswer,
  type TimelineItem,
  timelineItemAnswer,
} from "../answers/incidents.ts";
import { parseRepoUuid, type RepoUuid } from "../domain/ids.ts";
import { type Instant, parseInstant } from "../domain/instant.ts";
import type { Project } from "../domain/registry.ts";
import { badRequest, incidentNotFound, json } from "./answer.ts";
import { answerQuery } from "./answer-query.ts";
import { documented } from "./documentation.ts";
import { exactIncidentIdIn, firstFound, incidentIdsIn } from "./incident-path.ts";
import type { HttpDependencies, PageRequest } from "./ports.ts";
import type { QueryTurns } from "./query-turns.ts";
import type { AskedState } from "./read-your-writes.ts";
import { incidentQuery, incidentsQuery, mttrQuery, pairsQuery, timelineQuery } from "./schemas.ts";
import { queryReader } from "./validate.ts";

const readIncidents = queryReader(incidentsQuery);
const readIncident = queryReader(incidentQuery);
const readTimeline = queryReader(timelineQuery);
const readPairs = queryReader(pairsQuery);
const readMttr = queryReader(mttrQuery);

const defaultLimit = 50;
/** The largest limit, so that the days of a year come in one answer. */
const mostGroups = 500;

export function queryRoutes(dependencies: HttpDependencies, turns: QueryTurns) {
  const { queries } = dependencies;

  const answer = <Q extends AskedState>(
    request: Request,
    projectText: string,
    read: (request: Request) => Q | Response,
    run: (project: Project, query: Q) => Promise<Response>,
  ): Promise<Response> => answerQuery(request, projectText, read, { dependencies, turns }, run);

  return new Elysia({ name: "queries" })
    .get(
      "/api/projects/:project/incidents",
      ({ request, params }) =>
        answer(request, params.project, readIncidents, async (project, query) => {
          const filter = readFilter(query);
          if (filter instanceof Response) return filter;
          const { state, monitor_id } = query;
          return json<Page<IncidentItem>>(
            await queries.incidents(
              project.project_uuid,
              {
                ...filter,
                ...(state === undefined ? {} : { state }),
                ...(monitor_id === undefined ? {} : { monitor_id }),
              },
              pageOfQuery(query),
            ),
          );
        }),
      {
        detail: documented({
          tag: "Incidents",
          summary: "List incidents",
          description:
            "Newest first by first_time. from and to (half-open) choose incidents that were heard of in that span: last_time at or after from, first_time before to.",
          query: incidentsQuery,
          answer: pageOf(incidentItemAnswer),
          errors: [400, 401, 404, 429, 503],
          access: "key",
        }),
      },
    )
    .get(
      "/api/projects/:project/incidents/:incident",
      ({ request, params }) =>
        answer(request, params.project, readIncident, async (project, { cursor }) => {
          const ids = incidentIdsIn(request);
          if (ids instanceof Response) return ids;
          const found = await firstFound(ids, (id) => queries.incident(project.project_uuid, id, cursor));
          return found === undefined ? incidentNotFound() : json<IncidentDetail>(found);
        }),
      {
        detail: documented({
          tag: "Incidents",
          summary: "Show an incident with its outages",
          description:
            "incident_id is percent-encoded and may hold anything, slashes included; `.` and `..` are asked for as `%252E` and `%252E%252E`.",
          query: incidentQuery,
          answer: incidentAnswer,
          errors: [400, 401, 404, 429, 503],
          access: "key",
        }),
      },
    )
    .get(
      "/api/projects/:project/incidents/:incident/timeline",
      ({ request, params }) =>
        answer(request, params.project, readTimeline, async (project, query) => {
          const ids = incidentIdsIn(request);
          if (ids instanceof Response) return ids;
          const page = pageOfQuery(query);
          const found = await firstFound(ids, (id) => queries.timeline(project.project_uuid, id, page));
          return found === undefined ? incidentNotFound() : json<Page<TimelineItem>>(found);
        }),
      {
        detail: documented({
          tag: "Incidents",
          summary: "Show an incident's timeline",
          description:
            "Records in order of effective time; webhooks tells how many different events one stands for.",
          query: timelineQuery,
          answer: pageOf(timelineItemAnswer),
          errors: [400, 401, 404, 429, 503],
          access: "key",
        }),
      },
    )
    .get(
      "/api/projects/:project/pairs",
      ({ request, params }) =>
        answer(request, params.project, readPairs, async (project, query) => {
          const filter = readFilter(query);
          if (filter instanceof Response) return filter;
          const { state, monitor_id, matched_by } = query;
          const incident_id = exactIncidentIdIn(request) ?? query.incident_id;
          return json<Page<PairItem>>(
            await queries.pairs(
              project.project_uuid,
              {
                ...filter,
                ...(state === undefined ? {} : { state }),
                ...(monitor_id === undefined ? {} : { monitor_id }),
                ...(incident_id === undefined ? {} : { incident_id }),
                ...(matched_by === undefined ? {} : { matched_by }),
              },
              pageOfQuery(query),
            ),
          );
        }),
      {
        detail: documented({
          tag: "Recovery",
          summary: "List outages: alerts paired with their recovery",
          description:
            "In order of recovery time. from and to (half-open) choose by it. With state=open the open outages instead, which have null where there is no recovery yet, in order of and chosen by their first alert.",
          query: pairsQuery,
          answer: pageOf(pairAnswer),
          errors: [400, 401, 404, 429, 503],
          access: "key",
        }),
      },
    )
    .get(
      "/api/projects/:project/mttr",
      ({ request, params }) =>
        answer(request, params.project, readMttr, async (project, query) => {
          const filter = readFilter(query);
          if (filter instanceof Response) return filter;
          const tz = query.tz ?? "UTC";
          if (!isTimeZone(tz)) return badRequest(`tz ${JSON.stringify(tz)} is not an IANA time zone.`);
          const { monitor_id, matched_by, group_by } = query;
          if (group_by === undefined && (query.cursor !== undefined || query.limit !== undefined)) {
            return badRequest("limit and cursor page through groups: group_by is missing.");
          }
          return json<MttrAnswer>(
            await queries.mttr(project.project_uuid, {
              basis: query.basis ?? "latest_alert",
              tz,
              ...filter,
              ...(monitor_id === undefined ? {} : { monitor_id }),
              ...(matched_by === undefined ? {} : { matched_by }),
              ...(group_by === undefined
                ? {}
                : { group_by, page: { limit: query.limit ?? mostGroups, cursor: query.cursor } }),
            }),
          );
        }),
      {
        detail: documented({
          tag: "Recovery",
          summary: "Mean time to recovery, with what it rests on",
          description:
            "Of the recoveries in [from, to) by recovery time. Without data every figure is null, never 0. The grade goes by the mean: elite under an hour, high under a day, medium under a week, else low. Groups come in the order of their keys, at most `limit` of them; `groups_next` is the cursor of the rest.",
          query: mttrQuery,
          answer: mttrAnswer,
          errors: [400, 401, 404, 429, 503],
          access: "key",
        }),
      },
    );
}

const pageOfQuery = (query: { readonly limit?: number; readonly cursor?: string }): PageRequest => ({
  limit: query.limit ?? defaultLimit,
  cursor: query.cursor,
});

interface Filter {
  from?: Instant;
  to?: Instant;
  repo_uuid?: RepoUuid;
}

function readFilter(query: {
  readonly from?: string;
  readonly to?: string;
  readonly repo_uuid?: string;
}): Filter | Response {
  const filter: Filter = {};
  for (const name of ["from", "to"] as const) {
    const text = query[name];
    if (text === undefined) continue;
    // A plus sign of an offset arrives as a space where the caller has not encoded it.
    const read = parseInstant(text.replace(/ (?=\d{2}:?\d{2}$)/, "+"));
    if (!read.ok) return badRequest(`Cannot read ${name} ${JSON.stringify(text)}: ${read.problem}.`);
    filter[name] = read.value;
  }
  if (filter.from !== undefined && filter.to !== undefined && filter.from > filter.to) {
    return badRequest("from must not be later than to.");
  }
  if (query.repo_uuid !== undefined) {
    const repo = parseRepoUuid(query.repo_uuid);
    if (repo === undefined) return badRequest(`repo_uuid ${JSON.stringify(query.repo_uuid)} is not a UUID.`);
    filter.repo_uuid = repo;
  }
  return filter;
}

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
