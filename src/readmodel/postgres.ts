// How Postgres is reached. Knows nothing of what is stored there, but the schema's name.

import postgres from "postgres";

export type Sql = postgres.Sql;

/** The schema that holds the whole read model; dropping it loses nothing that a replay does not rebuild. */
export const readModelSchema = "ledger";

/**
 * On each connection. Where other tables take the place of those that a plan was made for (schema.ts), it is refused
 * once and made anew; with more statements on their way the client mixes their answers up. Its types lack the option,
 * and its own transactions do not work with it, which are not used here (schema.ts).
 */
const oneStatementAtATime: object = { max_pipeline: 0 };

/** As Postgres' own text: a Date of the client's would lose microseconds (instant-columns.ts). */
const timestamp = {
  to: 1114,
  from: [1114],
  serialize: (text: string): string => text,
  parse: (text: string): string => text,
};

/** Opens a pool (lazily: Postgres may be down). Every connection finds the read model's tables by their bare names. */
export function openPostgres(
  url: string,
  options: {
    readonly maxConnections: number;
    readonly applicationName: string;
    /** A statement that takes longer is cancelled; 0: never. */
    readonly statementTimeoutMs: number;
    /** Whether a connection is kept as long as it works; else each is replaced after half an hour or so. */
    readonly keepsConnections?: true;
    /** What only asks can change nothing, whatever is asked. */
    readonly readOnly?: true;
  },
): Sql {
  return postgres(url, {
    max: options.maxConnections,
    connect_timeout: 10,
    ...oneStatementAtATime,
    ...(options.keepsConnections === true ? { max_lifetime: null } : {}),
    onnotice: () => {},
    // The look-up of array types at the start of a connection is a promise that the client leaves behind, rejected,
    // where the connection is lost during it. No statement here sends or reads an array.
    fetch_types: false,
    types: { timestamp },
    connection: {
      application_name: options.applicationName,
      search_path: readModelSchema,
      datestyle: "ISO",
      statement_timeout: options.statementTimeoutMs,
      idle_in_transaction_session_timeout: 60_000,
      ...(options.readOnly === true ? { default_transaction_read_only: true } : {}),
    },
  });
}
