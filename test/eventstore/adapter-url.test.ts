import { describe, expect, test } from "bun:test";
import { connectionProblem, explainUrlProblem } from "../../src/eventstore/connection-problem.ts";
import { readEventStoreUrl } from "../../src/eventstore/connection-string.ts";

const read = (url: string, defaults?: Record<string, string>) => {
  const result = readEventStoreUrl(url, defaults);
  if (!result.ok) throw new Error(result.problem);
  return result.value;
};

describe("an event store URL", () => {
  test("keeps hosts, user and options, and shows neither user nor options", () => {
    const url = read("esdb://ada:s3cret@a.example:2113,b.example:2113?tls=true&tls_ca_file=/etc/ca.pem");
    expect(url.connectionString).toBe(
      "esdb://ada:s3cret@a.example:2113,b.example:2113?tls=true&tlsCAFile=%2Fetc%2Fca.pem",
    );
    expect(url.shown).toBe("esdb://a.example:2113,b.example:2113");
    expect(url.tls).toBe(true);
  });

  test("may use KurrentDB's scheme and its discovery", () => {
    expect(read("kurrentdb+discover://cluster.example?tls=false").connectionString).toBe(
      "esdb+discover://cluster.example?tls=false",
    );
  });

  test("may have a password with colons, at signs and percent escapes", () => {
    expect(read("esdb://ada:a:b@c%2Fd@host:1").password).toBe("a:b@c/d");
    expect(read("esdb://ada:a:b@c%2Fd@host:1").connectionString).toBe("esdb://ada:a%3Ab%40c%2Fd@host:1");
  });

  test("takes defaults only where it says nothing itself, and never reports failures by value", () => {
    const defaults = { keepAliveTimeout: "5000" };
    expect(read("esdb://host?tls=false", defaults).connectionString).toBe(
      "esdb://host?tls=false&keepAliveTimeout=5000",
    );
    expect(read("esdb://host?keepAliveTimeout=9&throwOnAppendFailure=false", defaults).connectionString).toBe(
      "esdb://host?keepAliveTimeout=9",
    );
  });

  for (const url of [
    "",
    "host:2113",
    "http://host:2113",
    "esdb://",
    "esdb://ada@host",
    "esdb://ada:s3cret@",
    "esdb://[::1]:2113?tls=false",
    "esdb://host:99999",
    "esdb://ada:s3cret@host?pass=s3cret",
    "esdb://ada:s3cret?s3cret@host:2113",
    "esdb://ada:s3cret@host?tlsVerifyCert=false",
    "esdb://ada:s3cret@host?tls=maybe",
    "esdb://ada:s3cret@host?tls=",
  ]) {
    test(`is refused in one line without its password: ${url}`, () => {
      const problem = explainUrlProblem(url);
      expect(problem).toStartWith("Cannot use EVENTSTORE_URL. ");
      expect(problem).not.toContain("\n");
      expect(problem).not.toContain("s3cret");
    });
  }

  test("needs a name where TLS is spoken", () => {
    expect(explainUrlProblem("esdb://10.0.0.1:2113")).toContain("TLS needs the server's name");
    expect(explainUrlProblem("esdb://a.example,10.0.0.1:2113")).toContain("TLS needs the server's name");
    expect(explainUrlProblem("esdb://10.0.0.1:2113?tls=false")).toBeUndefined();
    expect(explainUrlProblem("esdb://a.example:2113")).toBeUndefined();
  });
});

describe("a connection problem", () => {
  const secured = "esdb://ada:s3cret@events.example:2113";
  const open = "esdb://events.example:2113?tls=false";
  const raw = (code: number, message: string) => Object.assign(new Error(message), { code });
  const lastError = (text: string) =>
    raw(14, `14 UNAVAILABLE: No connection established. Last error: ${text}. Resolution note: `);

  const cases: [unknown, string, string][] = [
    [
      Object.assign(new Error("16 UNAUTHENTICATED"), { type: "access-denied", code: 16 }),
      secured,
      "does not accept the user or password",
    ],
    [Object.assign(new Error(""), { type: "access-denied" }), "esdb://events.example", "names none"],
    [raw(16, "16 UNAUTHENTICATED: "), "esdb://ada:s3cret@events.example?tls=false", "without TLS"],
    [lastError("Error: self signed certificate"), secured, "tlsCAFile=PATH"],
    [lastError("Error: self-signed certificate in certificate chain"), secured, "tlsCAFile=PATH"],
    [lastError("Error: unable to verify the first certificate"), secured, "tlsCAFile=PATH"],
    [lastError("Error: unable to get local issuer certificate"), secured, "tlsCAFile=PATH"],
    [lastError("Error: Hostname/IP does not match certificate's altnames"), secured, "another name"],
    [
      lastError("TypeError [ERR_INVALID_ARG_VALUE]: The property 'options.servername'"),
      secured,
      "not its IP address",
    ],
    [
      lastError("Error: error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER"),
      secured,
      "tls=false",
    ],
    [lastError("Error: received corrupt message of type InvalidContentType"), secured, "tls=false"],
    [lastError("Error: connect ECONNREFUSED 127.0.0.1:2113"), open, "nothing listens there"],
    [lastError("Failed to connect (2026-01-01T00:00:00.000Z)"), open, "If it asks for TLS"],
    [lastError("Protocol error (2026-01-01T00:00:00.000Z)"), open, "not an event store"],
    [raw(12, "12 UNIMPLEMENTED: Received HTTP status code 404"), open, "not an event store"],
    [raw(14, "14 UNAVAILABLE: Name resolution failed for target dns:x:1"), open, "cannot be resolved"],
    [new Error("Failed to discover after 10 attempts."), open, "node of a cluster"],
    [new Error("Failed to load certificate file. File was not found."), secured, "certificate file"],
    [new Error("no answer within 5000 ms"), open, "does not answer"],
    [new Error("strange s3cret\nthing"), secured, "strange *** thing"],
  ];
  test("lasts where somebody has to change something, and passes where waiting may help", () => {
    const lasting = (error: unknown, url: string) => connectionProblem(error, url).isLasting;
    expect(lasting(raw(16, "16 UNAUTHENTICATED: "), secured)).toBe(true);
    expect(lasting(lastError("Error: self signed certificate"), secured)).toBe(true);
    expect(lasting(new Error(""), "http://events.example")).toBe(true);
    expect(lasting(lastError("Error: connect ECONNREFUSED 127.0.0.1:2113"), open)).toBe(false);
    expect(lasting(new Error("no answer within 5000 ms"), open)).toBe(false);
    expect(lasting(new Error("Failed to discover after 10 attempts."), open)).toBe(false);
  });

  for (const [error, url, meaning] of cases) {
    test(`means: ${meaning} (${JSON.stringify((error as Error).message)})`, () => {
      const wrapped = new Error("Cannot read the event store", { cause: error });
      for (const given of [error, wrapped]) {
        const line = connectionProblem(given, url).line;
        expect(line).toStartWith("Cannot use the event store at esdb://events.example");
        expect(line).toContain(meaning);
        expect(line).not.toMatch(/\n|s3cret|ada/);
      }
    });
  }
});
