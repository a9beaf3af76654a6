// Sentry's issues: created, unresolved again, resolved. How they are read is in sentry-webhook.ts.

import { Type } from "@sinclair/typebox";
import { isSentry, readSentry, sentrySetup } from "./sentry-webhook.ts";
import type { Source } from "./source.ts";

export const sentryIssue: Source = {
  name: "sentry-issue",
  title: "Sentry issues",
  documentation: "https://docs.sentry.io/organization/integrations/integration-platform/webhooks/issues/",
  payload: Type.Object({
    action: Type.String(),
    data: Type.Object({
      issue: Type.Object({
        id: Type.Union([Type.String(), Type.Number()]),
        title: Type.Optional(Type.String()),
        firstSeen: Type.Optional(Type.String()),
        project: Type.Optional(Type.Object({ slug: Type.Optional(Type.String()) })),
      }),
    }),
  }),
  setup: sentrySetup("Under Webhooks subscribe to issue."),
  signature: "sentry",
  // Comments and errors are told too, so that they are ignored with a reason.
  recognise: (payload) =>
    ["issue", "comment", "error"].some((resource) => isSentry(payload, resource, resource)),
  read: readSentry,
};
