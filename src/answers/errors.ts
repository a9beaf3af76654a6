// The answer to everything that goes wrong.

import { Type as t } from "@sinclair/typebox";
import { answerObject, type Of } from "./field.ts";

export const errorAnswer = answerObject(
  { success: t.Literal(false), error: t.String(), details: t.String() },
  { description: "Every error of every route" },
);
export type ErrorAnswer = Of<typeof errorAnswer>;
