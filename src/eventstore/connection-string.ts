// Reads EVENTSTORE_URL into the connection string the client is given. Opens no connection and prints nothing.
// The client prints the whole string, password included, when it meets an option it does not know; it never gets one.

/** What an event store URL says. `shown` is the same without user, password and options: fit for logs. */
export interface EventStoreUrl {
  readonly connectionString: string;
  readonly shown: string;
  readonly hosts: readonly string[];
  readonly tls: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

export type ReadUrl =
  | { readonly ok: true; readonly value: EventStoreUrl }
  | { readonly ok: false; readonly problem: string };

const schemes = new Map([
  ["esdb", "esdb"],
  ["esdb+discover", "esdb+discover"],
  ["kurrentdb", "esdb"],
  ["kurrentdb+discover", "esdb+discover"],
]);

const options = new Map(
  [
    "connectionName",
    "defaultDeadline",
    "discoveryInterval",
    "gossipTimeout",
    "keepAliveInterval",
    "keepAliveTimeout",
    "maxDiscoverAttempts",
    "nodePreference",
    "throwOnAppendFailure",
    "tls",
    "tlsCAFile",
    "tlsVerifyCert",
    "userCertFile",
    "userKeyFile",
  ].map((name) => [flat(name), name]),
);

const example = "esdb://user:password@events.example.com:2113?tls=true, or esdb://127.0.0.1:2113?tls=false";
const refuse = (problem: string): ReadUrl => ({ ok: false, problem });

/**
 * Reads the URL. `defaults` are options used where the URL sets none of that name. A problem never repeats the
 * part of the URL that may hold a password.
 */
export function readEventStoreUrl(url: string, defaults: Readonly<Record<string, string>> = {}): ReadUrl {
  const [, scheme = "", rest = ""] = /^([^:/]+):\/\/(.*)$/s.exec(withoutLastSlashes(url.trim())) ?? [];
  const protocol = schemes.get(scheme.toLowerCase());
  if (protocol === undefined) return refuse(`It does not begin with esdb://. It should read like ${example}`);
  const queryAt = rest.indexOf("?");
  const authority = withoutLastSlashes(queryAt < 0 ? rest : rest.slice(0, queryAt));
  const login = readLogin(authority);
  if (login === undefined) return refuse(`Its user has no password. It should read like ${example}`);
  const hosts = readHosts(authority.slice(authority.lastIndexOf("@") + 1));
  if (!Array.isArray(hosts)) return refuse(hosts.problem);
  const settings = readOptions(queryAt < 0 ? "" : rest.slice(queryAt + 1));
  if ("problem" in settings) return refuse(settings.problem);

  for (const [name, value] of Object.entries(defaults)) {
    if (!settings.values.has(name)) settings.values.set(name, value);
  }
  // Appends report failure by throwing; the client's other way reports wrong revisions.
  settings.values.delete("throwOnAppendFailure");
  const query = [...settings.values].map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  const credentials =
    login.user === undefined || login.password === undefined
      ? ""
      : `${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@`;
  return {
    ok: true,
    value: {
      connectionString: `${protocol}://${credentials}${hosts.join(",")}${query === "" ? "" : `?${query}`}`,
      shown: `${protocol}://${hosts.join(",")}`,
      hosts,
      tls: settings.values.get("tls") !== "false",
      ...login,
    },
  };
}

/** Whether a host of the URL, port and all, is an IP address rather than a name. */
export const isAddress = (host: string): boolean => /^\d{1,3}(\.\d{1,3}){3}(:\d+)?$/.test(host);

function readLogin(authority: string): Pick<EventStoreUrl, "user" | "password"> | undefined {
  const at = authority.lastIndexOf("@");
  if (at < 0) return { user: undefined, password: undefined };
  const colon = authority.indexOf(":");
  if (colon < 1 || colon + 1 >= at) return undefined;
  return { user: decoded(authority.slice(0, colon)), password: decoded(authority.slice(colon + 1, at)) };
}

function withoutLastSlashes(text: string): string {
  let end = text.length;
  while (text[end - 1] === "/") end--;
  return text.slice(0, end);
}

function readHosts(text: string): string[] | { readonly problem: string } {
  const hosts = text.split(",").map((host) => host.trim());
  for (const host of hosts) {
    if (host.startsWith("["))
      return { problem: "The client cannot read an IPv6 address: give the server by name" };
    const [, port] = /^[a-z0-9._-]+(?::(\d{1,5}))?$/i.exec(host) ?? ["", "none"];
    if (port === "none") return { problem: `It names no host it can read. It should read like ${example}` };
    if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
      return { problem: `Its port ${port} is not between 1 and 65535` };
    }
  }
  return hosts;
}

function readOptions(query: string): { readonly values: Map<string, string> } | { readonly problem: string } {
  const values = new Map<string, string>();
  for (const pair of query.split("&").filter((part) => part !== "")) {
    const equals = pair.indexOf("=");
    const given = equals < 0 ? pair : pair.slice(0, equals);
    const name = options.get(flat(given));
    const value = equals < 0 ? "" : decoded(pair.slice(equals + 1).trim());
    if (name === undefined) {
      // The name is not repeated: a "?" or "&" inside a password puts a piece of it here.
      return {
        problem: `It has an option that the client does not know. Known are ${[...options.values()].join(", ")}`,
      };
    }
    if (value === "") return { problem: `Its option ${name} has no value` };
    if (name === "tlsVerifyCert" && value === "false") {
      return {
        problem: "tlsVerifyCert=false has no effect in this client: give the authority with tlsCAFile=PATH",
      };
    }
    if (name === "tls" && value !== "true" && value !== "false") {
      return { problem: "Its option tls is neither true nor false" };
    }
    values.set(name, value);
  }
  return { values };
}

function flat(name: string): string {
  return name.trim().toLowerCase().replace(/[_-]/g, "");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
