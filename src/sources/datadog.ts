// Datadog's webhook with its default body, which names the state only in the title and the monitor only in a link.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { at, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeNumber } from "./tool-times.ts";

const statuses = statusTable({
  // A warning turns into an alert and back, and both are told again: within an outage nothing begins anew.
  Triggered: "REMINDER",
  Warn: "REMINDER",
  "Re-Triggered": "REMINDER",
  "Re-Warn": "REMINDER",
  Renotify: "REMINDER",
  Recovered: "RECOVERY",
  "No Data": "neither",
  "Re-No Data": "neither",
});

/** `[P2] [Triggered on {host:web-3}] [TEST] the monitor's name`; priority, group and TEST may be missing. */
const titleShape =
  /^\s*(?:\[P\d\]\s*)?\[([^\]{]{1,40}?)(?:\s{1,3}on\s{1,3}\{([^\]]{1,400})\})?\]\s*(\[TEST\]\s*)?(.*)$/is;

export const datadog: Source = {
  name: "datadog",
  title: "Datadog",
  documentation: "https://docs.datadoghq.com/integrations/webhooks/",
  payload: Type.Object({
    title: Type.String(),
    body: Type.Optional(Type.String()),
    date: Type.Optional(Type.Union([Type.String(), Type.Number()])),
    last_updated: Type.Optional(Type.Union([Type.String(), Type.Number()])),
    alert_transition: Type.Optional(Type.String()),
    alert_id: Type.Optional(Type.Union([Type.String(), Type.Number()])),
    alert_cycle_key: Type.Optional(Type.Union([Type.String(), Type.Number()])),
  }),
  setup: {
    steps: [
      "Under Integrations, Webhooks, add a webhook and paste this URL. The default payload will do.",
      'Under Custom Headers put {"X-API-Key": "<the key>"}.',
      "Name the webhook in each monitor's message: @webhook-<its name>.",
      'Better: add "alert_transition": "$ALERT_TRANSITION", "alert_id": "$ALERT_ID" and "alert_cycle_key": "$ALERT_CYCLE_KEY" to the payload; they are then used first.',
    ],
    authentication: ["header", "basic"],
    on_failure:
      "It waits 15 seconds. Only server errors and missed connections are retried, up to five times.",
    unsure: [
      "The default payload of a recovery is known from its title only.",
      "Nothing tells an alert that a warning turned into from a new one: an outage begins only where none is open.",
      "No Data is recorded and neither opens nor ends an outage.",
    ],
  },
  recognise: ({ body }) =>
    hasFields(body, "event_type", "title", "last_updated") && at(body, "org", "id") !== undefined,
  read(payload) {
    const { body } = payload;
    const title = textAt(body, "title") ?? "";
    const [, word, group, test, name] = titleShape.exec(title) ?? [];
    if (test !== undefined) return ignored("a test of the monitor", "test");
    const text = textAt(body, "body") ?? "";
    const monitor = textAt(body, "alert_id") ?? /\/monitors\/?#?(\d{1,30})/.exec(text)?.[1];
    const time = timeNumber(textAt(body, "date"), "ms") ?? timeNumber(textAt(body, "last_updated"), "ms");
    return readingOf(payload, {
      incident_id: textAt(body, "alert_cycle_key") ?? withGroup(monitor, group),
      status: textAt(body, "alert_transition") ?? word,
      means: statuses,
      moment: time,
      monitor_name: name?.trim() || undefined,
      monitor_id: monitor,
      message: firstLine(text),
    });
  },
};

/** A monitor that alerts per group says for which in its title; each group is an incident of its own. */
const withGroup = (monitor: string | undefined, group: string | undefined): string | undefined =>
  monitor === undefined || group === undefined ? monitor : `${monitor}?group=${group}`;

/** The monitor's message: the first line between the marks of Datadog's Markdown. */
const firstLine = (text: string): string | undefined =>
  text
    .replace(/^\s*%%%\s*/, "")
    .split("\n", 1)[0]
    ?.trim() || undefined;
