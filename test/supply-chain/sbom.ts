// Writes what the service is made of as CycloneDX 1.6 JSON: every package that `bun install --production` may install,
// with version, purl, licence and hash. To stdout, or to the file that is named. Not what only development needs.

import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Factories } from "@cyclonedx/cyclonedx-library/Contrib/License";
import { ComponentScope, ComponentType, HashAlgorithm } from "@cyclonedx/cyclonedx-library/Enums";
import { Bom, Component, HashDictionary, LicenseRepository } from "@cyclonedx/cyclonedx-library/Models";
import { JSON as Json, JsonSerializer } from "@cyclonedx/cyclonedx-library/Serialize";
import { isSupportedSpdxId } from "@cyclonedx/cyclonedx-library/SPDX";
import { Spec1dot6 } from "@cyclonedx/cyclonedx-library/Spec";
import description from "../../package.json" with { type: "json" };
import { checkout, folderOf, type ProductionPackage, productionPackages, readLock } from "./lockfile.ts";

/** The bill of materials as text. */
export function billOfMaterials(): string {
  const packages = productionPackages(readLock());
  const byKey = new Map(packages.map((one) => [one.key, one]));
  const components = new Map<string, Component>();
  for (const one of packages) {
    const known = components.get(purlOf(one));
    if (known === undefined) components.set(purlOf(one), componentOf(one, packages));
    else if (one.isRequired) known.scope = ComponentScope.Required;
  }
  const componentAt = (key: string): Component | undefined => {
    const found = byKey.get(key);
    return found === undefined ? undefined : components.get(purlOf(found));
  };

  const product = new Component(ComponentType.Application, description.name, {
    version: description.version,
    description: description.description,
    bomRef: `pkg:npm/${description.name}@${description.version}`,
    licenses: new LicenseRepository([licences.makeFromString(description.license)]),
  });
  const link = (from: Component | undefined, key: string): void => {
    const to = componentAt(key);
    if (from !== undefined && to !== undefined) from.dependencies.add(to.bomRef);
  };
  for (const name of Object.keys(description.dependencies)) link(product, name);
  for (const one of packages) for (const need of one.needs) link(componentAt(one.key), need.key);

  const bom = new Bom({ serialNumber: `urn:uuid:${randomUUID()}` });
  bom.metadata.timestamp = new Date();
  bom.metadata.component = product;
  for (const component of components.values()) bom.components.add(component);
  const serializer = new JsonSerializer(new Json.Normalize.Factory(Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

export const purlOf = ({ name, version }: { readonly name: string; readonly version: string }): string =>
  `pkg:npm/${name.replace("@", "%40")}@${version}`;

const licences = new Factories.LicenseFactory((expression) => {
  const words = expression.split(/[\s()]+/).filter((word) => word !== "");
  const unknown = words.filter((word) => !/^(AND|OR|WITH)$/.test(word) && !isSupportedSpdxId(word));
  if (words.length === 0 || unknown.length > 0) throw new Error(`Unknown licences: ${unknown.join(", ")}`);
});

function componentOf(one: ProductionPackage, all: readonly ProductionPackage[]): Component {
  const [, algorithm, digest] = /^(sha\d+)-(.+)$/.exec(one.integrity) ?? [];
  if (algorithm !== "sha512" || digest === undefined) {
    throw new Error(`bun.lock has no SHA-512 of ${one.name}@${one.version}: "${one.integrity}"`);
  }
  const [group, name] = one.name.startsWith("@") ? one.name.split("/") : [undefined, one.name];
  return new Component(ComponentType.Library, name ?? one.name, {
    version: one.version,
    bomRef: purlOf(one),
    purl: purlOf(one),
    scope: one.isRequired ? ComponentScope.Required : ComponentScope.Optional,
    hashes: new HashDictionary([[HashAlgorithm["SHA-512"], Buffer.from(digest, "base64").toString("hex")]]),
    licenses: new LicenseRepository([licences.makeFromString(licenceOf(one, all))]),
    ...(group === undefined ? {} : { group }),
  });
}

// The lockfile names no licence: the package itself does. Builds for other platforms are not on this machine; such a
// build has the licence of the package that it is a part of, or of its sibling for this platform.
function licenceOf(one: ProductionPackage, all: readonly ProductionPackage[]): string {
  const file = join(checkout, folderOf(one), "package.json");
  if (existsSync(file)) {
    const { license } = JSON.parse(readFileSync(file, "utf8")) as { license?: unknown };
    if (typeof license === "string" && license !== "") return license;
    throw new Error(`${one.name}@${one.version} names no licence.`);
  }
  const whole = all.find(({ needs }) => needs.some(({ key, isOptional }) => key === one.key && isOptional));
  const relative = whole ?? all.find((other) => isInstalledSibling(other, one));
  if (one.isRequired || relative === undefined) {
    throw new Error(`${one.name}@${one.version} is not installed: run \`bun install --frozen-lockfile\`.`);
  }
  return licenceOf(relative, all);
}

const isInstalledSibling = (other: ProductionPackage, one: ProductionPackage): boolean =>
  other.name.startsWith("@") &&
  other.name.split("/")[0] === one.name.split("/")[0] &&
  other.version === one.version &&
  existsSync(join(checkout, folderOf(other), "package.json"));

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  if (file === undefined) process.stdout.write(billOfMaterials());
  else writeFileSync(file, billOfMaterials());
}
