// The shapes of requests and answers, one schema each; types and documentation come from them.

import { type Static, type TSchema, type TUnsafe, Type as t } from "@sinclair/typebox";
import type { IncidentDetail, IncidentItem, MttrAnswer, PairItem, TimelineItem } from "../domain/answers.ts";

const uuid = (description: string) => t.String({ description, maxLength: 64 });
const time = (description: string) =>
  t.String({ description, maxLength: 100, examples: ["2025-01-15T10:30:00.000Z"] });
const orNull = <T extends TSchema>(schema: T) => t.Union([schema, t.Null()]);
const literals = <const T extends readonly string[]>(words: T, description: string) =>
  t.Union(
    words.map((word) => t.Literal(word)),
    { description: `${description} ${words.join(", ")}` },
  ) as unknown as TUnsafe<T[number]>;

export const states = ["open", "recovered", "orphan", "unmapped"] as const;
const matchedBy = ["incident_id", "monitor_id", "project"] as const;
const groupBy = ["repo", "monitor", "incident", "day", "week", "month"] as const;

export const errorAnswer = t.Object(
  { success: t.Literal(false), error: t.String(), details: t.String() },
  { additionalProperties: false, description: "Every error of every route" },
);

// Requests ------------------------------------------------------------------------------------------------------------

