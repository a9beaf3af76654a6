// Which records came late: those that changed what was known of a time that had been told of already. Pure.

interface Arrival {
  readonly event_id: string;
  readonly effective_time: string;
  readonly received_at: string;
}

/** Longer on the way than any tool takes to send. */
const longDelayMs = 5 * 60_000;

/** Ids of records that were received after one that happened later, or long after they happened themselves. */
export function laterThanNews(records: readonly Arrival[]): ReadonlySet<string> {
  const late = new Set<string>();
  const arrived = [...records].sort(
    (one, other) => Date.parse(one.received_at) - Date.parse(other.received_at),
  );
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const { event_id, effective_time, received_at } of arrived) {
    const happenedMs = Date.parse(effective_time);
    if (happenedMs < newestMs || Date.parse(received_at) - happenedMs > longDelayMs) late.add(event_id);
    newestMs = Math.max(newestMs, happenedMs);
  }
  return late;
}
