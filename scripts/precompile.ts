// Runs commands of a bundle on examples, in one process, and writes the code that V8 made of its chunks beside them
// (packages/portcullis/src/bundle/load.ts). Functions that no command here calls are compiled when they are called, as
// without this. Run by `npm run bundle`: `node scripts/precompile.ts FOLDER`.

import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import v8 from "node:v8";
import { codeFolder, createLoader, loadingFlag } from "../packages/portcullis/src/bundle/load.ts";

const root = resolve(import.meta.dirname, "..");
const cli = "./cli.cjs";

const examples = join(root, "examples");
const kyverno = join(root, "scripts/precompile/kyverno");
const suite = join(root, "packages/portcullis/tests/cli/kyverno/files/suite");

/** What users run most. */
const runs: readonly (readonly string[])[] = [
  ["kyverno", "version"],
  ["kyverno", "test", kyverno, suite, "--detailed-results", "--remove-color"],
  ["kyverno", "apply", join(kyverno, "policies.yaml"), "-r", join(kyverno, "objects.yaml")],
  ["kyverno", "apply", join(kyverno, "policies.yaml"), "-r", join(kyverno, "objects.yaml"), "--policy-report"],
  ["gator", "verify", join(examples, "mutation/tests")],
  ...["repos", "registries", "unique-hosts"].map((name) => ["gator", "test", "-f", join(examples, name)]),
  ["test", join(examples, "repos"), join(examples, "registries"), kyverno],
  ["apply", join(examples, "kyverno"), join(examples, "repos")],
  ["lint", examples],
];

async function main(folder: string): Promise<void> {
  // V8 takes code only under the flags under which it was made, and commands set theirs once they are loaded.
  const { setFlagsFromString } = v8;
  setFlagsFromString(loadingFlag);
  v8.setFlagsFromString = () => {};
  // What one command needed is kept while the others run.
  setFlagsFromString("--no-flush-bytecode");
  // Each run listens for errors of standard output.
  process.stdout.setMaxListeners(0);
  const loader = createLoader({ folder, precompiled: false });
  for (const args of runs) {
    process.argv = [process.execPath, join(folder, "main.mjs"), ...args];
    loader.forget();
    // oxlint-disable-next-line no-await-in-loop -- one after the other, in one process
    await (loader.load(cli) as { readonly ended: Promise<void> }).ended;
  }
  setFlagsFromString("--flush-bytecode");
  mkdirSync(join(folder, codeFolder), { recursive: true });
  for (const [name, script] of loader.scripts)
    writeFileSync(join(folder, codeFolder, `${name}.code`), script.createCachedData());
  process.exitCode = 0;
}

await main(resolve(process.argv[2] ?? "build/bundle"));
