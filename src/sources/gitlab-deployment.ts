// GitLab's deployments: a failed deployment is an alert for its environment, the next that succeeds its recovery. The
// fixing deployment has another id, so the project and the environment together are the incident.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf, unrecognised } from "./found-signal.ts";
import { gitlabEvent, isFromGitlab, otherGitlabEvent } from "./gitlab-notice.ts";
import { at, firstText, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { type Meaning, statusTable } from "./status-table.ts";
import { utcText } from "./utc-text.ts";

const underWay: Meaning = { ignored: "the deployment has neither failed nor succeeded" };

const statuses = statusTable({
  failed: "ALERT",
  success: "RECOVERY",
  created: underWay,
  running: underWay,
  blocked: underWay,
  approved: underWay,
  rejected: underWay,
  canceled: underWay,
  skipped: underWay,
});

export const gitlabDeployment: Source = {
  name: "gitlab-deployment",
  title: "GitLab deployments",
  documentation: "https://docs.gitlab.com/user/project/integrations/webhook_events",
  payload: Type.Object({
    object_kind: Type.String(),
    status: Type.String(),
    environment: Type.String(),
    environment_tier: Type.Optional(Type.String()),
    status_changed_at: Type.Optional(Type.String()),
    project: Type.Object({ path_with_namespace: Type.String() }),
  }),
  setup: {
    steps: [
      "In the project's or the group's Settings, Webhooks, add a webhook with this URL and the trigger Deployment events.",
      "Add a custom header X-API-Key with the key; GitLab before 16.11 has none, so there append the key to the URL as ?token=.",
      "Only environments of the tier production count. Give each environment its tier (deployment_tier in .gitlab-ci.yml) where GitLab guesses wrong.",
    ],
    authentication: ["header", "token_in_url"],
    on_failure: "It is not sent again by itself. Four failures in a row disable the webhook for a while.",
    unsure: [
      "Older versions send no environment_tier: there every environment counts whose name does not begin with review/.",
    ],
  },
  recognise: (payload) => isFromGitlab(payload) && gitlabEvent(payload) === "deployment",
  read(payload) {
    const event = gitlabEvent(payload);
    if (event === undefined) return unrecognised("it is no event of GitLab's");
    if (event !== "deployment") return ignored(otherGitlabEvent(event, "deployment"), "other_event");
    const { body } = payload;
    const environment = textAt(body, "environment");
    const tier = textAt(body, "environment_tier");
    if ((tier ?? "production") !== "production" || environment?.startsWith("review/") === true) {
      return ignored(`a deployment to the tier ${tier ?? "review"}, not to production`, "not_production");
    }
    const together = (first: string | undefined, separator: string): string | undefined =>
      first === undefined || environment === undefined ? undefined : `${first}${separator}${environment}`;
    return readingOf(payload, {
      incident_id: together(textAt(body, "project", "path_with_namespace"), ":"),
      status: textAt(body, "status"),
      means: statuses,
      moment: utcText(at(body, "status_changed_at")),
      monitor_name: together(textAt(body, "project", "name"), " "),
      monitor_id: together(textAt(payload.body, "project", "id"), ":"),
      message: firstText(body, "commit_title", "ref"),
    });
  },
};
