// Builds what is published: tsc emits every package at once into build/js, then each library becomes a folder in build/npm
// whose manifest points at dist instead of src, and npm packs that folder. The product is packed from its bundle, which
// has its dependencies inside and so starts faster and needs no unpublished package. Run: `npm run pack`.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
  readonly imports?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
}

const built = (path: string): string => path.replace("./src/", "./dist/").replace(/\.ts$/, ".js");

function published(manifest: Manifest): Record<string, unknown> {
  const entry = ([name, path]: [string, string]): [string, unknown] =>
    path.endsWith(".ts")
      ? [name, { types: built(path).replace(/\.js$/, ".d.ts"), default: built(path) }]
      : [name, path];
  return {
    ...manifest,
    files: ["dist"],
    ...(manifest.imports && {
      imports: Object.fromEntries(Object.entries(manifest.imports).map(([k, v]) => [k, built(v)])),
    }),
    exports: Object.fromEntries(Object.entries(manifest.exports ?? {}).map(entry)),
    ...(manifest.bin && { bin: Object.fromEntries(Object.entries(manifest.bin).map(([k, v]) => [k, built(v)])) }),
  };
}

const product = "portcullis";

rmSync("build", { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit" });
for (const folder of readdirSync("packages")) {
  const manifest = JSON.parse(readFileSync(`packages/${folder}/package.json`, "utf8")) as Manifest;
  if (manifest.private === true || folder === product) continue;
  const target = `build/npm/${folder}`;
  mkdirSync(target, { recursive: true });
  cpSync(`build/js/${folder}/src`, `${target}/dist`, { recursive: true });
  writeFileSync(`${target}/package.json`, `${JSON.stringify(published(manifest), null, 2)}\n`);
  pack(target, `packages/${folder}/README.md`);
}
execFileSync("rolldown", ["-c", "rolldown.config.ts"], { stdio: "inherit" });
cpSync("examples", "build/bundle/examples", { recursive: true });
pack("build/bundle", "README.md");

function pack(target: string, readme: string): void {
  cpSync(existsSync(readme) ? readme : "README.md", `${target}/README.md`);
  cpSync("LICENSE", `${target}/LICENSE`);
  execFileSync("npm", ["pack", "--silent", "--pack-destination", "build/npm", `./${target}`], { stdio: "inherit" });
}
