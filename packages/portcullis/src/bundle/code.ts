// The code that V8 makes of the bundle's scripts, kept from run to run. V8 parses a function and makes bytecode of it when
// it is first called; a command that ends after a third of a second spends a quarter of its time on that. So the first run
// of a command writes what V8 has made of each script to a file in the user's cache folder, and later runs begin with it.
//
// V8 takes such code only if its version and its flags are those that made it. What it does not check is checked here: that
// the scripts are the same, that the file is whole, and that nobody else could have written it, since V8 trusts it. Where
// anything is not as it should be, scripts are compiled as usual, and the file is written anew at the end; so it is when a
// run has made a good deal more code than the one before. A folder that cannot be written is no error.
//
// The file: the length of its head and the checksum of all that follows, 4 bytes each, the head as JSON, the code of each
// script; each part begins at a multiple of 8 bytes, where V8 uses it without a copy.

import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { getHeapCodeStatistics } from "node:v8";
import { Script, constants } from "node:vm";
import { crc32 } from "node:zlib";

export interface RunOptions {
  /** Where the scripts are. */
  readonly folder: string;
  /** The first one: `./cli.cjs`. */
  readonly entry: string;
  /** The file with their code. */
  readonly code: string;
}

/** Runs a script and those that it requires. Throws what they throw. */
export function runWithCode({ folder, entry, code }: RunOptions): void {
  const scripts: Scripts = { kept: readCode(code), compiled: new Map(), isStale: false };
  process.on("exit", () => {
    const { made } = scripts.kept;
    if (scripts.isStale || bytecodeSize() > made * growthWorthWriting) writeCode(code, scripts);
  });
  createLoader(folder, scripts)(entry);
}

/** The user's cache folder, or Node's own when it is given; null when nothing is to be kept. */
export function codeFolder(environment: NodeJS.ProcessEnv): string | null {
  const { NODE_DISABLE_COMPILE_CACHE: disabled, NODE_COMPILE_CACHE: given = "" } = environment;
  if (disabled !== undefined) return null;
  if (given !== "") return given;
  const caches = {
    win32: environment["LOCALAPPDATA"],
    darwin: join(homedir(), "Library/Caches"),
  } as Readonly<Record<string, string | undefined>>;
  return join(environment["XDG_CACHE_HOME"] || (caches[process.platform] ?? join(homedir(), ".cache")), "portcullis");
}

// ── scripts

interface Scripts {
  readonly kept: KeptCode;
  readonly compiled: Map<string, Compiled>;
  /** Whether a script had no code that V8 took. */
  isStale: boolean;
}

interface Compiled {
  readonly script: Script;
  /** Of its text. */
  readonly checksum: number;
}

type Evaluate = (
  exports: unknown,
  require: (name: string) => unknown,
  module: { exports: unknown },
  file: string,
  folder: string,
) => void;

/** `require` for scripts of a folder, each evaluated once, and for Node's modules. */
function createLoader(folder: string, scripts: Scripts): (name: string) => unknown {
  const outside = createRequire(join(folder, "package.json"));
  const modules = new Map<string, { exports: unknown }>();
  const load = (name: string): unknown => {
    if (!name.startsWith("./")) return outside(name) as unknown;
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(name, module);
    const evaluate = compile(folder, name, scripts).runInThisContext() as Evaluate;
    evaluate(module.exports, load, module, join(folder, name), folder);
    return module.exports;
  };
  return load;
}

function compile(folder: string, name: string, scripts: Scripts): Script {
  const filename = join(folder, name);
  const bytes = readFileSync(filename);
  const checksum = crc32(bytes);
  const kept = scripts.kept.code.get(name);
  const cachedData = kept?.checksum === checksum ? kept.code : undefined;
  // The bundle is written in ASCII (rolldown.config.ts).
  const text = bytes.toString("latin1").replace(/^#!.*/, "");
  const source = `(function (exports, require, module, __filename, __dirname) {${text}\n})`;
  const script = new Script(source, {
    filename,
    ...(cachedData !== undefined && { cachedData }),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  if (cachedData === undefined || script.cachedDataRejected === true) scripts.isStale = true;
  scripts.compiled.set(name, { script, checksum });
  return script;
}

// ── the file

interface KeptCode {
  readonly code: ReadonlyMap<string, { readonly checksum: number; readonly code: Buffer }>;
  /** How much bytecode the run had made that wrote it, in bytes. */
  readonly made: number;
}

interface Head {
  readonly made: number;
  readonly scripts: readonly { readonly name: string; readonly checksum: number; readonly size: number }[];
}

const nothing: KeptCode = { code: new Map(), made: Number.POSITIVE_INFINITY };

/** To write takes about a twentieth of a run. */
const growthWorthWriting = 1.1;

function bytecodeSize(): number {
  return getHeapCodeStatistics().bytecode_and_metadata_size;
}

const prefix = 8;

function readCode(file: string): KeptCode {
  try {
    const bytes = readOwn(file);
    if (bytes === null || crc32(bytes.subarray(prefix)) !== bytes.readUInt32LE(4)) return nothing;
    let at = bytes.readUInt32LE(0);
    const { made, scripts } = JSON.parse(bytes.toString("utf8", prefix, at)) as Head;
    const code = new Map<string, { readonly checksum: number; readonly code: Buffer }>();
    for (const { name, checksum, size } of scripts) {
      code.set(name, { checksum, code: bytes.subarray(at, at + size) });
      at += padded(size);
    }
    return { code, made };
  } catch {
    return nothing;
  }
}

/** A file of this user that no other may write; null for any other. */
function readOwn(file: string): Buffer | null {
  const opened = openSync(file, "r");
  try {
    const { uid, mode, size } = fstatSync(opened);
    const isOwn = process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
    return isOwn && size > prefix ? readFileSync(opened) : null;
  } finally {
    closeSync(opened);
  }
}

function writeCode(file: string, { compiled }: Scripts): void {
  const parts = [...compiled].map(([name, { script, checksum }]) => ({
    name,
    checksum,
    code: script.createCachedData(),
  }));
  const head: Head = {
    made: bytecodeSize(),
    scripts: parts.map(({ name, checksum, code }) => ({ name, checksum, size: code.length })),
  };
  const headBytes = Buffer.from(JSON.stringify(head).padEnd(padded(JSON.stringify(head).length)));
  const body = Buffer.concat([
    headBytes,
    ...parts.flatMap(({ code }) => [code, Buffer.alloc(padded(code.length) - code.length)]),
  ]);
  const lead = Buffer.alloc(prefix);
  lead.writeUInt32LE(prefix + headBytes.length, 0);
  lead.writeUInt32LE(crc32(body), 4);
  const written = `${file}.${process.pid}`;
  try {
    makeFolder(dirname(file));
    writeFileSync(written, Buffer.concat([lead, body]), { mode: 0o600, flag: "wx" });
    renameSync(written, file);
  } catch {
    discard(written);
  }
}

/** Makes a folder and the one that it is in. Node's way to make all that are missing never ends below /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  if (!existsSync(dirname(folder))) mkdirSync(dirname(folder), { mode: 0o700 });
  mkdirSync(folder, { mode: 0o700 });
}

function discard(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // It was never made.
  }
}

function padded(size: number): number {
  return Math.ceil(size / 8) * 8;
}
