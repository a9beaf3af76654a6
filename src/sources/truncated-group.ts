// What Alertmanager and Grafana say of a group that was cut to the receiver's max_alerts. Knows no other field of theirs.

import { at } from "./json-fields.ts";

/** How many alerts are missing from the group; undefined where none is. */
export function leftOutOf(body: unknown): number | undefined {
  const count = at(body, "truncatedAlerts");
  return typeof count === "number" && Number.isSafeInteger(count) && count > 0 ? count : undefined;
}
