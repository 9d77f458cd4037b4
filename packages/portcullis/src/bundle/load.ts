// How the bundle's chunks are loaded. V8 parses a function when it is first called; a command that ends after a third of a
// second spends a sixth of its time on that. So the bundle brings, beside each chunk, the code that V8 made of it while
// commands ran on examples (scripts/precompile.ts). V8 takes such code only if its version and its flags are those that
// made it; otherwise the chunk is compiled as usual, and so it is where the bundle runs on another Node. Commands
// therefore import their modules before they set V8's flags.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Script, constants } from "node:vm";

export interface Loader {
  /** What a chunk exports (`./cli.cjs`), or a module of Node. Chunks are evaluated once. */
  load(name: string): unknown;
  /** Evaluates all chunks anew when they are loaded next. */
  forget(): void;
  /** The chunks that were compiled, by name. */
  readonly scripts: ReadonlyMap<string, Script>;
}

export interface LoaderOptions {
  /** The bundle's folder. */
  readonly folder: string;
  /** Whether code that was made before is used. */
  readonly precompiled: boolean;
}

/**
 * Set before anything is loaded: the young generation would grow meanwhile, and every command that tunes V8 sets this.
 */
export const loadingFlag = "--semi-space-growth-factor=1";

type Evaluate = (
  exports: unknown,
  require: (name: string) => unknown,
  module: { exports: unknown },
  file: string,
  folder: string,
) => void;

/**
 * Where the code for this Node lies in the bundle.
 * @internal
 */
export const codeFolder = `code-${process.versions.v8}-${process.arch}`;

/** `load` throws what Node throws for a file that is not there or does not parse. */
export function createLoader({ folder, precompiled }: LoaderOptions): Loader {
  const outside = createRequire(join(folder, "package.json"));
  const scripts = new Map<string, Script>();
  const modules = new Map<string, { exports: unknown }>();
  const compile = (name: string): Script => {
    const known = scripts.get(name);
    if (known !== undefined) return known;
    const filename = join(folder, name);
    const text = readFileSync(filename, "utf8").replace(/^#!.*/, "");
    const source = `(function (exports, require, module, __filename, __dirname) {${text}\n})`;
    const cachedData = precompiled ? codeOf(folder, name) : undefined;
    const script = new Script(source, {
      filename,
      ...(cachedData !== undefined && { cachedData }),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    scripts.set(name, script);
    return script;
  };
  const load = (name: string): unknown => {
    if (!name.startsWith("./")) return outside(name) as unknown;
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(name, module);
    const evaluate = compile(name).runInThisContext() as Evaluate;
    evaluate(module.exports, load, module, join(folder, name), folder);
    return module.exports;
  };
  return { load, forget: () => modules.clear(), scripts };
}

function codeOf(folder: string, name: string): Buffer | undefined {
  try {
    return readFileSync(join(folder, codeFolder, `${name}.code`));
  } catch {
    return undefined;
  }
}
