// GitHub issues with the label that means an incident ("incident", or ?label= in the URL). What an issue's state is, is
// told by the action: a reopened issue can still carry the time at which it was closed.

import { Type } from "@sinclair/typebox";
import { secondsBetween } from "../domain/instant.ts";
import { ignored, readingOf, unrecognised } from "./found-signal.ts";
import { githubEvent, isFromGithub, noticeCause, otherEvent } from "./github-notice.ts";
import { at, listOf, textAt } from "./json-fields.ts";
import type { Source, SourcePayload } from "./source.ts";
import { type Meaning, meaningOf, statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const noChange: Meaning = { ignored: "the issue changed in another way than being an incident or none" };

const actions = statusTable({
  opened: "ALERT",
  reopened: "ALERT",
  labeled: "ALERT",
  closed: "RECOVERY",
  // No incident after all, or none that will be told of again under this id.
  unlabeled: "DISMISSAL",
  deleted: "DISMISSAL",
  transferred: "DISMISSAL",
  ...Object.fromEntries(
    (
      "assigned demilestoned edited field_added field_removed locked milestoned pinned typed " +
      "unassigned unlocked unpinned untyped"
    )
      .split(" ")
      .map((action) => [action, noChange]),
  ),
});

/** A label given this soon after the issue was opened says that it was an incident from the start. */
const sameMomentSeconds = 600;

/** Reasons for which an issue is closed although nothing was mended. */
const closedUnsolved = ["not_planned", "duplicate"];

export const githubIssue: Source = {
  name: "github-issue",
  title: "GitHub issues",
  documentation: "https://docs.github.com/en/webhooks/webhook-events-and-payloads#issues",
  payload: Type.Object({
    action: Type.String(),
    issue: Type.Object({ number: Type.Number(), title: Type.Optional(Type.String()) }),
    repository: Type.Object({ full_name: Type.String() }),
  }),
  setup: {
    steps: [
      "In the repository's or the organisation's Settings, Webhooks, add a webhook with this URL, the content type application/json and a secret; choose the event Issues.",
      "Give the key here the same signing secret; or put the key into the URL as ?token=.",
      "Issues with the label incident count; for another label append &label=... to the URL.",
    ],
    authentication: ["signature", "token_in_url"],
    on_failure: "It is not sent again by itself; Recent Deliveries can send it once more.",
    unsure: [
      "An issue that is labelled within ten minutes of being opened began when it was opened, a later one when it was labelled.",
    ],
  },
  signature: "github",
  recognise: (payload) => isFromGithub(payload) && githubEvent(payload) === "issues",
  read(payload) {
    const event = githubEvent(payload);
    if (event === undefined) return unrecognised("it is no issue's event");
    if (event !== "issues") return ignored(otherEvent(event, "issues"), noticeCause(event));
    const { body } = payload;
    const action = textAt(body, "action");
    const repository = textAt(body, "repository", "full_name");
    const number = textAt(payload.body, "issue", "number");
    const meaning = action === undefined ? undefined : meaningOf(actions, action);
    if (typeof meaning === "string" && !concernsIncident(payload, action)) {
      return ignored(`it is not about the label ${JSON.stringify(wantedLabel(payload).slice(0, 60))}`);
    }
    return readingOf(payload, {
      incident_id: repository === undefined || number === undefined ? undefined : `${repository}#${number}`,
      status: action,
      means: action === "closed" && isUnsolved(body) ? "DISMISSAL" : meaning,
      ...timesOf(body, action),
      monitor_name: textAt(body, "repository", "name"),
      monitor_id: textAt(payload.body, "repository", "id"),
      message: textAt(body, "issue", "title"),
    });
  },
};

const isUnsolved = (body: unknown): boolean =>
  closedUnsolved.includes(textAt(body, "issue", "state_reason")?.toLowerCase() ?? "");

const wantedLabel = ({ query }: SourcePayload): string => query.label?.trim() || "incident";

/** For a label given or taken, whether it is the wanted one; else whether the issue has it. */
function concernsIncident(payload: SourcePayload, action: string | undefined): boolean {
  const wanted = wantedLabel(payload).toLowerCase();
  const { body } = payload;
  if (action === "labeled" || action === "unlabeled") {
    return textAt(body, "label", "name")?.toLowerCase() === wanted;
  }
  return listOf(at(body, "issue", "labels")).some((label) => textAt(label, "name")?.toLowerCase() === wanted);
}

function timesOf(body: unknown, action: string | undefined) {
  const created = timeText(at(body, "issue", "created_at"));
  const updated = timeText(at(body, "issue", "updated_at"));
  const closed = timeText(at(body, "issue", "closed_at"));
  switch (action) {
    case "labeled": {
      const isLater =
        created !== undefined &&
        updated !== undefined &&
        secondsBetween({ earlier: created, later: updated }) > sameMomentSeconds;
      return { start: isLater ? updated : (created ?? updated) };
    }
    case "reopened":
      return { start: updated };
    case "unlabeled":
      return { start: created, end: updated };
    case "closed":
      return { start: created, end: closed };
    default:
      return { start: created };
  }
}
