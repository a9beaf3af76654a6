// Builds the dashboard: bundles it, compresses it, and writes the manifest last. A step of `bun run build` and of `start`,
// never part of the running service. Skipped where what is there was built from these very sources.

import { hash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import {
  type BuiltFile,
  builtDashboard,
  type DashboardManifest,
  dashboardSources,
  hashOfSources,
  manifestName,
  readManifest,
} from "../dashboard-files.ts";

/** In the order in which the rules are to apply. */
const styles = ["tokens.css", "base.css", "shell.css", "parts.css", "pages.css"];

interface Bundle {
  readonly script: Uint8Array;
  /** Every module that went into it, by its path, and what each imports. */
  readonly inputs: Readonly<Record<string, { readonly imports: readonly { readonly path: string }[] }>>;
}

/** Throws an Error with what the bundler says. */
export async function bundleDashboard(): Promise<Bundle> {
  const built = await Bun.build({
    entrypoints: [join(dashboardSources, "main.tsx")],
    target: "browser",
    minify: true,
    metafile: true,
    // Both are needed: under NODE_ENV=development Bun would take the development JSX runtime all the same.
    jsx: { runtime: "automatic", importSource: "preact", development: false },
    define: { "process.env.NODE_ENV": '"production"' },
    throw: false,
  });
  const [output] = built.outputs;
  if (!built.success || output === undefined)
    throw new Error(`Cannot build the dashboard: ${built.logs.map(String).join("\n")}`);
  return { script: new Uint8Array(await output.arrayBuffer()), inputs: built.metafile?.inputs ?? {} };
}

async function build(): Promise<string> {
  const sources = await hashOfSources();
  const before = await readManifest();
  if (before?.sources === sources) return "dashboard: built before from these sources";
  await mkdir(builtDashboard, { recursive: true });
  const { script } = await bundleDashboard();
  const style = Buffer.concat(
    await Promise.all(styles.map((name) => readFile(join(dashboardSources, name)))),
  );
  const files: readonly BuiltFile[] = [
    await writeHashed("dashboard", "js", "text/javascript; charset=utf-8", script),
    await writeHashed("dashboard", "css", "text/css; charset=utf-8", style),
  ];
  const [js, css] = files.map(({ name }) => name);
  const template = await readFile(join(dashboardSources, "page.html"), "utf8");
  const page = "page.html";
  await writeWhole(
    page,
    template.replace("{script}", `/dashboard/${js}`).replace("{style}", `/dashboard/${css}`),
  );
  const manifest: DashboardManifest = { sources, page, files };
  // Last: until then, whoever reads finds what was there before.
  await writeWhole(manifestName, JSON.stringify(manifest, null, 2));
  await removeOthers(manifest);
  return `dashboard: built, ${(gzipSync(script).length / 1024).toFixed(1)} kB of script compressed`;
}

async function writeHashed(
  name: string,
  extension: string,
  contentType: string,
  bytes: Uint8Array,
): Promise<BuiltFile> {
  const named = `${name}-${hash("sha256", bytes).slice(0, 12)}.${extension}`;
  await writeWhole(named, bytes);
  await writeWhole(`${named}.gz`, gzipSync(bytes, { level: 9 }));
  await writeWhole(
    `${named}.br`,
    brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
  );
  return { name: named, contentType };
}

/** Never half a file under its own name, also where two builds run at once. */
async function writeWhole(name: string, content: Uint8Array | string): Promise<void> {
  const path = join(builtDashboard, name);
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, content);
  await rename(unfinished, path);
}

async function removeOthers({ page, files }: DashboardManifest): Promise<void> {
  const kept = [manifestName, page, ...files.flatMap(({ name }) => [name, `${name}.gz`, `${name}.br`])];
  for (const name of await readdir(builtDashboard)) {
    if (!kept.includes(name)) await rm(join(builtDashboard, name), { force: true });
  }
}

if (import.meta.main) {
  try {
    console.error(await build());
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
