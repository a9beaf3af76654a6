// StatusCake's web hook: a form without any time. Its Token is made from the account's API key and is not kept.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { fieldsOf, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";

const statuses = statusTable({ Down: "ALERT", Up: "RECOVERY" });

export const statuscake: Source = {
  name: "statuscake",
  title: "StatusCake",
  documentation: "https://www.statuscake.com/kb/knowledge-base/how-to-use-the-web-hook-url/",
  payload: Type.Object({
    Status: Type.String(),
    TestID: Type.Optional(Type.Union([Type.String(), Type.Number()])),
    Name: Type.Optional(Type.String()),
    URL: Type.Optional(Type.String()),
    StatusCode: Type.Optional(Type.Union([Type.String(), Type.Number()])),
  }),
  setup: {
    steps: [
      "Append the key to this URL as ?token=.",
      "Under Alerting, Contact groups, paste the URL as Webhook URL, with the method POST.",
      "Give the contact group to each test.",
    ],
    authentication: ["token_in_url"],
    on_failure: "Not documented: whether it retries is unknown.",
    unsure: [
      "Times are those of receipt: the form holds none.",
      "Where TestID is missing, the test's name and URL together identify the incident.",
    ],
  },
  recognise: ({ body }) =>
    hasFields(body, "Status", "StatusCode") &&
    (hasFields(body, "TestID") || hasFields(body, "Token") || hasFields(body, "Name", "URL")),
  read(payload) {
    const { body } = payload;
    const test = textAt(payload.body, "TestID");
    const name = textAt(body, "Name");
    const url = textAt(body, "URL");
    return readingOf(payload, {
      incident_id: test ?? joined(" ", name, url),
      status: textAt(body, "Status"),
      means: statuses,
      monitor_name: name,
      monitor_id: test,
      message: joined(" ", textAt(body, "StatusCode"), url),
      element: withoutToken(body),
    });
  },
};

const joined = (between: string, ...parts: readonly (string | undefined)[]): string | undefined =>
  parts.filter((part) => part !== undefined).join(between) || undefined;

function withoutToken(body: unknown): unknown {
  const { Token: _, ...rest } = fieldsOf(body) ?? {};
  return rest;
}
