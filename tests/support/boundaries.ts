// Reads the import lines of a tree and says which cross a boundary that the table does not open. A zone is a folder; the
// longest one that a path lies in wins. Type imports count: a shape is knowledge too.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** Zone → zones it may import besides itself. */
export type Zones = Readonly<Record<string, readonly string[]>>;

/** One line per import that crosses a boundary; `root` is the folder that zones are relative to. */
export function violations(root: string, mayImport: Zones): readonly string[] {
  const zones = Object.keys(mayImport).toSorted((a, b) => b.length - a.length);
  const zoneOf = (path: string): string =>
    zones.find((zone) => path === zone || path.startsWith(`${zone}/`)) ?? "unlisted";
  return sourceFiles(root).flatMap((file) =>
    specifiersOf(readFileSync(join(root, file), "utf8")).flatMap((specifier) => {
      const target = targetOf(root, file, specifier);
      if (target === null) return [];
      const [from, to] = [zoneOf(file), zoneOf(target)];
      return from === to || (mayImport[from] ?? []).includes(to) ? [] : [`${file}: ${from} may not import ${to}`];
    }),
  );
}

/** TypeScript files below `src` folders, relative to the root, sorted. */
export function sourceFiles(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && path.includes("/src/") && !path.includes("node_modules"))
    .toSorted();
}

/** What a text imports, as written. */
export function specifiersOf(text: string): readonly string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']/g)].map((match) => match[1] ?? "");
}

function targetOf(root: string, file: string, specifier: string): string | null {
  if (specifier.startsWith(".")) return relative(root, resolve(root, dirname(file), specifier));
  const [, name, rest] = /^@portcullis\/([^/]+)(?:\/(.*))?$/.exec(specifier) ?? [];
  if (name === undefined) return null;
  return `${name}/src/${rest ?? "index.ts"}`;
}
