// Jira's issues, Jira Service Management's incidents among them: those whose type's name says incident, or that is
// ?type= in the URL. An issue has ended when its status is of the category done; how it ended is its resolution's word.

import { Type } from "@sinclair/typebox";
import { type Found, ignored, readingOf } from "./found-signal.ts";
import { at, firstText, listOf, textAt } from "./json-fields.ts";
import type { Source, SourcePayload } from "./source.ts";
import type { Meaning } from "./status-table.ts";
import { timeNumber, timeText } from "./tool-times.ts";

const stillTheSame: Meaning = { ignored: "the issue was neither opened nor ended" };

/** Resolutions and statuses that end an issue of which nothing has recovered. */
const noRecovery =
  /won.?t (do|fix)|duplicate|cannot reproduce|declined|cancel|incomplete|rejected|not a bug|withdrawn|invalid/i;

/** The names of statuses that are done in Jira's own workflows: the changelog tells names, not categories. */
const doneNames = /^(done|resolved|closed|completed|cancell?ed|declined|failed)$/i;

export const jira: Source = {
  name: "jira",
  title: "Jira and Jira Service Management issues",
  documentation: "https://developer.atlassian.com/server/jira/platform/webhooks/",
  payload: Type.Object({
    webhookEvent: Type.String(),
    timestamp: Type.Optional(Type.Number()),
    issue: Type.Object({
      id: Type.Union([Type.String(), Type.Number()]),
      key: Type.Optional(Type.String()),
      fields: Type.Object({}),
    }),
  }),
  setup: {
    steps: [
      "Under System, Webhooks, create a webhook with this URL and the key as ?token=, and the events issue created, updated and deleted; a JQL filter keeps other projects out.",
      "Give the webhook a secret, and the key here the same signing secret.",
      "Issues count whose type's name contains incident; for another type append &type=... to the URL.",
      "Alerts of Jira Service Management's operations (once Opsgenie) come in another shape: give their webhook the source opsgenie.",
    ],
    authentication: ["token_in_url", "basic", "signature"],
    on_failure:
      "Jira Cloud tries up to five times, with pauses that grow; Jira Data Center does not document it.",
    unsure: [
      "That a status ends an issue is told by its category; that one is opened again, by a resolution that was taken away or by the old status's name (Done, Resolved, Closed, Completed, Canceled).",
      "Which resolutions are no recovery is told by their usual English names (Won't Do, Duplicate, Declined and the like).",
    ],
  },
  signature: "jira",
  recognise: ({ body }) =>
    textAt(body, "webhookEvent")?.startsWith("jira:") === true &&
    textAt(body, "issue", "id") !== undefined &&
    textAt(body, "issue", "key") !== undefined,
  read(payload) {
    const event = textAt(payload.body, "webhookEvent");
    if (event !== undefined && !event.startsWith("jira:issue_")) {
      return ignored(`the event ${event.slice(0, 60)}; only those of issues are read here`, "other_event");
    }
    const type = textAt(payload.body, "issue", "fields", "issuetype", "name");
    if (type !== undefined && !isWanted(type, payload)) {
      return ignored(`an issue of the type ${type.slice(0, 60)}, no incident`, "other_event");
    }
    return readingOf(payload, foundIn(payload, event));
  },
};

const isWanted = (type: string, { query }: SourcePayload): boolean => {
  const wanted = query.type?.trim().toLowerCase() ?? "";
  return wanted === "" ? /incident/i.test(type) : type.trim().toLowerCase() === wanted;
};

function foundIn(payload: SourcePayload, event: string | undefined): Found {
  const { body } = payload;
  const fields = at(body, "issue", "fields");
  const key = textAt(body, "issue", "key");
  const summary = textAt(fields, "summary");
  const sent = timeNumber(at(body, "timestamp"), "ms");
  const created = timeText(at(fields, "created"));
  const isOpenedAgain = event === "jira:issue_updated" && wasDone(body) && !isDone(fields);
  return {
    incident_id: textAt(payload.body, "issue", "id"),
    status: event === "jira:issue_updated" ? textAt(fields, "status", "name") : event,
    means: meaningOfEvent(event, body),
    start: isOpenedAgain ? sent : created,
    end: timeText(at(fields, "resolutiondate")) ?? sent,
    monitor_name: firstText(fields, "project.name", "project.key"),
    monitor_id: firstText(fields, "project.key"),
    message: key === undefined || summary === undefined ? (summary ?? key) : `${key} ${summary}`,
  };
}

function meaningOfEvent(event: string | undefined, body: unknown): Meaning | undefined {
  const fields = at(body, "issue", "fields");
  switch (event) {
    case "jira:issue_created":
      return isDone(fields) ? endOf(fields) : "ALERT";
    case "jira:issue_deleted":
      return "DISMISSAL";
    case "jira:issue_updated":
      if (changed(body, "status") === undefined && changed(body, "resolution") === undefined)
        return stillTheSame;
      if (isDone(fields)) return endOf(fields);
      return wasDone(body) ? "ALERT" : stillTheSame;
    default:
      return undefined;
  }
}

const isDone = (fields: unknown): boolean => textAt(fields, "status", "statusCategory", "key") === "done";

const endOf = (fields: unknown): Meaning =>
  noRecovery.test(`${textAt(fields, "resolution", "name") ?? ""} ${textAt(fields, "status", "name") ?? ""}`)
    ? "DISMISSAL"
    : "RECOVERY";

const changed = (body: unknown, field: string): unknown =>
  listOf(at(body, "changelog", "items")).find((item) => textAt(item, "field") === field);

const wasDone = (body: unknown): boolean => {
  const resolution = changed(body, "resolution");
  const isTakenAway = textAt(resolution, "from") !== undefined && textAt(resolution, "to") === undefined;
  return isTakenAway || doneNames.test(textAt(changed(body, "status"), "fromString")?.trim() ?? "");
};
