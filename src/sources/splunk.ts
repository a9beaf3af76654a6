// Splunk's built-in webhook alert action. Every call is an alert; it never says that anything has ended.

import { Type } from "@sinclair/typebox";
import { secondsBetween } from "../domain/instant.ts";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source, SourcePayload } from "./source.ts";
import { timeNumber, timeText } from "./tool-times.ts";

/** The first row's time is the alert's, unless it is older than any search that alerts looks back. */
const longestLookBackSeconds = 86_400;

export const splunk: Source = {
  name: "splunk",
  title: "Splunk Enterprise and Cloud",
  documentation: "https://docs.splunk.com/Documentation/Splunk/latest/Alert/Webhooks",
  payload: Type.Object({
    sid: Type.String(),
    search_name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
  setup: {
    steps: [
      "In the alert's Trigger Actions add Webhook and paste this URL with the key as ?token=.",
      "Splunk Cloud and Splunk 9.1.4 and later: put this host on the webhook allow list.",
      "An alert that triggers for each result needs &per=host (the field that tells the results apart; several with commas): its value then completes the search's name, as in 'disk full/web-1'. Without it all results are one incident.",
      "Splunk sends no recoveries. Let a second alert, on the search for the all-clear, send the six fields to the fields source with status=up and incident_id set to the first alert's name.",
    ],
    authentication: ["token_in_url"],
    on_failure: "It is not sent again.",
    unsure: [
      "The alert's time is the first result row's _time; without one, or with one older than a day, the time of receipt.",
    ],
  },
  recognise: ({ headers, body }) =>
    hasFields(body, "sid", "search_name") &&
    (hasFields(body, "results_link") ||
      hasFields(body, "result") ||
      headers["user-agent"]?.startsWith("Splunk") === true),
  read(payload) {
    const { body } = payload;
    const name = textAt(body, "search_name");
    const rowTime = at(body, "result", "_time");
    const time = timeNumber(rowTime, "s") ?? timeText(rowTime);
    const isRecent =
      time !== undefined &&
      secondsBetween({ earlier: time, later: payload.received_at }) <= longestLookBackSeconds;
    return readingOf(payload, {
      incident_id: idOf(payload),
      status: hasFields(body, "sid") ? "triggered" : undefined,
      // A scheduled search alerts again for as long as it finds something.
      means: "REMINDER",
      start: isRecent ? time : undefined,
      monitor_name: name,
      monitor_id: name,
      message: name,
    });
  },
};

/** The search's name, completed by the result's fields that the URL names. */
function idOf({ body, query }: SourcePayload): string | undefined {
  const name = firstText(body, "search_name", "sid");
  const values = (query.per ?? "").split(",").flatMap((field) => textAt(body, "result", field.trim()) ?? []);
  return name === undefined ? undefined : [name, ...values].join("/");
}
