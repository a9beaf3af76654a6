// GitHub deployment statuses: a failed deployment is an alert for its environment, the next that succeeds its recovery.
// The fixing deployment has another id, so the repository and the environment together are the incident.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf, unrecognised } from "./found-signal.ts";
import { githubEvent, isFromGithub, noticeCause, otherEvent } from "./github-notice.ts";
import { at, firstText, textAt } from "./json-fields.ts";
import type { Source, SourcePayload } from "./source.ts";
import { type Meaning, statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const underWay: Meaning = { ignored: "the deployment has neither failed nor succeeded" };

const statuses = statusTable({
  failure: "ALERT",
  error: "ALERT",
  success: "RECOVERY",
  pending: underWay,
  queued: underWay,
  in_progress: underWay,
  waiting: underWay,
  inactive: underWay,
});

export const githubDeployment: Source = {
  name: "github-deployment",
  title: "GitHub deployments",
  documentation: "https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status",
  payload: Type.Object({
    deployment_status: Type.Object({ state: Type.String() }),
    repository: Type.Object({ full_name: Type.String() }),
  }),
  setup: {
    steps: [
      "In the repository's or the organisation's Settings, Webhooks, add a webhook with this URL, the content type application/json and a secret; choose the event Deployment statuses.",
      "Give the key here the same signing secret; or put the key into the URL as ?token=.",
      "Deployments to a transient environment, and to one that GitHub does not hold for production, are ignored. GitHub holds only an environment named production for production unless the deployment says otherwise: name yours with &environment=... (several with commas), and those count, and no others.",
      'Every successful deployment arrives as a recovery. In a project that other tools send to as well, set matching to "incident", so that such a recovery ends nothing but its own environment\'s outage.',
    ],
    authentication: ["signature", "token_in_url"],
    unsure: [
      "A deployment that says neither whether its environment is production nor whether it is transient counts.",
    ],
    on_failure: "It is not sent again by itself; Recent Deliveries can send it once more.",
  },
  signature: "github",
  recognise: (payload) => isFromGithub(payload) && githubEvent(payload) === "deployment_status",
  read(payload) {
    const event = githubEvent(payload);
    if (event === undefined) return unrecognised("it is no deployment's event");
    if (event !== "deployment_status")
      return ignored(otherEvent(event, "deployment_status"), noticeCause(event));
    const { body } = payload;
    const repository = textAt(body, "repository", "full_name");
    const environment = firstText(body, "deployment_status.environment", "deployment.environment");
    const passedOver = notProduction(payload, environment);
    if (passedOver !== undefined) return ignored(passedOver, "not_production");
    const name = textAt(body, "repository", "name");
    const id = textAt(payload.body, "repository", "id");
    const time = timeText(at(body, "deployment_status", "created_at"));
    const together = (first: string | undefined, separator: string): string | undefined =>
      first === undefined || environment === undefined ? undefined : `${first}${separator}${environment}`;
    return readingOf(payload, {
      incident_id: together(repository, ":"),
      status: textAt(body, "deployment_status", "state"),
      means: statuses,
      moment: time,
      monitor_name: together(name, " "),
      monitor_id: together(id, ":"),
      message: firstText(body, "deployment_status.description", "deployment.description"),
    });
  },
};

/** Why a deployment does not count; undefined where it does, also where nothing says which kind of environment it is. */
function notProduction({ body, query }: SourcePayload, environment: string | undefined): string | undefined {
  const name = JSON.stringify(environment?.slice(0, 60) ?? "");
  const wanted = query.environment?.split(",").map((one) => one.trim().toLowerCase());
  if (wanted?.some((one) => one !== "")) {
    const isWanted = wanted.includes(environment?.trim().toLowerCase() ?? "");
    return isWanted ? undefined : `the environment ${name} is none of those in the URL`;
  }
  if (at(body, "deployment", "transient_environment") === true) {
    return `the environment ${name} is a transient one`;
  }
  return at(body, "deployment", "production_environment") === false
    ? `the environment ${name} is not production`
    : undefined;
}
