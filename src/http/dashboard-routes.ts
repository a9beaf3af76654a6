// The dashboard's page and files, as the build step left them. Reads only: whoever runs the service, the bytes are the same.

import { Elysia } from "elysia";
import { docsFileAnswer, docsPageAnswer } from "../answers/operations.ts";
import { type Dashboard, type DashboardFile, readDashboard } from "../dashboard-files.ts";
import { problem } from "./answer.ts";
import { documented } from "./documentation.ts";

// Every way to make HTML or script of a text throws in the browser: payloads can be nothing but text there.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const pageHeaders = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": policy,
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
};

/** The page reads the rest of the address itself. */
const pagePaths = ["/sign-in", "/p/:project", "/p/:project/:page", "/p/:project/:page/:detail"];

export function dashboardRoutes() {
  const dashboard = keptOnceBuilt();
  const page = async (): Promise<Response> => pageOf(await dashboard());
  const routes = new Elysia({ name: "dashboard" })
    .get("/", page, {
      detail: documented({
        tag: "Dashboard",
        summary: "Show the dashboard",
        answer: docsPageAnswer,
        contentTypes: ["text/html"],
        errors: [503],
        access: "open",
      }),
    })
    .get(
      "/dashboard/:file",
      async ({ request, params }) => {
        const built = await dashboard();
        const file = built.tag === "built" ? built.files.get(params.file) : undefined;
        return file === undefined
          ? problem(404, "Not found", "There is no such file.")
          : fileOf(file, request);
      },
      {
        detail: documented({
          tag: "Dashboard",
          summary: "Load a file of the dashboard",
          answer: docsFileAnswer,
          contentTypes: ["text/css", "text/javascript"],
          errors: [404, 503],
          access: "open",
        }),
      },
    );
  // Documented as the page that they are.
  for (const path of pagePaths) routes.get(path, page, { detail: { hide: true } });
  return routes;
}

/** Until the page is there, each request looks again: somebody may be building it. */
function keptOnceBuilt(): () => Promise<Dashboard> {
  let kept: Promise<Dashboard> | undefined;
  return async () => {
    kept ??= readDashboard();
    const dashboard = await kept;
    if (dashboard.tag !== "built") kept = undefined;
    return dashboard;
  };
}

function pageOf(dashboard: Dashboard): Response {
  switch (dashboard.tag) {
    case "built":
      return new Response(dashboard.page, { headers: pageHeaders });
    case "absent":
      return new Response(explanation("has not been built"), { status: 200, headers: pageHeaders });
    case "stale":
      return new Response(explanation("was built from other sources than these"), { headers: pageHeaders });
    default:
      return dashboard satisfies never;
  }
}

const explanation = (what: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Incident Ledger</title></head>
<body>
<h1>Incident Ledger runs; its dashboard ${what}</h1>
<p>Run <code>npx -y bun@1.4.5 run build</code> beside the service and load this page again. Webhooks are taken and the API
answers meanwhile: see <a href="/swagger">the API's documentation</a>.</p>
</body>
</html>
`;

function fileOf(file: DashboardFile, request: Request): Response {
  const encoding = ["br", "gzip"].find((name) => accepts(request.headers.get("accept-encoding"), name));
  const body = encoding === "br" ? file.brotli : encoding === "gzip" ? file.gzip : file.plain;
  return new Response(body, {
    headers: {
      "Content-Type": file.contentType,
      // Its name holds its hash.
      "Cache-Control": "public, max-age=31536000, immutable",
      Vary: "Accept-Encoding",
      "X-Content-Type-Options": "nosniff",
      ...(encoding === undefined ? {} : { "Content-Encoding": encoding }),
    },
  });
}

/** Whether Accept-Encoding names the coding without refusing it by `q=0`. */
const accepts = (header: string | null, coding: string): boolean =>
  (header ?? "").split(",").some((one) => {
    const [name = "", ...parameters] = one.split(";").map((part) => part.trim().toLowerCase());
    return name === coding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
