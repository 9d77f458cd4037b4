// The recorded cases beside this file, one JSON value per line, read without loss of numbers.

import { readFileSync } from "node:fs";
import { parseJson } from "@portcullis/lang";

export function readCases(name: string): readonly unknown[] {
  const text = readFileSync(new URL(`cases/${name}`, import.meta.url), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => parseJson(line));
}