const page = {
  limit: t.Optional(t.Integer({ minimum: 1, maximum: 500, description: "a whole number from 1 to 500" })),
  cursor: t.Optional(t.String({ maxLength: 4_096, description: "the next_cursor of the page before" })),
};
const readYourWrite = {
  min_position: t.Optional(
    t.String({
      pattern: "^[0-9]{1,20}$",
      description: "a position as a webhook's answer carries it: waits until the read model has come so far",
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
export const positionQuery = t.Object(readYourWrite, closed);
export const timelineQuery = t.Object({ ...page, ...readYourWrite }, closed);
export const incidentsQuery = t.Object(
  { state: t.Optional(literals(states, "one of")), ...which, ...span, ...page, ...readYourWrite },
  closed,
);
export const pairsQuery = t.Object(
  {
    state: t.Optional(literals(["open", "recovered"], "one of")),
    incident_id: t.Optional(t.String({ maxLength: 512, description: "an incident_id" })),
    matched_by: t.Optional(literals(matchedBy, "one of")),
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
    basis: t.Optional(literals(["latest_alert", "first_alert"], "one of")),
    matched_by: t.Optional(literals(matchedBy, "one of")),
    ...which,
    group_by: t.Optional(literals(groupBy, "one of")),
    tz: t.Optional(t.String({ maxLength: 64, description: "an IANA time zone, like Europe/Paris" })),
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
    matching: t.Optional(literals(["incident", "monitor", "project"], "one of")),
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
    per: literals(["second", "minute"], "one of"),
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
    scopes: t.Array(literals(["ingest", "read"], "one of"), {
      minItems: 1,
      maxItems: 2,
      description: 'a list of "ingest" and "read"',
    }),
    expires_at: t.Optional(
      t.Union([t.String(), t.Null()], { description: "an ISO 8601 date and time, or null for never" }),
    ),
    signing_secrets: t.Optional(
      t.Array(t.String({ minLength: 8, maxLength: 512, description: "a secret of 8 to 512 characters" }), {
        maxItems: 4,
        description: "a list of at most 4 secrets that tools sign with; any of them may have signed",
      }),
    ),
    quota: t.Optional(quotaOrNull),
  },
  { ...closed, examples: [{ label: "Grafana", scopes: ["ingest"] }] },
);
export const keyChangeBody = t.Object(
  { quota: quotaOrNull },
  { ...closed, examples: [{ quota: { webhooks: 600, per: "minute", burst: 100 } }] },
);
export const mappingsBody = t.Record(t.String(), literals(["ALERT", "RECOVERY"], "one of"), {
  description: "an object of status words",
  examples: [{ DEGRADED: "ALERT", FINE: "RECOVERY" }],
});
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

// Answers -------------------------------------------------------------------------------------------------------------

export const webhookAnswer = t.Object({
  success: t.Literal(true),
  message: t.String(),
  incident_id: t.String(),
  event_id: t.Optional(t.String()),
  kind: t.Optional(orNull(t.String())),
  position: t.Optional(t.String()),
  durability: t.Optional(
    literals(["stored", "spooled"], "In the event store, or on this machine's disk on its way there:"),
  ),
});
export const projectAnswer = t.Object({
  project_uuid: t.String(),
  name: t.String(),
  matching: literals(["incident", "monitor", "project"], "One of"),
  created_at: t.String(),
});
export const repositoryAnswer = t.Object({
  repo_uuid: t.String(),
  project_uuid: t.String(),
  name: t.String(),
  created_at: t.String(),
});
const quotaAnswer = orNull(
  t.Object({
    webhooks: t.Integer(),
    per: literals(["second", "minute"], "One of"),
    burst: t.Integer({ description: "The most at one moment" }),
  }),
);
export const keyAnswer = t.Object({
  key_id: t.String(),
  label: t.String(),
  scopes: t.Array(t.String()),
  expires_at: orNull(t.String()),
  created_at: t.String(),
  revoked_at: orNull(t.String()),
  last_used_at: orNull(t.String()),
  verifies_signatures: t.Boolean({ description: "Whether what signing tools send with it must be signed" }),
  quota: quotaAnswer,
});
export const issuedKeyAnswer = t.Object({
  key_id: t.String(),
  key: t.String({ description: "Told here and never again" }),
  label: t.String(),
  scopes: t.Array(t.String()),
  expires_at: orNull(t.String()),
  created_at: t.String(),
  quota: quotaAnswer,
});

const kind = orNull(literals(["ALERT", "RECOVERY"], "One of"));
export const pairAnswer = t.Object({
  incident_id: t.String(),
  monitor_id: orNull(t.String()),
  monitor_name: orNull(t.String()),
  repo_uuid: orNull(t.String()),
  first_alert_at: t.String(),
  latest_alert_at: t.String(),
  alerts: t.Integer(),
  recovered_at: orNull(t.String()),
  recovery_seconds: orNull(t.Number({ description: "Recovery minus the latest alert" })),
  outage_seconds: orNull(t.Number({ description: "Recovery minus the first alert" })),
  matched_by: orNull(literals(matchedBy, "One of")),
  recovered_at_basis: orNull(literals(["incident_time", "received"], "One of")),
  alert_event_id: t.String(),
  recovery_event_id: orNull(t.String()),
});
const incidentFields = {
  incident_id: t.String(),
  state: literals(states, "One of"),
  monitor_id: orNull(t.String()),
  monitor_name: orNull(t.String()),
  repo_uuid: orNull(t.String()),
  first_time: t.String(),
  last_time: t.String(),
  alerts: t.Integer(),
  recoveries: t.Integer(),
  webhooks: t.Integer(),
};
export const incidentItemAnswer = t.Object({ ...incidentFields, outages: t.Integer() });
export const incidentAnswer = t.Object({ ...incidentFields, outages: t.Array(pairAnswer) });
export const timelineItemAnswer = t.Object({
  event_id: t.String(),
  position: t.String(),
  incident_time: t.String(),
  effective_time: t.String(),
  received_at: t.String(),
  status: t.String(),
  kind,
  monitor_name: orNull(t.String()),
  monitor_id: orNull(t.String()),
  repo_uuid: orNull(t.String()),
  message: orNull(t.String()),
  local_time: orNull(t.String()),
  timezone: orNull(t.String()),
  source: t.String(),
  webhooks: t.Integer(),
});
const figures = {
  n: t.Integer({ description: "Recoveries that the figures rest on" }),
  open: t.Integer({ description: "Outages still open" }),
  mean_seconds: orNull(t.Number()),
  median_seconds: orNull(t.Number()),
  p90_seconds: orNull(t.Number()),
  p95_seconds: orNull(t.Number()),
  min_seconds: orNull(t.Number()),
  max_seconds: orNull(t.Number()),
  grade: orNull(literals(["elite", "high", "medium", "low"], "By the mean; one of")),
  matched_by: t.Object({ incident_id: t.Integer(), monitor_id: t.Integer(), project: t.Integer() }),
};
export const mttrAnswer = t.Object({
  basis: literals(["latest_alert", "first_alert"], "One of"),
  from: orNull(t.String()),
  to: orNull(t.String()),
  ...figures,
  position: t.String(),
  groups: t.Optional(t.Array(t.Object({ key: orNull(t.String()), ...figures }))),
});
export const replayLine = t.Object({
  event_id: t.String(),
  type: t.String(),
  stream: t.String(),
  revision: t.String(),
  position: t.String(),
  recorded_at: t.String(),
  data: t.Unknown(),
  metadata: t.Unknown(),
});
export const deadLetterAnswer = t.Object({
  position: t.String(),
  event_id: t.String(),
  stream: t.String(),
  type: t.String(),
  reason: t.String(),
});
export const redrivenAnswer = t.Object({
  position: t.String(),
  outcome: literals(["applied", "failing", "waiting"], "One of"),
  reason: orNull(t.String({ description: "Why it is still a dead letter" })),
});
export const allRedrivenAnswer = t.Object({
  applied: t.Integer(),
  failing: t.Integer(),
  waiting: t.Integer(),
});
export const pageOf = <T extends TSchema>(item: T) =>
  t.Object({ items: t.Array(item), next_cursor: orNull(t.String()) });

// What the domain promises and what is described here are one and the same.
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
type Mutable<T> = T extends readonly (infer I)[]
  ? Mutable<I>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T;
true satisfies Same<Static<typeof incidentItemAnswer>, Mutable<IncidentItem>>;
true satisfies Same<Static<typeof incidentAnswer>, Mutable<IncidentDetail>>;
true satisfies Same<Static<typeof timelineItemAnswer>, Mutable<TimelineItem>>;
true satisfies Same<Static<typeof pairAnswer>, Mutable<PairItem>>;
true satisfies Same<Static<typeof mttrAnswer>, Mutable<MttrAnswer>>;
