// `portcullis kyverno version`.

import { createRequire } from "node:module";
import { print } from "./exit.ts";

/** Prints this product's version in Kyverno's form. */
export function version(): number {
  const { version: own } = createRequire(import.meta.url)("portcullis/package.json") as { readonly version: string };
  print(`Version: portcullis ${own} (as Kyverno 1.19.1)\nTime: ---\nGit commit ID: ---`);
  return 0;
}
