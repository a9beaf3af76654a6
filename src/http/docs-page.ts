// The documentation's page: Swagger UI from its package, served from here, so that it works without internet access.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Elysia } from "elysia";
import { docsFileAnswer, docsPageAnswer, openApiAnswer } from "../answers/operations.ts";
import { problem } from "./answer.ts";
import { documented, type RouteDocumentation } from "./documentation.ts";

const directory = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
const assets: Readonly<Record<string, string>> = {
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "swagger-ui.css": "text/css; charset=utf-8",
};
const starter = `SwaggerUIBundle({ url: "/swagger/json", dom_id: "#docs", deepLinking: true, persistAuthorization: false });`;

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Incident Ledger API</title>
<link rel="stylesheet" href="/swagger/assets/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/swagger/assets/swagger-ui-bundle.js"></script>
<script src="/swagger/assets/start.js"></script>
</body>
</html>
`;

// Scripts and styles come from here alone, none from within the page; Swagger UI draws its icons from data: URLs.
const policy =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function docsPage() {
  return (
    new Elysia({ name: "docs" })
      .get(
        "/swagger",
        () =>
          new Response(page, {
            headers: {
              "Content-Type": "text/html; charset=utf-8",
              "Content-Security-Policy": policy,
              "X-Content-Type-Options": "nosniff",
            },
          }),
        {
          detail: about({
            summary: "Show this documentation as a page",
            answer: docsPageAnswer,
            contentTypes: ["text/html"],
          }),
        },
      )
      // Documented as one of the files below.
      .get("/swagger/assets/start.js", () => asset(starter, "text/javascript; charset=utf-8"), {
        detail: { hide: true },
      })
      .get(
        "/swagger/assets/:file",
        async ({ params }) => {
          const type = Object.hasOwn(assets, params.file) ? assets[params.file] : undefined;
          if (type === undefined) return problem(404, "Not found", "There is no such file.");
          return asset(await fileOnce(params.file), type);
        },
        {
          detail: about({
            summary: "Load a file of the documentation's page",
            answer: docsFileAnswer,
            contentTypes: ["text/css", "text/javascript"],
            errors: [404, 503],
          }),
        },
      )
  );
}

const about = (route: Omit<RouteDocumentation, "tag" | "errors" | "access"> & Partial<RouteDocumentation>) =>
  documented({ tag: "Documentation", errors: [503], access: "open", ...route });

/** The route that the plugin adds, and hides. */
export const documentPaths = {
  "/swagger/json": {
    get: {
      operationId: "getSwaggerJson",
      ...about({ summary: "Show this documentation as OpenAPI", answer: openApiAnswer }),
    },
  },
};

const read = new Map<string, Promise<Buffer<ArrayBuffer>>>();

/** Read once and kept: a thousand who ask at the same time share one copy. */
function fileOnce(name: string): Promise<Buffer<ArrayBuffer>> {
  const known = read.get(name);
  if (known !== undefined) return known;
  const reading = readFile(join(directory, name));
  read.set(name, reading);
  reading.catch(() => read.delete(name));
  return reading;
}

const asset = (body: string | Buffer<ArrayBuffer>, type: string): Response =>
  new Response(body, {
    headers: {
      "Content-Type": type,
      "Cache-Control": "max-age=86400",
      "X-Content-Type-Options": "nosniff",
    },
  });
