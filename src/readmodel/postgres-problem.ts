// Says in one line why Postgres cannot be used, and whether waiting can help. Never shows a password.

import { setTimeout as pause } from "node:timers/promises";
import postgres from "postgres";

export interface PostgresProblem {
  /** `false`: it is down or busy and may come back. `true`: the configuration has to change. */
  readonly isLasting: boolean;
  readonly line: string;
}

const checkTimeoutMs = 5_000;

/** Connects once and asks one question; undefined where Postgres can be used. */
export async function checkPostgres(url: string): Promise<PostgresProblem | undefined> {
  const shown = shownUrl(url);
  const patience = new AbortController();
  const late = pause(checkTimeoutMs, undefined, { signal: patience.signal }).then(
    () => Promise.reject(new Error("CONNECT_TIMEOUT")),
    () => {},
  );
  let sql: postgres.Sql | undefined;
  try {
    sql = postgres(url, { max: 1, connect_timeout: checkTimeoutMs / 1_000, onnotice: () => {} });
    // postgres.js's own connect_timeout does not end the wait for a host that swallows packets.
    await Promise.race([sql`select 1`, late]);
    return undefined;
  } catch (error) {
    return explain(error, shown, passwordOf(url));
  } finally {
    patience.abort();
    sql?.end({ timeout: 0 }).catch(() => {});
  }
}

/** What Postgres and the runtimes say, and what that means; `true` where waiting does not help. */
const meanings: readonly (readonly [RegExp, boolean, string | undefined])[] = [
  // The server's own sentence is the best there is.
  [/^(28P01|28000|3D000|42501)$/, true, undefined],
  [/^(57P0[1-3]|53300)$/, false, undefined],
  [/^ECONNREFUSED$/, false, "nothing listens there. Is it started, and is the port right?"],
  [/^(ENOTFOUND|EAI_AGAIN)$/, false, "the host's name cannot be resolved."],
  [
    /^(CONNECT_TIMEOUT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/,
    false,
    "it does not answer. Is a firewall in between?",
  ],
  [
    /^(ECONNRESET|CONNECTION_CLOSED)$/,
    false,
    "it ends the connection at once. Does sslmode= in DATABASE_URL say what it speaks?",
  ],
  [/ALTNAME/, true, "its certificate is for another name. Use the name that the certificate bears."],
  [
    /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|UnknownIssuer/,
    true,
    "its certificate is signed by an authority that is not known here. Name the authority's certificate in NODE_EXTRA_CA_CERTS, or use sslmode=require, which encrypts without checking.",
  ],
  [/CERT_HAS_EXPIRED/, true, "its certificate has expired."],
  [
    /ERR_INVALID_URL|Invalid URL/,
    true,
    "DATABASE_URL cannot be read. It should read like postgres://user:password@host:5432/database.",
  ],
];

function explain(error: unknown, shown: string, password: string | undefined): PostgresProblem {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const said = error instanceof Error ? error.message : String(error);
  const meaning =
    meanings.find(([pattern]) => pattern.test(code)) ?? meanings.find(([pattern]) => pattern.test(said));
  const sentence = said.split("\n", 1)[0] ?? "";
  const because =
    meaning?.[2] ?? `${password === undefined ? sentence : sentence.replaceAll(password, "***")}.`;
  return { isLasting: meaning?.[1] ?? false, line: `Cannot use Postgres at ${shown}: ${because}` };
}

/** Up to the last @: a password may hold one, and what else it should not, like a slash, and is not to be shown. */
const passwordOf = (url: string): string | undefined => /^[a-z]+:\/\/[^:@/]*:(.+)@/i.exec(url)?.[1];

/** Host, port and database; of a URL that cannot be read, nothing. */
function shownUrl(url: string): string {
  const found = /^postgres(?:ql)?:\/\/(?:.*@)?([^/?]*)\/?([^?]*)/i.exec(url);
  return found === null ? "DATABASE_URL" : `${found[1]}/${found[2]}`;
}
