// The dashboard's built files: where they lie, what their manifest says, and whether they belong to the sources that lie
// here. Shared by the build step, which writes them, and by the server, which only reads. Knows no runtime.

import { hash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
export const dashboardSources = join(root, "src/dashboard");
export const builtDashboard = join(dashboardSources, "built");
export const manifestName = "manifest.json";

export interface BuiltFile {
  readonly name: string;
  readonly contentType: string;
}

export interface DashboardManifest {
  /** `hashOfSources` of what it was built from. */
  readonly sources: string;
  /** The HTML page's name in the directory. */
  readonly page: string;
  /** All but the page. Each also lies there compressed, as `NAME.gz` and `NAME.br`. */
  readonly files: readonly BuiltFile[];
}

export interface DashboardFile {
  readonly contentType: string;
  readonly plain: Buffer<ArrayBuffer>;
  readonly gzip: Buffer<ArrayBuffer>;
  readonly brotli: Buffer<ArrayBuffer>;
}

export type Dashboard =
  | { readonly tag: "built"; readonly page: string; readonly files: ReadonlyMap<string, DashboardFile> }
  /** Never built, or built from other sources than these. */
  | { readonly tag: "absent" }
  | { readonly tag: "stale" };

/** One hash over everything that the page is made from: its sources, the domain that it runs, the libraries' versions. */
export async function hashOfSources(): Promise<string> {
  const folders = ["src/dashboard", "src/domain"];
  const paths = ["package.json"];
  for (const folder of folders) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && !path.startsWith(`${builtDashboard}/`)) paths.push(path.slice(root.length + 1));
    }
  }
  const digests = await Promise.all(
    paths.sort().map(async (path) => `${path} ${hash("sha256", await readFile(join(root, path)))}`),
  );
  return hash("sha256", digests.join("\n"));
}

/** The manifest; undefined where there is none that can be read. */
export async function readManifest(): Promise<DashboardManifest | undefined> {
  try {
    return JSON.parse(await readFile(join(builtDashboard, manifestName), "utf8")) as DashboardManifest;
  } catch {
    return undefined;
  }
}

/** Reads all built files into memory: together they are smaller than a photograph. */
export async function readDashboard(): Promise<Dashboard> {
  const manifest = await readManifest();
  if (manifest === undefined) return { tag: "absent" };
  if (manifest.sources !== (await hashOfSources())) return { tag: "stale" };
  try {
    const read = (name: string): Promise<Buffer<ArrayBuffer>> => readFile(join(builtDashboard, name));
    const files = await Promise.all(
      manifest.files.map(async ({ name, contentType }): Promise<[string, DashboardFile]> => {
        const [plain, gzip, brotli] = await Promise.all([read(name), read(`${name}.gz`), read(`${name}.br`)]);
        return [name, { contentType, plain, gzip, brotli }];
      }),
    );
    return { tag: "built", page: (await read(manifest.page)).toString(), files: new Map(files) };
  } catch {
    // Somebody removed files, or a build is exchanging them at this moment.
    return { tag: "absent" };
  }
}
