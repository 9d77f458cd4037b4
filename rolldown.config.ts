// What users install: the command line and its evaluator thread, each dependency inside, as one folder that is an npm
// package of its own. It starts several times faster than the tree, which has hundreds of modules. Run: `npm run bundle`.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Plugin, defineConfig } from "rolldown";

const source = "packages/portcullis/src";

export default defineConfig({
  input: { main: `${source}/cli/main.ts`, worker: `${source}/app/worker.ts` },
  platform: "node",
  output: {
    dir: "build/bundle",
    format: "esm",
    minify: true,
    // V8 keeps a text in ASCII in one byte for each character, and reads it faster.
    charset: "ascii",
    cleanDir: true,
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs",
  },
  plugins: [packageFiles()],
});

/** The manifest, without dependencies because they are inside, and the licences of what is inside. */
function packageFiles(): Plugin {
  return {
    name: "package-files",
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
      const folders = new Set(modules.flatMap((id) => packageFolder(id) ?? []));
      this.emitFile({ type: "asset", fileName: "package.json", source: manifest() });
      const licences = [...folders].toSorted().map(licence).join("\n");
      this.emitFile({ type: "asset", fileName: "THIRD-PARTY-LICENSES.txt", source: licences });
    },
  };
}

function manifest(): string {
  const { name, version, license, type, engines, description } = readManifest("packages/portcullis");
  const bin = { portcullis: "./main.mjs" };
  const imports = { "#worker": "./worker.mjs" };
  return `${JSON.stringify({ name, version, description, license, type, bin, imports, engines }, null, 2)}\n`;
}

/** The folder of the installed package that a module belongs to; null for our own. */
function packageFolder(module: string): string | null {
  const match = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(module);
  return match?.[1] ?? null;
}

function licence(folder: string): string {
  const { name, version, license } = readManifest(folder);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? `Licence: ${String(license)}` : readFileSync(join(folder, file), "utf8").trim();
  return `${String(name)} ${String(version)}\n\n${text}\n\n${"-".repeat(80)}\n`;
}

function readManifest(folder: string): Readonly<Record<string, unknown>> {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return readManifest(dirname(folder));
  return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
}
