// Known gaps: `conformance/gaps/SUITE.txt` has one case a line, `id  # reason`. A gap is run like any other case and
// must fail; the day it passes the run fails too, and its line goes. A line without a reason is an error.

import { existsSync, readFileSync } from "node:fs";

/** Case id → reason. Throws when a line has no reason or an id stands twice. */
export function readGaps(file: string): ReadonlyMap<string, string> {
  const gaps = new Map<string, string>();
  if (!existsSync(file)) return gaps;
  for (const [index, line] of readFileSync(file, "utf8").split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const match = /^(.*\S)\s+# (.*\S)\s*$/.exec(line);
    if (match === null) throw new Error(`${file}:${index + 1}: expected \`case id  # reason\``);
    const [, id = "", reason = ""] = match;
    if (gaps.has(id)) throw new Error(`${file}:${index + 1}: ${id} stands here twice`);
    gaps.set(id, reason);
  }
  return gaps;
}
