// `portcullis kyverno version`.

import manifest from "portcullis/package.json" with { type: "json" };
import { print } from "./exit.ts";

/** Prints this product's version in Kyverno's form. */
export function version(): number {
  print(`Version: portcullis ${manifest.version} (as Kyverno 1.19.1)\nTime: ---\nGit commit ID: ---`);
  return 0;
}
