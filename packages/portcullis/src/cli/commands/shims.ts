// `portcullis shims DIR`: small programs named `gator` and `kyverno` that call this product, so that a script written for
// the peers runs unchanged when DIR stands first in PATH. They name this very installation by its absolute path and
// its own Node, so they work from any folder.

import { chmodSync, existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "../usage.ts";

/** What Node was started with: main.ts, or main.mjs of the bundle. */
const entry = realpathSync(process.argv[1] ?? "");

/** Writes the shims; returns the exit code. */
export function shims(dir: string): number {
  const folder = resolve(dir);
  if (existsSync(folder) && !statSync(folder).isDirectory())
    throw new UsageError(`${dir}: this is a file; expected a folder`);
  mkdirSync(folder, { recursive: true });
  for (const name of ["gator", "kyverno"]) {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(entry)} ${name} "$@"\n`);
    chmodSync(file, 0o755);
    process.stdout.write(`${file}\n`);
  }
  process.stdout.write(`put them first: export PATH=${quoted(folder)}:"$PATH"\n`);
  return 0;
}

/** A word for sh, whatever characters the path has. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
