// The dashboard's session: the key's owner and the projects that the key opens.

import { Type as t } from "@sinclair/typebox";
import { example } from "./example-incident.ts";
import { answerObject, type Of, oneOf, orNull, text, uuid } from "./field.ts";
import { scopes } from "./registry.ts";

export const sessionAnswer = answerObject({
  role: oneOf(["admin", "project"], { description: "Of which key the session was made" }),
  project_uuid: orNull(uuid(example.project_uuid, "The key's project; null for the admin key")),
  label: orNull(text("Grafana", "The key's label")),
  scopes: t.Array(oneOf(scopes)),
});
export type SessionAnswer = Of<typeof sessionAnswer>;

export const signedOutAnswer = answerObject({ success: t.Literal(true) });
export type SignedOutAnswer = Of<typeof signedOutAnswer>;
