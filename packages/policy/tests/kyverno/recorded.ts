// The recorded cases beside this file, one JSON value per line, read without loss of numbers; and a budget that ends.

import { readFileSync } from "node:fs";
import { Budget, parseJson } from "@portcullis/lang";

export function readCases(name: string): readonly unknown[] {
  const text = readFileSync(new URL(`cases/${name}`, import.meta.url), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => parseJson(line));
}

export function budget(steps = 5_000_000): Budget {
  return new Budget({ steps }, () => 0);
}

/** A tree with a value `depth` levels down. */
export function nested(depth: number, value: unknown, around: (inner: unknown) => unknown): unknown {
  let tree = value;
  for (let level = 0; level < depth; level++) tree = around(tree);
  return tree;
}
