// The build step and what is served of it: small, from the page's own modules alone, the same bytes compressed or not.

import { beforeAll, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { bundleDashboard } from "../../src/dashboard/build.ts";
import { readDashboard, readManifest } from "../../src/dashboard-files.ts";
import { dashboardRoutes } from "../../src/http/dashboard-routes.ts";
import { createHttpSide, type HttpSide } from "../http/http-side.ts";
import { checkout } from "../running-service.ts";

const build = (env: Record<string, string> = {}): void => {
  execFileSync(process.execPath, ["src/dashboard/build.ts"], {
    cwd: checkout,
    env: { ...process.env, ...env },
    stdio: "pipe",
  });
};

let http: HttpSide;
beforeAll(async () => {
  build();
  http = await createHttpSide();
});

test("the whole page is at most 120 kB compressed", async () => {
  const dashboard = await readDashboard();
  if (dashboard.tag !== "built") throw new Error(dashboard.tag);
  const files = [...dashboard.files.values()];
  const bytes = files.reduce((sum, { gzip }) => sum + gzip.length, gzipSync(dashboard.page).length);
  expect(bytes).toBeLessThan(120 * 1024);
  for (const { plain, gzip, brotli } of files) {
    expect(gunzipSync(gzip).equals(plain)).toBe(true);
    expect(brotliDecompressSync(brotli).equals(plain)).toBe(true);
    expect(gzip.length).toBeLessThan(plain.length);
  }
});

test("it is made of its own modules, the domain, Preact and signals, and of nothing for development", async () => {
  const { inputs, script } = await bundleDashboard();
  const strangers = Object.keys(inputs).filter(
    (path) => !/^src\/(dashboard|domain)\/|^node_modules\/(preact|@preact\/signals(-core)?)\//.test(path),
  );
  expect(strangers).toEqual([]);
  expect(Object.keys(inputs).length).toBeGreaterThan(20);
  const imported = Object.values(inputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  expect(imported.filter((path) => /jsx-runtime/.test(path)).length).toBeGreaterThan(0);
  expect(imported.filter((path) => /jsx-dev-runtime|preact\/(debug|devtools|compat)/.test(path))).toEqual([]);
  // Trusted Types would stop it; nothing of ours asks for it.
  expect(new TextDecoder().decode(script)).not.toContain("//# sourceMappingURL");
});

test("a build under NODE_ENV=development is byte for byte the same", async () => {
  const before = await readManifest();
  const script = `const { bundleDashboard } = await import("./src/dashboard/build.ts");
    process.stdout.write(Buffer.from((await bundleDashboard()).script));`;
  const built = execFileSync(process.execPath, ["-e", script], {
    cwd: checkout,
    env: { ...process.env, NODE_ENV: "development" },
    maxBuffer: 10_000_000,
  });
  const dashboard = await readDashboard();
  const name = before?.files[0]?.name ?? "";
  expect(dashboard.tag === "built" && dashboard.files.get(name)?.plain.equals(built)).toBe(true);
});

test("the page forbids every way to make script or HTML of a text, and is not kept", async () => {
  for (const path of ["/", "/sign-in", "/p/x", "/p/x/incidents", "/p/x/incidents/a%2Fb"]) {
    const page = await dashboardRoutes().handle(new Request(`http://ledger${path}`));
    const policy = page.headers.get("content-security-policy") ?? "";
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ])
      expect(policy.split("; ")).toContain(rule);
    expect(policy).not.toContain("unsafe");
    expect(page.headers.get("cache-control")).toBe("no-store");
    expect(await page.text()).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/i);
  }
});

test("files are served as they were built, compressed for whoever takes that, and no other file is", async () => {
  const manifest = await readManifest();
  const dashboard = await readDashboard();
  if (dashboard.tag !== "built") throw new Error(dashboard.tag);
  for (const { name, contentType } of manifest?.files ?? []) {
    const file = dashboard.files.get(name);
    const ask = async (accepted: string): Promise<{ encoding: string | null; body: Buffer }> => {
      const answer = await http.handle(
        new Request(`http://ledger/dashboard/${name}`, { headers: { "Accept-Encoding": accepted } }),
      );
      expect(answer.headers.get("content-type")).toBe(contentType);
      expect(answer.headers.get("cache-control")).toContain("immutable");
      return {
        encoding: answer.headers.get("content-encoding"),
        body: Buffer.from(await answer.arrayBuffer()),
      };
    };
    expect(await ask("identity")).toEqual({ encoding: null, body: file?.plain as Buffer });
    expect(await ask("gzip, deflate")).toEqual({ encoding: "gzip", body: file?.gzip as Buffer });
    expect(await ask("gzip, br;q=0.9")).toEqual({ encoding: "br", body: file?.brotli as Buffer });
    expect(await ask("br;q=0, gzip;q=0.0")).toEqual({ encoding: null, body: file?.plain as Buffer });
  }
  for (const name of ["manifest.json", "page.html", "..%2fbuild.ts", "constructor"])
    expect((await http.ask("GET", `/dashboard/${name}`)).status).toBe(404);
});
