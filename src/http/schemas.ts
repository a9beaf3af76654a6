// The shapes of requests, one schema each; types and documentation come from them.

import { Type as t } from "@sinclair/typebox";
import { oneOf } from "../answers/field.ts";
import { bases, groupBys, incidentStates, matchedBys, outageStates } from "../answers/incidents.ts";
import { mappedKinds, matchings, quotaUnits, scopes } from "../answers/registry.ts";

const uuid = (description: string) => t.String({ description, maxLength: 64 });
const time = (description: string) =>
  t.String({ description, maxLength: 100, examples: ["2025-01-15T10:30:00.000Z"] });
const chosen = <const Words extends readonly string[]>(words: Words) =>
  oneOf(words, { description: `one of ${words.join(", ")}` });

const page = {
  limit: t.Optional(t.Integer({ minimum: 1, maximum: 500, description: "a whole number from 1 to 500" })),
  cursor: t.Optional(t.String({ maxLength: 4_096, description: "the next_cursor of the page before" })),
};
const readYourWrite = {
  min_position: t.Optional(
    t.String({
      pattern: "^[0-9]{1,20}$",
      description:
        "a position as an answer carries it: the answer waits until it shows everything up to there",
    }),
  ),
  fresh: t.Optional(
    t.Boolean({
      description:
        "true or false; true: the answer waits until it shows everything that this process had acknowledged, spooled webhooks too",
    }),
  ),
};
const span = {
  from: t.Optional(time("an ISO 8601 date and time; inclusive")),
  to: t.Optional(time("an ISO 8601 date and time; exclusive")),
};
const which = {
  monitor_id: t.Optional(t.String({ maxLength: 512, description: "a monitor_id of at most 512 characters" })),
  repo_uuid: t.Optional(t.String({ maxLength: 64, description: "a repository's UUID" })),
};
const closed = { additionalProperties: false } as const;

export const noQuery = t.Object({}, closed);
export const pageQuery = t.Object(page, closed);
export const readYourWriteQuery = t.Object(readYourWrite, closed);
export const unknownStatusesQuery = t.Object({ ...page, ...readYourWrite }, closed);
export const quarantineQuery = t.Object({ ...page, ...readYourWrite }, closed);
export const streamQuery = t.Object(
  {
    after: t.Optional(
      t.String({ pattern: "^[0-9]{1,20}$", description: "a position: the id of the last event that came" }),
    ),
  },
  closed,
);
export const incidentQuery = t.Object(
  {
    cursor: t.Optional(
      t.String({ maxLength: 4_096, description: "the outages_next of the answer before: its older outages" }),
    ),
    ...readYourWrite,
  },
  closed,
);
export const timelineQuery = t.Object({ ...page, ...readYourWrite }, closed);
export const incidentsQuery = t.Object(
  { state: t.Optional(chosen(incidentStates)), ...which, ...span, ...page, ...readYourWrite },
  closed,
);
export const pairsQuery = t.Object(
  {
    state: t.Optional(chosen(outageStates)),
    incident_id: t.Optional(t.String({ maxLength: 512, description: "an incident_id" })),
    matched_by: t.Optional(chosen(matchedBys)),
    ...which,
    ...span,
    ...page,
    ...readYourWrite,
  },
  closed,
);
export const mttrQuery = t.Object(
  {
    ...span,
    basis: t.Optional(chosen(bases)),
    matched_by: t.Optional(chosen(matchedBys)),
    ...which,
    group_by: t.Optional(chosen(groupBys)),
    tz: t.Optional(t.String({ maxLength: 64, description: "an IANA time zone, like Europe/Paris" })),
    limit: page.limit,
    cursor: t.Optional(t.String({ maxLength: 4_096, description: "the groups_next of the page before" })),
    ...readYourWrite,
  },
  closed,
);

