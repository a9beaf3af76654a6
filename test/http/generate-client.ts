// Prints the TypeScript types of the OpenAPI document that stands in the file it is given. A process of its own: the
// generator writes with the compiler's API, which TypeScript has up to version 5, under the name of the one that compiles
// this project.

import { readFile } from "node:fs/promises";
import { plugin } from "bun";
import * as typescript5 from "typescript-5";

plugin({
  name: "TypeScript 5 for the generator",
  setup: (build) => {
    build.module("typescript", () => ({ exports: typescript5, loader: "object" }));
  },
});
const { default: generate, astToString } = await import("openapi-typescript");
const [file = ""] = process.argv.slice(2);
process.stdout.write(astToString(await generate(JSON.parse(await readFile(file, "utf8")))));
