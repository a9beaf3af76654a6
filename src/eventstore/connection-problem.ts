// Says in one line what stands between the service and its event store, and what to do. Never shows a password.

import { isAddress, readEventStoreUrl } from "./connection-string.ts";
import { faultReason, storeFault } from "./store-error.ts";

export function explainConnectionProblem(problem: unknown, url: string): string {
  const error = problem instanceof Error ? (problem.cause ?? problem) : problem;
  const read = readEventStoreUrl(url);
  if (!read.ok) return `Cannot use EVENTSTORE_URL. ${read.problem}.`;
  const { shown, user, password, tls } = read.value;
  const reason = faultReason(error);
  const at = `Cannot use the event store at ${shown}`;
  if (storeFault(error) === "denied") {
    return user === undefined
      ? `${at}: it asks for a user, and EVENTSTORE_URL names none. Put user:password@ before the host.`
      : `${at}: it does not accept the user or password in EVENTSTORE_URL, or the user may not read $all.`;
  }
  if (/servername|ERR_INVALID_ARG_VALUE/i.test(reason)) return addressProblem(shown);
  if (
    /self.?signed|unable to verify|unable to get (local )?issuer|unknown ?issuer|unknown ?ca\b|invalid peer certificate/i.test(
      reason,
    )
  ) {
    return `${at}: its certificate is signed by an authority that is not known here. Name the authority's certificate with tlsCAFile=PATH.`;
  }
  if (/altnames?|hostname|not valid for name|certificate.*name/i.test(reason)) {
    return `${at}: its certificate is for another name. Use the name that the certificate bears.`;
  }
  if (/certificate file|certFile|KeyFile/i.test(reason)) {
    return `${at}: a certificate file that EVENTSTORE_URL names was not found.`;
  }
  if (/ssl|tls|wrong version number|record|handshake|invalid content ?type|packet length/i.test(reason)) {
    return `${at}: it does not speak TLS there. If that is meant, add tls=false.`;
  }
  if (/name resolution|ENOTFOUND|EAI_AGAIN|getaddrinfo/i.test(reason)) {
    return `${at}: the host's name cannot be resolved.`;
  }
  if (/ECONNREFUSED|refused/i.test(reason))
    return `${at}: nothing listens there. Is it started, and is the port right?`;
  if (/Failed to discover/i.test(reason)) {
    return `${at}: none of its hosts answered as a node of a cluster. Are they started, and is tls=${tls} right?`;
  }
  if (
    /protocol|parse|UNIMPLEMENTED|12 |ECONNRESET|reset|http status|invalid content-type|goaway/i.test(reason)
  ) {
    return `${at}: what answers there is not an event store${tls ? "" : ", or it asks for TLS"} (${hidden(reason, password)}).`;
  }
  return `${at}: ${hidden(reason, password)}.`;
}

/** What can be said of a URL before any connection; undefined where nothing is wrong. */
export function explainUrlProblem(url: string): string | undefined {
  const read = readEventStoreUrl(url);
  if (!read.ok) return `Cannot use EVENTSTORE_URL. ${read.problem}.`;
  // Bun and Deno refuse TLS to an address outright: a certificate is checked against a name.
  return read.value.tls && read.value.hosts.some(isAddress) ? addressProblem(read.value.shown) : undefined;
}

const addressProblem = (shown: string): string =>
  `Cannot use the event store at ${shown}: TLS needs the server's name, not its IP address. Use the name in its certificate, or tls=false for a server without TLS.`;

const hidden = (text: string, password: string | undefined): string =>
  password === undefined
    ? text
    : text.replaceAll(password, "***").replaceAll(encodeURIComponent(password), "***");
