// The event by which a log holds its own identity. It lies in a stream of its own, which no projection reads. Pure.

/** Appended once, before every other event of ours; in logs that are older than this event, after them. */
export interface LogStarted {
  /** A random uuid. A log that is copied event by event into another store gets one of its own. */
  readonly log_id: string;
}

export type LogEvent = { readonly type: "LogStarted"; readonly data: LogStarted };

/** Holds one `LogStarted`, at revision 0. */
export const logStream = "ledger";
