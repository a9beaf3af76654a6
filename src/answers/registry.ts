// Projects, repositories, API keys and status mappings, as clients depend on them.

import { Type as t } from "@sinclair/typebox";
import { example } from "./example-incident.ts";
import { answerObject, type Of, oneOf, orNull, text, time, uuid } from "./field.ts";

export const matchings = ["incident", "monitor", "project"] as const;
export const scopes = ["ingest", "read"] as const;
export const quotaUnits = ["second", "minute"] as const;
export const mappedKinds = ["ALERT", "RECOVERY"] as const;

export const projectAnswer = answerObject({
  project_uuid: uuid(example.project_uuid),
  name: text("Shop"),
  matching: oneOf(matchings, {
    description: "How far an orphan recovery may be matched",
    examples: ["project"],
  }),
  created_at: time("2025-01-01T09:00:00.000Z"),
});
export type ProjectAnswer = Of<typeof projectAnswer>;

export const repositoryAnswer = answerObject({
  repo_uuid: uuid(example.repo_uuid),
  project_uuid: uuid(example.project_uuid),
  name: text("shop/checkout"),
  created_at: time("2025-01-01T09:05:00.000Z"),
});
export type RepositoryAnswer = Of<typeof repositoryAnswer>;

const keyFields = {
  key_id: uuid(example.key_id),
  label: text("Grafana"),
  scopes: t.Array(oneOf(scopes)),
  expires_at: orNull(time("2026-01-01T00:00:00.000Z")),
  created_at: time("2025-01-01T09:10:00.000Z"),
  quota: orNull(
    answerObject({
      webhooks: t.Integer({ minimum: 1, examples: [600] }),
      per: oneOf(quotaUnits, { examples: ["minute"] }),
      burst: t.Integer({ minimum: 1, examples: [100], description: "The most at one moment" }),
    }),
  ),
};
export const keyAnswer = answerObject({
  ...keyFields,
  revoked_at: orNull(time("2025-06-01T12:00:00.000Z")),
  last_used_at: orNull(time(example.recovered_at)),
  verifies_signatures: t.Boolean({
    description: "Whether what signing tools send with it must be signed",
    examples: [false],
  }),
});
export type KeyAnswer = Of<typeof keyAnswer>;

export const issuedKeyAnswer = answerObject({
  ...keyFields,
  key: text("il_the-secret-told-once", "Told here and never again"),
});
export type IssuedKeyAnswer = Of<typeof issuedKeyAnswer>;

/** The sender's own words, so any field. */
export const mappingsAnswer = t.Record(t.String(), oneOf(mappedKinds), {
  description: "Status words, normalised, and their kinds",
  examples: [{ DEGRADED: "ALERT", FINE: "RECOVERY" }],
});
export type MappingsAnswer = Of<typeof mappingsAnswer>;
