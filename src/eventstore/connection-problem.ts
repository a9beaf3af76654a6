// Says in one line what stands between the service and its event store, and what to do. Never shows a password.

import { isAddress, readEventStoreUrl } from "./connection-string.ts";
import type { StoreAddress } from "./open-client.ts";
import { faultReason, storeFault } from "./store-error.ts";

const needsName =
  "TLS needs the server's name, not its IP address. Use the name in its certificate, or tls=false for a server without TLS.";

interface Meaning {
  readonly pattern: RegExp;
  readonly text: string;
  /** Waiting does not help: somebody has to change something. */
  readonly isLasting: boolean;
}

/** What the runtimes and gRPC say, in the order in which it is looked for, and what that means. */
const meanings: readonly Meaning[] = [
  { pattern: /servername|ERR_INVALID_ARG_VALUE/i, text: needsName, isLasting: true },
  {
    pattern: /self.?signed|unable to verify|unable to get (local )?issuer|unknown ?issuer|unknown ?ca\b/i,
    text: "its certificate is signed by an authority that is not known here. Name the authority's certificate with tlsCAFile=PATH.",
    isLasting: true,
  },
  {
    pattern: /altnames?|hostname|not valid for name/i,
    text: "its certificate is for another name. Use the name that the certificate bears.",
    isLasting: true,
  },
  {
    pattern: /certificate (key )?file|userCertFile/i,
    text: "a certificate file that EVENTSTORE_URL names cannot be read.",
    isLasting: true,
  },
  {
    pattern: /ssl routines|wrong.version.number|handshake|corrupt message/i,
    text: "it does not speak TLS. If that is meant, add tls=false.",
    isLasting: true,
  },
  {
    pattern: /name resolution|ENOTFOUND|EAI_AGAIN|getaddrinfo/i,
    text: "the host's name cannot be resolved.",
    isLasting: false,
  },
  {
    pattern: /ECONNREFUSED/i,
    text: "nothing listens there. Is it started, and is the port right?",
    isLasting: false,
  },
  {
    pattern: /failed to discover/i,
    text: "none of its hosts answers as a node of a cluster. Are they started, and does tls= say what they speak?",
    isLasting: false,
  },
  {
    pattern: /no answer within/i,
    text: "it does not answer. Is it frozen, or is a firewall in between?",
    isLasting: false,
  },
  {
    pattern: /failed to connect/i,
    text: "it ends the connection at once. If it asks for TLS, leave out tls=false.",
    isLasting: false,
  },
  // A proxy in front of a store that is away answers like that too.
  {
    pattern: /protocol error|parse error|UNIMPLEMENTED|RST_STREAM|http status/i,
    text: "what answers there is not an event store, or it asks for TLS where tls=false is given.",
    isLasting: false,
  },
];

export interface ConnectionProblem {
  readonly line: string;
  readonly isLasting: boolean;
}

/** `problem` is what a call threw, as it was or as the cause of an EventLogUnavailable. */
export function connectionProblem(problem: unknown, url: StoreAddress): ConnectionProblem {
  const error = problem instanceof Error ? (problem.cause ?? problem) : problem;
  // It is started again whatever became of it, so waiting helps.
  if (typeof url !== "string")
    return { line: `Cannot use the embedded event store: ${faultReason(error)}.`, isLasting: false };
  const read = readEventStoreUrl(url);
  if (!read.ok) return { line: `Cannot use EVENTSTORE_URL. ${read.problem}.`, isLasting: true };
  const { shown, user, password, tls } = read.value;
  if (storeFault(error) === "denied")
    return { line: sentence(shown, denied({ user, tls })), isLasting: true };
  const reason = faultReason(error);
  const meaning = meanings.find(({ pattern }) => pattern.test(reason));
  return {
    line: sentence(shown, meaning?.text ?? `${hidden(reason, password)}.`),
    isLasting: meaning?.isLasting ?? false,
  };
}

/** What can be said of a URL before any connection; undefined where nothing is wrong. */
export function explainUrlProblem(url: StoreAddress): string | undefined {
  if (typeof url !== "string") return undefined;
  const read = readEventStoreUrl(url);
  if (!read.ok) return `Cannot use EVENTSTORE_URL. ${read.problem}.`;
  // Bun and Deno refuse TLS to an address outright: a certificate is checked against a name.
  const byAddress = read.value.tls && read.value.hosts.some(isAddress);
  return byAddress ? sentence(read.value.shown, needsName) : undefined;
}

function denied(login: { readonly user: string | undefined; readonly tls: boolean }): string {
  if (login.user === undefined && !login.tls) {
    return "it asks for a password. That of `bun run eventstore` is in the address that `bun run eventstore:address` prints; for others use TLS, with user:password@ before the host.";
  }
  if (login.user === undefined) {
    return "it asks for a user, and EVENTSTORE_URL names none. Put user:password@ before the host.";
  }
  return login.tls
    ? "it does not accept the user or password in EVENTSTORE_URL, or the user may not read $all."
    : "it asks for a user, and the client names none without TLS. Leave out tls=false.";
}

const sentence = (shown: string, meaning: string): string =>
  `Cannot use the event store at ${shown}: ${meaning}`;

const hidden = (text: string, password: string | undefined): string =>
  password === undefined
    ? text
    : text.replaceAll(password, "***").replaceAll(encodeURIComponent(password), "***");
