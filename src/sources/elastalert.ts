// ElastAlert 2's alerter post2. It sends what the rule's author writes, beside all fields of the match: this reads two
// fields of ours, as the setup text prints them. Every call is an alert; it never says that anything has ended.

import { Type } from "@sinclair/typebox";
import { filled } from "./filled-text.ts";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { timeText } from "./tool-times.ts";

/** What is added to a rule, in YAML. */
export const elastalertTemplate = `alert: [post2]
http_post2_url: "<this URL>"
http_post2_headers: {"X-API-Key": "<the key>"}
http_post2_all_values: true
http_post2_payload:
  elastalert_rule: "<the rule's name>"
  elastalert_key: "{{ _data['<the rule's query_key>'] }}"`;

export const elastalert: Source = {
  name: "elastalert",
  title: "ElastAlert 2",
  documentation: "https://elastalert2.readthedocs.io/en/latest/alerts.html#http-post-2",
  payload: Type.Object({ elastalert_rule: Type.String() }),
  setup: {
    steps: [
      `ElastAlert has no body of its own. Add to each rule, and leave elastalert_key out where the rule has no query_key:\n${elastalertTemplate}`,
      "ElastAlert sends no recoveries. Let a second rule, on the search for the all-clear, send the six fields to the fields source with status: up and incident_id as this source makes it: the first rule's name, and the key behind a slash.",
    ],
    authentication: ["header", "token_in_url"],
    on_failure: "It is tried again at the next runs until alert_time_limit, two days by default, has passed.",
    unsure: ["The fields elastalert_rule and elastalert_key are ours."],
  },
  recognise: ({ body }) => hasFields(body, "elastalert_rule"),
  read(payload) {
    const { body } = payload;
    const rule = filled(textAt(body, "elastalert_rule"));
    const key = filled(textAt(body, "elastalert_key"));
    return readingOf(payload, {
      incident_id: rule === undefined || key === undefined ? rule : `${rule}/${key}`,
      status: hasFields(body, "elastalert_rule") ? "match" : undefined,
      means: "REMINDER",
      moment: timeText(at(body, "@timestamp")),
      monitor_name: rule,
      monitor_id: rule,
      message: firstText(body, "message", "alert_text") ?? key,
    });
  },
};
