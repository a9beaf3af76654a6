// GitLab's incidents: work items of the type Incident, or issues with the label that means one ("incident", or ?label=
// in the URL). GitLab's alerts have no webhook of their own; they arrive as the incidents that they create.

import { Type } from "@sinclair/typebox";
import { type Found, ignored, readingOf, unrecognised } from "./found-signal.ts";
import { gitlabEvent, isFromGitlab, otherGitlabEvent } from "./gitlab-notice.ts";
import { at, listOf, textAt } from "./json-fields.ts";
import type { Source, SourcePayload } from "./source.ts";
import { type StatusTable, statusTable } from "./status-table.ts";
import { utcText } from "./utc-text.ts";

const actions = statusTable({
  open: "ALERT",
  reopen: "ALERT",
  close: "RECOVERY",
  update: { ignored: "the incident was neither opened nor closed" },
});

/** An incident that is closed because another one stands for it has not recovered. */
const endsElsewhere = statusTable({ close: "DISMISSAL" });

const events = ["issue", "work_item"];

export const gitlabIncident: Source = {
  name: "gitlab-incident",
  title: "GitLab incidents",
  documentation: "https://docs.gitlab.com/user/project/integrations/webhook_events",
  payload: Type.Object({
    object_attributes: Type.Object({
      iid: Type.Number(),
      action: Type.String(),
      type: Type.Optional(Type.String()),
      title: Type.Optional(Type.String()),
    }),
    project: Type.Object({ path_with_namespace: Type.String() }),
  }),
  setup: {
    steps: [
      "In the project's or the group's Settings, Webhooks, add a webhook with this URL and the trigger Issues events (Work item events).",
      "Add a custom header X-API-Key with the key; GitLab before 16.11 has none, so there append the key to the URL as ?token=.",
      "Incidents count, and so do issues with the label incident; for another label append &label=... to the URL.",
      "An alert of GitLab's has no webhook: let Settings, Monitor, Alerts create an incident for each.",
    ],
    authentication: ["header", "token_in_url"],
    on_failure: "It is not sent again by itself. Four failures in a row disable the webhook for a while.",
    unsure: [
      "A merged or moved incident is told by duplicated_to_id and moved_to_id; where GitLab sets them only after it sent the webhook, the incident counts as recovered.",
      "The webhook's Test button sends a real work item of the project and cannot be told from one.",
    ],
  },
  recognise: (payload) => isFromGitlab(payload) && events.includes(gitlabEvent(payload) ?? ""),
  read(payload) {
    const event = gitlabEvent(payload);
    if (event === undefined) return unrecognised("it is no event of GitLab's");
    if (!events.includes(event)) return ignored(otherGitlabEvent(event, "incidents"), "other_event");
    if (!isIncident(payload)) return ignored("a work item that is no incident", "other_event");
    return readingOf(payload, foundIn(payload));
  },
};

function foundIn(payload: SourcePayload): Found {
  const { body } = payload;
  const attributes = at(body, "object_attributes");
  const path = textAt(body, "project", "path_with_namespace");
  const number = textAt(payload.body, "object_attributes", "iid");
  const action = textAt(attributes, "action");
  const created = utcText(at(attributes, "created_at"));
  const updated = utcText(at(attributes, "updated_at"));
  return {
    incident_id: path === undefined || number === undefined ? undefined : `${path}#${number}`,
    status: action,
    means: tableFor(attributes),
    start: action === "reopen" ? updated : created,
    end: utcText(at(attributes, "closed_at")) ?? updated,
    monitor_name: textAt(body, "project", "name"),
    monitor_id: textAt(payload.body, "project", "id"),
    message: textAt(attributes, "title"),
  };
}

const tableFor = (attributes: unknown): StatusTable =>
  textAt(attributes, "action") === "close" &&
  (textAt(attributes, "duplicated_to_id") ?? textAt(attributes, "moved_to_id")) !== undefined
    ? endsElsewhere
    : actions;

function isIncident({ body, query }: SourcePayload): boolean {
  if (textAt(body, "object_attributes", "type")?.toLowerCase() === "incident") return true;
  const wanted = (query.label?.trim() || "incident").toLowerCase();
  const labels = [...listOf(at(body, "labels")), ...listOf(at(body, "object_attributes", "labels"))];
  return labels.some((label) => textAt(label, "title")?.toLowerCase() === wanted);
}
