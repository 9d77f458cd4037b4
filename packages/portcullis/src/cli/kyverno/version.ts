// `portcullis kyverno version`.

import { print } from "./exit.ts";

/** Prints this product's version in Kyverno's form. */
export async function version(): Promise<number> {
  const manifest = (await import("portcullis/package.json", { with: { type: "json" } })) as {
    default: { version: string };
  };
  print(`Version: portcullis ${manifest.default.version} (as Kyverno 1.19.1)\nTime: ---\nGit commit ID: ---`);
  return 0;
}
