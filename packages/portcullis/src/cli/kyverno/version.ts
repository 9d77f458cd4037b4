// `portcullis kyverno version`.

import { print } from "./exit.ts";

/** Prints this product's version in Kyverno's form. */
export async function version(): Promise<number> {
  const { default: manifest } = (await import("portcullis/package.json", { with: { type: "json" } })) as {
    readonly default: { readonly version: string };
  };
  print(`Version: portcullis ${manifest.version} (as Kyverno 1.19.1)\nTime: ---\nGit commit ID: ---`);
  return 0;
}
