// The README's table of tools, made from the sources. Run by itself it writes the table: `bun test/source-table.ts`.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sources } from "../src/sources/registry.ts";

const readme = join(import.meta.dirname, "../README.md");
const place = /(<!-- sources: [^>]*-->\n)([\s\S]*?)(<!-- \/sources -->)/;

/** The table as the README shows it. */
export const shownTable = (): string => place.exec(readFileSync(readme, "utf8"))?.[2]?.trim() ?? "";

export function sourceTable(): string {
  const rows = [...sources]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(
      ({ name, title, documentation, setup }) =>
        `| [${title}](${documentation}) | \`${name}\` | ${setup.authentication.join(", ").replaceAll("_", " ")} |`,
    );
  return ["| tool | source | how it can authenticate |", "| --- | --- | --- |", ...rows].join("\n");
}

if (import.meta.main) {
  const text = readFileSync(readme, "utf8");
  writeFileSync(
    readme,
    text.replace(place, (_, begin: string, __, end: string) => `${begin}\n${sourceTable()}\n\n${end}`),
  );
}
