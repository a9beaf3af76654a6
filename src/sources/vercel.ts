// Vercel's deployments: one to production that fails is an alert for its project, the next that succeeds the recovery.
// Previews are no production.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf, unrecognised } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { type Meaning, statusTable } from "./status-table.ts";
import { timeNumber } from "./tool-times.ts";

const underWay: Meaning = { ignored: "the deployment has neither failed nor succeeded" };

const types = statusTable({
  "deployment.error": "ALERT",
  "deployment.succeeded": "RECOVERY",
  "deployment.ready": "RECOVERY",
  "deployment.created": underWay,
  "deployment.build-requested": underWay,
  "deployment.canceled": underWay,
  "deployment.cancelled": underWay,
  "deployment.promoted": underWay,
  "deployment.rollback": underWay,
  "deployment.cleanup": underWay,
  "deployment.check-rerequested": underWay,
  "deployment.integration.action.start": underWay,
});

export const vercel: Source = {
  name: "vercel",
  title: "Vercel",
  documentation: "https://vercel.com/docs/webhooks",
  payload: Type.Object({
    type: Type.String(),
    createdAt: Type.Optional(Type.Number()),
    payload: Type.Object({ target: Type.Optional(Type.Union([Type.String(), Type.Null()])) }),
  }),
  setup: {
    steps: [
      "In the team's Settings, Webhooks, create a webhook with this URL and the key as ?token=, and the events Deployment Error and Deployment Succeeded.",
      "Give the webhook's secret to the key here as a signing secret.",
      "Only deployments to production count.",
    ],
    authentication: ["token_in_url", "basic", "signature"],
    on_failure: "It tries again with growing pauses for up to 24 hours.",
    unsure: ["A deployment whose target is absent or null is a preview."],
  },
  signature: "vercel",
  recognise: ({ body }) =>
    hasFields(body, "id", "type", "createdAt", "payload") &&
    /^(deployment|project|domain|edge-config|integration-[a-z]+|marketplace)\./.test(
      textAt(body, "type") ?? "",
    ),
  read(payload) {
    const { body } = payload;
    const type = textAt(body, "type");
    if (type === undefined) return unrecognised("it names no type");
    if (!type.startsWith("deployment.")) {
      return ignored(`the event ${type.slice(0, 60)}; only deployments are read here`, "other_event");
    }
    const inside = at(body, "payload");
    const target = textAt(inside, "target");
    if (target !== "production") {
      return ignored(`a deployment to ${target ?? "a preview"}, not to production`, "not_production");
    }
    const name = firstText(inside, "deployment.name", "name", "project.name");
    const project = firstText(inside, "project.id", "projectId") ?? name;
    return readingOf(payload, {
      incident_id: project === undefined ? undefined : `${project}:production`,
      status: type,
      means: types,
      moment: timeNumber(at(body, "createdAt"), "ms"),
      monitor_name: name,
      monitor_id: project,
      message: firstText(inside, "deployment.meta.githubCommitMessage", "deployment.url", "url"),
    });
  },
};
