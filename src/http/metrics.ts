// What the service counts, in the Prometheus text format. Labels come from closed lists: never an id, a raw path or a
// word of the sender's.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Metrics } from "./ports.ts";

/** Figures that are read when somebody asks. */
export interface MeasuredAtRead {
  readonly projectorLagSeconds: () => number;
  readonly projectorLagBytes: () => number;
  readonly projectorPosition: () => number;
  readonly deadLetters: () => number;
  readonly spooled: () => number;
  readonly spooledBytes: () => number;
  readonly oldestSpooledSeconds: () => number;
  readonly spoolBacklogSeconds: () => number;
  readonly damagedInSpool: () => number;
  readonly forwarded: () => number;
  readonly refusedByStore: () => number;
}

/** Computed from a walk over the whole heap, under Bun for 100 ms and more: everything else is read in a few. */
const dearMetrics = ["total", "used", "available"].map((what) => `nodejs_heap_space_size_${what}_bytes`);

const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** What a method is counted as: senders can make up as many as they like. */
const methodLabel = (method: string): string => (methods.has(method) ? method : "other");

/** `keptMs` is for how long a text is told again before a new one is made. */
export function createMetrics(measured: MeasuredAtRead, keptMs = 1_000): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  for (const name of dearMetrics) register.removeSingleMetric(name);
  const registers = [register];
  const webhooks = new Counter({
    name: "ledger_webhooks_total",
    help: "Acknowledged webhooks by what became of them, their kind and their source",
    labelNames: ["outcome", "kind", "source"] as const,
    registers,
  });
  const rejected = new Counter({
    name: "ledger_webhooks_rejected_total",
    help: "Webhooks that were not acknowledged, by the reason and their source",
    labelNames: ["reason", "source"] as const,
    registers,
  });
  const repaired = new Counter({
    name: "ledger_webhooks_repaired_total",
    help: "Webhooks whose body was broken JSON and was read all the same",
    registers,
  });
  const ignored = new Counter({
    name: "ledger_ignored_total",
    help: "Webhooks, or elements of them, that were ignored, by source and cause",
    labelNames: ["source", "cause"] as const,
    registers,
  });
  const quarantine = new Counter({
    name: "ledger_quarantine_total",
    help: "Payloads that nobody could read or that were refused, by whether the project's quarantine kept them, and source",
    labelNames: ["outcome", "source"] as const,
    registers,
  });
  const leftOut = new Counter({
    name: "ledger_alerts_left_out_total",
    help: "Alerts that tools say they cut off from the groups they sent, by source",
    labelNames: ["source"] as const,
    registers,
  });
  const unknownStatuses = new Counter({
    name: "ledger_unknown_statuses_total",
    help: "Recorded webhooks whose status is neither an alert nor a recovery",
    registers,
  });
  const appends = new Histogram({
    name: "ledger_append_duration_seconds",
    help: "From a webhook read to its event stored",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const requests = new Histogram({
    name: "ledger_http_request_duration_seconds",
    help: "HTTP requests by method, route and status",
    labelNames: ["method", "route", "status"] as const,
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  /** Counted elsewhere since the start of the process. */
  const counter = (name: string, help: string, read: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  gauge(
    "ledger_projector_lag_seconds",
    "Age of the oldest event that the read model does not show; 0 when caught up",
    measured.projectorLagSeconds,
  );
  gauge(
    "ledger_projector_lag_bytes",
    "Log between the read model and the newest event",
    measured.projectorLagBytes,
  );
  gauge(
    "ledger_projector_position",
    "Commit position up to which the read model shows the log",
    measured.projectorPosition,
  );
  gauge("ledger_dead_letters", "Events that no projection could take", measured.deadLetters);
  gauge("ledger_spool_records", "Acknowledged webhooks that wait for the event store", measured.spooled);
  gauge("ledger_spool_bytes", "What they take up on the disk", measured.spooledBytes);
  gauge(
    "ledger_spool_oldest_seconds",
    "Age of the oldest webhook that waits for the event store",
    measured.oldestSpooledSeconds,
  );
  gauge(
    "ledger_spool_backlog_seconds",
    "How long the spooled webhooks take to reach the event store at the present pace; 0 while none waits",
    measured.spoolBacklogSeconds,
  );
  gauge(
    "ledger_spool_damaged_records",
    "Spooled records that the disk damaged; they are set aside",
    measured.damagedInSpool,
  );
  counter(
    "ledger_spool_drained_total",
    "Spooled webhooks that the event store has got since",
    measured.forwarded,
  );
  counter(
    "ledger_spool_refused_total",
    "Spooled events that the event store refuses for ever; they lie in refused.ndjson",
    measured.refusedByStore,
  );
  return {
    webhook: (labels) => webhooks.inc(labels),
    rejected: (labels) => rejected.inc(labels),
    repaired: () => repaired.inc(),
    ignored: (source, cause) => ignored.inc({ source, cause }),
    quarantine: (labels) => quarantine.inc(labels),
    leftOut: (source, count) => leftOut.inc({ source }, count),
    unknownStatus: () => unknownStatuses.inc(),
    appended: (seconds) => appends.observe(seconds),
    request: ({ method, route, status }, seconds) =>
      requests.observe({ method: methodLabel(method), route, status: String(status) }, seconds),
    text: keptFor(keptMs, async () => ({
      contentType: register.contentType,
      body: await register.metrics(),
    })),
  };
}

/** Makes a value at most once in so many milliseconds, however many ask. */
function keptFor<T>(keptMs: number, make: () => Promise<T>): () => Promise<T> {
  let kept: { readonly value: Promise<T>; readonly until: number } | undefined;
  return () => {
    const now = performance.now();
    if (kept === undefined || now >= kept.until) kept = { value: make(), until: now + keptMs };
    return kept.value;
  };
}
