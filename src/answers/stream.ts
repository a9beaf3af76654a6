// The changes that the stream sends to an open page.

import { Type as t } from "@sinclair/typebox";
import { example } from "./example-incident.ts";
import { answerObject, type Of, oneOf, orNull, position, text } from "./field.ts";

const changesMessage = answerObject({
  missed: t.Boolean({
    description: "Whether more has changed than is named: everything shown is to be loaded anew",
  }),
  changes: t.Array(
    answerObject({
      about: oneOf(["incident", "quarantine", "settings"]),
      incident: orNull(text(example.incident_id, "Null where it is about no incident")),
      position: position(example.alert_position),
    }),
  ),
});
/** The data of one event. */
export type ChangesMessage = Of<typeof changesMessage>;
export type ChangeItem = ChangesMessage["changes"][number];

export const changesAnswer = t.String({
  examples: [
    `id: ${example.alert_position}\ndata: {"missed":false,"changes":[{"about":"incident","incident":"${example.incident_id}","position":"${example.alert_position}"}]}\n\n`,
  ],
});