const name = t.String({ minLength: 1, maxLength: 200, description: "a string of 1 to 200 characters" });
export const projectBody = t.Object(
  { name, project_uuid: t.Optional(uuid("a UUID; made where it is absent")) },
  { ...closed, examples: [{ name: "Shop" }] },
);
export const projectChangeBody = t.Object(
  {
    name: t.Optional(name),
    matching: t.Optional(chosen(matchings)),
  },
  { ...closed, examples: [{ matching: "monitor" }] },
);
export const repositoryBody = t.Object(
  { name, repo_uuid: t.Optional(uuid("a UUID; made where it is absent")) },
  { ...closed, examples: [{ name: "shop/checkout" }] },
);
const quota = t.Object(
  {
    webhooks: t.Integer({ minimum: 1, maximum: 1_000_000, description: "a whole number from 1 to 1000000" }),
    per: chosen(quotaUnits),
    burst: t.Optional(
      t.Integer({
        minimum: 1,
        maximum: 1_000_000,
        description:
          "a whole number from 1 to 1000000: the most at one moment; as many as webhooks if absent",
      }),
    ),
  },
  { ...closed, description: "an object with webhooks, per and perhaps burst" },
);
const quotaOrNull = t.Union([quota, t.Null()], {
  description:
    "null, or an object with webhooks (a whole number from 1 to 1000000), per (second, minute) and perhaps burst",
});
export const keyBody = t.Object(
  {
    label: t.String({ minLength: 1, maxLength: 200, description: "a string of 1 to 200 characters" }),
    scopes: t.Array(chosen(scopes), {
      minItems: 1,
      maxItems: 2,
      description: 'a list of "ingest" and "read"',
    }),
    expires_at: t.Optional(
      t.Union([t.String(), t.Null()], { description: "an ISO 8601 date and time, or null for never" }),
    ),
    signing_secrets: t.Optional(
      t.Array(
        t.String({
          maxLength: 512,
          description:
            "a secret of at least 16 bytes (of its base64 behind whsec_) and at most 512 characters",
        }),
        {
          maxItems: 4,
          description:
            "a list of at most 4 secrets that tools sign with; any of them may have signed, and the key takes nothing that none of them has signed",
        },
      ),
    ),
    quota: t.Optional(quotaOrNull),
  },
  { ...closed, examples: [{ label: "Grafana", scopes: ["ingest"] }] },
);
export const keyChangeBody = t.Object(
  { quota: quotaOrNull },
  { ...closed, examples: [{ quota: { webhooks: 600, per: "minute", burst: 100 } }] },
);
export const mappingsBody = t.Record(t.String(), chosen(mappedKinds), {
  description: "an object of status words",
  examples: [{ DEGRADED: "ALERT", FINE: "RECOVERY" }],
});
export const mappingChangeBody = t.Record(
  t.String(),
  t.Union([chosen(mappedKinds), t.Null()], { description: `null or one of ${mappedKinds.join(", ")}` }),
  { description: "an object of status words", examples: [{ DEGRADED: "ALERT" }] },
);
export const signInBody = t.Object(
  {
    key: t.Optional(t.String({ maxLength: 512, description: "the admin key, or a project's key" })),
    link: t.Optional(t.String({ maxLength: 128, description: "the token of a sign-in link" })),
  },
  { ...closed, examples: [{ key: "il_the-secret-told-once" }] },
);
/** Documents the webhook; src/intake/contract-webhook.ts reads it. */
export const webhookBody = t.Object(
  {
    incident_id: t.String({
      minLength: 1,
      maxLength: 512,
      description: "Can be used again for related events",
    }),
    project_uuid: t.String({ description: "The project's UUID" }),
    status: t.String({ maxLength: 512, description: "The tool's own word: DOWN, UP, firing, resolved, ..." }),
    incident_time: t.String({
      description:
        "ISO 8601; `YYYY-MM-DD HH:mm:ss[.fff]` without a zone (read as UTC); or Go's text for a time",
    }),
    monitor_name: t.Optional(t.String({ maxLength: 4_096 })),
    monitor_id: t.Optional(t.String({ maxLength: 512 })),
    repo_uuid: t.Optional(t.String({ description: "A repository of the project; empty counts as absent" })),
    message: t.Optional(t.String()),
    local_time: t.Optional(t.String({ maxLength: 512, description: "Evidence only, stored as sent" })),
    timezone: t.Optional(t.String({ maxLength: 512, description: "Evidence only, stored as sent" })),
  },
  {
    description: "Unknown fields are accepted and kept in the event.",
    examples: [
      {
        incident_id: "checkout-api",
        project_uuid: "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11",
        status: "DOWN",
        incident_time: "2025-01-15T10:30:00Z",
        monitor_name: "Checkout API",
        message: "Request failed with status code 503",
      },
    ],
  },
);
export const redriveBody = t.Object(
  { source: t.Optional(t.String({ maxLength: 64, description: "a source's name, or auto" })) },
  {
    additionalProperties: false,
    description: "Empty for the source that was asked for first.",
    examples: [{ source: "auto" }],
  },
);
