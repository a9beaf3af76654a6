// What a source never answers, and why: for it there can be no fixture. Whoever finds such a payload takes the line out
// and adds the fixture; mutated-payloads.test.ts fails where a source answers it after all.

import { kindOf } from "../../src/domain/status.ts";
import type { Fixture } from "./fixtures.ts";

export const outcomes = ["alert", "recovery", "ignored", "unrecognised"] as const;
export type Outcome = (typeof outcomes)[number];

const statesOnly = "the tool sends nothing but changes of state";
const sendersOwn = "the six fields are the sender's own words, of which none is dropped";
const alertsOnly = "the tool calls for alerts alone and never says that one is over";

export const neverAnswered: Readonly<Record<string, Partial<Record<Outcome, string>>>> = {
  cronitor: { ignored: statesOnly },
  elastalert: { recovery: alertsOnly, ignored: alertsOnly },
  fields: { ignored: sendersOwn },
  "gatus-zapier": { ignored: statesOnly },
  gatus: { ignored: statesOnly },
  graylog: { recovery: alertsOnly },
  healthchecks: { ignored: "states between down and up are recorded as neither" },
  hetrixtools: { ignored: statesOnly },
  kapacitor: { ignored: "a level that is no alert is recorded as neither" },
  kibana: { ignored: "an action group without data is recorded as neither" },
  "netdata-reachability": { ignored: statesOnly },
  newrelic: { ignored: "every state is recorded, acknowledgements too" },
  onlineornot: { ignored: statesOnly },
  pingdom: { ignored: statesOnly },
  "sentry-issue-alert": { recovery: alertsOnly },
  servicenow: { ignored: sendersOwn },
  site24x7: { ignored: statesOnly },
  solarwinds: { ignored: statesOnly },
  "splunk-observability": { ignored: statesOnly },
  splunk: { recovery: alertsOnly, ignored: alertsOnly },
  statuscake: { ignored: statesOnly },
  "uptime-com": { ignored: statesOnly },
  "zabbix-eda": {
    recovery: "the media type's script throws for recoveries",
    ignored: "it sends problems alone",
  },
  zabbix: { ignored: statesOnly },
};

/** A signal's outcome; where the source leaves the word to the project, by the ingest contract's table. */
export function outcomeOf(signal: {
  readonly kind?: string | null | undefined;
  readonly status: string;
}): Outcome | undefined {
  switch (signal.kind === undefined ? kindOf(signal.status, {}) : signal.kind) {
    case "ALERT":
      return "alert";
    case "RECOVERY":
      return "recovery";
    default:
      return undefined;
  }
}

export function outcomesOf({ expect }: Fixture): readonly (Outcome | undefined)[] {
  if (expect.tag !== "signals") return [expect.tag];
  const ignored = (expect.ignored ?? 0) > 0 ? (["ignored"] as const) : [];
  return [...expect.signals.map((signal) => outcomeOf(signal)), ...ignored];
}
