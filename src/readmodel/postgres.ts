// How Postgres is reached. Knows nothing of what is stored there, but the schema's name.

import postgres from "postgres";

export type Sql = postgres.Sql;

/** The schema that holds the whole read model; dropping it loses nothing that a replay does not rebuild. */
export const readModelSchema = "ledger";

/** Opens a pool (lazily: Postgres may be down). Every connection finds the read model's tables by their bare names. */
export function openPostgres(
  url: string,
  options: {
    readonly maxConnections: number;
    readonly applicationName: string;
    /** A statement that takes longer is cancelled; 0: never. */
    readonly statementTimeoutMs: number;
    /**
     * Whether a connection is kept as long as it works; else each is replaced after half an hour or so. It does not ask
     * for array types at its start: that question fails outside of any promise when the connection is cut.
     */
    readonly keepsConnections?: true;
    /** What only asks can change nothing, whatever is asked. */
    readonly readOnly?: true;
  },
): Sql {
  return postgres(url, {
    max: options.maxConnections,
    connect_timeout: 10,
    ...(options.keepsConnections === true ? { max_lifetime: null, fetch_types: false } : {}),
    onnotice: () => {},
    // The look-up of array types at the start of a connection is a promise that the client leaves behind, rejected,
    // where the connection is lost during it. No statement here sends or reads an array.
    fetch_types: false,
    connection: {
      application_name: options.applicationName,
      search_path: readModelSchema,
      statement_timeout: options.statementTimeoutMs,
      idle_in_transaction_session_timeout: 60_000,
      ...(options.readOnly === true ? { default_transaction_read_only: true } : {}),
    },
  });
}
