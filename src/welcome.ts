// What a start prints for the person who started it: addresses, the admin key once, and lines to paste into a shell.
// Pure text; knows no process and no file.

export interface WelcomeFacts {
  /** Behind the service's address: signs in once. Undefined where none is to be shown. */
  readonly signInPath: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly embedsEventStore: boolean;
  readonly adminKey:
    | { readonly tag: "new"; readonly key: string; readonly file: string }
    | { readonly tag: "kept"; readonly file: string }
    | { readonly tag: "from_environment" }
    | { readonly tag: "none" };
}

export function welcomeText(facts: WelcomeFacts): string {
  const url = serviceUrl(facts);
  const lines = [
    "",
    `Incident Ledger listens on ${url}`,
    `Dashboard                  ${url}/`,
    ...(facts.signInPath === undefined ? [] : [`Sign in, once              ${url}${facts.signInPath}`]),
    `API documentation          ${url}/swagger`,
    ...(facts.embedsEventStore ? ["Event store                embedded; bun run eventstore:address"] : []),
    ...adminKeyLines(facts.adminKey),
    ...(facts.adminKey.tag === "none"
      ? []
      : ["", "Try it, by pasting this into a shell:", "", ...pasteLines(url, facts.adminKey)]),
    "",
    "Ctrl-C stops everything in order.",
    "",
  ];
  return lines.join("\n");
}

/** Where a browser on this machine finds the service. */
export function serviceUrl(address: { readonly host: string; readonly port: number }): string {
  const everywhere: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  const host = everywhere[address.host] ?? address.host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
}

function adminKeyLines(adminKey: WelcomeFacts["adminKey"]): readonly string[] {
  switch (adminKey.tag) {
    case "new":
      return [
        `Admin key                  ${adminKey.key}`,
        `                           shown this once; kept in ${adminKey.file}`,
      ];
    case "kept":
      return [`Admin key                  kept in ${adminKey.file}`];
    case "from_environment":
      return ["Admin key                  the one in ADMIN_API_KEY"];
    case "none":
      return ["Admin key                  none: set ADMIN_API_KEY to register projects and issue keys"];
    default:
      return adminKey satisfies never;
  }
}

/** Plain sh with curl and sed. The key itself is not in them, so that it does not land in a shell's history. */
export function pasteLines(url: string, adminKey: WelcomeFacts["adminKey"]): readonly string[] {
  const admin = "file" in adminKey ? `$(cat ${quoted(adminKey.file)})` : "$ADMIN_API_KEY";
  const json = "-H 'Content-Type: application/json'";
  const webhook = (status: string, time: string): string =>
    `curl -s $URL/api/incidents/webhook/ -H "X-API-Key: $KEY" ${json} -d '{"incident_id":"test-123","project_uuid":"'$PROJECT'","status":"${status}","incident_time":"${time}","monitor_name":"Test Monitor","message":"Test incident"}'`;
  return [
    `URL=${url}`,
    `ADMIN=${admin}`,
    `PROJECT=$(curl -s $URL/api/projects -H "X-API-Key: $ADMIN" ${json} -d '{"name":"Shop"}' | sed 's/.*"project_uuid":"\\([^"]*\\)".*/\\1/')`,
    `KEY=$(curl -s $URL/api/projects/$PROJECT/keys -H "X-API-Key: $ADMIN" ${json} -d '{"label":"first","scopes":["ingest","read"]}' | sed 's/.*"key":"\\([^"]*\\)".*/\\1/')`,
    `${webhook("DOWN", "2025-01-15T10:30:00Z")}; echo`,
    `${webhook("UP", "2025-01-15T10:42:30Z")}; echo`,
    `curl -s "$URL/api/projects/$PROJECT/incidents/test-123/timeline?fresh=true" -H "X-API-Key: $KEY"; echo`,
    `curl -s "$URL/api/projects/$PROJECT/mttr?fresh=true" -H "X-API-Key: $KEY"; echo`,
  ];
}

const quoted = (path: string): string =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
