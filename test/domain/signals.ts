// Signals in few words, for the pairing tests.

import type { IncidentId, ProjectUuid, RepoUuid } from "../../src/domain/ids.ts";
import { type Instant, instantFromEpochMs } from "../../src/domain/instant.ts";
import type { Kind, Signal } from "../../src/domain/signal.ts";

export interface Said {
  readonly incident?: string;
  /** Seconds; received at the same moment unless said otherwise. */
  readonly at: number;
  readonly received?: number;
  readonly monitor?: string;
  readonly monitor_name?: string;
  readonly repo?: string;
  readonly message?: string;
  readonly id?: string;
  readonly exact?: boolean;
  readonly reminder?: boolean;
  /** Seconds: when its outage began, says a recovery. */
  readonly started?: number;
}

export const at = (seconds: number): Instant =>
  instantFromEpochMs(Date.UTC(2025, 0, 15, 10) + seconds * 1000) as Instant;

const signal = (kind: Kind, status: string, said: Said): Signal => ({
  project_uuid: "6f2f8f0e-2d4c-4d0b-9a53-4f1b4f6d1a01" as ProjectUuid,
  incident_id: (said.incident ?? "api") as IncidentId,
  event_id:
    said.id ??
    `${said.incident ?? "api"} ${status} ${said.at} ${said.received ?? said.at} ${said.message ?? ""}`,
  kind,
  status,
  source: "contract",
  exact: said.exact ?? false,
  reminder: said.reminder ?? false,
  incident_time: at(said.at),
  received_at: at(said.received ?? said.at),
  ...(said.monitor === undefined ? {} : { monitor_id: said.monitor }),
  ...(said.monitor_name === undefined ? {} : { monitor_name: said.monitor_name }),
  ...(said.repo === undefined ? {} : { repo_uuid: said.repo as RepoUuid }),
  ...(said.started === undefined ? {} : { started_at: at(said.started) }),
  ...(said.message === undefined ? {} : { message: said.message }),
});

export const down = (said: Said): Signal => signal("ALERT", "DOWN", said);
export const up = (said: Said): Signal => signal("RECOVERY", "UP", said);
export const dismissed = (said: Said): Signal => signal("DISMISSAL", "merged", said);
export const acknowledged = (said: Said): Signal => signal("ACKNOWLEDGEMENT", "ack", said);
export const other = (said: Said): Signal => signal(null, "DEGRADED", said);
